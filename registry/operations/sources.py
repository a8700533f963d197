"""What can be done with published articles and the figures that they report: add, edit, withdraw, restore."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from django.db.models import Max

from registry import audit, locks
from registry.audit import Actor
from registry.models import Figure, Source, Unit
from registry.models.term import starts_with
from registry.models.writer import write_new
from registry.nouns.source import SOURCE
from registry.operations.base import edited, fresh, need_right, operation, validate_all, write
from registry.refusals import need_reason, refuse
from registry.rules import sources as rules
from registry.rules.findings import Finding, refuse_if

SOURCE_FACTS = SOURCE.editable
_SAID = ("metric", "value", "measure", "qualifier", "basis", "unit", "as_of", "latest")
"""The fields of a new figure that the record holds; an article has dozens of figures."""
_RELATIONS = ("source", "unit", "organization")
Row = TypeVar("Row", Source, Figure)


@operation
def add_source(*, actor: Actor, unit: Unit | None, **facts: Any) -> Source:
    """Enter a source at a unit; without a number it gets the next one. Raises ``OperationRefused``."""
    locks.lock_sources()
    need_right(actor, "add_source", unit)
    if "number" not in facts:
        facts["number"] = (Source.objects.aggregate(last=Max("number"))["last"] or 0) + 1
    source = Source(unit=unit, **facts)
    validate_all([source], rules.source_refusals([source]), exclude=_RELATIONS, unique="number")
    write_new([source])
    after = audit.fields_of(source, ["number", *SOURCE_FACTS, "unit"])
    audit.record(actor, "add_source", source, after=after, effective_on=source.published_on)
    return source


@operation
def edit_source(
    *, actor: Actor, source: Source, changes: Mapping[str, Any], version: int | None = None, reason: str = ""
) -> Source:
    """Change plain facts of a source (``SOURCE_FACTS``)."""

    def refusals(row: Source, wanted: Mapping[str, Any]) -> list[Finding]:
        return rules.source_refusals([row])

    return _edit(actor, "edit_source", source, changes, version, reason, refusals)


@operation
def withdraw_source(*, actor: Actor, source: Source, reason: str) -> Source:
    """Take back a source: with its figures it is left out of the reconciliation; the rows stay."""
    return _set_withdrawn(actor, "withdraw_source", source, reason, is_withdrawn=True)


@operation
def restore_source(*, actor: Actor, source: Source, reason: str) -> Source:
    """Restore a withdrawn source, with those of its figures that were not withdrawn themselves."""
    return _set_withdrawn(actor, "restore_source", source, reason, is_withdrawn=False)


@operation
def add_figure(*, actor: Actor, source: Source, **facts: Any) -> Figure:
    """Enter one figure that a source reports."""
    return add_figures(actor=actor, source=source, figures=[facts])[0]


@operation
def add_figures(*, actor: Actor, source: Source, figures: Sequence[Mapping[str, Any]]) -> list[Figure]:
    """Enter the figures that a source reports: all or none. Those without a code get one of the source."""
    locks.lock_sources()
    source = fresh(source)
    rows = [Figure(source=source, **each) for each in figures]
    need_right(actor, "add_figure", source, *(row.unit for row in rows if row.unit is not None))
    _give_codes(source, rows)
    findings = [*rules.figure_refusals(rows), *rules.place_refusals(rows)]
    validate_all(rows, findings, exclude=_RELATIONS, unique="code")
    write_new(rows)
    audit.record_all(
        [
            audit.entry(
                actor,
                "add_figure",
                row,
                after={**audit.fields_of(row, [*_SAID]), "source": source},
                effective_on=row.as_of,
            )
            for row in rows
        ]
    )
    return rows


@operation
def edit_figure(
    *, actor: Actor, figure: Figure, changes: Mapping[str, Any], version: int | None = None, reason: str = ""
) -> Figure:
    """Change a figure (what its noun lets be edited); the reconciliation follows at once."""

    def refusals(row: Figure, wanted: Mapping[str, Any]) -> list[Finding]:
        placed = rules.place_refusals([row]) if "unit" in wanted else []
        return [*rules.figure_refusals([row]), *placed]

    return _edit(actor, "edit_figure", figure, changes, version, reason, refusals, changes.get("unit"))


@operation
def withdraw_figure(*, actor: Actor, figure: Figure, reason: str) -> Figure:
    """Take back a figure: it is left out of the reconciliation; the row stays."""
    return _set_withdrawn(actor, "withdraw_figure", figure, reason, is_withdrawn=True)


@operation
def restore_figure(*, actor: Actor, figure: Figure, reason: str) -> Figure:
    """Restore a withdrawn figure."""
    return _set_withdrawn(actor, "restore_figure", figure, reason, is_withdrawn=False)


def _edit(
    actor: Actor,
    verb: str,
    row: Row,
    changes: Mapping[str, Any],
    version: int | None,
    reason: str,
    refusals: Callable[[Row, Mapping[str, Any]], list[Finding]],
    unit: Unit | None = None,
) -> Row:
    """Edit a row; it takes the right at its unit, and at the new ``unit``."""
    locks.lock_sources()
    row = fresh(row)
    need_right(actor, verb, row, *([unit] if unit else []))
    _candidate, wanted = edited(row, changes, version, exclude=_RELATIONS, rules=refusals)
    if wanted:
        before, after = write(row, wanted)
        audit.record(actor, verb, row, before=before, after=after, reason=reason)
    return row


def _set_withdrawn(actor: Actor, verb: str, row: Row, reason: str, *, is_withdrawn: bool) -> Row:
    locks.lock_sources()
    row = fresh(row)
    need_right(actor, verb, row)
    if row.is_withdrawn == is_withdrawn:
        raise refuse(None, "已经撤回。" if is_withdrawn else "没有撤回,不用恢复。")
    if isinstance(row, Figure):
        refuse_if(rules.figure_refusals([row]))
    need_reason(reason, "撤回原因" if is_withdrawn else "恢复原因")
    before, after = write(row, {"is_withdrawn": is_withdrawn})
    audit.record(actor, verb, row, before=before, after=after, reason=reason)
    return row


def _give_codes(source: Source, figures: Sequence[Figure]) -> None:
    """Give each figure without a code the next free one of its source: 12-3. Under the lock."""
    begins = f"{source.number}-"
    taken = set(Figure.objects.filter(starts_with("code", begins)).values_list("code", flat=True))
    number = 0
    for figure in figures:
        while not figure.code:
            number += 1
            figure.code = f"{begins}{number}" if f"{begins}{number}" not in taken else ""
