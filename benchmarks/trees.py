"""Scratch trees: the cost of django-mptt and ltree on a tree of the registry's shape, in their own tables.

A node is a name and a place, with members in a second table: no history, no record, no counts, so the figures
flatter these two. It runs on any PostgreSQL that DATABASE_URL names; so that ltree is compared with
django-mptt on one server, `elsewhere` has both done there by a process of its own.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from io import StringIO
from typing import Any

from django.db import connection, models, transaction
from mptt.models import MPTTModel, TreeForeignKey

from benchmarks.machine import of_database
from benchmarks.measure import Timing, one_run

MEMBERS = 10
RUNS = 20
SECONDS = 12.0
"""The most seconds for each way."""


class Node(MPTTModel):
    """A node as django-mptt keeps it."""

    parent = TreeForeignKey("self", on_delete=models.CASCADE, null=True, related_name="children")
    name = models.CharField(max_length=120)

    class Meta:
        app_label = "benchmarks"
        db_table = "benchmark_node"
        indexes = [models.Index(fields=["tree_id", "lft"], name="benchmark_node_interval")]

    def __str__(self) -> str:
        return self.name


class NodeMember(models.Model):
    """A member at a node."""

    node_id = models.BigIntegerField(db_index=True)
    person_id = models.BigIntegerField()
    role = models.CharField(max_length=30)
    started_on = models.DateField()

    class Meta:
        app_label = "benchmarks"
        db_table = "benchmark_nodemember"

    def __str__(self) -> str:
        return f"{self.person_id}@{self.node_id}"


@dataclass(frozen=True)
class Shape:
    """A tree: the place of each node's parent in the list, always an earlier one; -1 for a top."""

    parents: list[int]

    def in_one_tree(self) -> Shape:
        """Return the same tree below one root."""
        return Shape([-1, *(parent + 1 for parent in self.parents)])

    def intervals(self) -> list[tuple[int, int, int, int]]:
        """Return (tree_id, lft, rght, level) of each node."""
        size = [1] * len(self.parents)
        for place in range(len(size) - 1, -1, -1):
            if self.parents[place] >= 0:
                size[self.parents[place]] += size[place]
        nodes: list[tuple[int, int, int, int]] = []
        free = [0] * len(size)
        trees = 0
        for place, parent in enumerate(self.parents):
            if parent < 0:
                trees += 1
                tree, lft, level = trees, 1, 0
            else:
                tree, lft, level = nodes[parent][0], free[parent], nodes[parent][3] + 1
                free[parent] += 2 * size[place]
            free[place] = lft + 1
            nodes.append((tree, lft, lft + 2 * size[place] - 1, level))
        return nodes


def shape_of(model: type[Any]) -> Shape:
    """Return the shape of one of the registry's trees."""
    rows = model._base_manager.order_by("tree_id", "lft").values_list("pk", "parent_id")
    places: dict[int | None, int] = {None: -1}
    parents = []
    for place, (pk, parent) in enumerate(rows.iterator(chunk_size=5000)):
        parents.append(places[parent])
        places[pk] = place
    return Shape(parents)


def copy_in(table: str, columns: str, lines: StringIO) -> None:
    """Load tab-separated lines into a table and analyze it."""
    lines.seek(0)
    with connection.cursor() as cursor:
        cursor.copy_expert(f"COPY {table} ({columns}) FROM STDIN", lines)
        cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), MAX(id)) FROM {table}")
        cursor.execute(f"VACUUM ANALYZE {table}")


def make_nodes(shape: Shape) -> None:
    """Make the tables of ``Node`` anew and fill them."""
    drop()
    with connection.schema_editor() as editor:
        editor.create_model(Node)
        editor.create_model(NodeMember)
    lines = StringIO()
    for place, (tree, lft, rght, level) in enumerate(shape.intervals()):
        parent = shape.parents[place] + 1 if shape.parents[place] >= 0 else "\\N"
        lines.write(f"{place + 1}\t{parent}\t{place}\t{tree}\t{lft}\t{rght}\t{level}\n")
    copy_in("benchmark_node", "id, parent_id, name, tree_id, lft, rght, level", lines)


def make_paths(shape: Shape) -> None:
    """Make the same tree as ltree would keep it; raises ``OperationalError`` where there is no ltree."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE EXTENSION IF NOT EXISTS ltree")
        cursor.execute("DROP TABLE IF EXISTS benchmark_path")
        cursor.execute(
            "CREATE TABLE benchmark_path (id bigserial PRIMARY KEY, path ltree, name varchar(120))"
        )
    lines, paths = StringIO(), list[str]()
    for place, parent in enumerate(shape.parents):
        paths.append(f"{paths[parent]}.{place + 1}" if parent >= 0 else str(place + 1))
        lines.write(f"{place + 1}\t{paths[place]}\t{place}\n")
    with connection.cursor() as cursor:
        cursor.execute("CREATE INDEX benchmark_path_gist ON benchmark_path USING gist (path)")
    copy_in("benchmark_path", "id, path, name", lines)


def drop() -> None:
    """Drop the tables."""
    with connection.cursor() as cursor:
        for table in ("benchmark_nodemember", "benchmark_node", "benchmark_path"):
            cursor.execute(f"DROP TABLE IF EXISTS {table}")


def place_members(node: int) -> None:
    """Put ten people at a node."""
    NodeMember.objects.bulk_create(
        NodeMember(node_id=node, person_id=number, role="member", started_on="2021-01-01")
        for number in range(MEMBERS)
    )


@transaction.atomic
def mptt_insert(parent: int, members: bool = True) -> None:
    """Insert as django-mptt does it: a fresh parent, one save."""
    node = Node(parent=Node.objects.get(pk=parent), name="new")
    node.save()
    if members:
        place_members(node.pk)


@transaction.atomic
def mptt_move(node: int, target: int) -> None:
    """Move as django-mptt does it."""
    Node.objects.get(pk=node).move_to(Node.objects.get(pk=target), "last-child")


@transaction.atomic
def ltree_insert(parent: int, members: bool = True) -> None:
    """Insert a path below another."""
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH new AS (SELECT nextval(pg_get_serial_sequence('benchmark_path', 'id')) AS id) "
            "INSERT INTO benchmark_path (id, path, name) SELECT new.id, p.path || new.id::text, 'new' "
            "FROM benchmark_path p, new WHERE p.id = %s RETURNING id",
            [parent],
        )
        (pk,) = cursor.fetchone()
    if members:
        place_members(pk)


@transaction.atomic
def ltree_move(node: int, target: int) -> None:
    """Move a path with all below it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT path::text FROM benchmark_path WHERE id = %s", [node])
        (path,) = cursor.fetchone()
        cursor.execute(
            "UPDATE benchmark_path SET path = "
            "(SELECT path FROM benchmark_path WHERE id = %s) || subpath(path, nlevel(%s::ltree) - 1) "
            "WHERE path <@ %s::ltree",
            [target, path, path],
        )


def repeated(call: Callable[[int], None], runs: int = RUNS, seconds: float = SECONDS) -> Timing:
    """Return the times of ``call(0)``, ``call(1)`` ..."""
    timing = Timing()
    begin = time.perf_counter()
    while timing.runs < runs and (not timing.runs or time.perf_counter() - begin < seconds):
        with one_run(timing):
            call(timing.runs)
    return timing


def some_inserts(shape: Shape, runs: int = RUNS) -> list[int]:
    """Return keys of nodes below which new ones are put, the same each time."""
    chosen = random.Random(1)
    return [chosen.randrange(1, len(shape.parents) + 1) for _ in range(runs)]


def some_moves(shape: Shape, runs: int = RUNS) -> list[tuple[int, int]]:
    """Return (leaf, new parent): a leaf moves to the parent of another leaf of its level."""
    levels = [level for _tree, _lft, _rght, level in shape.intervals()]
    inner = set(shape.parents)
    deepest = max(levels)
    leaves = [i for i, level in enumerate(levels) if level == deepest and i not in inner]
    chosen, moves = random.Random(2), list[tuple[int, int]]()
    for leaf in chosen.sample(leaves, min(len(leaves), runs)):
        target = shape.parents[leaf]
        for _ in range(20):
            target = shape.parents[chosen.choice(leaves)]
            if target != shape.parents[leaf]:
                break
        moves.append((leaf + 1, target + 1))
    return moves


def with_mptt(shape: Shape, *, members: bool) -> dict[str, Timing]:
    """Return the times of inserting with django-mptt; of moving too, where nodes have no members."""
    make_nodes(shape)
    return _changes(shape, lambda parent: mptt_insert(parent, members), None if members else mptt_move)


def with_ltree(shape: Shape, *, members: bool) -> dict[str, Timing]:
    """Return the times of the same with ltree."""
    make_paths(shape)
    return _changes(shape, lambda parent: ltree_insert(parent, members), None if members else ltree_move)


def _changes(
    shape: Shape, insert: Callable[[int], None], move: Callable[[int, int], None] | None
) -> dict[str, Timing]:
    inserts = some_inserts(shape)
    times = {"insert": repeated(lambda i: insert(inserts[i]), len(inserts))}
    if move is not None:
        moves = some_moves(shape)
        times["move"] = repeated(lambda i: move(*moves[i]), len(moves))
    return times


def here(asked: dict[str, Any]) -> dict[str, Any]:
    """Measure both on the database in use; return the milliseconds as JSON can hold them."""
    shape = Shape(asked["parents"])
    found: dict[str, Any] = {}
    try:
        for name, way in (("mptt", with_mptt), ("ltree", with_ltree)):
            found[name] = {
                what: {
                    "database": timing.database_milliseconds,
                    "whole": timing.milliseconds,
                    "p95": timing.p95_milliseconds,
                }
                for what, timing in way(shape, members=asked["members"]).items()
            }
    finally:
        drop()
    return {"server": of_database(), "found": found}


def elsewhere(url: str, shape: Shape, *, members: bool) -> dict[str, Any]:
    """Return what ``here`` says on the server of ``url``."""
    asked = json.dumps({"parents": shape.parents, "members": members})
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.run", "trees"],
        env=os.environ | {"DATABASE_URL": url},
        input=asked,
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found
