"""Insert many new nodes into the trees at once: their intervals in one pass, not row by row as MPTT does.

500 single inserts into a tree of five thousand take a minute; one UPDATE of the bounds and a bulk insert
take 0.2 s. For operations only: the caller holds the trees' locks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Model

from registry.models.unit import MAX_DEPTH
from registry.models.writer import reserve_ids, write_new
from registry.refusals import refuse
from registry.trees.moves import insert_last, new_tree_ids
from registry.trees.order import keys_of

NEW_ROOT = -1
"""In place of a parent: the node is a root, or goes below a node that exists already."""

_POINTS_AT_ONCE = 100


class Node(NamedTuple):
    """An existing node that gets new children."""

    pk: int
    tree_id: int
    lft: int
    rght: int
    level: int


@dataclass(frozen=True)
class Intervals:
    """The intervals of the new nodes, in the order of loading."""

    tree_id: list[int]
    lft: list[int]
    rght: list[int]
    level: list[int]

    def of(self, i: int) -> tuple[int, int, int, int]:
        """Return (tree_id, lft, rght, level) of one node."""
        return self.tree_id[i], self.lft[i], self.rght[i], self.level[i]


def make_room(
    model: type[Model], parents: Sequence[int], anchors: Mapping[int, Node], keys: Sequence[str] = ()
) -> Intervals:
    """Shift the existing nodes apart and return the intervals of the new ones.

    ``parents[i]`` is the index of the parent of the new node ``i``, always an earlier one, or ``NEW_ROOT``;
    then ``anchors[i]`` is the existing node it goes below, if any. New nodes become the last siblings, in
    the order of their ``keys`` (without: as given). Raises ``OperationRefused`` when too deep.
    """
    number = len(parents)
    size = [1] * number
    for i in range(number - 1, -1, -1):
        if parents[i] != NEW_ROOT:
            size[parents[i]] += size[i]
    width: dict[Node, int] = {}
    for i, anchor in anchors.items():
        width[anchor] = width.get(anchor, 0) + 2 * size[i]
    free = _shift(model, width)

    result = Intervals([0] * number, [0] * number, [0] * number, [0] * number)
    roots = sum(parent == NEW_ROOT and i not in anchors for i, parent in enumerate(parents))
    trees = iter(new_tree_ids(model, roots))
    cursor = [0] * number
    for i in _parents_first(parents, keys):
        parent = parents[i]
        if parent != NEW_ROOT:
            lft, cursor[parent] = cursor[parent], cursor[parent] + 2 * size[i]
            tree_id, level = result.tree_id[parent], result.level[parent] + 1
        elif i in anchors:
            anchor = anchors[i]
            lft, free[anchor.pk] = free[anchor.pk], free[anchor.pk] + 2 * size[i]
            tree_id, level = anchor.tree_id, anchor.level + 1
        else:
            lft, tree_id, level = 1, next(trees), 0
        if level >= MAX_DEPTH:
            raise refuse("parent", f"层级超过 {MAX_DEPTH} 级,无法载入。")
        result.tree_id[i], result.lft[i], result.rght[i] = tree_id, lft, lft + 2 * size[i] - 1
        result.level[i], cursor[i] = level, lft + 1
    return result


def _parents_first(parents: Sequence[int], keys: Sequence[str]) -> Sequence[int]:
    """Return the places of the new nodes, each after its parent, those of one parent by their keys."""
    if not keys:
        return range(len(parents))
    depth: list[int] = []
    for parent in parents:
        depth.append(0 if parent == NEW_ROOT else depth[parent] + 1)
    return sorted(range(len(parents)), key=lambda i: (depth[i], keys[i], i))


def insert_all(nodes: Sequence[Any]) -> None:
    """Insert new nodes, each as the last child of its ``parent`` (None: the root of a tree of its own).

    A parent is there already, as read under the lock, or an earlier one of ``nodes``. Fills in keys and
    intervals and writes the rows.
    """
    if len(nodes) == 1:
        insert_last(nodes[0], nodes[0].parent)
        return
    if not nodes:
        return
    model = type(nodes[0])
    places = {id(node): i for i, node in enumerate(nodes)}
    above = [node.parent for node in nodes]
    parents = [NEW_ROOT if parent is None else places.get(id(parent), NEW_ROOT) for parent in above]
    anchors = {
        i: Node(parent.pk, parent.tree_id, parent.lft, parent.rght, parent.level)
        for i, parent in enumerate(above)
        if parent is not None and parents[i] == NEW_ROOT
    }
    intervals = make_room(model, parents, anchors, keys_of(model, nodes))
    for i, (node, pk) in enumerate(zip(nodes, reserve_ids(model, len(nodes)), strict=True)):
        node.pk = pk
        node.tree_id, node.lft, node.rght, node.level = intervals.of(i)
        node.parent = above[i]  # which has its key by now
    write_new(nodes)


def _shift(model: type[Model], width: Mapping[Node, int]) -> dict[int, int]:
    """Shift the bounds right of each node's end; return where its new children begin."""
    begin: dict[int, int] = {}
    trees: dict[int, list[Node]] = {}
    for node in width:
        trees.setdefault(node.tree_id, []).append(node)
    for tree_id, nodes in trees.items():
        nodes.sort(key=lambda node: node.rght)
        before = 0
        for node in nodes:
            begin[node.pk] = node.rght + before
            before += width[node]
        # From the right, so that the bounds left of each batch are still the old ones.
        for end in range(len(nodes), 0, -_POINTS_AT_ONCE):
            batch = nodes[max(0, end - _POINTS_AT_ONCE) : end]
            _shift_batch(
                model,
                tree_id,
                [(node.rght, add) for node, add in zip(batch, _sums(batch, width), strict=True)],
            )
    return begin


def _sums(nodes: list[Node], width: Mapping[Node, int]) -> list[int]:
    return list(accumulate(width[node] for node in nodes))


def _shift_batch(model: type[Model], tree_id: int, points: list[tuple[int, int]]) -> None:
    """Add to every bound the width of the points at or left of it; ``points`` are (bound, sum so far)."""

    def moved(column: str) -> str:
        cases = " ".join(f"WHEN {column} >= {at} THEN {column} + {add}" for at, add in reversed(points))
        return f"CASE {cases} ELSE {column} END"

    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {model._meta.db_table} SET lft = {moved('lft')}, rght = {moved('rght')} "
            f"WHERE tree_id = {int(tree_id)} AND rght >= {points[0][0]}"
        )
