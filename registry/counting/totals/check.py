"""Compute the totals from the rows: to fill them, or to compare them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any

from django.db import connection, transaction
from django.db.models import Max, Model

from registry import locks
from registry.counting.metric import Metric
from registry.counting.metrics import every_metric
from registry.counting.totals import tables
from registry.counting.totals.points import TABLE
from registry.counting.totals.read import quoted
from registry.counting.totals.statement import ALL, among, changes
from registry.counting.totals.tables import CHANGE, KEYS, ROW
from registry.counting.totals.write import kept_metrics, owners_at
from registry.models import Basis, Campaign, Total, Unit, UnitPlacement

PIECE = 200_000
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
    with connection.cursor() as cursor:
        where = _where(units, metrics)
        cursor.execute(f"DELETE FROM {CHANGE} WHERE {where}")
        cursor.execute(f"DELETE FROM {TABLE} WHERE {where}")
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


def _without_totals() -> list[Metric]:
    """Return the metrics that have something to count and no totals."""
    tops = set(UnitPlacement.objects.filter(superior=None).values_list("unit_id", flat=True))
    known = set(Total.objects.filter(unit__in=tops).order_by().values_list("metric", flat=True).distinct())
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT DISTINCT metric FROM {CHANGE}")
        known |= {slug for (slug,) in cursor.fetchall()}
    return [
        metric
        for metric in kept_metrics()
        if metric.slug not in known and metric.source.rows().filter(metric.condition).exists()
    ]


def differences(units: Collection[int] | None = None, most: int = 20) -> list[str]:
    """Recount from the rows and compare with the totals; say each difference (the first ``most``).

    ``units``: compare these only. On PostgreSQL writers need not wait: rows and totals are read from one
    snapshot.
    """
    alone = not connection.in_atomic_block
    with transaction.atomic(), connection.cursor() as cursor:
        if alone and connection.vendor == "postgresql":
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        _recount(cursor, "recounted", units, None, None)
        where = _where(units, None)
        tables.add_stored(cursor, "recounted", where, "-")
        cursor.execute(
            f"SELECT {KEYS}, SUM(change) FROM (SELECT {ROW} FROM recounted "
            f"UNION ALL SELECT {KEYS}, -change FROM {CHANGE} WHERE {where}) every "
            f"GROUP BY {KEYS} HAVING SUM(change) <> 0 ORDER BY unit_id, day, is_cumulative, campaign_key"
        )
        found = _said(cursor, most)
        tables.drop(cursor, "recounted")
    return found


def _said(rows: Iterable[tuple[Any, ...]], most: int) -> list[str]:
    """Return a line for each unit, day, basis and campaign: what must be added to the totals."""
    apart: dict[tuple[Any, ...], dict[str, int]] = {}
    for unit, campaign, is_cumulative, metric, day, number in rows:
        key = unit, campaign, is_cumulative, day
        if key not in apart and len(apart) == most:
            break
        apart.setdefault(key, {})[metric] = int(number)
    order = {metric.slug: (place, metric.label) for place, metric in enumerate(every_metric())}
    codes = dict(Unit.objects.filter(pk__in={key[0] for key in apart}).values_list("pk", "code"))
    campaigns = dict(Campaign.objects.values_list("pk", "name"))
    said = []
    for (unit, campaign, is_cumulative, day), numbers in apart.items():
        basis = Basis.CUMULATIVE.label if is_cumulative else Basis.CURRENT.label
        named = sorted((*order.get(slug, (len(order), slug)), number) for slug, number in numbers.items())
        said.append(
            f"{codes.get(unit, unit)} 自 {day} 起 {basis}({campaigns.get(campaign, '全部专项任务')}):"
            + "、".join(f"{label} {number:+d}" for _place, label, number in named)
        )
    return said


def _where(units: Collection[int] | None, metrics: Collection[Metric] | None) -> str:
    parts = [] if units is None else [among("unit_id", units)]
    if metrics is not None:
        parts.append(f"metric IN ({quoted(metric.slug for metric in metrics)})")
    return " AND ".join(parts) or ALL


def _recount(
    cursor: Any,
    table: str,
    units: Collection[int] | None,
    metrics: Collection[Metric] | None,
    progress: Progress | None,
) -> None:
    """Write what the rows say into a temporary table, piece by piece, so that memory stays bounded."""
    if connection.vendor == "postgresql":
        cursor.execute("SET LOCAL work_mem = '128MB'")  # a piece is sorted in memory; else on disk
    tables.make_empty(cursor, table)
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
        tables.insert(cursor, table, changes(counted, {model: condition}, only))
        if progress is not None:
            progress(number, len(pieces))


def _pieces(model: type[Model]) -> Iterator[str]:
    """Cut the keys of a table into conditions for pieces of a bounded size."""
    last = model._base_manager.aggregate(last=Max("pk"))["last"] or 0
    for start in range(0, max(last, 1), PIECE):
        yield f"owner > {start} AND owner <= {start + PIECE}"
