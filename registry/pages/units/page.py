"""What a unit's page shows: key figures, trend, the units below it. What moves is in ``unit_events``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

from django.db.models import Case, IntegerField, Q, Value, When
from django.db.models import Count as Counted
from django.http import HttpRequest

from registry import access
from registry.counting import series
from registry.counting.basis import Question
from registry.counting.metrics import CHARTED, METRICS, OrganizationMetric
from registry.counting.reconciliation import Verdict, figures_within, reconcile
from registry.counting.rollup import Line, Rollup, count_units, rollup
from registry.models import Basis, Figure, Unit
from registry.models.hierarchy import Span
from registry.models.prepared import Values, read_rows
from registry.pages.units.events import RECENT_DAYS, WEEK_DAYS
from registry.pages.units.recent import week_url
from registry.reports.tables import ListedFigure
from registry.web import charts
from registry.web.address import Address
from registry.web.links import RowLinks
from registry.web.periods import Period

RECENTLY = timedelta(days=RECENT_DAYS - 1)
"""From the first of the recent days to the page's day."""
FIGURES_COMPARED = 10


@dataclass(frozen=True)
class Count:
    """A number with its rows, and what is unapproved beside it."""

    value: int
    url: str = ""
    label: str = ""
    measure: str = ""
    pending: int = 0
    pending_url: str = ""
    share: str = ""


@dataclass(frozen=True)
class KeyFigure:
    """One key figure: a count, its change over seven days, and the counts it is made of."""

    count: Count
    delta: int | None
    parts: list[Count] = field(default_factory=list)
    """Those that are not zero."""
    course: Sequence[int] = ()
    """The number on each of thirty days, where it moved."""
    delta_url: str = ""
    """What changed, if that is organizations."""


_KEY_FIGURES: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "temporary_party_orgs",
        (
            "temporary_committees",
            "temporary_general_branches",
            "temporary_branches",
            "temporary_joint_branches",
        ),
    ),
    ("temporary_groups", ("standing_party_orgs",)),
    ("pioneer_posts", ()),
    ("pioneer_and_commando_teams", ("pioneer_teams", "commando_teams", "team_members")),
    (
        "frontline_people",
        (
            "frontline_party_members",
            "frontline_auxiliaries",
            "frontline_reinforcements",
            "frontline_assignments",
        ),
    ),
    ("task_forces", ("work_groups", "leading_groups")),
)

KEY_FIGURES = tuple(slug for slug, _parts in _KEY_FIGURES)
"""The metrics on top where nobody chose others."""

_SHORT = {
    "temporary_committees": "党委",
    "temporary_general_branches": "党总支",
    "temporary_branches": "党支部",
    "temporary_joint_branches": "联合党支部",
    "pioneer_posts": "先锋岗",
    "pioneer_teams": "先锋队",
    "pioneer_and_commando_teams": "先锋队、突击队",
    "team_members": "队员",
    "frontline_party_members": "党员",
    "frontline_auxiliaries": "辅警",
    "frontline_reinforcements": "机关下沉",
    "frontline_assignments": "编入",
}


def charted_of(request: HttpRequest) -> str:
    """Return the metric of the trend, which the address names by ``chart``."""
    asked = request.GET.get("chart", "")
    return asked if asked in CHARTED else CHARTED[0]


def short_label(slug: str) -> str:
    """Return what a metric is called where there is little room."""
    return _SHORT.get(slug) or str(METRICS[slug].label)


def percent(part: int, whole: int) -> str:
    """Return a share in words, nothing when there is no whole."""
    return f"{100 * part / whole:.1f}%" if whole else ""


def counted(
    links: RowLinks, unit: Unit, line: Line, slug: str, *, own: bool = False, link: bool = True
) -> Count:
    """Return a line's number for ``slug``, linked to its rows at ``unit``."""
    pending = line.pending[slug]
    return Count(
        line.counts[slug],
        links.url(unit, slug, own=own) if link and line.counts[slug] else "",
        short_label(slug),
        METRICS[slug].measure,
        pending,
        links.url(unit, slug, own=own, pending=True) if pending and link else "",
    )


def key_figures(address: Address, counts: Rollup, course: Course, chosen: Sequence[str]) -> list[KeyFigure]:
    """Return the ``chosen`` key figures, with the change since the same count seven days before.

    There is none where a period is asked.
    """
    total, links, before = counts.total, RowLinks(address), course.before
    if more := [METRICS[slug] for slug in chosen if slug not in total.counts]:  # those that users made
        made = rollup(counts.unit, counts.question, children=False, metrics=more).total
        total = Line({**total.counts, **made.counts}, {**total.pending, **made.pending})
    found = []
    for slug, parts in [(slug, dict(_KEY_FIGURES).get(slug, ())) for slug in chosen]:
        below = [counted(links, counts.unit, total, part) for part in parts]
        if slug == "frontline_people":
            below[0] = replace(below[0], share=percent(below[0].value, total.counts[slug]))
        count = replace(counted(links, counts.unit, total, slug), label=str(METRICS[slug].label))
        delta = total.counts[slug] - before[slug] if slug in before else None
        shown = [part for part in below if part.value or part.pending]
        is_listed = bool(delta) and isinstance(METRICS[slug], OrganizationMetric)
        url = week_url(address, counts.unit, slug) if is_listed else ""
        found.append(KeyFigure(count, delta, shown, course.moved(slug), url))
    return found


# --- The units below ------------------------------------------------------------------------------

COLUMNS = (
    "temporary_party_orgs",
    "temporary_groups",
    "pioneer_posts",
    "pioneer_and_commando_teams",
    "team_members",
    "frontline_people",
    "frontline_auxiliaries",
)
SHARE_AFTER = "frontline_people"
"""After this column stands the share of Party members."""
SHARE_AFTER_COLUMN = COLUMNS.index(SHARE_AFTER)


@dataclass(frozen=True)
class Row:
    """One line of the table: a unit below, the unit itself, or the total."""

    name: str
    """What the line is called, if not as the unit."""
    unit: Unit
    counts: list[Count]
    members: Count
    url: str = ""
    """The unit's page, where the user may open it."""
    is_open: bool = True
    week: int | None = None
    """By how much the first number changed within seven days; None: that is not known."""
    week_url: str = ""
    course: Sequence[int] = ()
    """The first number on each of thirty days."""

    @property
    def share(self) -> float:
        """The share of Party members among the people, for sorting."""
        people = self.counts[SHARE_AFTER_COLUMN].value
        return self.members.value / people if people else -1.0


@dataclass(frozen=True)
class UnitsBelow:
    """The units below, sorted, with the row of the unit itself and the total."""

    rows: list[Row]
    own: Row
    total: Row
    sort: str


def below(address: Address, counts: Rollup, scope: list[Span], sort: str) -> UnitsBelow:
    """Return the lines; units outside ``scope`` (they left it since the day) are named without links."""
    unit, day, links = counts.unit, counts.question.as_of, RowLinks(address)
    courses = _courses(counts)
    changed = week_url(address, unit, COLUMNS[0])

    def row(of: Unit, line: Line, *, name: str = "", own: bool = False, link: bool = True) -> Row:
        cells = [counted(links, of, line, slug, own=own, link=link) for slug in COLUMNS]
        members = counted(links, of, line, "frontline_party_members", own=own, link=link)
        people = line.counts[SHARE_AFTER]
        numbers = courses.get(0 if own else of.pk, [])
        return Row(
            name,
            of,
            cells,
            replace(members, share=percent(members.value, people)),
            links.page(of) if link else "",
            of.is_open_on(day),
            numbers[-1] - numbers[-1 - WEEK_DAYS] if numbers else None,
            changed.replace(f"/{unit.code}/", f"/{of.code}/") + "&own=1" * own if link else "",
            numbers,
        )

    rows = [row(line.unit, line, link=access.inside(line.unit, scope)) for line in counts.children]
    key, is_down = sort.removeprefix("-"), sort.startswith("-")
    value = _SORTS.get(key)
    if value is not None:
        rows.sort(key=value, reverse=is_down)
    elif key in COLUMNS:
        rows.sort(key=lambda each: each.counts[COLUMNS.index(key)].value, reverse=is_down)
    else:
        sort = "-name" if sort == "-name" else "name"
        rows.sort(key=lambda each: each.unit.order_key, reverse=sort == "-name")
    own, total = row(unit, counts.own, name="本单位", own=True), row(unit, counts.total, name="合计")
    return UnitsBelow(rows, own, total, sort)


_SORTS: dict[str, Callable[[Row], float]] = {
    "week": lambda row: row.week or 0,
    "pending": lambda row: row.counts[0].pending,
    "share": lambda row: row.share,
}
"""What the lines are sorted by beside their numbers."""


def _courses(counts: Rollup) -> dict[int, list[int]]:
    """Return the first number of each line on each of thirty days, by the unit's id; 0: the unit alone.

    Two queries, however many lines. Of a period nothing is returned.
    """
    question, unit = counts.question, counts.unit
    if question.is_period:
        return {}
    metric, since = METRICS[COLUMNS[0]], question.as_of - RECENTLY
    shown = [unit, *(line.unit for line in counts.children)]
    read = series.series_of(shown, metric, since, question.as_of, question)
    alone = {0: [Span(unit.tree_id, unit.lft, unit.lft)]}
    return series.from_rows(metric, alone, since, question.as_of, question) | {
        pk: [number for _day, number in course] for pk, course in read.items()
    }


# --- Reported figures and the trend ---------------------------------------------------------------


_COUNTABLE = Q(is_comparable=True, organization__isnull=True, number__isnull=False)


@dataclass(frozen=True)
class Reported:
    """What is reported of a unit and below it, beside the counts: how much of it agrees, and the lines."""

    number: int
    """How many figures there are."""
    agreeing: list[ListedFigure]
    differing: list[ListedFigure]
    figures: list[Figure]
    """The figures compared, the unit's own first."""
    is_cut: bool
    """Whether more could be compared."""

    @property
    def number_only(self) -> int:
        """How many are reported only."""
        return self.number - len(self.agreeing) - len(self.differing)

    @property
    def shown(self) -> list[ListedFigure]:
        """Those that differ; where none does, what agrees."""
        return self.differing or self.agreeing


def reported(address: Address, unit: Unit) -> Reported:
    """Compare what is reported of ``unit`` and below, the unit's own first, as many as fit on the page."""
    rows = figures_within(unit)
    found = read_rows(_numbers_reported, [unit.tree_id, unit.lft, unit.rght])
    every, number = found[0] if found else (0, 0)
    figures: list[Figure] = []
    if number:
        nearest = Case(When(unit_id=unit.pk, then=Value(0)), default=Value(1), output_field=IntegerField())
        figures = list(
            rows.filter(_COUNTABLE & _counted_here()).order_by(nearest, "source__number", "code")[
                :FIGURES_COMPARED
            ]
        )
    compared = [ListedFigure(address, each) for each in reconcile(figures, address.question.scope)]
    agreeing, differing = (
        [each for each in compared if each.comparison.verdict == verdict]
        for verdict in (Verdict.AGREES, Verdict.DIFFERS)
    )
    return Reported(every, agreeing, differing, figures, number > len(figures))


def _counted_here() -> Q:
    """Return the condition that a figure is of what the registry counts: what users made has a dot."""
    return Q(metric__in=tuple(METRICS)) | Q(metric__contains=".")


def _numbers_reported(values: Values) -> Any:
    """Return how many figures are reported within an interval, and how many of them can be compared."""
    tree_id, lft, rght = values
    rows = figures_within(Unit(tree_id=tree_id, lft=lft, rght=rght)).order_by()
    countable = Counted("pk", filter=_COUNTABLE & _counted_here())
    numbers = rows.values(one=Value(1)).annotate(every=Counted("pk"), countable=countable)
    return numbers.values_list("every", "countable")


@dataclass(frozen=True)
class Course:
    """The charted metric of the page's unit for each day, and the key figures of a week before."""

    lines: dict[str, series.Course]
    """By basis."""
    before: dict[str, int]
    """By metric; empty where a period is asked, which has no day before."""
    recent: dict[str, list[int]] = field(default_factory=dict)
    """The thirty days up to the page's by metric, as far as they are known."""

    def moved(self, slug: str) -> list[int]:
        """Return the number of a metric on each of the thirty days, nothing where it stayed the same."""
        numbers = self.recent.get(slug, [])
        return numbers if len(set(numbers)) > 1 else []


def first_day(question: Question, period: Period) -> date:
    """Return the earliest day whose tree the page needs, beside a period's."""
    return min(period.since, question.as_of - RECENTLY)


def course(unit: Unit, question: Question, charted: str, period: Period, chosen: Sequence[str]) -> Course:
    """Return the days of the metric charted, and what is needed for the change over a week: one query."""
    week, bases = question.as_of - timedelta(days=WEEK_DAYS), (Basis.CURRENT.value, Basis.CUMULATIVE.value)
    since, until = first_day(question, period), max(period.until, question.as_of)
    of_one = [METRICS[charted]]
    if question.is_period:
        found = series.courses(unit, of_one, period.since, period.until, question, bases)
        return Course({basis: found[basis, charted] for basis in bases}, {})
    if not series.can_read(unit, question, since, until):
        # Counted from the rows: one metric by its days, the others once.
        found = series.courses(unit, of_one, period.since, period.until, question, bases)
        line = count_units([unit], question.on(week))[unit.pk]
        return Course({basis: found[basis, charted] for basis in bases}, line.counts)
    slugs = dict.fromkeys([charted, *chosen])
    found = series.courses(unit, [METRICS[slug] for slug in slugs], since, until, question, bases)
    first, after = (period.since - since).days, (period.until - since).days + 1
    lines = {basis: found[basis, charted][first:after] for basis in bases}
    first, after = (question.as_of - RECENTLY - since).days, (question.as_of - since).days + 1
    recent = {slug: [each for _day, each in found[question.basis, slug][first:after]] for slug in slugs}
    return Course(lines, {slug: numbers[-1 - WEEK_DAYS] for slug, numbers in recent.items()}, recent)


def trend(
    unit: Unit, slug: str, known: Course, period: Period, reported: Reported | None = None
) -> charts.Chart:
    """Return a metric's trend over the period: current, cumulative, and what was reported.

    The figures are those ``reported``, where these are all.
    """
    lines = [
        charts.Line("现有", known.lines[Basis.CURRENT.value], tone="red", filled=True),
        charts.Line("累计", known.lines[Basis.CUMULATIVE.value], tone="thin"),
    ]
    if reported is None or reported.is_cut:
        figures = list(
            Figure.objects.valid().filter(_COUNTABLE, unit=unit, metric=slug).select_related("source")
        )
    else:
        figures = [each for each in reported.figures if each.unit_id == unit.pk and each.metric == slug]
    marks = _marks(figures, period.since, period.until)
    return charts.day_chart(
        lines, marks, title=f"{METRICS[slug].label}逐日数", head="日期", height=charts.LOW
    )


def _marks(figures: Iterable[Figure], since: date, until: date) -> list[charts.Mark]:
    """Return the figures of these days as marks, one for each number and day."""
    made: dict[tuple[date, int], charts.Mark] = {}
    for figure in sorted(figures, key=lambda each: each.code):
        day, number = figure.day, figure.number
        if day is not None and number is not None and since <= day <= until:
            label = f"报道 {number}"
            title = f"{figure.get_basis_display()}{label}:{figure.source.title}"
            made.setdefault((day, number), charts.Mark(day, number, label, title))
    return list(made.values())
