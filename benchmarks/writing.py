"""Writing, one at a time: founding an organization with ten members, and changes of the unit tree."""

from __future__ import annotations

import os
import random
import secrets
from datetime import timedelta
from typing import Any

from django.utils import timezone

from benchmarks import trees
from benchmarks.measure import Timing
from benchmarks.sites import ACTOR, a_day, found, sites
from benchmarks.table import Table
from registry.models import Organization, Unit
from registry.operations import units as operations

COLUMNS = {"database": "database, ms", "whole": "whole call, ms", "p95": "95th percentile, ms"}
FOUNDINGS = 200
CHANGES = 20


def founding() -> list[Table]:
    """Found in the registry, with record, guards and totals; against bare trees of as many nodes."""
    table = Table("founding", "Founding one organization with 10 members", COLUMNS, ratio="whole")
    chosen, mark = random.Random(3), secrets.token_hex(4)
    places = sites(FOUNDINGS + 5, 3)
    days = [a_day(chosen) for _ in places]
    for number in range(5):  # warm
        found(places[-1 - number], f"bench-{mark}-w{number}", days[-1 - number])
    timing = trees.repeated(
        lambda i: found(places[i], f"bench-{mark}-{i}", days[i]) and None, FOUNDINGS, seconds=30
    )
    _add(table, "registry: establish_organization", timing, "with guards, record and totals")
    forest = trees.shape_of(Organization)
    try:
        timings = trees.with_mptt(forest, members=True)
        _add(table, "django-mptt, the registry's forest", timings["insert"], "a bare node and its members")
        timings = trees.with_mptt(forest.in_one_tree(), members=True)
        _add(table, "django-mptt, one tree", timings["insert"], "a bare node and its members")
    finally:
        trees.drop()
    _with_ltree(table, forest.in_one_tree(), "insert", members=True)
    table.note = (
        f"{len(forest.parents):,} organizations; medians of {timing.runs} foundings, fewer where slow."
    )
    return [table]


def unit_tree() -> list[Table]:
    """Insert and move a unit in the registry; against bare trees of the same shape."""
    shape = trees.shape_of(Unit)
    here = trees.some_inserts(shape, CHANGES)
    keys = list(Unit.objects.order_by("tree_id", "lft").values_list("pk", flat=True))
    moves = [(keys[leaf - 1], keys[target - 1]) for leaf, target in trees.some_moves(shape, CHANGES)]
    mark, today = secrets.token_hex(4), timezone.localdate()

    def add(i: int) -> None:
        superior = Unit.objects.get(pk=keys[here[i] - 1])
        operations.add_unit(
            actor=ACTOR, code=f"bench-{mark}-{i}", name="新设派出所", kind="station", superior=superior
        )

    def move(i: int) -> None:
        unit, superior = (Unit.objects.get(pk=pk) for pk in moves[i])
        operations.move_unit(
            actor=ACTOR, unit=unit, superior=superior, on=today - timedelta(1), reason="bench"
        )

    own = {"insert": trees.repeated(add, CHANGES), "move": trees.repeated(move, len(moves))}
    try:
        bare = trees.with_mptt(shape, members=False)
    finally:
        trees.drop()
    found = []
    for what, said, ours in (
        ("insert", "Inserting a unit into the unit tree", "registry: add_unit"),
        ("move", "Moving a unit without any below it", "registry: move_unit"),
    ):
        table = Table("units", said, COLUMNS, ratio="whole")
        _add(table, ours, own[what], "with lock, checks, dated superior, record and totals")
        _add(table, "django-mptt", bare[what], "a bare node")
        _with_ltree(table, shape, what, members=False)
        table.note = (
            f"{len(shape.parents):,} units in one tree; medians of {own[what].runs}, fewer where slow."
        )
        found.append(table)
    return found


_elsewhere: dict[tuple[int, bool], dict[str, Any]] = {}


def _with_ltree(table: Table, shape: trees.Shape, what: str, *, members: bool) -> None:
    """Add ltree, and django-mptt on the same server, or say why there is none."""
    url = os.environ.get("BENCH_LTREE_URL", "")
    if not url:
        reason = os.environ.get("BENCH_NO_LTREE") or "BENCH_LTREE_URL names no server that has it"
        table.add("ltree", f"not available: {reason}")
        return
    key = len(shape.parents), members
    if key not in _elsewhere:
        _elsewhere[key] = trees.elsewhere(url, shape, members=members)
    told = _elsewhere[key]
    version = told["server"].partition(",")[0]
    table.add(f"django-mptt, one tree, {version}", "the server that has ltree", **told["found"]["mptt"][what])
    table.add(f"ltree, {version}", "a bare path", **told["found"]["ltree"][what])


def _add(table: Table, way: str, timing: Timing, note: str) -> None:
    table.add(
        way,
        note,
        database=timing.database_milliseconds,
        whole=timing.milliseconds,
        p95=timing.p95_milliseconds,
    )
