"""Rules of sources (来源) and of the figures that they report (报道数)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date

from registry.models import Figure, Source
from registry.models.hierarchy import Span, is_inside
from registry.rules.findings import Finding, Wrong, for_each, in_future, warning


@for_each
def source_refusals(source: Source) -> Wrong:
    """Check the days of a source as it would be."""
    yield from in_future("published_on", source.published_on)
    yield from _bounds(source.earliest, source.latest)
    first, day, last = source.earliest, source.published_on, source.latest
    if day is not None and ((first is not None and day < first) or (last is not None and day > last)):
        yield (
            "day_within_bounds",
            "published_on",
            "发布日期须在“最早”和“最晚”之间;知道发布日期的,后两项可以不填。",
        )


@for_each
def figure_refusals(figure: Figure) -> Wrong:
    """Check a figure as it would be."""
    if figure.source.is_withdrawn:
        yield "source_valid", "", f"来源“{figure.source.title}”已撤回,请先恢复它。"
    yield from in_future("as_of", figure.as_of)
    yield from _bounds(figure.earliest, figure.latest)
    if figure.number is not None and figure.number < 0:
        yield "number_not_negative", "number", "数值不能是负数。"


@for_each
def place_refusals(figure: Figure) -> Wrong:
    """Check the unit of a figure: a source speaks of the unit where it was entered, and of those below."""
    unit, entered = figure.unit, figure.source.unit
    if (
        unit is not None
        and entered is not None
        and not is_inside([Span(entered.tree_id, entered.lft, entered.rght)], unit)
    ):
        message = f"“{unit.name}”不在登记单位“{entered.name}”及其下级之内,请换一个单位,或由上级登记来源。"
        yield "unit_of_source", "unit", message


def figure_warnings(figures: Sequence[Figure], counted: Collection[str]) -> Iterator[Finding]:
    """Warn of figures that will not be compared with a count though they could be, and of repeated ones.

    ``counted`` are the metrics that the registry counts.
    """
    known = _there(figures)
    for figure in figures:
        if figure.metric in counted and figure.is_comparable:
            missing = [word for word, is_missing in _missing(figure) if is_missing]
            if missing:
                message = f"没有{'、'.join(missing)},只列报道数,不与登记数核对。"
                yield warning("comparable", figure, "is_comparable", message)
        if any(_same(figure, other) for other in known):
            message = f"本来源已有“{figure.label}”同一单位、同一日期的报道数。"
            yield warning("reported_once", figure, "metric", message)


def _missing(figure: Figure) -> Iterable[tuple[str, bool]]:
    return (
        ("数值", figure.number is None),
        ("单位", figure.unit is None),
        ("日期", figure.day is None),
    )


def _there(figures: Sequence[Figure]) -> list[Figure]:
    sources = {figure.source.pk for figure in figures}
    return list(Figure.objects.valid().filter(source__in=sources))


def _same(one: Figure, other: Figure) -> bool:
    def about(figure: Figure) -> tuple[object, ...]:
        where = figure.unit_id, figure.organization_id, figure.basis
        return figure.source_id, figure.metric, figure.label, *where, figure.day

    return one.pk != other.pk and about(one) == about(other)


def _bounds(earliest: date | None, latest: date | None) -> Wrong:
    yield from in_future("earliest", earliest)
    yield from in_future("latest", latest)
    if earliest is not None and latest is not None and latest < earliest:
        yield "bounds_in_order", "latest", "“最晚”不能早于“最早”。"
