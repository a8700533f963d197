"""Loading many rows at once: units, organizations, people and assignments with valid trees.

For the demo, for imports and for the generator of large data. Queries grow with the number of
batches, not of rows. Rows are read from iterables that can be read again (a list, or an object
whose ``__iter__`` begins anew), so a generator of 150 thousand organizations is never in memory as
a whole; what is kept of each unit and organization is its code, parent and interval, of people and
assignments nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from datetime import date
from itertools import islice, pairwise
from operator import attrgetter
from typing import Any, TypeVar

from django.db import connection
from django.db.models import Model
from django.utils import timezone

from registry import audit, locks
from registry.audit import Actor
from registry.counting.totals.write import Touched, following, rebuild
from registry.models import (
    Assignment,
    Campaign,
    Organization,
    OrganizationPlacement,
    OrganizationTerm,
    Person,
    Role,
    Source,
    StatusPeriod,
    Unit,
    UnitPlacement,
    UnitTerm,
    WorkflowState,
)
from registry.models.kinds import (
    ALLOWED_PARENTS,
    NO_SUPERIOR,
    PARTY_KINDS,
    PersonCategory,
    PoliticalStatus,
    UnitKind,
)
from registry.models.writer import Writer
from registry.nouns.organization import ORGANIZATION
from registry.nouns.unit import UNIT
from registry.operations.base import need_right, operation
from registry.operations.bulk_rows import AssignmentRow, Load, OrganizationRow, PersonRow, UnitRow
from registry.refusals import OperationRefused, refuse
from registry.search import index as search
from registry.trees.growth import NEW_ROOT, Node, make_room, reserve_ids

T = TypeVar("T")
Progress = Callable[[str, int], None]
"""Told the noun and how many of its rows are written."""

BATCH = 5000
_ANALYZE_FROM = 10_000
"""So many new rows change what the database should know of a table before it plans the next batch."""
_CATEGORIES, _STATUSES = frozenset(PersonCategory.values), frozenset(PoliticalStatus.values)
_ROLES = frozenset(Role.values)
_Life = tuple[date | None, date | None]
_CODE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def _untold(noun: str, written: int) -> None:
    pass


@operation
def bulk_load(
    *, actor: Actor, load: Load, at: str, reason: str = "", progress: Progress = _untold
) -> dict[str, int]:
    """Load everything or nothing, and write one entry at the unit with code ``at``; return the numbers.

    Takes the locks of both trees whole. New nodes come last among their siblings. ``progress`` is told
    after each batch. Raises ``OperationRefused`` at the first row that cannot be: what a form would
    refuse, too.
    """
    for rows in (load.units, load.organizations, load.people, load.assignments):
        if iter(rows) is rows:
            raise TypeError("bulk_load reads its rows more than once: pass a list, not a generator")
    need_right(actor, "bulk_load", None)
    locks.lock_unit_tree()
    locks.lock_whole_forest()
    references = References()
    is_first = not Organization.objects.exists()
    with nullcontext(Touched()) if is_first else following(people=_already_known(load)) as touched:
        numbers = _load(load, references, progress)
        if not is_first:
            touched.organizations |= keys_of(Organization, "code", (row.code for row in load.organizations))
            touched.people |= keys_of(Person, "number", {row.person for row in load.assignments})
    if is_first and numbers["organizations"]:
        rebuild(told=lambda done, of: progress("counts", 100 * done // of))
    unit = Unit.objects.filter(code=at).first()
    if unit is None:
        raise refuse("at", f"没有代码为“{at}”的单位。")
    audit.record(actor, "bulk_load", unit, unit=unit, after=numbers, reason=reason)
    return numbers


def _load(load: Load, references: References, progress: Progress) -> dict[str, int]:
    numbers: dict[str, int] = {}
    numbers["units"] = load_units(load.units, references, progress)
    analyze_loaded(numbers["units"], Unit, UnitPlacement)
    numbers["organizations"] = load_organizations(load.organizations, references, progress)
    analyze_loaded(numbers["organizations"], Organization, OrganizationPlacement)
    # From here no row names a later one: what is checked batch by batch is not kept for the end.
    check_references("IMMEDIATE")
    numbers["people"] = load_people(load.people, references, progress)
    analyze_loaded(numbers["people"], Person, StatusPeriod)
    numbers["assignments"] = load_assignments(load.assignments, references, progress)
    analyze_loaded(numbers["assignments"], Assignment)
    check_references("DEFERRED")
    return numbers


def analyze_loaded(number: int, *models: type[Model]) -> None:
    """Let PostgreSQL look at large new tables, or it plans the rest as if they were empty."""
    if number >= _ANALYZE_FROM and connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"ANALYZE {', '.join(model._meta.db_table for model in models)}")


def check_references(moment: str) -> None:
    """Say when PostgreSQL checks foreign keys: deferred, it keeps a note of every row until the end."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"SET CONSTRAINTS ALL {moment}")


def _already_known(load: Load) -> list[Person]:
    """The people of the load who are registered already: what they count may change."""
    numbers = sorted({row.person for row in load.assignments})
    return [person for values in batches(numbers, 500) for person in Person.objects.filter(number__in=values)]


def keys_of(model: type[Model], key: str, wanted: Iterable[Any]) -> set[int]:
    """Return the primary keys of the rows with the given codes or numbers."""
    return {
        pk
        for values in batches(sorted(wanted), 500)
        for pk in model._base_manager.filter(**{f"{key}__in": values}).order_by().values_list("pk", flat=True)
    }


class References:
    """Primary keys by code, asked for in batches and kept."""

    def __init__(self) -> None:
        self._known: dict[tuple[type[Model], str], dict[Any, int]] = {}

    def know(self, model: type[Model], key: str, pairs: Mapping[Any, int]) -> None:
        """Remember the keys of rows that this load makes."""
        self._known.setdefault((model, key), {}).update(pairs)

    def find(self, model: type[Model], key: str, wanted: Iterable[Any]) -> dict[Any, int]:
        """Return the keys of everything in ``wanted``; refuse what does not exist."""
        known = self._known.setdefault((model, key), {})
        missing = sorted({value for value in wanted if value not in known})
        at_once = 500 if connection.vendor == "sqlite" else BATCH
        for values in batches(missing, at_once):
            rows = model._base_manager.filter(**{f"{key}__in": values}).order_by()
            known.update(rows.values_list(key, "pk"))
        unknown = [value for value in missing if value not in known]
        if unknown:
            raise refuse(None, f"没有代码为“{unknown[0]}”的{model._meta.verbose_name}。")
        return known


def load_units(rows: Iterable[UnitRow], references: References, progress: Progress = _untold) -> int:
    """Write new units; the caller holds the lock of the tree."""
    places: dict[str, int] = {}
    parents: list[int] = []
    outer: dict[int, str] = {}
    moved: dict[int, UnitRow] = {}
    lives: dict[str, _Life] = {}
    for i, row in enumerate(rows):
        _check_code(row.code, places)
        _check(row.kind in UnitKind.values, row.code, f"单位类型“{row.kind}”不存在")
        _check_span(row.code, row.opened_on, row.closed_on)
        places[row.code] = i
        _place(row.code, row.parent, places, parents, outer)
        if row.formerly:
            moved[i] = row
        if row.opened_on or row.closed_on:
            lives[row.code] = (row.opened_on, row.closed_on)
    if not places:
        return 0
    former = {code for row in moved.values() for code, _ in row.formerly if code}
    above = {unit.code: unit for unit in _existing(Unit, {*outer.values(), *(former - places.keys())})}
    for code in outer.values():
        _check(above[code].closed_on is None, code, "单位已撤并,不能再设下级单位")
    lives.update((code, (unit.opened_on, unit.closed_on)) for code, unit in above.items())
    _check_moves(moved, places, parents, lives)
    anchors = {i: _node(above[code]) for i, code in outer.items()}
    intervals = make_room(Unit, parents, anchors)
    ids = reserve_ids(Unit, len(parents))
    references.know(Unit, "code", {code: ids[i] for code, i in places.items()})

    def superior(i: int) -> int | None:
        return anchors[i].pk if i in anchors else None if parents[i] == NEW_ROOT else ids[parents[i]]

    names, facts = _facts(UnitRow, {"parent", "formerly"})
    units = Writer(Unit, ("id", "parent_id", "tree_id", "lft", "rght", "level", *names))
    placements = Writer(UnitPlacement, ("unit_id", "superior_id", "started_on", "ended_on"))
    terms = Writer(UnitTerm, search.columns_of(UNIT))
    named = attrgetter(*UNIT.searched.fields)
    for batch in batches(enumerate(rows), BATCH):
        keys = references.find(Unit, "code", (code for _, row in batch for code, _ in row.formerly if code))
        units.write((ids[i], superior(i), *intervals.of(i), *facts(row)) for i, row in batch)
        placements.write(
            (ids[i], superior(i) if end is None else keys.get(place), start, end)
            for i, row in batch
            for place, start, end in _spells(row.formerly, row.parent, None)
        )
        terms.write(term for i, row in batch for term in search.terms_of(UNIT, ids[i], named(row)))
        progress("units", batch[-1][0] + 1)
    return len(parents)


def load_organizations(
    rows: Iterable[OrganizationRow], references: References, progress: Progress = _untold
) -> int:
    """Write new organizations; the caller holds the whole forest and follows what they count."""
    places: dict[str, int] = {}
    parents: list[int] = []
    outer: dict[int, str] = {}
    lives: list[tuple[str, date, date | None]] = []
    for i, row in enumerate(rows):
        _check_code(row.code, places)
        _check(row.state in WorkflowState.values, row.code, f"状态“{row.state}”不存在")
        _check(not row.is_temporary or row.kind in PARTY_KINDS, row.code, "只有党组织分临时和常设")
        _check_span(row.code, row.established_on, row.dissolved_on)
        if row.formerly:
            _check_transfers(row)
        places[row.code] = i
        lives.append((row.kind, row.established_on, row.dissolved_on))
        _place(row.code, row.parent, places, parents, outer)
    if not places:
        return 0
    above = {each.code: each for each in _existing(Organization, outer.values())}
    for code, i in places.items():
        if i in outer:
            over = above[outer[i]]
            _check(over.state != WorkflowState.WITHDRAWN, code, f"“{over.name}”已撤回,请换一个上级组织")
            _check_superior(code, lives[i], (over.kind, over.established_on, over.dissolved_on))
        else:
            _check_superior(code, lives[i], None if parents[i] == NEW_ROOT else lives[parents[i]])
    anchors = {i: _node(above[code]) for i, code in outer.items()}
    intervals = make_room(Organization, parents, anchors)
    ids = reserve_ids(Organization, len(parents))
    references.know(Organization, "code", {code: ids[i] for code, i in places.items()})

    def superior(i: int) -> int | None:
        return anchors[i].pk if i in anchors else None if parents[i] == NEW_ROOT else ids[parents[i]]

    names, facts = _facts(OrganizationRow, {"parent", "formerly", "unit", "campaign", "task_body", "source"})
    keys = ("id", "parent_id", "tree_id", "lft", "rght", "level")
    references_of = ("unit_id", "campaign_id", "task_body_id", "source_id")
    organizations = Writer(Organization, (*keys, *references_of, *names))
    placements = Writer(OrganizationPlacement, ("organization_id", "unit_id", "started_on", "ended_on"))
    terms = Writer(OrganizationTerm, search.columns_of(ORGANIZATION))
    named = attrgetter(*ORGANIZATION.searched.fields)
    for batch in batches(enumerate(rows), BATCH):
        some = [row for _, row in batch]
        units = references.find(Unit, "code", (code for row in some for code in _hosts(row)))
        _check_hosts(some, units)
        campaigns = references.find(Campaign, "code", (row.campaign for row in some if row.campaign))
        bodies = references.find(Organization, "code", (row.task_body for row in some if row.task_body))
        sources = _sources(references, some)
        organizations.write(
            (
                ids[i],
                superior(i),
                *intervals.of(i),
                units[row.unit],
                campaigns.get(row.campaign),
                bodies[row.task_body] if row.task_body else None,
                sources.get(row.source),
                *facts(row),
            )
            for i, row in batch
        )
        placements.write(
            (ids[i], units[host], start, end)
            for i, row in batch
            for host, start, end in _spells(row.formerly, row.unit, row.established_on)
        )
        terms.write(term for i, row in batch for term in search.terms_of(ORGANIZATION, ids[i], named(row)))
        progress("organizations", batch[-1][0] + 1)
    return len(parents)


def load_people(rows: Iterable[PersonRow], references: References, progress: Progress = _untold) -> int:
    """Write new people with their political status; the caller keeps their units open."""
    loaded = 0
    names, facts = _facts(PersonRow, {"home_unit", "home_branch", "status", "changes", "source"})
    keys = ("id", "home_unit_id", "home_branch_id", "political_status", "source_id")
    names_done: set[str] = set()
    people = Writer(Person, (*keys, *names))
    periods = Writer(StatusPeriod, ("person_id", "status", "started_on", "ended_on"))
    for batch in batches(rows, BATCH):
        for row in batch:
            _check(bool(row.number.strip()), row.name, "没有警号")
            _check(row.category in _CATEGORIES, row.number, f"人员类别“{row.category}”不存在")
            _check(row.status in _STATUSES, row.number, f"政治面貌“{row.status}”不存在")
            _check_span(row.number, row.joined_on, None)
            if row.changes:
                _check_changes(row)
        units = references.find(Unit, "code", (row.home_unit for row in batch))
        branches = references.find(
            Organization, "code", (row.home_branch for row in batch if row.home_branch)
        )
        sources = _sources(references, batch)
        ids = reserve_ids(Person, len(batch))
        people.write(
            (
                pk,
                units[row.home_unit],
                branches.get(row.home_branch),
                row.changes[-1][1] if row.changes else row.status,
                sources.get(row.source),
                *facts(row),
            )
            for pk, row in zip(ids, batch, strict=True)
        )
        periods.write(
            (pk, status, start, end)
            for pk, row in zip(ids, batch, strict=True)
            for status, start, end in _periods(row)
        )
        fresh_names = {row.name for row in batch} - names_done
        search.index_names(fresh_names)
        names_done |= fresh_names
        loaded += len(batch)
        progress("people", loaded)
    return loaded


def load_assignments(
    rows: Iterable[AssignmentRow], references: References, progress: Progress = _untold
) -> int:
    """Write new assignments; the caller holds the organizations' trees and follows what the people count."""
    loaded = 0
    withdrawn: set[int] | None = None
    names, facts = _facts(AssignmentRow, {"person", "organization"})
    assignments = Writer(Assignment, ("person_id", "organization_id", *names))
    for batch in batches(rows, BATCH):
        for row in batch:
            _check(row.role in _ROLES, row.person, f"职责“{row.role}”不存在")
            _check_span(row.person, row.started_on, row.ended_on)
        organizations = references.find(Organization, "code", (row.organization for row in batch))
        if withdrawn is None:
            gone = Organization.objects.filter(state=WorkflowState.WITHDRAWN).order_by()
            withdrawn = set(gone.values_list("pk", flat=True))
        for row in batch:
            if organizations[row.organization] in withdrawn:
                raise refuse("rows", f"“{row.organization}”已撤回,不能编入人员。")
        people = References().find(Person, "number", (row.person for row in batch))
        assignments.write((people[row.person], organizations[row.organization], *facts(row)) for row in batch)
        loaded += len(batch)
        progress("assignments", loaded)
    return loaded


def batches(rows: Iterable[T], size: int) -> Iterator[list[T]]:
    """Yield the rows in lists of at most ``size``."""
    iterator = iter(rows)
    while batch := list(islice(iterator, size)):
        yield batch


def _facts(row: type[Any], without: set[str]) -> tuple[list[str], Callable[[Any], tuple[Any, ...]]]:
    """Return the fields of a kind of row that the model takes as they are, and how to read them."""
    names = [name for name in row.__slots__ if name not in without]
    return names, attrgetter(*names)


def _spells(
    formerly: Iterable[tuple[str, date]], now: str, first: date | None
) -> Iterator[tuple[str, date | None, date | None]]:
    """Yield (place, start, end) of each place of a row, the last of which is open."""
    start = first
    for place, until in formerly:
        yield place, start, until
        start = until
    yield now, start, None


def _hosts(row: OrganizationRow) -> list[str]:
    return [*(host for host, _ in row.formerly), row.unit]


def _sources(references: References, batch: Iterable[Any]) -> dict[Any, int]:
    return references.find(Source, "number", (row.source for row in batch if row.source is not None))


def _check_hosts(batch: list[OrganizationRow], units: Mapping[str, int]) -> None:
    """Refuse an organization at a unit that is closed, or was not there yet."""
    dated = Unit.objects.filter(pk__in={units[code] for row in batch for code in _hosts(row)}).exclude(
        opened_on__isnull=True, closed_on__isnull=True
    )
    hosts = {unit.code: unit for unit in dated}
    for row in batch:
        for code, start, end in _spells(row.formerly, row.unit, row.established_on):
            host = hosts.get(code)
            if host is not None and start is not None:
                left = host.closed_on is None or (end is not None and end <= host.closed_on)
                _check(left, row.code, f"“{host.name}”已撤并")
                _check(host.is_open_on(start), row.code, f"“{host.name}”当时尚未设立")


def _check_transfers(row: OrganizationRow) -> None:
    """Refuse hosts that do not follow each other within the organization's life."""
    days = [row.established_on, *(until for _, until in row.formerly)]
    _check(days == sorted(set(days)), row.code, "转隶日期须晚于成立,并依次在后")
    _check(row.dissolved_on is None or days[-1] < row.dissolved_on, row.code, "转隶日期须早于撤销")
    _check_span(row.code, days[-1], None)
    _check(all(a != b for a, b in pairwise(_hosts(row))), row.code, "转隶前后的单位相同")


def _check_changes(row: PersonRow) -> None:
    days = [StatusPeriod.BEGINNING, *(day for day, _ in row.changes)]
    _check(days == sorted(set(days)), row.number, "政治面貌的变更日期须依次在后")
    for _, status in row.changes:
        _check(status in _STATUSES, row.number, f"政治面貌“{status}”不存在")
    _check_span(row.number, days[-1], None)


def _check_moves(
    moved: Mapping[int, UnitRow],
    places: Mapping[str, int],
    parents: Sequence[int],
    lives: Mapping[str, _Life],
) -> None:
    """Refuse superiors that do not follow each other, were not open, or stood below the unit itself."""
    for row in moved.values():
        superiors = [*(code for code, _ in row.formerly), row.parent]
        days = [until for _, until in row.formerly]
        _check(days == sorted(set(days)), row.code, "上级单位的变更日期须依次在后")
        _check(row.code not in superiors, row.code, "上级不能是自己")
        _check(all(a != b for a, b in pairwise(superiors)), row.code, "变更前后的上级单位相同")
        _check_span(row.code, row.opened_on, days[0])
        _check_span(row.code, days[-1], None)
        _check(row.closed_on is None or days[-1] < row.closed_on, row.code, "撤并之后不能再变更上级单位")
        for day, code in zip(days, superiors[1:], strict=True):
            opened, closed = lives.get(code, (None, None))
            was_open = (opened is None or opened <= day) and (closed is None or closed > day)
            _check(was_open, row.code, f"上级单位“{code}”在 {day} 不存在或已撤并")
    for day in sorted({until for row in moved.values() for _, until in row.formerly}):
        then = {
            i: places.get(next((code for code, until in row.formerly if until >= day), row.parent), NEW_ROOT)
            for i, row in moved.items()
        }
        for i, row in moved.items():
            path, at = {i}, then[i]
            while at != NEW_ROOT:
                _check(at not in path, row.code, f"在 {day} 之前,它的上级单位就在它之下")
                path.add(at)
                at = then.get(at, parents[at])


def _place(code: str, parent: str, places: dict[str, int], parents: list[int], outer: dict[int, str]) -> None:
    """Note the parent of the row ``code``: an earlier row, or one that is there already."""
    _check(parent != code, code, "上级不能是自己")
    parents.append(places.get(parent, NEW_ROOT))
    if parent and parent not in places:
        outer[places[code]] = parent


def _existing(model: type[Any], codes: Collection[str]) -> Iterator[Any]:
    """Yield the rows that are there already and have new ones below them, or had."""
    for some in batches(sorted(set(codes)), 500):
        rows = {row.code: row for row in model._base_manager.filter(code__in=some)}
        for code in some:
            if code not in rows:
                raise refuse("parent", f"没有代码为“{code}”的上级;上级须排在下级之前。")
            yield rows[code]


def _node(row: Any) -> Node:
    return Node(row.pk, row.tree_id, row.lft, row.rght, row.level)


def _periods(row: PersonRow) -> Iterator[tuple[str, date, date | None]]:
    steps = [(StatusPeriod.BEGINNING, row.status), *row.changes]
    ends = [day for day, _ in row.changes] + [None]
    for (start, status), end in zip(steps, ends, strict=True):
        yield status, start, end


def _check(holds: bool, key: str, message: str) -> None:
    if not holds:
        raise OperationRefused({"rows": [f"{key}:{message}。"]})


def _check_code(code: str, places: Mapping[str, int]) -> None:
    _check(bool(_CODE.fullmatch(code)), code, "代码只能用小写字母、数字和连字符")
    _check(code not in places, code, "代码重复")


def _check_span(key: str, start: date | None, end: date | None) -> None:
    if start is None and end is None:
        return
    today = timezone.localdate()
    _check(start is None or start <= today, key, f"日期 {start} 晚于今天")
    _check(end is None or end <= today, key, f"日期 {end} 晚于今天")
    _check(start is None or end is None or end >= start, key, "结束日期不能早于开始日期")


def _check_superior(
    code: str, row: tuple[str, date, date | None], over: tuple[str, date, date | None] | None
) -> None:
    kind, start, end = row
    _check(kind in ALLOWED_PARENTS, code, f"组织类型“{kind}”不存在")
    _check((over[0] if over else NO_SUPERIOR) in ALLOWED_PARENTS[kind], code, "不能设在这类上级之下")
    if over is not None:
        _check(over[1] <= start, code, "成立日期不能早于上级组织")
        _check(over[2] is None or (end is not None and end <= over[2]), code, "上级组织先于它撤销")


__all__ = ["AssignmentRow", "Load", "OrganizationRow", "PersonRow", "Progress", "UnitRow", "bulk_load"]
