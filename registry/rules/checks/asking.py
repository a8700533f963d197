"""Ask the checks: the breaches of some organizations, and how many there are below each unit.

A list and its number come from the same rows (``Check.find``), so they cannot differ.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import accumulate
from typing import Any, NamedTuple, cast

from django.db import connection
from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from registry.models import Campaign, Organization, RuleException, RuleSetting, Unit, WorkflowState
from registry.models.hierarchy import Span, UnitHierarchy, is_inside, placed_in, remembering, within
from registry.models.organization import OrganizationQuerySet
from registry.rules.checks.check import Breach, Check, Found
from registry.rules.checks.declared import CHECKS

Slugs = Collection[str] | None
FEW = 5000
"""So many organizations are named by their keys in a statement; of more it says how they are found."""


class Asked(NamedTuple):
    """A check as it stands on a day: with the thresholds of the bureau, where it is switched on."""

    check: Check
    thresholds: Mapping[str, int]


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
            Asked(check, self.thresholds(check, day))
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
    rows, is_few = _standing(organizations, day)
    exceptions: dict[tuple[str, int], list[RuleException]] | None = None
    found: list[Breach] = []
    for asked in Settings.read().asked_on(day, slugs):
        for breach, happened_on in _listed(asked, rows, day, is_few=is_few):
            if exceptions is None:
                exceptions = _exceptions(rows, slugs)
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
    rows, is_few = _standing(organizations, day)
    pks = []
    for asked in Settings.read().asked_on(day, [slug]):
        found = _found(asked, rows, day, is_few=is_few)
        if is_excepted is not None:
            aside = Exists(_aside(asked.check, found, day))
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
    rows, is_few = _named(organizations_at(unit, day, scope, campaign))
    rows = cast(OrganizationQuerySet, rows).hosted_on(day) if is_few else rows
    found: list[Numbers] = [{} for _ in spans]
    for asked in Settings.read().asked_on(day, slugs):
        sums = _Sums(_counted(asked, rows, day, is_few=is_few))
        for numbers, place in zip(found, spans, strict=True):
            numbers[asked.check.slug] = sums.within(place)
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


def _counted(
    asked: Asked, rows: QuerySet[Organization], day: date, *, is_few: bool
) -> list[tuple[int, int, int, int]]:
    """Return (tree, place, breaches, excepted) of each unit that has a breach, in order: one query."""
    found = _found(asked, rows, day, is_few=is_few)
    at = ("host__unit__tree_id", "host__unit__lft")
    marked = found.rows.annotate(is_aside=Exists(_aside(asked.check, found, day))).order_by()
    sums: dict[tuple[int, int], list[int]] = defaultdict(lambda: [0, 0])
    for tree_id, lft, is_aside, number in (
        marked.values(*at, "is_aside").annotate(n=Count("*")).values_list(*at, "is_aside", "n")
    ):
        sums[tree_id, lft][bool(is_aside)] += number
    return [(*place, *both) for place, both in sorted(sums.items())]  # type: ignore[misc]


def _listed(
    asked: Asked, rows: QuerySet[Organization], day: date, *, is_few: bool
) -> Iterator[tuple[Breach, date]]:
    """Return each breach of one check, with the day on which it happened."""
    check, thresholds = asked
    found = _found(asked, rows, day, is_few=is_few)
    names = [f"fact_{name}" for name in found.facts]
    listed = found.rows.annotate(**dict(zip(names, found.facts.values(), strict=True)))
    paths = [path for path in (found.person, found.happened_on) if path]
    order = ["order_key", "pk", *paths]
    for pk, *rest in listed.order_by(*order).values_list("pk", *paths, *names):
        person = rest.pop(0) if found.person else None
        happened_on = rest.pop(0) if found.happened_on else day
        edition = check.edition_on(happened_on)
        if edition is None:
            raise AssertionError(f"{check.slug} has no edition on {happened_on}")
        facts = {**thresholds, **dict(zip(found.facts, rest, strict=True))}
        yield Breach(check, edition, pk, person, check.message.format_map(facts)), happened_on


def _found(asked: Asked, rows: QuerySet[Organization], day: date, *, is_few: bool) -> Found:
    """Return what the check finds; of what happened only what an edition asked then."""
    check = asked.check
    find = check.find_few if is_few and check.find_few is not None else check.find
    found = find(rows, day, **asked.thresholds)
    if not found.happened_on:
        return found
    asked_then = Q()
    for edition in check.editions:
        then = Q(**{f"{found.happened_on}__gte": edition.since})
        if edition.until is not None:
            then &= Q(**{f"{found.happened_on}__lt": edition.until})
        asked_then |= then
    return found._replace(rows=found.rows.filter(asked_then))


def _standing(organizations: QuerySet[Organization], day: date) -> tuple[QuerySet[Organization], bool]:
    """Return those that are judged on the day, and whether they are few."""
    rows = cast(OrganizationQuerySet, organizations).as_of(day)
    return _named(rows.exclude(state=WorkflowState.WITHDRAWN).order_by())


def _named(rows: QuerySet[Organization]) -> tuple[QuerySet[Organization], bool]:
    """Name the organizations by their keys where they are few: the database then begins with them."""
    most = min(FEW, (connection.features.max_query_params or 2 * FEW) // 2)  # older SQLite takes 999
    pks = list(rows.values_list("pk", flat=True)[: most + 1])
    return (rows, False) if len(pks) > most else (Organization.objects.filter(pk__in=pks), True)


def _aside(check: Check, found: Found, day: date) -> QuerySet[RuleException]:
    """Return the exceptions that hold for a breach, on the day on which it happened."""
    then: Any = OuterRef(found.happened_on) if found.happened_on else day
    return RuleException.objects.filter(
        slug=check.slug, organization=OuterRef("pk"), started_on__lte=then, ended_on__gt=then
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
