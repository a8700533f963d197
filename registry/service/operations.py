"""What can be done: write opinions, sign for records, give a receipt back, remind. All or none."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from django.utils import timezone

from registry import audit
from registry.audit import Actor
from registry.models import Campaign, Organization, Person, Unit
from registry.models.writer import write_new
from registry.operations import seen
from registry.operations.base import fresh, may, need_right, operation, write_each
from registry.operations.people import locked
from registry.refusals import need_reason, refuse
from registry.rules.findings import refuse_if
from registry.service.models import Opinion, Receipt, Reminder
from registry.service.records import records_of
from registry.service.rules import (
    Reminding,
    Signing,
    Writing,
    reminding_refusals,
    signing_refusals,
    writing_refusals,
)
from registry.service.served import homes_of, waiting_at


@operation
def write_opinions(
    *, actor: Actor, organization: Organization, writings: Sequence[Writing], is_sample: bool = False
) -> list[Opinion]:
    """Write or rewrite what the organization says of its members; texts that stay as they were are left out.

    Raises ``OperationRefused`` at the field of each text that cannot be written.
    """
    organization = fresh(organization)
    people = {person.pk: person for person in locked([each.person for each in writings])}
    need_right(actor, "write_opinion", organization)
    rows = Opinion.objects.filter(organization=organization, person__in=people).order_by("pk")
    known = {row.person_id: row for row in rows.select_related("person__home_unit", "organization__unit")}
    wanted = [
        each for each in writings if each.person.pk not in known or known[each.person.pk].text != each.text
    ]
    refuse_if(writing_refusals(organization, wanted, known))
    now = timezone.now()
    about = {"written_by": actor.name[:150], "written_at": now}
    changed = write_each(
        [(known[each.person.pk], {"text": each.text, **about}) for each in wanted if each.person.pk in known]
    )
    new = [
        Opinion(
            organization=organization,
            person=people[each.person.pk],
            text=each.text,
            is_sample=is_sample,
            **about,
        )
        for each in wanted
        if each.person.pk not in known
    ]
    write_new(new)
    texts = [*((row, before["text"]) for row, before, _ in changed), *((row, None) for row in new)]
    audit.record_all(
        [
            audit.entry(
                actor,
                "write_opinion",
                row,
                before={} if text is None else {"text": text},
                after={"text": row.text, "person": row.person, "organization": row.organization},
            )
            for row, text in texts
        ]
    )
    return [row for row, _ in texts]


@operation
def sign_receipts(
    *, actor: Actor, campaign: Campaign, people: Sequence[Person], on: date, is_sample: bool = False
) -> list[Receipt]:
    """Confirm for the home branches that they have the records of these people."""
    campaign = fresh(campaign)
    rows = locked(people)
    units = [_signing_unit(actor, "sign_receipt", row) for row in rows]
    need_right(actor, "sign_receipt", *units)
    seen.meet(rows, is_final=True)
    records = records_of(None, campaign, rows, on)
    refuse_if(signing_refusals([Signing(record, on) for record in records]))
    new = [
        Receipt(
            campaign=campaign,
            person=record.person,
            unit=unit,
            branch=record.person.home_branch,
            signed_on=on,
            signed_by=actor.name[:150],
            days=record.days,
            is_sample=is_sample,
        )
        for record, unit in zip(records, units, strict=True)
    ]
    write_new(new)
    audit.record_all(
        [
            audit.entry(
                actor,
                "sign_receipt",
                row,
                after={
                    **audit.fields_of(row, ["campaign", "branch", "signed_on", "days"]),
                    "person": row.person,
                },
                effective_on=on,
            )
            for row in new
        ]
    )
    return new


@operation
def return_receipts(
    *, actor: Actor, campaign: Campaign, people: Sequence[Person], reason: str
) -> list[Receipt]:
    """Give receipts back, so that what is wrong can be corrected; then they are signed anew."""
    need_reason(reason, "退回原因")
    rows = locked(people)
    need_right(actor, "return_receipt", *[_signing_unit(actor, "return_receipt", row) for row in rows])
    seen.meet(rows, is_final=True)
    receipts = list(
        Receipt.objects.valid()
        .filter(campaign=campaign, person__in=rows)
        .select_related("person__home_unit", "unit", "campaign")
        .order_by("pk")
    )
    signed = {receipt.person_id for receipt in receipts}
    if missing := [row.name for row in rows if row.pk not in signed]:
        raise refuse(None, f"{'、'.join(missing[:10])}的服务记录没有签收,不用退回。")
    written = write_each([(row, {"is_returned": True}) for row in receipts])
    audit.record_all(
        [
            audit.entry(
                actor,
                "return_receipt",
                row,
                before=before,
                after={**after, "person": row.person, "campaign": row.campaign},
                reason=reason,
            )
            for row, before, after in written
        ]
    )
    return receipts


@operation
def remind_receipts(
    *, actor: Actor, campaign: Campaign, unit: Unit, due_on: date, note: str = ""
) -> Reminder:
    """Remind a unit and all below it of the records that wait for a receipt there, to be signed by a day."""
    campaign, unit = fresh(campaign), fresh(unit)
    need_right(actor, "remind_receipts", unit)
    number = waiting_at(campaign, unit).count()
    refuse_if(reminding_refusals([Reminding(unit, number, due_on)]))
    row = Reminder(
        campaign=campaign,
        unit=unit,
        due_on=due_on,
        note=note,
        receipts=number,
        reminded_by=actor.name[:150],
    )
    write_new([row])
    audit.record(
        actor,
        "remind_receipts",
        row,
        after=audit.fields_of(row, ["campaign", "unit", "due_on", "receipts"]),
        reason=note,
    )
    return row


def _signing_unit(actor: Actor, verb: str, person: Person) -> Unit:
    """Return the unit that signs: the home unit, or the branch's where only there the actor may."""
    return next((unit for unit in homes_of(person) if may(actor, verb, unit)), person.home_unit)
