"""Choose which numbers stand on top of a unit's page and of those below it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from registry import audit, locks
from registry.audit import Actor
from registry.counting.metrics import METRICS
from registry.models import KeyFigures, Unit
from registry.models.journal import remove
from registry.models.prepared import Values, read_rows
from registry.models.writer import write_new
from registry.operations.base import fresh, need_right, operation, write
from registry.rules import key_figures as rules
from registry.rules.findings import refuse_if


@operation
def choose_key_figures(*, actor: Actor, unit: Unit, metrics: Sequence[str]) -> Unit:
    """Let these metrics stand on top, in their order; none: those of the unit above, or of the product."""
    locks.use_units([unit])
    unit = fresh(unit)
    need_right(actor, "choose_key_figures", unit)
    refuse_if(rules.refusals([rules.Choice(metrics)]))
    row = KeyFigures.objects.select_for_update().filter(unit=unit).first()
    before = list(row.metrics) if row is not None else []
    if before == list(metrics):
        return unit
    if row is None:
        write_new([KeyFigures(unit=unit, metrics=list(metrics))])
    elif metrics:
        write(row, {"metrics": list(metrics)})
    else:
        remove(KeyFigures.objects.filter(pk=row.pk))
    audit.record(
        actor,
        "choose_key_figures",
        unit,
        before={"key_figures": _said(before)},
        after={"key_figures": _said(metrics)},
    )
    return unit


def chosen_at(unit: Unit) -> list[str]:
    """Return the metrics that were chosen at the unit or the nearest above, of those still there."""
    rows = read_rows(_nearest, [unit.tree_id, unit.lft, unit.rght])
    return [slug for (found,) in rows for slug in found if slug in METRICS]


def _nearest(values: Values) -> Any:
    tree_id, lft, rght = values
    rows = KeyFigures.objects.filter(unit__tree_id=tree_id, unit__lft__lte=lft, unit__rght__gte=rght)
    return rows.order_by("-unit__lft").values_list("metrics")[:1]


def _said(metrics: Sequence[str]) -> str:
    return "、".join(METRICS[slug].label if slug in METRICS else slug for slug in metrics)
