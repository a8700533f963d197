"""Ask the checks: the breaches of some organizations, and how many there are below each unit.

A list and its number come from the same rows (``Check.find``), so they cannot differ.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from functools import lru_cache
from itertools import accumulate
from typing import Any, NamedTuple, cast

from django.db import connection
from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from registry.models import Campaign, Organization, RuleException, RuleSetting, Unit, WorkflowState
from registry.models.hierarchy import Span, UnitHierarchy, is_inside, placed_in, remembering, within
from registry.models.organization import OrganizationQuerySet
from registry.models.prepared import Values, filled_up, read_rows
from registry.rules.checks.check import Breach, Check, Found
from registry.rules.checks.declared import BY_SLUG, CHECKS
from registry.rules.checks.planned import Planned

Slugs = Collection[str] | None
FEW = 5000
"""So many organizations are named by their keys in a statement; of more it says how they are found."""
KEPT = 1600
"""For so many keys at most a statement is kept, where the database takes them twice."""


class Asked(NamedTuple):
    """A check as it stands on a day: with the thresholds of the bureau, where it is switched on."""

    slug: str
    day: date
    thresholds: tuple[tuple[str, int], ...]

    @property
    def check(self) -> Check:
        """The check."""
        return BY_SLUG[self.slug]

    def is_breached_by(self, planned: Planned) -> bool:
        """Whether an organization that is only planned breaches it, where it can speak so early."""
        return self.check.judge is not None and self.check.judge(planned, **dict(self.thresholds))


class Among(NamedTuple):
    """The organizations that are asked about, and where they are few their keys, ``filled_up``."""

    rows: QuerySet[Organization]
    keys: list[int] | None


class Settings:
    """What the bureau has set of each check, in the order of the days from which it holds."""

    def __init__(self, rows: Iterable[RuleSetting]) -> None:
        self._rows: dict[str, list[RuleSetting]] = defaultdict(list)
        for row in sorted(rows, key=lambda row: row.since):
            self._rows[row.slug].append(row)

    @classmethod
    def read(cls) -> Settings:
        """Read all settings: one query."""
        return cls(RuleSetting.objects.order_by())

    def on(self, slug: str, day: date) -> RuleSetting | None:
        """Return the setting of a check that holds on the day; None: it is as declared."""
        return next((row for row in reversed(self._rows[slug]) if row.since <= day), None)

    def is_on(self, check: Check, day: date) -> bool:
        """Whether the check is switched on on the day."""
        setting = self.on(check.slug, day)
        return setting is None or setting.is_on

    def thresholds(self, check: Check, day: date) -> dict[str, int]:
        """Return the thresholds of the day: the bureau's, or as declared."""
        return thresholds_of(check, self.on(check.slug, day))

    def asked_on(self, day: date, slugs: Slugs = None) -> list[Asked]:
        """Return the checks that speak on the day: switched on, and with an edition that asks it by then."""
        return [
            Asked(check.slug, day, tuple(self.thresholds(check, day).items()))
            for check in CHECKS
            if (slugs is None or check.slug in slugs)
            and check.edition_on(day) is not None
            and self.is_on(check, day)
        ]


def thresholds_of(check: Check, setting: RuleSetting | None) -> dict[str, int]:
    """Return the thresholds of a check under a setting: the bureau's, or as declared."""
    own = setting.thresholds if setting is not None else {}
    return {name: int(own.get(name, value)) for name, value in check.thresholds.items()}


def organizations_at(
    unit: Unit, day: date, scope: Iterable[Span] | None = None, campaign: Campaign | None = None
) -> OrganizationQuerySet:
    """Return what is checked at a unit and all below it: approved, standing and hosted there on the day.

    ``scope`` are the intervals of today's unit tree that the user sees, ``campaign`` the one whose
    organizations are asked for (None: everything).
    """
    spans = within(UnitHierarchy.on(day).spans(unit), scope)
    rows = Organization.objects.approved().as_of(day).hosted_on(day)
    if campaign is not None:
        rows = rows.filter(campaign=campaign)
    return placed_in(rows, spans, "host__unit__").order_by()


def breaches(organizations: QuerySet[Organization], day: date, *, slugs: Slugs = None) -> list[Breach]:
    """Return every breach of the organizations on the day, also those set aside by an exception.

    Organizations that do not stand on the day, or were withdrawn, are not judged. What waits for its
    approval is. One query for each check, one for the settings, one for the exceptions.
    """
    among = _standing(organizations, day)
    exceptions: dict[tuple[str, int], list[RuleException]] | None = None
    found: list[Breach] = []
    for asked in Settings.read().asked_on(day, slugs):
        for breach, happened_on in _listed(asked, among):
            if exceptions is None:
                exceptions = _exceptions(among.rows, slugs)
            excepted = (
                each
                for each in exceptions.get((breach.check.slug, breach.organization_id), ())
                if each.started_on <= happened_on < each.ended_on
            )
            found.append(replace(breach, excepted=next(excepted, None)))
    return found


def breaching(
    organizations: QuerySet[Organization], day: date, slug: str, *, is_excepted: bool | None = False
) -> QuerySet[Organization]:
    """Return those of the organizations that have a breach of one check: a list page's rows.

    ``is_excepted``: only breaches that are not set aside (False), that are (True), or both (None).
    """
    among = _standing(organizations, day)
    pks = []
    for asked in Settings.read().asked_on(day, [slug]):
        found = _found(asked, among.rows, is_few=among.keys is not None)
        if is_excepted is not None:
            aside = Exists(_aside(asked, found))
            found = found._replace(rows=found.rows.filter(aside if is_excepted else ~aside))
        pks.append(found.rows.values("pk"))
    return organizations.filter(pk__in=pks[0]) if pks else organizations.none()


class Number(NamedTuple):
    """How many breaches of a check there are, and how many more an exception sets aside."""

    breaches: int = 0
    excepted: int = 0


Numbers = dict[str, Number]
"""By the slug of each check that was asked."""


@dataclass(frozen=True)
class UnitNumbers:
    """The breaches of a unit with all below it."""

    unit: Unit
    numbers: Numbers


@dataclass(frozen=True)
class Counted:
    """The breaches of a unit with all below it, of itself alone, and of each child with all below it."""

    unit: Unit
    day: date
    numbers: Numbers
    own: Numbers
    children: tuple[UnitNumbers, ...] = field(default=())


@remembering()
def count_breaches(
    unit: Unit,
    day: date,
    *,
    slugs: Slugs = None,
    scope: Iterable[Span] | None = None,
    campaign: Campaign | None = None,
    children: bool = True,
) -> Counted:
    """Count the breaches of each check for a unit and its children of the day: one query for each check.

    The same organizations as ``organizations_at``. Children stand in the official order; closed ones without
    a breach are left out, and so are those outside the scope.
    """
    scope = list(scope) if scope is not None else None
    shape = UnitHierarchy.on(day)
    below = [
        child
        for child in (shape.children(unit) if children else ())
        if scope is None or is_inside(scope, child)
    ]
    below.sort(key=lambda child: (child.order_key, child.pk))
    spans = [shape.spans(unit), [Span(unit.tree_id, unit.lft, unit.lft)], *map(shape.spans, below)]
    among = _named(organizations_at(unit, day, scope, campaign))
    found: list[Numbers] = [{} for _ in spans]
    for asked in Settings.read().asked_on(day, slugs):
        sums = _Sums(_counted(asked, among))
        for numbers, place in zip(found, spans, strict=True):
            numbers[asked.slug] = sums.within(place)
    lines = (UnitNumbers(child, numbers) for child, numbers in zip(below, found[2:], strict=True))
    shown = tuple(line for line in lines if line.unit.is_open_on(day) or any(map(any, line.numbers.values())))
    return Counted(unit, day, found[0], found[1], shown)


class _Sums:
    """Numbers at places of the unit tree, to be added up over intervals."""

    def __init__(self, placed: list[tuple[int, int, int, int]]) -> None:
        """Take (tree, place, breaches, excepted) in order."""
        self.places = [row[:2] for row in placed]
        self.breaches = [0, *accumulate(row[2] for row in placed)]
        self.excepted = [0, *accumulate(row[3] for row in placed)]

    def within(self, spans: Iterable[Span]) -> Number:
        """Return the sums over the intervals."""
        number = [0, 0]
        for tree_id, lo, hi in spans:
            first = bisect_left(self.places, (tree_id, lo))
            last = bisect_left(self.places, (tree_id, hi + 1))
            number[0] += self.breaches[last] - self.breaches[first]
            number[1] += self.excepted[last] - self.excepted[first]
        return Number(*number)


def _counted(asked: Asked, among: Among) -> list[tuple[int, int, int, int]]:
    """Return (tree, place, breaches, excepted) of each unit that has a breach, in order: one query."""
    sums: dict[tuple[int, int], list[int]] = defaultdict(lambda: [0, 0])
    for tree_id, lft, is_aside, number in _read(_numbers, asked, among):
        sums[tree_id, lft][bool(is_aside)] += number
    return [(*place, *both) for place, both in sorted(sums.items())]  # type: ignore[misc]


def _numbers(asked: Asked, rows: QuerySet[Organization], is_few: bool) -> QuerySet[Any]:
    """Return how many breaches there are at each unit, those that are set aside apart."""
    rows = cast(OrganizationQuerySet, rows).hosted_on(asked.day) if is_few else rows
    found = _found(asked, rows, is_few=is_few)
    at = ("host__unit__tree_id", "host__unit__lft", "is_aside")
    marked = found.rows.annotate(is_aside=Exists(_aside(asked, found))).order_by()
    counted: QuerySet[Any] = marked.values(*at).annotate(n=Count("*")).values_list(*at, "n")
    return counted


def _listed(asked: Asked, among: Among) -> Iterator[tuple[Breach, date]]:
    """Return each breach of one check, with the day on which it happened: one query."""
    check, outline = asked.check, _outline(asked, among.keys is not None)
    for pk, *rest in _read(_lines, asked, among):
        person = rest.pop(0) if outline.person else None
        happened_on = rest.pop(0) if outline.happened_on else asked.day
        edition = check.edition_on(happened_on)
        if edition is None:
            raise AssertionError(f"{check.slug} has no edition on {happened_on}")
        facts = {**dict(asked.thresholds), **dict(zip(outline.facts, rest, strict=True))}
        yield Breach(check, edition, pk, person, check.message.format_map(facts)), happened_on


def _lines(asked: Asked, rows: QuerySet[Organization], is_few: bool) -> QuerySet[Any]:
    """Return organization, person, day and facts of each breach."""
    found = _found(asked, rows, is_few=is_few)
    names = [f"fact_{name}" for name in found.facts]
    listed = found.rows.annotate(**dict(zip(names, found.facts.values(), strict=True)))
    paths = [path for path in (found.person, found.happened_on) if path]
    return listed.order_by("order_key", "pk", *paths).values_list("pk", *paths, *names)


def _read(make: Callable[..., QuerySet[Any]], asked: Asked, among: Among) -> Iterable[tuple[Any, ...]]:
    """Return what the query ``make(asked, rows, is_few)`` finds; for few rows the statement is kept."""
    if among.keys is None or len(among.keys) > min(KEPT, _most_keys()):
        return make(asked, among.rows, among.keys is not None)
    return read_rows(_named_by, among.keys, make, asked) if among.keys else ()


def _named_by(keys: Values, make: Callable[..., QuerySet[Any]], asked: Asked) -> QuerySet[Any]:
    return make(asked, Organization.objects.filter(pk__in=keys), True)


@lru_cache(maxsize=500)
def _outline(asked: Asked, is_few: bool) -> Found:
    """Return what is found without its rows: of whom it is, when it happened, and the names of its facts."""
    found = _found(asked, Organization.objects.none(), is_few=is_few)
    return found._replace(rows=Organization.objects.none(), facts=dict.fromkeys(found.facts))


def _found(asked: Asked, rows: QuerySet[Organization], *, is_few: bool) -> Found:
    """Return what the check finds; of what happened only what an edition asked then."""
    check = asked.check
    find = check.find_few if is_few and check.find_few is not None else check.find
    found = find(rows, asked.day, **dict(asked.thresholds))
    if not found.happened_on:
        return found
    asked_then = Q()
    for edition in check.editions:
        then = Q(**{f"{found.happened_on}__gte": edition.since})
        if edition.until is not None:
            then &= Q(**{f"{found.happened_on}__lt": edition.until})
        asked_then |= then
    return found._replace(rows=found.rows.filter(asked_then))


def _standing(organizations: QuerySet[Organization], day: date) -> Among:
    """Return those that are judged on the day."""
    rows = cast(OrganizationQuerySet, organizations).as_of(day)
    return _named(rows.exclude(state=WorkflowState.WITHDRAWN).order_by())


def _named(rows: QuerySet[Organization]) -> Among:
    """Name the organizations by their keys where they are few: the database then begins with them."""
    most = _most_keys()
    keys = list(rows.values_list("pk", flat=True)[: most + 1])
    if len(keys) > most:
        return Among(rows, None)
    return Among(Organization.objects.filter(pk__in=keys), filled_up(keys))


def _most_keys() -> int:
    """Return how many keys a statement can take twice: older SQLite takes 999 values."""
    return min(FEW, (connection.features.max_query_params or 2 * FEW) // 2)


def _aside(asked: Asked, found: Found) -> QuerySet[RuleException]:
    """Return the exceptions that hold for a breach, on the day on which it happened."""
    then: Any = OuterRef(found.happened_on) if found.happened_on else asked.day
    return RuleException.objects.filter(
        slug=asked.slug, organization=OuterRef("pk"), started_on__lte=then, ended_on__gt=then
    ).order_by()


def _exceptions(rows: QuerySet[Organization], slugs: Slugs) -> dict[tuple[str, int], list[RuleException]]:
    """Return the exceptions of the organizations by check and organization."""
    granted = RuleException.objects.filter(organization__in=rows.values("pk"))
    if slugs is not None:
        granted = granted.filter(slug__in=slugs)
    found: dict[tuple[str, int], list[RuleException]] = defaultdict(list)
    for row in granted.order_by("started_on", "pk"):
        found[row.slug, row.organization_id].append(row)
    return found
