"""Make a logbook, change it, hand it down with fields of one's own, end it and take it up again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from django.utils import timezone

from registry import audit, locks
from registry.audit import Actor
from registry.logbooks import rules
from registry.logbooks.design import Counter, Design, Field, read, read_fields
from registry.logbooks.facts import item_key, slug_of, way_of
from registry.logbooks.models import AddedFields, Entry, HandedDown, Logbook, LogbookItem
from registry.logbooks.nouns import LOGBOOK
from registry.logbooks.operations.kept import recount_entries
from registry.logbooks.operations.parts import added_fields, items_of, used_fields
from registry.logbooks.shipped import shipped
from registry.models import Unit
from registry.models.journal import remove
from registry.models.writer import write_new
from registry.operations.base import edited, fresh, fresh_all, need_right, operation, validated, write
from registry.operations.codes import give_codes
from registry.refusals import need_reason, refuse
from registry.rules.findings import refuse_if
from registry.search import index as search

EDITABLE = LOGBOOK.editable
AGREED_WORDS = {"single": "每个登记对象只有一条", "watch": "到期提醒", "placing": "一次编入"}
_TOLD = ("unit", "group", "about", "purpose", "is_walled", "needs_approval", "started_on", "shipped")


@operation
def add_logbook(
    *,
    actor: Actor,
    unit: Unit,
    name: str,
    design: Mapping[str, Any],
    started_on: date | None = None,
    is_sample: bool = False,
    handed: Sequence[Unit] = (),
    **facts: Any,
) -> Logbook:
    """Make a logbook at a unit, in use from a day on, or a draft without a day. Raises ``OperationRefused``.

    ``handed`` are the units below that use it, each with all below it; none: all below.
    ``facts`` are group, about, purpose, is_walled, needs_approval, shipped and code.
    """
    locks.use_units([unit])
    unit = fresh(unit)
    need_right(actor, "add_logbook", unit)
    logbook = Logbook(
        unit=unit, name=" ".join(name.split()), started_on=started_on, is_sample=is_sample, **facts
    )
    made = _read(design)
    refuse_if(rules.naming_refusals([rules.Naming(logbook)]))
    refuse_if(rules.design_refusals([rules.Making(logbook.name, made, is_walled=logbook.is_walled)]))
    handed = fresh_all(list(handed))
    refuse_if(rules.handing_refusals([rules.Handing(logbook, handed)]))
    logbook.design = made.as_json()
    give_codes([logbook])
    validated(logbook, exclude=("unit", "design"))
    write_new([logbook])
    write_new([HandedDown(logbook=logbook, unit=each) for each in handed])
    _keep_items(logbook, (*made.fields, *made.kept))
    search.index_rows([logbook])
    after = {**audit.fields_of(logbook, [*_TOLD]), **_numbers(made)}
    if handed:
        after["handed"] = said_units(handed)
    audit.record(actor, "add_logbook", logbook, after=after, effective_on=started_on)
    return logbook


@operation
def copy_shipped(
    *,
    actor: Actor,
    unit: Unit,
    codes: Sequence[str],
    started_on: date | None = None,
    is_sample: bool = False,
) -> list[Logbook]:
    """Take logbooks that ship with the product into use at a unit, each as a copy that is the unit's own."""
    known = shipped()
    if unknown := [code for code in codes if code not in known]:
        raise refuse("codes", f"没有自带的台账“{unknown[0]}”。")
    return [
        add_logbook(
            actor=actor,
            unit=unit,
            name=each.name,
            design=each.design.as_json(),
            started_on=started_on or timezone.localdate(),
            is_sample=is_sample,
            shipped=each.code,
            **each.facts,
        )
        for each in (known[code] for code in codes)
    ]


@operation
def edit_logbook(
    *,
    actor: Actor,
    logbook: Logbook,
    changes: Mapping[str, Any],
    design: Mapping[str, Any] | None = None,
    handed: Sequence[Unit] | None = None,
    version: int | None = None,
    reason: str = "",
) -> Logbook:
    """Change plain facts of a logbook and its design: a new edition. A field with values keeps its type.

    ``handed``: to which units below it is handed down; None: as it is.
    """
    logbook = _locked(logbook)
    need_right(actor, "edit_logbook", logbook)
    candidate, wanted = edited(
        logbook,
        changes,
        version,
        exclude=("unit", "design"),
        rules=lambda row, names: rules.naming_refusals([rules.Naming(row)]),
    )
    before = logbook.made
    made = before if design is None else _read(design)
    used = used_fields(logbook)
    refuse_if(rules.design_refusals([rules.Making(candidate.name, made, before, used, candidate.is_walled)]))
    if "is_walled" in wanted and Entry.objects.filter(logbook=logbook).exists():
        raise refuse("is_walled", "台账已有条目,不能改限阅与否;请另建一本。")
    told: dict[str, Any] = {}
    handed_words = _hand_down(logbook, handed)
    if made != before:
        wanted |= {"design": made.as_json(), "edition": logbook.edition + 1}
        told = said_changes(before, made)
        _keep_items(logbook, (*made.fields, *made.kept))
    if not wanted and not handed_words:
        return logbook
    old, new = write(logbook, wanted)
    hidden = ("design", "edition")
    if handed_words:
        old, new = {**old, "handed": handed_words[0]}, {**new, "handed": handed_words[1]}
    audit.record(
        actor,
        "edit_logbook",
        logbook,
        before={name: value for name, value in old.items() if name not in hidden},
        after={name: value for name, value in new.items() if name not in hidden} | told,
        reason=reason,
    )
    if made.counters != before.counters:
        recount_entries(actor=actor, logbook=logbook)
    return logbook


@operation
def add_fields(
    *, actor: Actor, logbook: Logbook, unit: Unit, fields: Sequence[Mapping[str, Any]]
) -> AddedFields:
    """Set the fields that a unit adds to a logbook of a unit above, for itself and all below it."""
    logbook = _locked(logbook)
    unit = fresh(unit)
    need_right(actor, "edit_logbook_fields", unit)
    refuse_if(rules.adding_refusals([rules.Adding(logbook, unit)]))
    row = AddedFields.objects.filter(logbook=logbook, unit=unit).first()
    before = read_fields(row.fields) if row is not None else ()
    wanted = read_fields(fields)
    made = logbook.made
    others = tuple(each for each in added_fields(logbook) if each not in before)
    refuse_if(
        rules.design_refusals(
            [
                rules.Making(
                    logbook.name,
                    made.with_fields((*others, *wanted)),
                    made.with_fields((*others, *before)),
                    used_fields(logbook),
                    logbook.is_walled,
                )
            ]
        )
    )
    kept = Design(wanted).as_json()["fields"]
    if row is None:
        row = AddedFields(logbook=logbook, unit=unit, fields=kept)
        write_new([row])
    else:
        write(row, {"fields": kept})
    _keep_items(logbook, wanted)
    audit.record(
        actor, "edit_logbook_fields", logbook, unit=unit, after=said_changes(Design(before), Design(wanted))
    )
    return row


@operation
def end_logbook(*, actor: Actor, logbook: Logbook, on: date, reason: str) -> Logbook:
    """End a logbook from a day on: no entries on that day or later; what is in it stays and counts."""
    need_reason(reason, "停用原因")
    logbook = _locked(logbook)
    need_right(actor, "end_logbook", logbook)
    refuse_if(rules.ending_refusals([rules.Ending(logbook, on)]))
    return _dated(actor, "end_logbook", logbook, {"ended_on": on}, reason, on)


@operation
def start_logbook(*, actor: Actor, logbook: Logbook, on: date) -> Logbook:
    """Take a draft into use from a day on, or one that was ended again, then as if it had not ended."""
    logbook = _locked(logbook)
    need_right(actor, "start_logbook", logbook)
    if logbook.started_on is not None and logbook.ended_on is None:
        raise refuse(None, f"“{logbook.name}”已经启用。")
    values = {"ended_on": None} if logbook.started_on is not None else {"started_on": on}
    return _dated(actor, "start_logbook", logbook, values, "", on)


def _dated(
    actor: Actor, verb: str, logbook: Logbook, values: Mapping[str, Any], reason: str, on: date
) -> Logbook:
    before, after = write(logbook, values)
    audit.record(actor, verb, logbook, before=before, after=after, reason=reason, effective_on=on)
    return logbook


def _hand_down(logbook: Logbook, handed: Sequence[Unit] | None) -> tuple[str, str] | None:
    """Hand a logbook down to these units; return in words to which before and now, None: no change."""
    before = list(logbook.handed.all())
    if handed is None or {each.pk for each in before} == {each.pk for each in handed}:
        return None
    handed = fresh_all(list(handed))
    refuse_if(rules.handing_refusals([rules.Handing(logbook, handed)]))
    remove(HandedDown.objects.filter(logbook=logbook))
    write_new([HandedDown(logbook=logbook, unit=each) for each in handed])
    return said_units(before), said_units(handed)


def said_units(units: Sequence[Unit]) -> str:
    """Return in words by whom a logbook is used."""
    return "、".join(unit.name for unit in units) or "本单位及全部下级"


def said_changes(before: Design, after: Design) -> dict[str, str]:
    """Return in words what a new edition changes, for the record."""
    told = {}
    for name, word in (("fields", "字段"), ("steps", "步骤"), ("counters", "指标")):
        old = {each.key: each for each in getattr(before, name)}
        new = {each.key: each for each in getattr(after, name)}
        parts = [
            ("添加", [new[key].label for key in new if key not in old]),
            ("修改", [new[key].label for key in new if key in old and new[key] != old[key]]),
            ("删去", [old[key].label for key in old if key not in new]),
        ]
        if said := ";".join(f"{what}{word}“{'”“'.join(labels)}”" for what, labels in parts if labels):
            told[f"logbook_{name}"] = said
    if before.agreed != after.agreed:
        words = [label for name, label in AGREED_WORDS.items() if name in after.agreed]
        told["logbook_agreed"] = "、".join(words) or "无"
    return told


def _numbers(design: Design) -> dict[str, str]:
    return {
        "logbook_fields": "、".join(each.label for each in design.fields),
        "logbook_steps": "、".join(each.label for each in design.steps),
        "logbook_counters": "、".join(each.label for each in design.counters),
    }


def _keep_items(logbook: Logbook, parts: Sequence[Field | Counter]) -> None:
    known = items_of(logbook)
    new = [
        LogbookItem(logbook=logbook, key=item_key(each), slug=slug_of(logbook.code, each), way=way_of(each))
        for each in parts
        if item_key(each) not in known
    ]
    LogbookItem.objects.bulk_create(new)
    for each in parts:
        item = known.get(item_key(each))
        if item is not None and item.way != way_of(each):
            item.way = way_of(each)
            item.save(update_fields=["way"])


def _read(design: Mapping[str, Any]) -> Design:
    try:
        return read(design)
    except (TypeError, ValueError, AttributeError) as error:
        raise refuse("design", f"台账的设计读不出来:{error}") from None


def _locked(logbook: Logbook) -> Logbook:
    """Return the row as it is now, kept from other writers."""
    list(Logbook.objects.select_for_update().filter(pk=logbook.pk).values_list("pk"))
    return fresh(logbook)
