"""What is agreed on for a logbook beside its fields: that it can be so, and one live entry of each thing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from django.db.models import Q, prefetch_related_objects

from registry.logbooks.design import OF_PEOPLE, Design, FieldType
from registry.logbooks.models import Entry, Logbook
from registry.models.kinds import WorkflowState
from registry.rules.findings import Finding, Wrong, first_of

LONGEST_WATCH = 366


def check_agreed(design: Design, *, is_walled: bool) -> Wrong:
    """Yield what is wrong with what a design agrees on: the fields and steps that it names must be there."""
    for name, key, types, what in _fields_named(design):
        named = design.by_key.get(key)
        if named is None or named.type not in types:
            yield f"{name}_field", name, f"{what}请选一个{'或'.join(FieldType(t).label for t in types)}字段。"
    for name, key in _steps_named(design):
        if key and key not in design.step_by_key:
            yield f"{name}_step", name, f"约定里的步骤“{key}”没有,请选一步。"
    if design.placing is not None and not design.placing.step:
        yield "placing_step", "placing", "编入请选一个步骤,编入后条目到这一步。"
    if design.watch is not None:
        if not design.watch.by:
            yield "watch_by", "watch", "到期提醒请选走访登记在哪本台账。"
        if not 1 <= design.watch.days <= LONGEST_WATCH:
            yield "watch_days", "watch", f"到期提醒的天数请填 1 至 {LONGEST_WATCH}。"
    if is_walled and design.agreed:
        yield "walled_agreed", next(iter(design.agreed)), "限阅台账不能有这些约定。"


def _fields_named(design: Design) -> Iterable[tuple[str, str, tuple[str, ...], str]]:
    if design.watch is not None:
        yield "watch", design.watch.field, (FieldType.UNIT.value,), "到期提醒的单位"
    if design.placing is not None:
        yield "placing", design.placing.offered, OF_PEOPLE, "编入的报名人员"
        yield "placing", design.placing.chosen, OF_PEOPLE, "编入的选定人员"
        yield "placing", design.placing.into, (FieldType.ORGANIZATION.value,), "编入的组织"


def _steps_named(design: Design) -> Iterable[tuple[str, str]]:
    for name, each in design.agreed.items():
        yield name, getattr(each, "until", "") or getattr(each, "step", "")


# --- One live entry of each -----------------------------------------------------------------------


def subject_of(row: Entry) -> int | None:
    """Return the key of what an entry is about, by its logbook."""
    about = getattr(row, row.logbook.about)
    return about.pk if about is not None else None


def live_entries(
    logbook: Logbook, subjects: Collection[int | None], without: Collection[int] = ()
) -> dict[int, Entry]:
    """Return the live entry of each of these subjects, where the logbook has one of each; one query.

    ``without``: the keys of entries that do not matter. Who writes takes the lock first (``lock_single``).
    """
    single = logbook.made.single
    if single is None or not subjects:
        return {}
    ended = Q(state=WorkflowState.WITHDRAWN) | (Q(step=single.until) if single.until else Q(pk__in=[]))
    rows = Entry.objects.filter(logbook=logbook, **{f"{logbook.about}__in": {*subjects} - {None}})
    rows = rows.exclude(ended).exclude(pk__in=without).order_by("pk")
    return {getattr(row, f"{logbook.about}_id"): row for row in rows}


def lock_single(logbook: Logbook) -> None:
    """Let one writer after another enter where there is one live entry of each."""
    if logbook.made.single is not None:
        list(Logbook.objects.select_for_update(no_key=True).filter(pk=logbook.pk).values_list("pk"))


def said_single(logbook: Logbook, about: Any, stands: str) -> str:
    """Say that something has its entry already, and which."""
    until = logbook.made.step_by_key.get(logbook.made.single.until) if logbook.made.single else None
    or_end = f"或先办理“{until.label}”" if until is not None else "或先撤回它"
    return f"“{about.name}”在“{logbook.name}”中只能有一条,已有{stands},请修改那一条,{or_end}。"


def told_entry(entry: Entry) -> str:
    """Return the words for the entry that stands."""
    return f" {entry.happened_on:%Y-%m-%d} 登记的“{entry}”"


def standing_entries(rows: Sequence[Entry]) -> list[Finding]:
    """Refuse to set back an entry where another one stands meanwhile (``registry.rules.restored``)."""
    prefetch_related_objects(rows, "logbook", "organization", "person", "unit")
    rows = [row for row in rows if row.state != WorkflowState.WITHDRAWN]
    others: dict[tuple[int, int], Entry] = {}
    for logbook in sorted({row.logbook for row in rows}, key=lambda each: each.pk):  # locks in one order
        lock_single(logbook)
        own = [row for row in rows if row.logbook_id == logbook.pk]
        live = live_entries(logbook, {subject_of(row) for row in own}, [row.pk for row in own])
        others |= {(logbook.pk, subject): row for subject, row in live.items()}

    def check(row: Entry) -> Wrong:
        other = others.get((row.logbook_id, subject_of(row) or 0))
        single = row.logbook.made.single
        if other is not None and single is not None and (not single.until or row.step != single.until):
            said = said_single(row.logbook, getattr(row, row.logbook.about), told_entry(other))
            yield "single", "", said

    return first_of(check, rows)


STANDING = ((Entry, ("state", "step", "unit_id", "organization_id", "person_id"), standing_entries, False),)
"""What must hold of entries that are set back."""
