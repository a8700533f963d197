"""Words for the metrics of figures in the record, and the number that a reported value says."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from registry.counting.metrics import METRICS
from registry.nouns.verbs import RecordWord

ONLY_REPORTED = "只作登记(系统不统计)"
"""The metric of what the registry does not count, in words."""

_NUMBER = re.compile(r"(?:约|近|超过|超|逾)?(\d[\d,,]*(?:\.\d+)?)(万?)(?:余|多)?(万?)\D*")


class _MetricWords(Mapping[str, str]):
    """The label of each metric; any other name is only reported."""

    def __getitem__(self, slug: str) -> str:
        return METRICS[slug].label if slug in METRICS else ONLY_REPORTED

    def __iter__(self) -> Iterator[str]:
        return iter(METRICS)

    def __len__(self) -> int:
        return len(METRICS)


WORDS = {"metric": RecordWord("指标", _MetricWords())}


def number_in(text: str) -> int | None:
    """Return the number that a reported value says: 3000余 is 3000, 约10万 is 100000; None if it is none."""
    found = _NUMBER.fullmatch("".join(text.split()))
    if found is None:
        return None
    number = float(re.sub("[,,]", "", found[1])) * (10_000 if found[2] or found[3] else 1)
    return int(number) if number == int(number) else None
