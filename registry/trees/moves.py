"""Insert and move nodes of a tree by one UPDATE over the bounds that change, and no others.

A country is one tree of 120,000 units. MPTT's own move writes every row of the tree; here the bounds are
cut into pieces, each piece gets its shift, and only rows with a bound in a shifted piece are written: those
between the old place and the new one, and the units above them. For operations only: the caller holds the
trees' locks and passes rows that were read under them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import F, Max, Model
from django.utils import timezone

from registry.models import journal

_END = 2**31 - 1
"""Larger than every bound: the column's largest number."""


class Piece(NamedTuple):
    """The bounds ``lo..hi`` of one tree: the tree they go to, their shift, and the rise of the level."""

    tree_id: int
    lo: int
    hi: int
    to_tree: int
    shift: int
    rise: int

    @property
    def is_still(self) -> bool:
        """Whether nothing about it changes."""
        return self.tree_id == self.to_tree and not self.shift and not self.rise


def insert_last(node: Any, parent: Any | None) -> None:
    """Insert the new ``node`` as the last child of ``parent`` (None: as the root of a tree of its own).

    Sets the interval of ``node`` and saves it; the right bound of the instance ``parent`` is updated.
    """
    model = type(node)
    node.parent = parent
    if parent is None:
        (node.tree_id,) = new_tree_ids(model, 1)
        node.lft, node.rght, node.level = 1, 2, 0
    else:
        at = parent.rght
        _shift(model, [Piece(parent.tree_id, at, _END, parent.tree_id, 2, 0)], [parent.pk])
        node.tree_id, node.lft, node.rght, node.level = parent.tree_id, at, at + 1, parent.level + 1
        parent.rght += 2
    node.save(force_insert=True)
    journal.note_new([node])


def rearrange(model: type[Model], children: Sequence[tuple[int, int, int]]) -> None:
    """Put all children of one node, each a (tree_id, lft, rght), into the order given."""
    pieces, cursor = [], min((lft for _, lft, _ in children), default=0)
    for tree_id, lft, rght in children:
        pieces.append(Piece(tree_id, lft, rght, tree_id, cursor - lft, 0))
        cursor += rght - lft + 1
    _shift(model, pieces, [])


def move_last(nodes: Sequence[Any], target: Any | None, **changes: Any) -> None:
    """Move ``nodes``, each with all below it, to be the last children of ``target``, in the order given.

    With ``target`` None each becomes the root of its own tree. Every row is written once, however many
    nodes move. ``changes`` are written to the nodes along with their parent; their version grows by one.
    Raises ``ValueError`` when one node is below another, or ``target`` below one of them. The instances
    keep their old intervals: read them again.
    """
    if not nodes:
        return
    model = type(nodes[0])
    above = [node.parent_id for node in nodes if node.parent_id is not None]
    if target is not None:
        above.append(target.pk)
    _shift(model, _plan(model, nodes, target), above)
    model._base_manager.filter(pk__in=[node.pk for node in nodes]).update(
        parent=target, version=F("version") + 1, updated_at=timezone.now(), **changes
    )
    for node in nodes:
        before = {"parent": node.parent_id, **{name: getattr(node, name) for name in changes}}
        journal.note_change(node, before, {"parent": target, **changes})


def uproot(nodes: Sequence[Any]) -> None:
    """Remove nodes of one model, each with all below it: they are all among ``nodes``, as read now."""
    if not nodes:
        return
    pks = {node.pk for node in nodes}
    move_last([node for node in nodes if node.parent_id not in pks], None)
    model = type(nodes[0])
    rows = model._base_manager.filter(pk__in=pks)
    rows.update(parent=None)  # none holds another while they go
    rows.delete()


def new_tree_ids(model: type[Model], number: int) -> list[int]:
    """Return tree numbers that no other tree has or gets.

    On PostgreSQL they come from the sequence of the model's keys, so that several writers can create roots
    without a lock. A rebuild numbers trees otherwise, but under a lock that keeps others from creating roots.
    """
    if not number:
        return []
    table = model._meta.db_table
    if connection.vendor != "postgresql":
        last = int(model._base_manager.aggregate(last=Max("tree_id"))["last"] or 0)
        return list(range(last + 1, last + 1 + number))
    drawn, last = _draw(table, number)
    if drawn[0] <= last:  # trees were numbered past the keys: skip those numbers
        if drawn[-1] < last:
            _draw(table, last - drawn[-1])
        drawn, _ = _draw(table, number)
    return drawn


def _draw(table: str, number: int) -> tuple[list[int], int]:
    """Draw so many numbers; return them with the last tree."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT nextval(pg_get_serial_sequence('{table}', 'id')), "
            f"(SELECT COALESCE(MAX(tree_id), 0) FROM {table}) FROM generate_series(1, %s)",
            [number],
        )
        rows = cursor.fetchall()
    return [int(key) for key, _ in rows], int(rows[0][1])


def _plan(model: type[Model], nodes: Sequence[Any], target: Any | None) -> list[Piece]:
    """Plan the new bounds: the gaps that the nodes leave are closed, and a gap is made at the target."""
    leaving = _by_tree(nodes, target)
    pieces: list[Piece] = []
    for tree_id, gone in leaving.items():
        if target is None or tree_id != target.tree_id:
            pieces += _closed_up(tree_id, gone)
    if target is None:
        return pieces + _to_own_trees(model, nodes)
    return pieces + _into_target(nodes, target, leaving)


def _by_tree(nodes: Sequence[Any], target: Any | None) -> dict[int, list[Any]]:
    """Return the nodes by tree, each tree's in order. Raises ``ValueError`` where one is inside another."""
    trees: dict[int, list[Any]] = {}
    for node in sorted(nodes, key=lambda node: (node.tree_id, node.lft)):
        others = trees.setdefault(node.tree_id, [])
        if others and node.lft < others[-1].rght:
            raise ValueError("one of the nodes stands below another")
        if target is not None and node.tree_id == target.tree_id and node.lft <= target.lft <= node.rght:
            raise ValueError("the target stands below one of the nodes")
        others.append(node)
    return trees


def _to_own_trees(model: type[Model], nodes: Sequence[Any]) -> list[Piece]:
    """Make each node the root of a tree of its own, unless it is a root already."""
    inner = [node for node in nodes if node.lft > 1]
    return [
        Piece(node.tree_id, node.lft, node.rght, tree_id, 1 - node.lft, -node.level)
        for node, tree_id in zip(inner, new_tree_ids(model, len(inner)), strict=True)
    ]


def _into_target(nodes: Sequence[Any], target: Any, leaving: dict[int, list[Any]]) -> list[Piece]:
    """Lay out the target's tree: what stays before the place, the nodes, what stays after it."""
    own = leaving.get(target.tree_id, [])
    at, is_closed = target.rght, len(leaving.keys() - {target.tree_id}) == 0
    begin = min(at, *(node.lft for node in own)) if own else at
    end = max(at - 1, *(node.rght for node in own)) if own and is_closed else _END
    kept = [Piece(target.tree_id, lo, hi, target.tree_id, 0, 0) for lo, hi in _between(own, begin, end, at)]
    moved = [
        Piece(node.tree_id, node.lft, node.rght, target.tree_id, 0, target.level + 1 - node.level)
        for node in nodes
    ]
    before = [piece for piece in kept if piece.hi < at]
    after = [piece for piece in kept if piece.lo >= at]
    pieces: list[Piece] = []
    cursor = begin
    for piece in (*before, *moved, *after):
        pieces.append(piece._replace(shift=cursor - piece.lo))
        cursor += piece.hi - piece.lo + 1
    return pieces


def _closed_up(tree_id: int, leaving: Sequence[Any]) -> Iterator[Piece]:
    """Yield the pieces that close the gaps of leaving nodes; nothing when the root leaves."""
    gone = 0
    for node, after in zip(leaving, [*leaving[1:], None], strict=True):
        gone += node.rght - node.lft + 1
        end = after.lft - 1 if after is not None else _END
        if node.lft > 1 and node.rght < end:
            yield Piece(tree_id, node.rght + 1, end, tree_id, -gone, 0)


def _between(taken: Sequence[Any], begin: int, end: int, cut: int) -> Iterator[tuple[int, int]]:
    """Yield the parts of ``begin..end`` that the nodes do not take, cut in two before ``cut``."""
    start = begin
    for stop, following in [*((node.lft, node.rght + 1) for node in taken), (end + 1, end + 1)]:
        if start < cut < stop:
            yield start, cut - 1
            start = cut
        if start < stop:
            yield start, stop - 1
        start = following


def _joined(pieces: Sequence[Piece]) -> list[Piece]:
    """Drop pieces that do not change and join neighbours with the same shift: fewer branches in the CASE."""
    joined: list[Piece] = []
    for piece in sorted(piece for piece in pieces if not piece.is_still):
        last = joined[-1] if joined else None
        if (
            last is not None
            and last.hi + 1 == piece.lo
            and (last.tree_id, *last[3:]) == (piece.tree_id, *piece[3:])
        ):
            joined[-1] = last._replace(hi=piece.hi)
        else:
            joined.append(piece)
    return joined


def _shift(model: type[Model], pieces: Sequence[Piece], above: Sequence[int]) -> None:
    """Write the new bounds of rows that begin in a piece, and of ancestors of ``above`` that end in one.

    ``above`` are keys: the old parents and the new one. They and their ancestors are the only rows that can
    end in a piece without beginning in one.
    """
    pieces = _joined(pieces)
    if not pieces:
        return
    table = model._meta.db_table
    sets = [f"{column} = {_case(pieces, column, column, 'shift')}" for column in ("lft", "rght")]
    if any(piece.rise for piece in pieces):
        sets.append(f"level = {_case(pieces, 'lft', 'level', 'rise')}")
    if any(piece.tree_id != piece.to_tree for piece in pieces):
        sets.append(f"tree_id = {_case(pieces, 'lft', 'tree_id', 'to_tree')}")
    chain = (
        f"WITH RECURSIVE up(id, parent_id) AS (SELECT id, parent_id FROM {table} "
        f"WHERE id IN ({', '.join(str(int(pk)) for pk in sorted(set(above)))}) "
        f"UNION SELECT n.id, n.parent_id FROM {table} n JOIN up ON n.id = up.parent_id) SELECT id FROM up"
    )
    # As an array the index on the key serves beside the one on the bounds; SQLite manages with IN.
    over = f"id = ANY(ARRAY({chain}))" if connection.vendor == "postgresql" else f"id IN ({chain})"
    begins, ends = _spread(pieces, "lft"), _spread(pieces, "rght")
    where = f"{begins} OR ({over} AND ({ends}))" if above else begins
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {table} SET {', '.join(sets)} WHERE {where}")


def _case(pieces: Sequence[Piece], bound: str, column: str, what: str) -> str:
    """Return the new value of ``column`` by the piece that holds ``bound``."""
    one_tree = len({piece.tree_id for piece in pieces}) == 1
    branches = []
    for piece in pieces:
        tree = "" if one_tree else f"tree_id = {int(piece.tree_id)} AND "
        within = f"{bound} >= {piece.lo}" + ("" if piece.hi == _END else f" AND {bound} <= {piece.hi}")
        value = int(getattr(piece, what))
        branches.append(f"WHEN {tree}{within} THEN {value if what == 'to_tree' else f'{column} + ({value})'}")
    return f"CASE {' '.join(branches)} ELSE {column} END"


def _spread(pieces: Sequence[Piece], bound: str) -> str:
    """Return the condition that ``bound`` lies between the first and the last piece of its tree."""
    spreads = []
    for tree_id, group in groupby(pieces, key=lambda piece: piece.tree_id):
        of_tree = list(group)
        spreads.append(f"(tree_id = {int(tree_id)} AND {bound} BETWEEN {of_tree[0].lo} AND {of_tree[-1].hi})")
    return " OR ".join(spreads)
