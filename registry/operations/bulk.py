"""Loading many rows at once: units, organizations, people and assignments with their past.

For the demo and for the generator of large data. Queries grow with the number of batches, not of rows. Rows
are read from iterables that can be read again (a list, or an object whose ``__iter__`` begins anew), so a
generator of 150 thousand organizations is never in memory as a whole; what is kept of each unit and
organization is its code, parent, interval and life, of people and assignments nothing. One entry of the
record stands for all of it; who adds many rows in everyday work calls the operations of the nouns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from datetime import date
from operator import attrgetter
from typing import Any

from django.db.models import Model

from registry import audit, locks
from registry.audit import Actor
from registry.counting.totals.check import rebuild
from registry.counting.totals.write import Touched, following
from registry.models import (
    Assignment,
    Campaign,
    Organization,
    OrganizationPlacement,
    OrganizationTerm,
    Person,
    Source,
    StatusPeriod,
    Unit,
    UnitPlacement,
    UnitTerm,
)
from registry.models.writer import Writer, analyze, check_references, reserve_ids
from registry.nouns.organization import ORGANIZATION
from registry.nouns.unit import UNIT
from registry.operations.base import need_right, operation
from registry.operations.bulk_parts import (
    BATCH,
    NODE,
    Forest,
    Known,
    References,
    ask,
    check_choices,
    choices_of,
    refuse_row,
)
from registry.operations.bulk_rows import AssignmentRow, Load, OrganizationRow, PersonRow, UnitRow
from registry.refusals import refuse
from registry.rules import histories, placements
from registry.rules import organizations as organization_rules
from registry.rules import people as people_rules
from registry.rules import units as unit_rules
from registry.rules.histories import History
from registry.search import index as search
from registry.search.index import batches
from registry.trees.bulk_insert import NEW_ROOT

Progress = Callable[[str, int], None]
"""Progress callback (noun, rows written)."""

_ANALYZE_FROM = 10_000
"""So many new rows change what the database should know of a table before it plans the next batch."""


def _no_progress(noun: str, written: int) -> None:
    pass


@operation
def bulk_load(
    *, actor: Actor, load: Load, at: str, reason: str = "", progress: Progress = _no_progress
) -> dict[str, int]:
    """Load everything or nothing, and write one entry at the unit with code ``at``; return the numbers.

    Takes the locks of both trees whole. New nodes come last among their siblings. Raises
    ``OperationRefused`` at the first row that cannot be: what a form would refuse, too.
    """
    for rows in (load.units, load.organizations, load.people, load.assignments):
        if iter(rows) is rows:
            raise TypeError("bulk_load reads its rows more than once: pass a list, not a generator")
    need_right(actor, "bulk_load", None)
    locks.lock_unit_tree()
    locks.lock_whole_forest()
    is_first = not Organization.objects.exists()
    with nullcontext(Touched()) if is_first else following(people=_already_known(load)) as touched:
        numbers = _load(load, References(), progress)
        if not is_first:
            touched.owners[Organization] |= _keys(
                Organization, "code", {row.code for row in load.organizations}
            )
            touched.owners[Person] |= _keys(Person, "number", {row.person for row in load.assignments})
    if is_first and numbers["organizations"]:
        rebuild(progress=lambda done, of: progress("counts", 100 * done // of))
    unit = Unit.objects.filter(code=at).first()
    if unit is None:
        raise refuse("at", f"没有代码为“{at}”的单位。")
    audit.record(actor, "bulk_load", unit, unit=unit, after=numbers, reason=reason)
    return numbers


def _load(load: Load, references: References, progress: Progress) -> dict[str, int]:
    numbers = {"units": _load_units(load.units, references, progress)}
    _analyze(numbers["units"], Unit, UnitPlacement)
    numbers["organizations"] = _load_organizations(load.organizations, references, progress)
    _analyze(numbers["organizations"], Organization, OrganizationPlacement)
    # From here no row names a later one: what is checked batch by batch is not kept for the end.
    check_references("IMMEDIATE")
    numbers["people"] = _load_people(load.people, references, progress)
    _analyze(numbers["people"], Person, StatusPeriod)
    numbers["assignments"] = _load_assignments(load.assignments, references, progress)
    _analyze(numbers["assignments"], Assignment)
    check_references("DEFERRED")
    return numbers


def _analyze(number: int, *models: type[Model]) -> None:
    if number >= _ANALYZE_FROM:
        analyze(*models)


def _already_known(load: Load) -> list[Person]:
    """The people of the load who are registered already: what they count may change."""
    return [
        person
        for numbers in batches(sorted({row.person for row in load.assignments}), 500)
        for person in Person.objects.filter(number__in=numbers)
    ]


def _keys(model: type[Model], key: str, wanted: Iterable[Any]) -> set[int]:
    """Return the primary keys of the rows with the given codes or numbers."""
    return {
        pk
        for values in batches(sorted(wanted), 500)
        for pk in model._base_manager.filter(**{f"{key}__in": values}).order_by().values_list("pk", flat=True)
    }


def _load_units(rows: Iterable[UnitRow], references: References, progress: Progress) -> int:
    """Write new units; the caller holds the lock of the tree."""
    forest, known = Forest(Unit), references.of(Unit)
    moved: dict[int, UnitRow] = {}
    named: set[str] = set()
    for some in batches(rows, BATCH):
        check_choices(Unit, some, "code")
        for row in some:
            forest.add(row)
            known[row.code] = Known(0, row.name, row.opened_on, row.closed_on)
            if row.formerly:
                moved[forest.places[row.code]] = row
                named |= {code for code, _ in row.formerly if code}
        spells = {
            History("上级单位", _spells(row.formerly, row.parent, row.opened_on), row.closed_on): row.code
            for row in some
        }
        ask(histories.refusals, spells)
    if not forest.places:
        return 0
    references.find(Unit, "code", named)
    forest.grow(references)
    references.find(Unit, "code", forest.outer.values())
    codes = list(forest.places)
    ask(
        unit_rules.refusals,
        {unit_rules.Addition(known[above]): codes[i] for i, above in forest.outer.items()},  # type: ignore[arg-type]
    )
    _check_superiors(moved, forest, known)

    names, facts = _facts(UnitRow, {"parent", "formerly"})
    units = Writer(Unit, (*NODE, *names))
    placements_of = Writer(UnitPlacement, ("unit_id", "superior_id", "started_on", "ended_on"))
    terms = Writer(UnitTerm, search.columns_of(UNIT))
    words = attrgetter(*UNIT.searched.fields)
    for batch in batches(enumerate(rows), BATCH):
        units.write((*forest.node(i), *facts(row)) for i, row in batch)
        placements_of.write(
            (forest.ids[i], known[place].pk if place else None, start, end)
            for i, row in batch
            for place, start, end in _ended(_spells(row.formerly, row.parent, None))
        )
        terms.write(term for i, row in batch for term in search.terms_of(UNIT, forest.ids[i], words(row)))
        progress("units", batch[-1][0] + 1)
    return len(forest.parents)


def _check_superiors(moved: Mapping[int, UnitRow], forest: Forest, known: Mapping[str, Known]) -> None:
    """Refuse former superiors that were not open, or stood below the unit itself."""
    places = forest.places
    for row in moved.values():
        spells = _spells(row.formerly, row.parent, None)
        if any(code == row.code for code, _ in spells):
            raise refuse_row(row.code, "上级不能是自己。")
        for code, day in spells[1:]:
            if code and day is not None and not known[code].is_open_on(day):
                raise refuse_row(row.code, f"上级单位“{code}”在 {day} 不存在或已撤并。")
    for day in sorted({until for row in moved.values() for _, until in row.formerly}):
        then = {
            i: places.get(next((code for code, until in row.formerly if until >= day), row.parent), NEW_ROOT)
            for i, row in moved.items()
        }
        for i, row in moved.items():
            path, at = {i}, then[i]
            while at != NEW_ROOT:
                if at in path:
                    raise refuse_row(row.code, f"在 {day} 之前,它的上级单位就在它之下。")
                path.add(at)
                at = then.get(at, forest.parents[at])


def _load_organizations(rows: Iterable[OrganizationRow], references: References, progress: Progress) -> int:
    """Write new organizations; the caller holds the whole forest and follows what they count."""
    forest, known = Forest(Organization), references.of(Organization)
    for each in batches(rows, BATCH):
        check_choices(Organization, each, "code")
        for row in each:
            forest.add(row)
            known[row.code] = Known(
                0,
                row.name,
                kind=row.kind,
                state=row.state,
                established_on=row.established_on,
                dissolved_on=row.dissolved_on,
            )
    if not forest.places:
        return 0
    forest.grow(references)
    names, facts = _facts(OrganizationRow, {"parent", "formerly", "unit", "campaign", "task_body", "source"})
    references_of = ("unit_id", "campaign_id", "task_body_id", "source_id")
    organizations = Writer(Organization, (*NODE, *references_of, *names))
    hosts = Writer(OrganizationPlacement, ("organization_id", "unit_id", "started_on", "ended_on"))
    terms = Writer(OrganizationTerm, search.columns_of(ORGANIZATION))
    words = attrgetter(*ORGANIZATION.searched.fields)
    for batch in batches(enumerate(rows), BATCH):
        some = [row for _, row in batch]
        find = references.find
        units = find(Unit, "code", (code for row in some for code, _ in _hosts(row)))
        find(Organization, "code", (row.parent for row in some if row.parent))
        campaigns = find(Campaign, "code", (row.campaign for row in some if row.campaign))
        bodies = find(Organization, "code", (row.task_body for row in some if row.task_body))
        sources = find(Source, "number", (row.source for row in some if row.source is not None))
        _check_organizations(some, units, known)
        organizations.write(
            (
                *forest.node(i),
                units[row.unit].pk,
                campaigns[row.campaign].pk if row.campaign else None,
                bodies[row.task_body].pk if row.task_body else None,
                sources[row.source].pk if row.source is not None else None,
                *facts(row),
            )
            for i, row in batch
        )
        hosts.write(
            (forest.ids[i], units[host].pk, start, end)
            for i, row in batch
            for host, start, end in _ended(_hosts(row))
        )
        terms.write(
            term for i, row in batch for term in search.terms_of(ORGANIZATION, forest.ids[i], words(row))
        )
        progress("organizations", batch[-1][0] + 1)
    return len(forest.parents)


def _check_organizations(
    rows: Sequence[OrganizationRow], units: Mapping[str, Any], known: Mapping[str, Any]
) -> None:
    ask(
        histories.refusals,
        {History("所在单位", _hosts(row), row.dissolved_on): row.code for row in rows},
    )
    ask(
        organization_rules.refusals,
        {
            organization_rules.Establishment(
                row.kind,
                None,
                row.established_on,
                row.is_temporary,
                known[row.parent] if row.parent else None,
                row.dissolved_on,
            ): row.code
            for row in rows
        },
    )
    ask(
        organization_rules.stay_refusals,
        {
            organization_rules.Stay(units[host], start, end): row.code
            for row in rows
            for host, start, end in _ended(_hosts(row))
            if start is not None
        },
    )


def _hosts(row: OrganizationRow) -> list[tuple[str, date | None]]:
    return _spells(row.formerly, row.unit, row.established_on)


def _load_people(rows: Iterable[PersonRow], references: References, progress: Progress) -> int:
    """Write new people with their political status; the caller keeps their units open."""
    loaded = 0
    names, facts = _facts(PersonRow, {"home_unit", "home_branch", "status", "changes", "source"})
    names_done: set[str] = set()
    people = Writer(Person, ("id", "home_unit_id", "home_branch_id", "political_status", "source_id", *names))
    periods = Writer(StatusPeriod, ("person_id", "status", "started_on", "ended_on"))
    for batch in batches(rows, BATCH):
        find = references.find
        units = find(Unit, "code", (row.home_unit for row in batch))
        branches = find(Organization, "code", (row.home_branch for row in batch if row.home_branch))
        sources = find(Source, "number", (row.source for row in batch if row.source is not None))
        _check_people(batch)
        ids = reserve_ids(Person, len(batch))
        people.write(
            (
                pk,
                units[row.home_unit].pk,
                branches[row.home_branch].pk if row.home_branch else None,
                row.changes[-1][1] if row.changes else row.status,
                sources[row.source].pk if row.source is not None else None,
                *facts(row),
            )
            for pk, row in zip(ids, batch, strict=True)
        )
        periods.write(
            (pk, status, start, end)
            for pk, row in zip(ids, batch, strict=True)
            for status, start, end in _ended(_statuses(row))
        )
        new_names = {row.name for row in batch} - names_done
        search.index_names(new_names)
        names_done |= new_names
        loaded += len(batch)
        progress("people", loaded)
    return loaded


def _check_people(rows: Sequence[PersonRow]) -> None:
    check_choices(Person, rows, "number", political_status="status")
    for row in rows:
        if not row.number.strip():
            raise refuse_row(row.name, "没有警号。")
    ask(
        people_rules.refusals,
        {people_rules.Membership(joined_on=row.joined_on): row.number for row in rows if row.joined_on},
    )
    moved = [row for row in rows if row.changes]
    ask(histories.refusals, {History("政治面貌", _statuses(row)): row.number for row in moved})
    for row in moved:
        for _, status in row.changes:
            if status not in choices_of(StatusPeriod)["status"]:
                raise refuse_row(row.number, f"政治面貌“{status}”不存在。")


def _statuses(row: PersonRow) -> list[tuple[str, date | None]]:
    return [(row.status, StatusPeriod.BEGINNING), *((status, day) for day, status in row.changes)]


def _load_assignments(rows: Iterable[AssignmentRow], references: References, progress: Progress) -> int:
    """Write new assignments; the caller holds the organizations' trees and follows what the people count."""
    loaded = 0
    nobody: Any = Known(0)
    names, facts = _facts(AssignmentRow, {"person", "organization"})
    assignments = Writer(Assignment, ("person_id", "organization_id", *names))
    for batch in batches(rows, BATCH):
        organizations: Any = references.find(Organization, "code", (row.organization for row in batch))
        people = References().find(Person, "number", (row.person for row in batch))
        check_choices(Assignment, batch, "person")
        ask(
            placements.life_refusals,
            {
                placements.Placement(
                    nobody, organizations[row.organization], row.role, row.started_on, row.ended_on
                ): row.person
                for row in batch
            },
        )
        assignments.write(
            (people[row.person].pk, organizations[row.organization].pk, *facts(row)) for row in batch
        )
        loaded += len(batch)
        progress("assignments", loaded)
    return loaded


def _facts(row: type[Any], without: set[str]) -> tuple[list[str], Callable[[Any], tuple[Any, ...]]]:
    """Return the fields of a kind of row that the model takes as they are, and how to read them."""
    names = [name for name in row.__slots__ if name not in without]
    return names, attrgetter(*names)


def _spells(
    formerly: Iterable[tuple[str, date]], now: str, first: date | None
) -> list[tuple[str, date | None]]:
    """Return each place of a row with the day from which it stood there."""
    spells, start = [], first
    for place, until in formerly:
        spells.append((place, start))
        start = until
    return [*spells, (now, start)]


def _ended(spells: Sequence[tuple[str, date | None]]) -> Iterator[tuple[str, date | None, date | None]]:
    """Yield (place, start, end) of each spell, the last of which is open."""
    for (place, start), (_, end) in zip(spells, [*spells[1:], ("", None)], strict=True):
        yield place, start, end


__all__ = ["AssignmentRow", "Load", "OrganizationRow", "PersonRow", "Progress", "UnitRow", "bulk_load"]
