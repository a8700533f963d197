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
from dataclasses import dataclass
from datetime import date
from operator import attrgetter
from typing import Any

from django.db.models import Model

from registry import audit, locks
from registry.audit import Actor
from registry.counting.totals.check import rebuild
from registry.counting.totals.write import Touched, following
from registry.models import (
    BEGINNING,
    Campaign,
    Organization,
    OrganizationPlacement,
    Person,
    PersonPlacement,
    StatusPeriod,
    Unit,
    UnitPlacement,
)
from registry.models.writer import Writer, analyze, check_references, reserve_ids
from registry.nouns import Noun
from registry.nouns.assignment import ASSIGNMENT
from registry.nouns.organization import ORGANIZATION
from registry.nouns.person import PERSON
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
    check_texts,
    choices_of,
    pk_of,
    refuse_row,
)
from registry.operations.bulk_rows import AssignmentRow, Load, OrganizationRow, PersonRow, UnitRow
from registry.refusals import refuse
from registry.rules import histories, placements, standing
from registry.rules import organizations as organization_rules
from registry.rules import units as unit_rules
from registry.rules.histories import History
from registry.search import index as search
from registry.search.index import batches
from registry.trees.bulk_insert import NEW_ROOT
from registry.trees.order import put_in_order

Progress = Callable[[str, int], None]
"""Progress callback (noun, rows written)."""

Spells = list[tuple[str, date | None]]
"""Where a row stood, or what it was, each with the day from which."""
_HOME = ("person_id", "unit_id", "branch_id", "started_on")
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
            concerned = {row.person for row in load.assignments} | {row.number for row in load.people}
            touched.owners[Person] |= _keys(Person, "number", concerned)
    if is_first and (numbers["organizations"] or numbers["people"]):
        rebuild(progress=lambda done, of: progress("counts", 100 * done // of))
    unit = Unit.objects.filter(code=at).first()
    if unit is None:
        raise refuse("at", f"没有代码为“{at}”的单位。")
    audit.record(actor, "bulk_load", unit, unit=unit, after=numbers, reason=reason)
    return numbers


def _load(load: Load, references: References, progress: Progress) -> dict[str, int]:
    numbers = {"units": _load_units(load.units, references, progress)}
    forest = _plant(ORGANIZATION, load.organizations, references)
    numbers["organizations"] = _load_rows(_ORGANIZATIONS, load.organizations, references, progress, forest)
    # From here no row names a later one: what is checked batch by batch is not kept for the end.
    check_references("IMMEDIATE")
    numbers["people"] = _load_rows(_PEOPLE, load.people, references, progress)
    numbers["assignments"] = _load_rows(_ASSIGNMENTS, load.assignments, references, progress)
    check_references("DEFERRED")
    return numbers


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


@dataclass(frozen=True)
class _Kind:
    """How the rows of one noun are loaded: the model takes their fields as they are, or by reference.

    What the model does not have makes the ``spells``: the dated ``place`` of each ``period``, of which the
    newest is also the model's field ``now``. ``check`` refuses a batch of rows whose references are known.
    """

    noun: Noun
    row: type[Any]
    check: Callable[[Sequence[Any], References], None]
    period: type[Model] | None = None
    place: str = ""
    spells: Callable[[Any], Spells] = lambda row: []
    now: str = ""

    def fields(self) -> tuple[dict[str, type[Model]], list[str]]:
        """Return the fields that name other rows, with their models, and those that are taken as they are."""
        known: Any = {each.name: each for each in self.noun.model._meta.concrete_fields}
        names = [name for name in self.row.__slots__ if name in known and name != "parent"]
        named = {name: known[name].related_model for name in names if known[name].is_relation}
        return named, [name for name in names if name not in named]


def _load_rows(
    kind: _Kind,
    rows: Iterable[Any],
    references: References,
    progress: Progress,
    forest: Forest | None = None,
) -> int:
    """Write new rows with their past and their search terms; the caller holds the locks."""
    model, texts, loaded = kind.noun.model, kind.noun.texts, 0
    named, names = kind.fields()
    facts, now = attrgetter(*names), [kind.now] if kind.now else []
    new = Writer(model, (*(NODE if forest else NODE[:1]), *(f"{name}_id" for name in named), *now, *names))
    columns = (f"{kind.noun.key}_id", kind.place, "started_on", "ended_on")
    periods = Writer(kind.period, columns) if kind.period else None
    homes = Writer(PersonPlacement, _HOME) if kind.noun is PERSON else None
    at_units = kind.place.endswith("_id")
    names_done: set[str] = set()
    for batch in batches(rows, BATCH):
        found = [(name, references.find(at, map(attrgetter(name), batch))) for name, at in named.items()]
        spells = list(map(kind.spells, batch))
        if at_units:
            units = references.find(Unit, (place for each in spells for place, _ in each))
        check_choices(model, batch, kind.row.__slots__[0])
        kind.check(batch, references)
        check_texts(model, batch, kind.row.__slots__[0])
        if forest:
            nodes = [forest.node(loaded + i) for i in range(len(batch))]
        else:
            nodes = [(pk,) for pk in reserve_ids(model, len(batch))]
        new.write(
            (
                *node,
                *(pk_of(getattr(row, name), known) for name, known in found),
                *(past[-1][0] for _ in now),
                *facts(row),
            )
            for node, row, past in zip(nodes, batch, spells, strict=True)
        )
        if homes:
            units, branches = dict(found)["home_unit"], dict(found)["home_branch"]
            homes.write(
                (node[0], pk_of(row.home_unit, units), pk_of(row.home_branch, branches), BEGINNING)
                for node, row in zip(nodes, batch, strict=True)
            )
        if periods:
            periods.write(
                (node[0], pk_of(place, units) if at_units else place, start, end)
                for node, past in zip(nodes, spells, strict=True)
                for place, start, end in _ended(past)
            )
        if texts and texts.by_name:
            new_names = {row.name for row in batch} - names_done
            search.index_names(new_names)
            names_done |= new_names
        elif texts:
            search.index_new(kind.noun, ((node[0], row) for node, row in zip(nodes, batch, strict=True)))
        loaded += len(batch)
        progress(kind.noun.plural, loaded)
    if loaded >= _ANALYZE_FROM:
        analyze(model, *([kind.period] if kind.period else []))
    return loaded


def _plant(noun: Noun, rows: Iterable[Any], references: References) -> Forest:
    """Make room for the rows in the tree of their noun; the caller holds its lock."""
    forest = Forest(noun.model)
    for row in rows:
        forest.add(row, references)
    if forest.places:
        forest.grow(references)
    return forest


def _load_units(rows: Iterable[UnitRow], references: References, progress: Progress) -> int:
    """Write new units; the caller holds the lock of the tree."""
    forest = _plant(UNIT, rows, references)
    codes = list(forest.places)
    moved = {forest.places[row.code]: row for row in rows if row.formerly}
    references.find(Unit, (code for row in moved.values() for code, _ in row.formerly))
    known = references.find(Unit, forest.outer.values())
    ask(
        unit_rules.refusals,
        {unit_rules.Addition(known[above]): codes[i] for i, above in forest.outer.items()},  # type: ignore[arg-type]
    )
    _check_superiors(moved, forest, known)
    loaded = _load_rows(_UNITS, rows, references, progress, forest)
    put_in_order({known[code].pk for code in forest.outer.values()})
    return loaded


def _check_units(rows: Sequence[UnitRow], references: References) -> None:
    spells = {
        History("上级单位", _spells(row.formerly, row.parent, row.opened_on), row.closed_on): row.code
        for row in rows
    }
    ask(histories.refusals, spells)


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


def _check_organizations(rows: Sequence[OrganizationRow], references: References) -> None:
    units: Any = references.of(Unit)
    known: Any = references.find(Organization, (row.parent for row in rows))
    campaigns: Any = references.find(Campaign, (row.campaign for row in rows))
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
                campaigns[row.campaign] if row.campaign else None,
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


def _hosts(row: OrganizationRow) -> Spells:
    return _spells(row.formerly, row.unit, row.established_on)


def _check_people(rows: Sequence[PersonRow], references: References) -> None:
    for row in rows:
        if not row.number.strip():
            raise refuse_row(row.name, "没有警号。")
        for status, _ in _registered(row):
            if status not in choices_of(StatusPeriod)["status"]:
                raise refuse_row(row.number, f"政治面貌“{status}”不存在。")
    ask(
        standing.refusals,
        {
            standing.Joining(None, _registered(row)[-1][0], row.joined_on, row.confirmed_on): row.number
            for row in rows
            if row.joined_on or row.confirmed_on
        },
    )
    ask(
        histories.refusals, {History("政治面貌", _registered(row)): row.number for row in rows if row.changes}
    )


def _registered(row: PersonRow) -> list[standing.Spell]:
    return [(row.status, BEGINNING), *((status, day) for day, status in row.changes)]


def _statuses(row: PersonRow) -> Spells:
    confirmed = [day for day, status in row.changes if status == standing.FULL]
    return list(
        standing.dated(_registered(row), row.joined_on, row.confirmed_on or next(iter(confirmed), None))
    )


def _check_assignments(rows: Sequence[AssignmentRow], references: References) -> None:
    nobody: Any = Known(0)
    organizations: Any = references.of(Organization)
    ask(
        placements.life_refusals,
        {
            placements.Placement(
                nobody, organizations[row.organization], row.role, row.started_on, row.ended_on
            ): row.person
            for row in rows
        },
    )


def _spells(formerly: Iterable[tuple[str, date]], now: str, first: date | None) -> Spells:
    """Return each place of a row with the day from which it stood there."""
    spells: Spells = []
    start = first
    for place, until in formerly:
        spells.append((place, start))
        start = until
    return [*spells, (now, start)]


def _ended(spells: Spells) -> Iterator[tuple[str, date | None, date | None]]:
    """Yield (place, start, end) of each spell, the last of which is open."""
    for (place, start), (_, end) in zip(spells, [*spells[1:], ("", None)], strict=True):
        yield place, start, end


_UNITS = _Kind(
    UNIT,
    UnitRow,
    _check_units,
    UnitPlacement,
    "superior_id",
    lambda row: _spells(row.formerly, row.parent, None),
)
_ORGANIZATIONS = _Kind(
    ORGANIZATION, OrganizationRow, _check_organizations, OrganizationPlacement, "unit_id", _hosts
)
_PEOPLE = _Kind(PERSON, PersonRow, _check_people, StatusPeriod, "status", _statuses, now="political_status")
_ASSIGNMENTS = _Kind(ASSIGNMENT, AssignmentRow, _check_assignments)

__all__ = ["AssignmentRow", "Load", "OrganizationRow", "PersonRow", "Progress", "UnitRow", "bulk_load"]
