"""What happened at a unit and below it, and what stands at the unit itself."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cache
from typing import Any, NamedTuple

from django.db.models import Count, F, Max, Min, Q, QuerySet

from registry.counting import series
from registry.counting.basis import Question, objects, organization_rows, read, rows_of
from registry.counting.metric import APPROVED
from registry.counting.metrics import (
    OF_ONE_KIND,
    ORGANIZATION_METRICS,
    ORGANIZATIONS,
    OrganizationMetric,
)
from registry.counting.totals import read as totals
from registry.models import (
    Assignment,
    Basis,
    Organization,
    OrganizationKind,
    OrganizationPlacement,
    Unit,
)
from registry.models.base import in_spans
from registry.models.hierarchy import Span, UnitHierarchy, everything, move_days, roots
from registry.models.kinds import LEADING_ROLES, PENDING_STATES, ROLE_ORDER
from registry.models.prepared import Values, read_objects, read_rows
from registry.rules import waiting as rules

RECENT_DAYS, WEEK_DAYS = 30, 7
LARGE = 2_000
"""The width of a large part of the tree: a thousand units."""
TRANSFERS_READ = 500
STANDING_SHOWN = 50


class Act(NamedTuple):
    """Something that happens to organizations: its word, and the basis and field that ask for it."""

    slug: str
    word: str
    basis: str
    field: str


ACTS = (
    Act("founded", "成立", Basis.NEW.value, "established_on"),
    Act("dissolved", "撤销", Basis.ENDED.value, "dissolved_on"),
)
MOVED = "转隶"


class Named(NamedTuple):
    """What is shown of an organization."""

    pk: int
    code: str
    name: str
    is_sample: bool


@dataclass(frozen=True)
class Event:
    """An organization was founded, dissolved or transferred."""

    day: date
    word: str
    organization: Named
    kind: str
    is_temporary: bool
    place: str
    step: int
    """By how much more or fewer organizations stand here since."""

    @property
    def kind_label(self) -> str:
        """The kind in words."""
        return Organization(kind=self.kind, is_temporary=self.is_temporary).kind_label


@dataclass(frozen=True)
class Change:
    """The organizations of one metric to which the same happened on one day."""

    day: date
    word: str
    basis: str
    kind: tuple[str, bool] | None
    """The kind, and whether they are temporary; None: of any kind."""
    number: int
    code: str = ""
    name: str = ""
    """Of one of them."""
    is_sample: bool = False
    ends: tuple[int, int] | None = None
    """The first and the last place of the unit tree where it happened."""
    place: str = ""

    @property
    def metric(self) -> OrganizationMetric | None:
        """The finest metric of the pages that counts them."""
        return metric_of(*self.kind) if self.kind else None


@dataclass
class Day:
    """A day on which something happened, with what it was."""

    day: date
    changes: list[Change] = field(default_factory=list)

    @property
    def numbers(self) -> dict[str, int]:
        """How many organizations by what happened to them."""
        found: dict[str, int] = {}
        for change in self.changes:
            found[change.word] = found.get(change.word, 0) + change.number
        return found

    @property
    def said(self) -> str:
        """The same in words."""
        return " · ".join(f"{word} {number}" for word, number in self.numbers.items())


def period(question: Question, days: int = RECENT_DAYS) -> Question:
    """Return the days of "recently", up to the day asked."""
    return replace(question, basis=Basis.NEW.value, since=question.as_of - timedelta(days=days - 1))


def last_days(question: Question, spans: list[Span]) -> list[Day]:
    """Return what happened inside the intervals in the last thirty days, by day, the newest first."""
    return _by_days(_changes(period(question), spans))


def recent(unit: Unit, question: Question, spans: list[Span], enough: int) -> list[Day]:
    """Return the same of a unit and all below it, whose intervals these are.

    In a large part of the tree, only the last seven days are read when they already have ``enough`` lines.
    """
    if sum(span.hi - span.lo for span in spans) <= LARGE:
        return last_days(question, spans)
    if everything(spans):
        return _of_totals([root.pk for root in roots()], question, spans, enough)
    transfers = _transfers_inside(unit, period(question), spans)
    if transfers is not None:
        return _of_totals([unit.pk], question, spans, enough, transfers)
    lines = _changes(period(question, WEEK_DAYS), spans)
    return _by_days(lines) if len(lines) >= enough else last_days(question, spans)


def _transfers_inside(unit: Unit, asked: Question, spans: list[Span]) -> list[Event] | None:
    """Return the transfers of the period if all are inside the unit, and no unit came to it or left it.

    Then its totals changed only by what was founded and dissolved; else None.
    """
    before = asked.first_day - timedelta(days=1)
    shapes = (UnitHierarchy.on(day) for day in (before, *move_days(before, asked.as_of)))
    if any(shape.spans(unit) != spans for shape in shapes):
        return None
    found = _transfers(asked, spans, TRANSFERS_READ)
    is_known = len(found) < TRANSFERS_READ and all(each.word == MOVED for each in found)
    return found if is_known and series.can_read(unit, asked.current(), before, asked.as_of) else None


def _of_totals(
    units: list[int], question: Question, spans: list[Span], enough: int, inside: list[Event] | None = None
) -> list[Day]:
    """Return the same where how many began and ended follows from the totals of the units.

    Only of the first ``enough`` lines it is read where they were, and one of their organizations.
    """
    begun = totals.begun_and_ended(units, OF_ONE_KIND.values(), period(question))
    days: list[Day] = []
    for recently in (period(question, WEEK_DAYS), period(question)):
        first = recently.first_day
        changes = [
            Change(day, act.word, act.basis, kind, number)
            for act, numbers in zip(ACTS, begun, strict=True)
            for kind, metric in OF_ONE_KIND.items()
            for day, number in numbers[metric.slug].items()
            if day >= first
        ]
        transfers = _transfers(recently, spans, TRANSFERS_READ) if inside is None else inside
        moved = _transferred(each for each in transfers if each.day >= first)
        days = _by_days([*sorted(changes, key=_order), *moved])
        if sum(len(day.changes) for day in days) >= enough:
            break
    shown = [change for day in days for change in day.changes][:enough]
    told: dict[Any, Change] = {}
    for act in ACTS:
        if since := min((change.day for change in shown if change.basis == act.basis), default=None):
            asked = replace(question, basis=act.basis, since=since)
            told |= {(each.day, each.basis, each.kind): each for each in _read(act, asked, spans)}
    for day in days:
        day.changes = [told.get((day.day, each.basis, each.kind), each) for each in day.changes]
    return days


def _changes(recently: Question, spans: list[Span]) -> list[Change]:
    """Return what happened in a period, in no order of days."""
    changes: list[Change] = []
    for act in ACTS:
        changes += _read(act, replace(recently, basis=act.basis), spans)
    return changes + _transferred(_transfers(recently, spans, TRANSFERS_READ))


def _read(act: Act, asked: Question, spans: list[Span]) -> list[Change]:
    """Return what happened in one way, by kind."""
    found = [
        Change(day, act.word, act.basis, (kind, temporary), number, code, name, bool(samples), (lo, hi))
        for day, kind, temporary, number, code, name, samples, lo, hi in read(
            _by_day, asked, spans, act.field
        )
    ]
    return sorted(found, key=_order)


def _by_days(changes: Iterable[Change]) -> list[Day]:
    days: dict[date, Day] = {}
    for change in changes:
        days.setdefault(change.day, Day(change.day)).changes.append(change)
    return [days[day] for day in sorted(days, reverse=True)]


def _by_day(asked: Question, place: list[Span] | None, field: str) -> Any:
    """Return the organizations asked by their day and kind: how many, one of them, where they stand."""
    rows = rows_of(ORGANIZATIONS, asked, place).values_list(field, "kind", "is_temporary")
    return rows.annotate(
        number=Count("pk"),
        one_code=Min("code"),
        one_name=Min("name"),
        samples=Count("pk", filter=Q(is_sample=True)),
        first=Min("host__unit__lft"),
        last=Max("host__unit__lft"),
    )


@cache
def metric_of(kind: str, is_temporary: bool) -> OrganizationMetric | None:
    """Return the finest metric of the pages that counts an organization of this kind."""
    fitting = (each for each in ORGANIZATION_METRICS if not each.parts and each.includes(kind, is_temporary))
    return next(fitting, None)


def _order(change: Change) -> tuple[int, int, int]:
    """Return where the changes of a day stand: by what happened, the metric, the kind."""
    return _PLACE_OF_ACT[change.basis], *(_place_of(*change.kind) if change.kind else (_LAST, _LAST))


_PLACE_OF_ACT = {act.basis: place for place, act in enumerate(ACTS)}
_LAST = 1000


@cache
def _place_of(kind: str, is_temporary: bool) -> tuple[int, int]:
    """Return the places of a kind's metric and of the kind itself."""
    metric = metric_of(kind, is_temporary)
    place = ORGANIZATION_METRICS.index(metric) if metric else _LAST
    return place, OrganizationKind.values.index(kind)


def _transferred(transfers: Iterable[Event]) -> list[Change]:
    """Return one change for the transfers of each day: they are few, so they are read one by one."""
    days: dict[date, list[Event]] = {}
    for event in transfers:
        days.setdefault(event.day, []).append(event)
    return [
        Change(
            day,
            MOVED,
            "",
            None,
            len(found),
            found[0].organization.code,
            found[0].organization.name,
            found[0].organization.is_sample,
            place=found[0].place if len(found) == 1 else "",
        )
        for day, found in days.items()
    ]


def every_event(question: Question, spans: list[Span]) -> list[Event]:
    """Return everything that happened inside the intervals in the period asked, the newest first."""
    events: list[Event] = []
    for act, step in zip(ACTS, (1, -1), strict=True):
        rows = organization_rows(None, replace(question, basis=act.basis), spans).order_by()
        shown = rows.values_list(act.field, *Named._fields, "kind", "is_temporary", F("host__unit__name"))
        events += [
            Event(day, act.word, Named(*named), kind, is_temporary, place, step)
            for day, *named, kind, is_temporary, place in shown
        ]
    events += _transfers(question, spans)
    events.sort(key=lambda event: (event.day, event.organization.pk), reverse=True)
    return events


def _transfers(asked: Question, spans: list[Span], limit: int | None = None) -> list[Event]:
    """Transfers to, from and within the intervals: two placements of one organization that meet on a day.

    Who was founded in the period is counted where it stands at its end, so its transfers change no number.
    """
    found = read(_met, replace(asked, scope=None), spans, limit)

    def holds(tree_id: int, lft: int) -> bool:
        return any(span.tree_id == tree_id and span.lo <= lft <= span.hi for span in spans)

    events = []
    for day, before, tree, lft, to, to_tree, to_lft, founded, kind, is_temporary, *named in found:
        was, stands = holds(tree, lft), holds(to_tree, to_lft)
        word = MOVED if was == stands else "转入" if stands else "转出"
        step = (stands - was) if founded < asked.first_day else 0
        events.append(Event(day, word, Named(*named), kind, is_temporary, f"{before} 转到 {to}", step))
    return events


def _met(asked: Question, place: list[Span] | None, limit: int | None) -> Any:
    """Return the placements that end where another begins, inside the place or from or to it."""
    after = "organization__placements__"
    met = Q(
        organization__state__in=APPROVED,
        ended_on__gte=asked.first_day,
        ended_on__lte=asked.as_of,
        **{f"{after}started_on": F("ended_on")},
    )
    if asked.campaign:
        met &= Q(organization__campaign=asked.campaign)
    if place is not None:
        met &= in_spans(place, "unit__") | in_spans(place, f"{after}unit__")
    # In one condition: the placement after it is the one that begins on the day.
    rows = OrganizationPlacement.objects.filter(met).order_by("-ended_on", "-organization")
    at = ("unit__name", "unit__tree_id", "unit__lft")
    return rows.values_list(
        "ended_on",
        *at,
        *(f"{after}{name}" for name in at),
        "organization__established_on",
        "organization__kind",
        "organization__is_temporary",
        *(f"organization__{name}" for name in Named._fields),
    )[:limit]


def places_said(days: Iterable[Day], children: Iterable[Unit]) -> list[Day]:
    """Return the days with the words for where each change was: the unit below, or the first of several."""
    below = sorted(children, key=lambda each: each.lft)

    def unit_at(lft: int) -> Unit | None:
        return next((each for each in below if each.lft <= lft <= each.rght), None)

    def said(change: Change) -> Change:
        if change.ends is None:
            return change
        first, last = map(unit_at, change.ends)
        named = first or last
        several = named is not None and first is not last
        return replace(change, place=f"{named.label}{'等' if several else ''}" if named else "")

    return [Day(each.day, [said(change) for change in each.changes]) for each in days]


@dataclass(frozen=True)
class Standing:
    """An organization that stands at the unit itself."""

    organization: Organization
    depth: int
    leaders: list[Assignment]
    members: int

    @property
    def indent(self) -> range:
        """As often as the line is moved in."""
        return range(min(self.depth, 4))


_LEADER = (
    "organization_id",
    "role",
    *(f"person__{name}" for name in ("key", "number", "name", "is_sample")),
    *(f"person__home_unit__{name}" for name in ("tree_id", "lft", "rght")),
)
"""What is shown of a leader, and what says whether the number is."""


def standing_at(unit: Unit, question: Question) -> tuple[list[Standing], int]:
    """Return what stands at the unit itself on the day (approved or not yet), and how many there are."""
    asked = question.current()
    here = [Span(unit.tree_id, unit.lft, unit.lft)]
    shown: list[Any] = objects(_standing, asked, here, STANDING_SHOWN)
    number = len(shown)
    if number == STANDING_SHOWN:
        number = organization_rows(None, asked, here, (*APPROVED, *PENDING_STATES)).count()
    held = [question.as_of, *(row.pk for row in shown)]
    members: dict[int, int] = dict(read_rows(_members, held)) if shown else {}
    leaders: dict[int, list[Assignment]] = {}
    for assignment in read_objects(_leading, held) if shown else ():
        leaders.setdefault(assignment.organization_id, []).append(assignment)
    found: list[Standing] = []
    above: list[Organization] = []
    for row in shown:
        while above and not (above[-1].tree_id == row.tree_id and row.rght < above[-1].rght):
            above.pop()
        heads = sorted(leaders.get(row.pk, []), key=lambda each: ROLE_ORDER[each.role])[:1]
        found.append(Standing(row, len(above), heads, members.get(row.pk, 0)))
        above.append(row)
    return found, number


def _standing(asked: Question, place: list[Span] | None, most: int) -> Any:
    rows = rows_of(ORGANIZATIONS, asked, place, (*APPROVED, *PENDING_STATES))
    return rows.order_by("tree_id", "lft")[:most]


def _held(values: Values) -> QuerySet[Assignment]:
    """Return who is placed on a day in some organizations."""
    day, *pks = values
    return Assignment.objects.as_of(day).filter(organization_id__in=pks).order_by()


def _members(values: Values) -> Any:
    """Return how many people each organization has on the day: (organization, number)."""
    return _held(values).values_list("organization_id").annotate(Count("person_id", distinct=True))


def _leading(values: Values) -> Any:
    leading = _held(values).filter(role__in=LEADING_ROLES).select_related("person__home_unit")
    return leading.only(*_LEADER).order_by("pk")


def waiting(unit: Unit, question: Question) -> tuple[dict[str, int], int]:
    """Return how many organizations at the unit and below it are not approved on the day, by state.

    And how many of them have not been approved for too long.
    """
    here = [Span(unit.tree_id, unit.lft, unit.rght)]
    asked = replace(question.current(), since=rules.in_time_since(question.as_of))
    found = read(_waiting, asked, here)
    return {state: number for state, number, _late in found}, sum(late for *_state, late in found)


def _waiting(asked: Question, place: list[Span] | None) -> Any:
    """Return how many are not approved by state, and how many of them were founded before ``since``."""
    rows = rows_of(ORGANIZATIONS, asked, place, PENDING_STATES).order_by().values_list("state")
    late = Count("pk", filter=rules.founded_before(asked.first_day))
    return rows.annotate(number=Count("pk"), late=late)
