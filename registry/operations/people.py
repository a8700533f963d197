"""What can be done with people: add, edit, change political status, transfer the home unit."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from datetime import date
from typing import Any

from registry import access, audit, locks
from registry.audit import Actor
from registry.counting.totals.write import following
from registry.models import Organization, Person, PoliticalStatus, StatusPeriod, Unit
from registry.nouns.person import PERSON
from registry.operations.base import changed, check_version, fresh, need_right, operation, validated, write
from registry.refusals import refuse
from registry.rules import people as rules
from registry.rules.findings import refuse_if
from registry.search import index as search

EDITABLE, MASKED = PERSON.editable, PERSON.masked
"""What the record never holds in full: that it changed, and its ends."""
_RELATIONS = ("home_unit", "home_branch", "source")


@operation
def add_person(
    *,
    actor: Actor,
    number: str,
    name: str,
    category: str,
    home_unit: Unit,
    political_status: str = PoliticalStatus.UNKNOWN.value,
    home_branch: Organization | None = None,
    joined_on: date | None = None,
    title: str = "",
    phone: str = "",
    note: str = "",
) -> Person:
    """Add a person to ``home_unit``; the political status holds from the beginning."""
    locks.use_units([home_unit])
    home_unit, home_branch = fresh(home_unit), home_branch and fresh(home_branch)
    need_right(actor, "add_person", home_unit)
    refuse_if(rules.refusals([rules.Membership(home_unit, home_branch, joined_on)]))
    person = Person(
        number=number,
        name=name,
        category=category,
        political_status=political_status,
        home_unit=home_unit,
        home_branch=home_branch,
        joined_on=joined_on,
        title=title,
        phone=phone,
        note=note,
    )
    validated(person, exclude=_RELATIONS)
    person.save(force_insert=True)
    search.index_rows([person])
    StatusPeriod.objects.create(person=person, status=political_status, started_on=StatusPeriod.BEGINNING)
    audit.record(
        actor,
        "add_person",
        person,
        unit=home_unit,
        after=told(audit.fields_of(person, [*EDITABLE, "political_status", "home_unit", "home_branch"])),
    )
    return person


@operation
def edit_person(
    *,
    actor: Actor,
    person: Person,
    changes: Mapping[str, Any],
    version: int | None = None,
    reason: str = "",
) -> Person:
    """Change plain facts of a person (``EDITABLE``). Raises ``EditConflict`` when ``version`` is old."""
    person = _locked(person)
    need_right(actor, "edit_person", person)
    wanted = {name: changes[name] for name in EDITABLE if name in changes}
    check_version(person, version, wanted)
    wanted = changed(person, wanted)
    if not wanted:
        return person
    candidate = fresh(person)
    for name, value in wanted.items():
        setattr(candidate, name, value)
    validated(candidate, exclude=_RELATIONS)
    refuse_if(rules.refusals([rules.Membership(joined_on=wanted.get("joined_on"))]))
    with following(people=[person]) if "category" in wanted else nullcontext():
        before, after = write(person, wanted)
    audit.record(
        actor,
        "edit_person",
        person,
        unit=person.home_unit,
        before=told(before),
        after=told(after),
        reason=reason,
    )
    return person


@operation
def change_political_status(
    *, actor: Actor, person: Person, status: str, on: date, reason: str = ""
) -> Person:
    """Give the person another political status from day ``on``; earlier days keep theirs.

    On the first day of the status that holds now it is a correction, which needs a reason.
    """
    person = _locked(person)
    need_right(actor, "change_political_status", person)
    refuse_if(rules.status_refusals([rules.StatusChange(person, status, on, reason)]))
    current = StatusPeriod.objects.get(person=person, ended_on__isnull=True)
    with following(people=[person]):
        if on == current.started_on:
            StatusPeriod.objects.filter(pk=current.pk).update(status=status)
        else:
            StatusPeriod.objects.filter(pk=current.pk).update(ended_on=on)
            StatusPeriod.objects.create(person=person, status=status, started_on=on)
    before, after = write(person, {"political_status": status})
    audit.record(
        actor,
        "change_political_status",
        person,
        unit=person.home_unit,
        before=before,
        after=after,
        reason=reason,
        effective_on=on,
    )
    return person


@operation
def transfer_person(
    *,
    actor: Actor,
    person: Person,
    home_unit: Unit,
    home_branch: Organization | None = None,
    reason: str = "",
) -> Person:
    """Move the formal membership to another unit and branch; temporary placements stay as they are."""
    locks.use_units([home_unit])
    person = _locked(person)
    home_unit, home_branch = fresh(home_unit), home_branch and fresh(home_branch)
    need_right(actor, "transfer_person", person, home_unit)
    refuse_if(rules.refusals([rules.Membership(home_unit, home_branch)]))
    wanted = changed(person, {"home_unit": home_unit, "home_branch": home_branch})
    if not wanted:
        raise refuse("home_unit", "所属单位和组织关系都没有变化。")
    before, after = write(person, wanted)
    audit.record(actor, "transfer_person", person, unit=home_unit, before=before, after=after, reason=reason)
    return person


def told(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values as the record may hold them."""
    return {name: access.masked(value) if name in MASKED else value for name, value in values.items()}


def _locked(person: Person) -> Person:
    """Return the row, kept from other writers until the transaction ends."""
    row = Person.objects.select_for_update(no_key=True).filter(pk=person.pk).first()
    if row is None:
        raise refuse(None, "该人员已不存在,请刷新后重试。")
    return row
