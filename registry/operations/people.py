"""What can be done with people: add, edit, change political status, transfer the home unit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from datetime import date
from typing import Any

from django.db.models import prefetch_related_objects

from registry import audit, locks
from registry.audit import Actor
from registry.counting.totals.write import following
from registry.models import Organization, Person, StatusPeriod, Unit
from registry.models.journal import note_change, rewrite
from registry.models.writer import write_new
from registry.nouns.person import PERSON
from registry.operations.base import (
    Written,
    changed,
    edited,
    fresh_all,
    need_right,
    operation,
    renew,
    validate_all,
    write_each,
)
from registry.refusals import refuse
from registry.rules import people as rules
from registry.rules.findings import refuse_if
from registry.search import index as search

EDITABLE = PERSON.editable
_RELATIONS = ("home_unit", "home_branch", "source")


@operation
def add_person(*, actor: Actor, **facts: Any) -> Person:
    """Add a person of these ``facts``; the political status holds from the beginning."""
    return add_people(actor=actor, people=[Person(**facts)])[0]


@operation
def add_people(*, actor: Actor, people: Sequence[Person], reason: str = "") -> Sequence[Person]:
    """Add new people, each to the ``home_unit``; the political status holds from the beginning."""
    locks.use_units({person.home_unit for person in people})
    renew(people, "home_unit", "home_branch")
    need_right(actor, "add_person", *people)
    findings = rules.refusals(
        [rules.Membership(person.home_unit, person.home_branch, person.joined_on) for person in people]
    )
    validate_all(people, findings, exclude=_RELATIONS, unique="number")
    refuse_if(rules.number_findings([rules.Numbering(each.number, each.name) for each in people]))
    write_new(people)
    search.index_rows(people)
    write_new(
        [
            StatusPeriod(person=person, status=person.political_status, started_on=StatusPeriod.BEGINNING)
            for person in people
        ]
    )
    names = [*EDITABLE, "political_status", "home_unit", "home_branch"]
    added: list[Written[Person]] = [(person, {}, audit.fields_of(person, names)) for person in people]
    audit.record_each(actor, "add_person", added, reason=reason)
    return people


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
    return edit_people(actor=actor, changes=[(person, changes)], version=version, reason=reason)[0]


@operation
def edit_people(
    *,
    actor: Actor,
    changes: Sequence[tuple[Person, Mapping[str, Any]]],
    version: int | None = None,
    reason: str = "",
) -> list[Person]:
    """Change plain facts (``EDITABLE``) of many people, of each its own."""
    people = _locked([person for person, _ in changes])
    need_right(actor, "edit_person", *people)
    candidates = [
        (person, edited(person, values, version, exclude=_RELATIONS)[1])
        for person, (_, values) in zip(people, changes, strict=True)
    ]
    wanted = [(person, values) for person, values in candidates if values]
    refuse_if(rules.refusals([rules.Membership(joined_on=values.get("joined_on")) for _, values in wanted]))
    renumbered = [person for person, values in wanted if "number" in values]
    refuse_if(
        rules.number_findings([rules.Numbering(each.number, each.name, each.pk) for each in renumbered])
    )
    counted = [person for person, values in wanted if "category" in values]
    with following(people=counted) if counted else nullcontext():
        written = write_each(wanted)
    search.index_names({values["name"] for _, values in wanted if "name" in values})
    audit.record_each(actor, "edit_person", written, reason=reason)
    return people


@operation
def change_political_status(
    *, actor: Actor, person: Person, status: str, on: date, reason: str = ""
) -> Person:
    """Give the person another political status from day ``on``; earlier days keep theirs.

    On the first day of the status that holds now it is a correction, which needs a reason.
    """
    return change_political_statuses(actor=actor, changes=[(person, status)], on=on, reason=reason)[0]


@operation
def change_political_statuses(
    *, actor: Actor, changes: Sequence[tuple[Person, str]], on: date, reason: str = ""
) -> list[Person]:
    """Give many people another political status from one day; see ``change_political_status``."""
    people = _locked([person for person, _ in changes])
    need_right(actor, "change_political_status", *people)
    statuses = {person.pk: status for person, (_, status) in zip(people, changes, strict=True)}
    refuse_if(
        rules.status_refusals(
            [rules.StatusChange(person, statuses[person.pk], on, reason) for person in people]
        )
    )
    with following(people=people):
        current = StatusPeriod.objects.filter(person__in=statuses, ended_on__isnull=True)
        corrected = list(current.filter(started_on=on))
        for period in corrected:
            note_change(period, {"status": period.status}, {"status": statuses[period.person_id]})
            period.status = statuses[period.person_id]
        StatusPeriod.objects.bulk_update(corrected, ["status"], batch_size=500)
        new = statuses.keys() - {period.person_id for period in corrected}
        rewrite(current.filter(person__in=new), ended_on=on)
        write_new([StatusPeriod(person_id=pk, status=statuses[pk], started_on=on) for pk in sorted(new)])
    written = write_each([(person, {"political_status": statuses[person.pk]}) for person in people])
    audit.record_each(actor, "change_political_status", written, reason=reason, effective_on=on)
    return people


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
    return transfer_people(actor=actor, moves=[(person, home_unit, home_branch)], reason=reason)[0]


@operation
def transfer_people(
    *, actor: Actor, moves: Sequence[tuple[Person, Unit, Organization | None]], reason: str = ""
) -> list[Person]:
    """Move the formal membership of many people, each to a unit and branch of its own."""
    locks.use_units({unit for _, unit, _ in moves})
    people = _locked([person for person, _, _ in moves])
    units = fresh_all([unit for _, unit, _ in moves])
    need_right(actor, "transfer_person", *people)
    need_right(actor, "transfer_person", *units)
    known = {branch.pk: branch for branch in fresh_all([branch for _, _, branch in moves if branch])}
    branches = [known[branch.pk] if branch else None for _, _, branch in moves]
    refuse_if(rules.refusals([rules.Membership(*each) for each in zip(units, branches, strict=True)]))
    wanted = [
        (person, changed(person, {"home_unit": unit, "home_branch": branch}))
        for person, unit, branch in zip(people, units, branches, strict=True)
    ]
    if not all(values for _, values in wanted):
        raise refuse("home_unit", "所属单位和组织关系都没有变化。")
    audit.record_each(actor, "transfer_person", write_each(wanted), reason=reason)
    return people


def _locked(people: Sequence[Person]) -> list[Person]:
    """Return the rows with their formal membership, kept from other writers until the transaction ends."""
    rows = Person.objects.select_for_update(no_key=True).order_by("pk")
    now = {row.pk: row for row in rows.filter(pk__in={person.pk for person in people})}
    if len(now) < len(people):
        raise refuse(None, "该人员已不存在,请刷新后重试。")
    prefetch_related_objects(list(now.values()), "home_unit", "home_branch")
    return [now[person.pk] for person in people]
