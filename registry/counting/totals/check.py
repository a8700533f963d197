"""Compute the totals from the rows: to fill them, or to compare them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any

from django.db import connection, transaction
from django.db.models import Max, Min, Model

from registry import locks
from registry.counting.metric import APPROVED, Metric
from registry.counting.metrics import every_metric, kept_metrics
from registry.counting.totals import tables
from registry.counting.totals.fingerprints import wrong_lines
from registry.counting.totals.points import TABLE
from registry.counting.totals.read import every_line, quoted, slug_of_line
from registry.counting.totals.statement import ALL, NEW, PENDING, among
from registry.counting.totals.tables import CHANGE, ROW
from registry.counting.totals.whole import WAYS_UP, at_hosts, carried_up, make_ways_up, overlaps, weeks
from registry.counting.totals.write import owners_at
from registry.models import Basis, Campaign, Total, Unit, UnitPlacement
from registry.models.kinds import PENDING_STATES

PIECE = 500_000
"""Owners in one statement when everything is counted again."""

Progress = Callable[[int, int], None]
"""Progress callback (done, total)."""


def rebuild(
    units: Collection[int] | None = None,
    progress: Progress | None = None,
    metrics: Collection[Metric] | None = None,
) -> int:
    """Compute the totals of the given units and metrics (or all) again; return how many.

    The caller is in a transaction and holds the hierarchy alone, or loads everything at once.
    """
    if (units is not None and not units) or (metrics is not None and not metrics):
        return 0
    locks.lock_folding()
    if metrics is not None:
        metrics = _with_families(metrics)
    with connection.cursor() as cursor:
        where = _where(units, metrics)
        cursor.execute(f"DELETE FROM {CHANGE} WHERE {where}")
        cursor.execute(f"DELETE FROM {TABLE} WHERE {where}")
        if connection.vendor == "sqlite":  # what was just loaded is counted twenty times as fast (demo: 19 s)
            cursor.execute("ANALYZE")
        _recount(cursor, "recounted", units, metrics, progress)
        written = tables.write_totals(cursor, "recounted")
        tables.drop(cursor, "recounted")
        if written > PIECE and connection.vendor == "postgresql":
            cursor.execute(f"ANALYZE {TABLE}")
    return written


def fill_missing() -> int:
    """Compute the totals of metrics that have none yet; return how many.

    With none missing, which reading says, it waits for nobody.
    """
    if not _without_totals():
        return 0
    with locks.patient(), transaction.atomic():
        locks.lock_hierarchy()
        return rebuild(metrics=_without_totals())


def _with_families(metrics: Collection[Metric]) -> tuple[Metric, ...]:
    """Return the metrics, with one family every other one: by its name nobody sees whose a total is."""
    has_family = any(metric.source.named for metric in metrics)
    return tuple(
        metric for metric in kept_metrics() if metric in metrics or (has_family and metric.source.named)
    )


def _without_totals() -> list[Metric]:
    """Return the metrics that have something to count and no totals."""
    tops = set(UnitPlacement.objects.filter(superior=None).values_list("unit_id", flat=True))
    known = set(Total.objects.filter(unit__in=tops).order_by().values_list("metric", flat=True).distinct())
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT DISTINCT metric FROM {CHANGE}")
        known |= {slug for (slug,) in cursor.fetchall()}
    for state in ("", PENDING):
        if any("." in name and (PENDING in name) == bool(state) for name in known):
            families = [metric.slug for metric in kept_metrics() if metric.source.named]
            known |= {f"{slug}{state}{week}" for slug in families for week in ("", NEW)}
    return [
        metric
        for metric in kept_metrics()
        if any(
            not {f"{metric.slug}{state}{week}" for week in ("", NEW)} <= known
            and metric.source.rows(states).filter(metric.ever).exists()
            for state, states in (("", APPROVED), (PENDING, PENDING_STATES))
        )
    ]


def differences(units: Collection[int] | None = None, most: int = 20) -> list[str]:
    """Recount from the rows and compare with the totals; say each difference (the first ``most``).

    ``units``: compare these only. On PostgreSQL writers need not wait: rows and totals are read from one
    snapshot; and only metrics of which a total is wrong are worked out anew (``fingerprints``).
    """
    alone = not connection.in_atomic_block
    with transaction.atomic(), connection.cursor() as cursor:
        if alone and connection.vendor == "postgresql":
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        wrong: Collection[str] | None = None
        counted = kept_metrics()
        if units is None and connection.vendor == "postgresql":
            wrong = {slug_of_line(name) for name in wrong_lines(kept_metrics(), _pieces, alone=alone)}
            if not wrong:
                return []
            is_named = any("." in slug for slug in wrong)
            counted = tuple(
                metric for metric in counted if metric.slug in wrong or (is_named and metric.source.named)
            )
        where = _where(units, None if wrong is None else counted, wrong or ())
        _recount(cursor, "recounted", units, counted, None)
        tables.insert(cursor, "recounted", (tables.stored_changes(where, "-"), ()))
        cursor.execute(
            f"{tables.difference('recounted', f'{CHANGE} WHERE {where}')} "
            "ORDER BY unit_id, day, is_cumulative, campaign_key"
        )
        found = _said(iter(cursor.fetchone, None), most)
        tables.drop(cursor, "recounted")
    return found


_IS_NAMED = {"postgresql": "STRPOS(metric, '.') > 0", "sqlite": "INSTR(metric, '.') > 0"}
"""The condition that a total is of a metric that users made."""
_OF = {True: Basis.CUMULATIVE, False: Basis.CURRENT}


def _said(rows: Iterable[tuple[Any, ...]], most: int) -> list[str]:
    """Return a line for each unit, day, basis and campaign: what must be added to the totals."""
    apart: dict[tuple[Any, ...], dict[str, int]] = {}
    for unit, campaign, is_cumulative, line, day, number in rows:
        name, _colon, week = line.partition(":")
        basis = f"七日内{Basis(week).label}" if week else _OF[bool(is_cumulative)].label
        key = unit, campaign, basis, day
        if key not in apart and len(apart) == most:
            break
        apart.setdefault(key, {})[name] = int(number)
    order = {
        f"{metric.slug}{state}": (place, f"{metric.label}{said}")
        for place, metric in enumerate(every_metric())
        for state, said in (("", ""), (PENDING, "(待审批)"))
    }
    codes = dict(Unit.objects.filter(pk__in={key[0] for key in apart}).values_list("pk", "code"))
    campaigns = dict(Campaign.objects.values_list("pk", "name"))
    said = []
    for (unit, campaign, basis, day), numbers in apart.items():
        named = sorted((*order.get(name, (len(order), name)), number) for name, number in numbers.items())
        said.append(
            f"{codes.get(unit, unit)} 自 {day} 起 {basis}({campaigns.get(campaign, '全部专项任务')}):"
            + "、".join(f"{label} {number:+d}" for _place, label, number in named)
        )
    return said


def _where(
    units: Collection[int] | None, metrics: Collection[Metric] | None, gone: Collection[str] = ()
) -> str:
    """Return the condition for the totals of these metrics, and of ``gone``, which are none any more."""
    parts = [] if units is None else [among("unit_id", units)]
    if metrics is not None:
        slugs = {metric.slug for metric in metrics if not metric.source.named} | set(gone)
        named = [_IS_NAMED[connection.vendor]] if any(metric.source.named for metric in metrics) else []
        either = [f"metric IN ({quoted(every_line(slugs))})"] if slugs else []
        parts.append(f"({' OR '.join([*either, *named])})")
    return " AND ".join(parts) or ALL


def _recount(
    cursor: Any,
    table: str,
    units: Collection[int] | None,
    metrics: Collection[Metric] | None,
    progress: Progress | None,
) -> None:
    """Write what the rows say into a temporary table, piece by piece, so that memory stays bounded."""
    tables.plan_for_many(cursor)
    for name in (table, "carried"):
        tables.make_empty(cursor, name)
    make_ways_up(cursor)
    counted = tuple(metrics) if metrics is not None else kept_metrics()
    models = dict.fromkeys(metric.source.owners for metric in counted)
    only, within = ALL, dict.fromkeys(models, ALL)
    if units is not None:
        only = among("up.ancestor", units)
        owners = owners_at(counted, tables.units_below(units))
        for number, model in enumerate(models):
            within[model] = tables.among_keys(cursor, "owner", owners[model], f"owners_{number}")
    pieces = [(model, f"{within[model]} AND {piece}") for model in models for piece in _pieces(model)]
    for number, (model, condition) in enumerate(pieces, start=1):
        tables.insert(cursor, "carried", at_hosts(counted, {model: condition}))
        for statement in (overlaps, weeks):
            tables.insert(cursor, table, statement(counted, {model: condition}, only))
        if progress is not None:
            progress(number, len(pieces))
    carry_up(cursor, table, ALL if units is None else among("unit_id", units))
    tables.drop(cursor, WAYS_UP, "carried")


def carry_up(cursor: Any, table: str, where: str) -> None:
    """Write what stands in ``carried`` into a table, at the units where it stands and at all above them.

    From level to level it is summed up, so that it gets less and less.
    """
    if connection.vendor == "postgresql":
        cursor.execute("ANALYZE carried")
    while True:
        cursor.execute(f"INSERT INTO {table} ({ROW}) SELECT {ROW} FROM carried WHERE {where}")
        tables.make_empty(cursor, "higher")
        cursor.execute(f"INSERT INTO higher ({ROW}) {carried_up('carried')}")
        if not cursor.rowcount:
            break
        tables.drop(cursor, "carried")
        cursor.execute("ALTER TABLE higher RENAME TO carried")
    tables.drop(cursor, "higher")


def _pieces(model: type[Model]) -> Iterator[str]:
    """Cut the keys of a table into conditions for pieces of a bounded size."""
    keys = model._base_manager.aggregate(first=Min("pk"), last=Max("pk"))
    first, last = keys["first"] or 1, keys["last"] or 1
    for start in range(first - 1, last, PIECE):
        yield f"owner > {start} AND owner <= {start + PIECE}"
