"""From what is counted to what is shown: amounts that are kept in fen, and averages, which are divided last.

An average of a unit is the sum of all below it by their number, never a sum or an average of averages.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from decimal import Decimal

from registry.counting.metric import Metric

Number = int | Decimal
"""A whole number; of an amount or an average with decimals where it has any."""


def counted_for(metrics: Collection[Metric]) -> Collection[Metric]:
    """Return what is counted to show the metrics: of an average what is divided, and by what."""
    if not any(metric.ratio for metric in metrics):
        return metrics
    found = {part.slug: part for metric in metrics for part in metric.ratio or (metric,)}
    return tuple(found.values())


def is_plain(metrics: Collection[Metric]) -> bool:
    """Whether what is counted of the metrics is shown as it is."""
    return all(metric.ratio is None and metric.scale == 1 for metric in metrics)


def shown(metric: Metric, counts: Mapping[str, int]) -> Number:
    """Return the number of a metric of the counts of ``counted_for``."""
    if metric.ratio is None:
        return scaled(metric, counts[metric.slug])
    total, number = (counts[part.slug] for part in metric.ratio)
    return _tidy(Decimal(total) / number / metric.scale, "0.1") if number else 0


def scaled(metric: Metric, number: int) -> Number:
    """Return what is kept of a metric as it is shown."""
    return number if metric.scale == 1 else amount(number, metric.scale)


def amount(number: int, scale: int) -> Number:
    """Return an amount that is kept in parts: whole where it is, else with two decimals."""
    return _tidy(Decimal(number) / scale, "0.01")


def _tidy(number: Decimal, to: str) -> Number:
    rounded = number.quantize(Decimal(to), rounding="ROUND_HALF_UP")
    return int(rounded) if rounded == rounded.to_integral_value() else rounded


def shown_counts(metrics: Collection[Metric], counts: Mapping[str, int]) -> dict[str, Number]:
    """Return the numbers of the metrics, in their order."""
    return {metric.slug: shown(metric, counts) for metric in metrics}
