"""Check the two trees, and rebuild their intervals from ``parent``.

``parent`` is the truth and the MPTT intervals are derived from it. The check reads each table once in the
order of its intervals and keeps only one path of the tree in memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import DateField, Exists, F, Model, OuterRef, Q, Subquery, Value

from registry.models import (
    BEGINNING,
    Organization,
    OrganizationPlacement,
    Person,
    PersonPlacement,
    StatusPeriod,
    Unit,
    UnitPlacement,
)
from registry.models.guards import missing
from registry.models.kinds import MEMBER_STATUSES
from registry.models.unit import MAX_DEPTH

CHUNK = 2000
TREES: tuple[tuple[str, type[Model]], ...] = (("单位树", Unit), ("组织树", Organization))


@dataclass(frozen=True)
class Fault:
    """Something wrong. ``rebuilds``: rebuilding the intervals mends it."""

    where: str
    key: str
    message: str
    rebuilds: bool = False

    def __str__(self) -> str:
        return f"{self.where} {self.key}:{self.message}"


class _Node(NamedTuple):
    pk: int
    code: str
    parent_id: int | None
    tree_id: int
    lft: int
    rght: int
    level: int


def check_all() -> Iterator[Fault]:
    """Yield the faults of the trees, the dated rows and the database's triggers."""
    for where, model in TREES:
        yield from check_intervals(where, model)
    for dated in _DATED:
        yield from _check_dated(dated)
    yield from _check_joining()
    for name in missing():
        yield Fault("数据库", name, "触发器缺失、停用或被改写(trigger missing);可用 --fix 补装")


def check_intervals(where: str, model: type[Model]) -> Iterator[Fault]:
    """Yield the faults of the intervals: nesting, gaps, levels, roots, agreement with ``parent``."""
    nodes = (
        model._base_manager.order_by("tree_id", "lft", "pk")
        .values_list("pk", "code", "parent_id", "tree_id", "lft", "rght", "level")
        .iterator(chunk_size=CHUNK)
    )
    walk = _Walk()
    for node in map(_Node._make, nodes):
        for code, message in walk.step(node):
            yield Fault(where, code, message, rebuilds=True)
    for code, message in walk.leave(before=None):
        yield Fault(where, code, message, rebuilds=True)


class _Walk:
    """A walk through the trees in the order of ``lft``: in a sound tree it meets every bound 1..2n once.

    Each step yields faults as (code of the node, message).
    """

    def __init__(self) -> None:
        self._path: list[_Node] = []
        self._tree_id: int | None = None
        self._expected, self._root = 1, ""

    def step(self, node: _Node) -> Iterator[tuple[str, str]]:
        """Go to the next node."""
        if node.tree_id != self._tree_id:
            yield from self.leave(before=None)
            self._tree_id, self._expected, self._root = node.tree_id, 1, node.code
        yield from self.leave(before=node.lft)
        if node.rght <= node.lft:
            yield node.code, f"区间颠倒 lft={node.lft} rght={node.rght}"
        if node.lft != self._expected:
            yield node.code, f"左值 lft={node.lft},应为 {self._expected}(有空缺或重叠)"
        self._expected = node.lft + 1
        for message in self._faults_of_place(node, self._path[-1] if self._path else None):
            yield node.code, message
        if node.rght > node.lft:
            self._path.append(node)
        if len(self._path) > MAX_DEPTH:  # only a broken tree; keep the path bounded
            self._path.pop(0)

    def leave(self, before: int | None) -> Iterator[tuple[str, str]]:
        """Leave the nodes that end before the bound ``before`` (None: all)."""
        while self._path and (before is None or self._path[-1].rght < before):
            node = self._path.pop()
            if node.rght != self._expected:
                yield node.code, f"右值 rght={node.rght},应为 {self._expected}(有空缺或重叠)"
            self._expected = max(self._expected, node.rght) + 1

    def _faults_of_place(self, node: _Node, above: _Node | None) -> Iterator[str]:
        """Yield where the place of a node does not agree with the node above it and its own columns."""
        if above is None and node.code != self._root:
            yield f"与“{self._root}”同在 tree_id={node.tree_id},一棵树只能有一个根"
        if above is not None and node.rght >= above.rght:
            yield f"区间 {node.lft}..{node.rght} 越出上级“{above.code}”的 {above.lft}..{above.rght}"
        if node.parent_id != (above.pk if above else None):
            inside = f"“{above.code}”之内" if above else "最上层"
            yield f"区间在{inside},与 parent_id={node.parent_id} 不符"
        if node.level != len(self._path):
            yield f"层级 level={node.level},应为 {len(self._path)}"


_NO_DAY = Value(None, DateField())
_BEGINNING = Value(BEGINNING, DateField())


@dataclass(frozen=True)
class _Dated:
    """Dated rows of one kind: whose they are, and what each says on its days."""

    where: str
    title: str
    model: type[Model]
    owner: str
    value: str
    now: str
    """The owner's field that holds the newest value."""
    key: str = "code"
    first: Any = _NO_DAY
    """The first day of its first row."""
    ends: str = ""
    """The owner's field with the day on which its last row ends, if it does."""
    is_second: bool = False
    """Whether the days of the same rows were checked already."""


_DATED = (
    _Dated("单位隶属", "隶属", UnitPlacement, "unit", "superior", "parent_id"),
    _Dated(
        "组织所在单位",
        "所在单位",
        OrganizationPlacement,
        "organization",
        "unit",
        "unit_id",
        first=F("organization__established_on"),
    ),
    _Dated(
        "政治面貌", "政治面貌", StatusPeriod, "person", "status", "political_status", "number", _BEGINNING
    ),
    *(
        _Dated(
            "人员关系",
            title,
            PersonPlacement,
            "person",
            value,
            now,
            "number",
            _BEGINNING,
            "left_on",
            value != "unit",
        )
        for title, value, now in (
            ("所属单位", "unit", "home_unit_id"),
            ("组织关系所在支部", "branch", "home_branch_id"),
        )
    ),
)


def _check_dated(dated: _Dated) -> Iterator[Fault]:
    """Yield owners whose open row is missing or says something else than they do, then gaps and overlaps."""
    rows: Any = dated.model._default_manager
    owners: Any = dated.model._meta.get_field(dated.owner).related_model
    of_owner = rows.filter(**{dated.owner: OuterRef("pk")})
    is_last = Q(ended_on__isnull=True)
    if dated.ends:
        is_last |= Q(ended_on=OuterRef(dated.ends))
    current = of_owner.filter(is_last).order_by("-started_on")
    newest = owners.objects.order_by("pk").annotate(
        row_open=Subquery(current.values("pk")[:1]), row_value=Subquery(current.values(dated.value)[:1])
    )
    for key, is_open, value, now in newest.values_list(
        dated.key, "row_open", "row_value", dated.now
    ).iterator(chunk_size=CHUNK):
        if is_open is None:
            yield Fault(dated.where, key, f"没有现行的{dated.title}记录(no open row)")
        elif value != now:
            yield Fault(
                dated.where, key, f"现行{dated.title} {dated.value}={value} 与 {dated.now}={now} 不符"
            )
    if dated.is_second:
        return
    spells = rows.order_by(f"{dated.owner}_id", F("started_on").asc(nulls_first=True)).values_list(
        f"{dated.owner}__{dated.key}", dated.first, "started_on", "ended_on"
    )
    yield from _check_spells(dated.where, spells.iterator(chunk_size=CHUNK))


def _check_joining() -> Iterator[Fault]:
    """Yield people whose membership does not begin with the day of joining."""
    begins = StatusPeriod.objects.filter(
        person=OuterRef("pk"), started_on=OuterRef("joined_on"), status__in=MEMBER_STATUSES
    )
    wrong = Person.objects.filter(joined_on__isnull=False).exclude(Exists(begins)).order_by("pk")
    for number, joined in wrong.values_list("number", "joined_on").iterator(chunk_size=CHUNK):
        yield Fault("政治面貌", number, f"没有自入党日期 {joined} 起的党员身份")


def _check_spells(where: str, spells: Iterator[tuple[Any, ...]]) -> Iterator[Fault]:
    """Yield the gaps and overlaps between the dated rows of one thing.

    ``spells`` are (key, first day, start, end) by key and start.
    """
    last_key, last_end = None, None
    for key, first, start, end in spells:
        if key != last_key:
            if start != first:
                yield Fault(where, key, f"首段始于 {start or '最初'},应为 {first or '最初'}")
        elif last_end is None or start is None or start < last_end:
            yield Fault(where, key, f"{start} 起的一段与前一段重叠(overlap)")
        elif start > last_end:
            yield Fault(where, key, f"{last_end} 至 {start} 之间没有记录(gap)")
        last_key, last_end = key, end


def rebuild_intervals(model: type[Model]) -> int:
    """Rebuild the intervals of one model's trees from ``parent``; return how many nodes changed."""
    below: dict[int | None, list[int]] = {}
    old: dict[int, tuple[int, int, int, int]] = {}
    rows = model._base_manager.order_by("tree_id", "lft", "pk")
    for pk, parent_id, *place in rows.values_list(
        "pk", "parent_id", "tree_id", "lft", "rght", "level"
    ).iterator(chunk_size=CHUNK):
        below.setdefault(parent_id, []).append(pk)
        old[pk] = (place[0], place[1], place[2], place[3])
    free = max((place[0] for place in old.values()), default=0) + 1
    used: set[int] = set()
    changes: list[tuple[int, int, int, int, int]] = []
    for root in below.get(None, []):
        tree_id = old[root][0]
        if tree_id in used:
            tree_id, free = free, free + 1
        used.add(tree_id)
        for pk, lft, rght, level in _numbered(root, below):
            if old[pk] != (tree_id, lft, rght, level):
                changes.append((pk, tree_id, lft, rght, level))
    for start in range(0, len(changes), 1000):
        _write(model, changes[start : start + 1000])
    return len(changes)


def _numbered(root: int, below: dict[int | None, list[int]]) -> Iterator[tuple[int, int, int, int]]:
    """Yield (key, lft, rght, level) of a root and all below it, children before their parent."""
    bound = 1
    path: list[tuple[int, int, Iterator[int]]] = [(root, bound, iter(below.get(root, ())))]
    while path:
        pk, lft, children = path[-1]
        bound += 1
        child = next(children, None)
        if child is None:
            path.pop()
            yield pk, lft, bound, len(path)
        else:
            path.append((child, bound, iter(below.get(child, ()))))


def _write(model: type[Model], changes: list[tuple[int, int, int, int, int]]) -> None:
    table = model._meta.db_table
    values = ", ".join(f"({pk}, {tree}, {lft}, {rght}, {level})" for pk, tree, lft, rght, level in changes)
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH v(pk, tree_id, lft, rght, level) AS (VALUES {values}) "
            f"UPDATE {table} SET tree_id = v.tree_id, lft = v.lft, rght = v.rght, level = v.level "
            f"FROM v WHERE {table}.id = v.pk"
        )
