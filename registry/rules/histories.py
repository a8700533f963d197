"""Rules of rows that come in with their past: where they stood, or what they were, until when."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from registry.rules.findings import Wrong, for_each, in_future


@dataclass(frozen=True, eq=False, slots=True)
class History:
    """What a row was since when, the earliest first (None: always), and when it ended.

    ``what`` says in Chinese of what the history is: the superior, the host, the political status.
    """

    what: str
    spells: Sequence[tuple[Hashable, date | None]]
    ended_on: date | None = None


@for_each
def refusals(proposal: History) -> Wrong:
    """Check that a history is in order and within the life of its row."""
    what, end = proposal.what, proposal.ended_on
    days = [day for _, day in proposal.spells if day is not None]
    if days != sorted(set(days)):
        yield "history_in_order", "", f"{what}的变更日期须晚于开始,并依次在后。"
    if any(before == after for (before, _), (after, _) in pairwise(proposal.spells)):
        yield "history_changes", "", f"变更前后的{what}相同。"
    for day in (*days[-1:], end):
        yield from in_future("", day)
    if end is not None and days and days[-1] > end:
        yield "ends_after_start", "", "结束日期不能早于开始日期。"
    if end is not None and len(proposal.spells) > 1 and days[-1] == end:
        yield "history_within_life", "", f"{what}的变更日期须早于撤销。"
