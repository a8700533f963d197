"""Loading many rows at once: units, organizations, people and assignments with valid trees.

For the demo, for imports and for the generator of large data. Queries grow with the number of
batches, not of rows. Rows are read from iterables that can be read again (a list, or an object
whose ``__iter__`` begins anew), so a generator of 150 thousand organizations is never in memory as
a whole; what is kept of each is its code, parent and interval.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from itertools import islice
from typing import Any, TypeVar

from django.db.models import Model
from django.utils import timezone

from registry import audit, locks
from registry.audit import Actor
from registry.models import (
    Assignment,
    Campaign,
    Organization,
    OrganizationPlacement,
    Person,
    Role,
    Source,
    StatusPeriod,
    Unit,
    UnitPlacement,
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
from registry.operations.base import OperationRefused, operation, refuse
from registry.operations.bulk_rows import AssignmentRow, Load, OrganizationRow, PersonRow, UnitRow
from registry.operations.growth import NEW_ROOT, Node, make_room, reserve_ids

T = TypeVar("T")
BATCH = 2000
_CODE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@operation
def bulk_load(*, actor: Actor, load: Load, at: str, reason: str = "") -> dict[str, int]:
    """Load everything or nothing, and write one entry at the unit with code ``at``; return the numbers.

    Takes the locks of both trees whole. New nodes come last among their siblings. Raises
    ``OperationRefused`` at the first row that cannot be: what a form would refuse, too.
    """
    for rows in (load.units, load.organizations, load.people, load.assignments):
        if iter(rows) is rows:
            raise TypeError("bulk_load reads its rows more than once: pass a list, not a generator")
    locks.lock_unit_tree()
    locks.lock_whole_forest()
    references = _References()
    numbers = {
        "units": _load_units(load.units, references),
        "organizations": _load_organizations(load.organizations, references),
        "people": _load_people(load.people, references),
        "assignments": _load_assignments(load.assignments, references),
    }
    unit = Unit.objects.filter(code=at).first()
    if unit is None:
        raise refuse("at", f"没有代码为“{at}”的单位。")
    audit.record(actor, "bulk_load", unit, unit=unit, after=numbers, reason=reason)
    return numbers


class _References:
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
        for values in _batches(missing, 500):
            rows = model._base_manager.filter(**{f"{key}__in": values}).order_by()
            known.update(rows.values_list(key, "pk"))
        unknown = [value for value in missing if value not in known]
        if unknown:
            raise refuse(None, f"没有代码为“{unknown[0]}”的{model._meta.verbose_name}。")
        return known


def _load_units(rows: Iterable[UnitRow], references: _References) -> int:
    places: dict[str, int] = {}
    parents: list[int] = []
    outer: dict[int, str] = {}
    for i, row in enumerate(rows):
        _check_code(row.code, places)
        _check(row.kind in UnitKind.values, row.code, f"单位类型“{row.kind}”不存在")
        _check_span(row.code, row.opened_on, row.closed_on)
        places[row.code] = i
        _place(row.code, row.parent, places, parents, outer)
    if not places:
        return 0
    above = {unit.code: unit for unit in _existing(Unit, outer)}
    for code in outer.values():
        _check(above[code].closed_on is None, code, "单位已撤并,不能再设下级单位")
    anchors = {i: _node(above[code]) for i, code in outer.items()}
    intervals = make_room(Unit, parents, anchors)
    ids = reserve_ids(Unit, len(parents))
    references.know(Unit, "code", {code: ids[i] for code, i in places.items()})

    def superior(i: int) -> int | None:
        return anchors[i].pk if i in anchors else None if parents[i] == NEW_ROOT else ids[parents[i]]

    for numbered in _batches(enumerate(rows), BATCH):
        Unit._base_manager.bulk_create(
            Unit(
                pk=ids[i],
                parent_id=superior(i),
                tree_id=intervals.tree_id[i],
                lft=intervals.lft[i],
                rght=intervals.rght[i],
                level=intervals.level[i],
                **_facts(row, {"parent"}),
            )
            for i, row in numbered
        )
        UnitPlacement.objects.bulk_create(
            UnitPlacement(unit_id=ids[i], superior_id=superior(i)) for i, _ in numbered
        )
    return len(parents)


def _load_organizations(rows: Iterable[OrganizationRow], references: _References) -> int:
    places: dict[str, int] = {}
    parents: list[int] = []
    outer: dict[int, str] = {}
    lives: list[tuple[str, date, date | None]] = []
    for i, row in enumerate(rows):
        _check_code(row.code, places)
        _check(row.state in WorkflowState.values, row.code, f"状态“{row.state}”不存在")
        _check(not row.is_temporary or row.kind in PARTY_KINDS, row.code, "只有党组织分临时和常设")
        _check_span(row.code, row.established_on, row.dissolved_on)
        places[row.code] = i
        lives.append((row.kind, row.established_on, row.dissolved_on))
        _place(row.code, row.parent, places, parents, outer)
    if not places:
        return 0
    above = {each.code: each for each in _existing(Organization, outer)}
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

    for numbered in _batches(enumerate(rows), BATCH):
        batch = [row for _, row in numbered]
        units = references.find(Unit, "code", (row.unit for row in batch))
        _check_hosts(batch, units)
        campaigns = references.find(Campaign, "code", (row.campaign for row in batch if row.campaign))
        bodies = references.find(Organization, "code", (row.task_body for row in batch if row.task_body))
        sources = _sources(references, batch)
        Organization._base_manager.bulk_create(
            Organization(
                pk=ids[i],
                parent_id=superior(i),
                tree_id=intervals.tree_id[i],
                lft=intervals.lft[i],
                rght=intervals.rght[i],
                level=intervals.level[i],
                unit_id=units[row.unit],
                campaign_id=campaigns.get(row.campaign),
                task_body_id=bodies[row.task_body] if row.task_body else None,
                source_id=sources.get(row.source),
                **_facts(row, {"parent", "unit", "campaign", "task_body", "source"}),
            )
            for i, row in numbered
        )
        OrganizationPlacement.objects.bulk_create(
            OrganizationPlacement(
                organization_id=ids[i], unit_id=units[row.unit], started_on=row.established_on
            )
            for i, row in numbered
        )
    return len(parents)


def _load_people(rows: Iterable[PersonRow], references: _References) -> int:
    loaded = 0
    for batch in _batches(rows, BATCH):
        for row in batch:
            _check(bool(row.number.strip()), row.name, "没有警号")
            _check(row.category in PersonCategory.values, row.number, f"人员类别“{row.category}”不存在")
            days = [StatusPeriod.BEGINNING, *(day for day, _ in row.changes)]
            _check(days == sorted(set(days)), row.number, "政治面貌的变更日期须依次在后")
            for status in (row.status, *(status for _, status in row.changes)):
                _check(status in PoliticalStatus.values, row.number, f"政治面貌“{status}”不存在")
            _check_span(row.number, row.joined_on, None)
            _check_span(row.number, days[-1], None)
        units = references.find(Unit, "code", (row.home_unit for row in batch))
        branches = references.find(
            Organization, "code", (row.home_branch for row in batch if row.home_branch)
        )
        sources = _sources(references, batch)
        made = Person.objects.bulk_create(
            Person(
                home_unit_id=units[row.home_unit],
                home_branch_id=branches.get(row.home_branch),
                political_status=row.changes[-1][1] if row.changes else row.status,
                source_id=sources.get(row.source),
                **_facts(row, {"home_unit", "home_branch", "status", "changes", "source"}),
            )
            for row in batch
        )
        StatusPeriod.objects.bulk_create(
            StatusPeriod(person_id=person.pk, status=status, started_on=start, ended_on=end)
            for person, row in zip(made, batch, strict=True)
            for status, start, end in _periods(row)
        )
        loaded += len(batch)
    return loaded


def _load_assignments(rows: Iterable[AssignmentRow], references: _References) -> int:
    loaded = 0
    for batch in _batches(rows, BATCH):
        for row in batch:
            _check(row.role in Role.values, row.person, f"职责“{row.role}”不存在")
            _check_span(row.person, row.started_on, row.ended_on)
        organizations = references.find(Organization, "code", (row.organization for row in batch))
        pks = {organizations[row.organization] for row in batch}
        gone = Organization.objects.filter(pk__in=pks, state=WorkflowState.WITHDRAWN).first()
        if gone is not None:
            raise refuse("rows", f"“{gone.name}”已撤回,不能编入人员。")
        people = _References().find(Person, "number", (row.person for row in batch))
        Assignment.objects.bulk_create(
            Assignment(
                person_id=people[row.person],
                organization_id=organizations[row.organization],
                **_facts(row, {"person", "organization"}),
            )
            for row in batch
        )
        loaded += len(batch)
    return loaded


def _batches(rows: Iterable[T], size: int) -> Iterator[list[T]]:
    iterator = iter(rows)
    while batch := list(islice(iterator, size)):
        yield batch


def _facts(row: Any, without: set[str]) -> dict[str, Any]:
    """Return the fields of a row that the model takes as they are."""
    return {name: getattr(row, name) for name in row.__slots__ if name not in without}


def _sources(references: _References, batch: Iterable[Any]) -> dict[Any, int]:
    return references.find(Source, "number", (row.source for row in batch if row.source is not None))


def _check_hosts(batch: list[OrganizationRow], units: Mapping[str, int]) -> None:
    """Refuse an organization at a unit that is closed, or was not there yet."""
    dated = Unit.objects.filter(pk__in={units[row.unit] for row in batch}).exclude(
        opened_on__isnull=True, closed_on__isnull=True
    )
    hosts = {unit.code: unit for unit in dated}
    for row in batch:
        host = hosts.get(row.unit)
        if host is not None:
            _check(host.closed_on is None, row.code, f"“{host.name}”已撤并")
            _check(host.is_open_on(row.established_on), row.code, f"“{host.name}”当时尚未设立")


def _place(code: str, parent: str, places: dict[str, int], parents: list[int], outer: dict[int, str]) -> None:
    """Note the parent of the row ``code``: an earlier row, or one that is there already."""
    _check(parent != code, code, "上级不能是自己")
    parents.append(places.get(parent, NEW_ROOT))
    if parent and parent not in places:
        outer[places[code]] = parent


def _existing(model: type[Any], outer: Mapping[int, str]) -> Iterator[Any]:
    """Yield the rows that are there already and get new ones below them."""
    codes = sorted(set(outer.values()))
    for some in _batches(codes, 500):
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


__all__ = ["AssignmentRow", "Load", "OrganizationRow", "PersonRow", "UnitRow", "bulk_load"]
