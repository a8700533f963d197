"""What must be so of opinions and receipts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Model, Q
from django.utils import timezone

from registry.audit import Actor
from registry.models import Organization, Person, Unit
from registry.refusals import refuse
from registry.rules.findings import Finding, Wrong, for_each, in_future, refusal
from registry.service.models import LONGEST_OPINION, Opinion, Receipt
from registry.service.records import Record
from registry.service.served import owed


@dataclass(frozen=True)
class Writing:
    """An opinion as it would be written; ``version`` is that of the one that was seen, if any."""

    person: Person
    text: str
    version: int | None = None

    @property
    def field(self) -> str:
        """The name of its field in the form."""
        return f"text_{self.person.pk}"


@dataclass(frozen=True)
class Signing:
    """A receipt as it would be signed."""

    record: Record
    on: date


def judges(organization: Organization) -> bool:
    """Whether the organization writes opinions: a temporary Party organization of a campaign."""
    return organization.is_temporary and organization.campaign_id is not None


def writing_refusals(
    organization: Organization, writings: Sequence[Writing], known: dict[int, Opinion]
) -> list[Finding]:
    """Return why opinions cannot be written; ``known`` are those that are there, by person."""
    campaign = organization.campaign
    if campaign is None or not organization.is_temporary:
        return [refusal("judges", organization, "", "只有专项任务中的临时党组织写表现鉴定。")]
    members: Any = owed(campaign, timezone.localdate(), Q(organization=organization))
    signed: dict[int, bool] = dict(members.values_list("person_id", "is_signed"))
    found = [
        refusal(rule, each, each.field, message)
        for each in writings
        for rule, message in _wrong(each, signed, known.get(each.person.pk))
    ]
    return found


def _wrong(writing: Writing, signed: dict[int, bool], opinion: Opinion | None) -> Iterator[tuple[str, str]]:
    name = writing.person.name
    if writing.person.pk not in signed:
        yield "member", f"{name}不是本组织在该任务中的成员,不用写鉴定。"
    elif signed[writing.person.pk]:
        yield "signed", f"{name}的服务记录已由组织关系所在支部签收;要改鉴定,请对方先退回签收。"
    if opinion is not None and writing.version != opinion.version:
        yield "changed", f"在您填写期间,{opinion.written_by}已写成“{opinion.text}”。请核对后再次保存。"
    elif not writing.text.strip():
        yield "empty", "鉴定已经写了,不能清空,请改写。"
    elif len(writing.text) > LONGEST_OPINION:
        yield "long", f"{name}的鉴定有 {len(writing.text)} 字,最多 {LONGEST_OPINION} 字,请删减。"


def signing_refusals(signings: Sequence[Signing]) -> list[Finding]:
    """Return why records cannot be signed: nothing was done, it goes on, it is signed already."""
    return [
        refusal(rule, each, field, message)
        for each in signings
        for rule, field, message in _unsigned(each.record, each.on)
    ]


def _unsigned(record: Record, on: date) -> Iterator[tuple[str, str, str]]:
    name = record.person.name
    yield from in_future("on", on)
    if not record.spells:
        yield "served", "", f"{name}没有参加本专项任务,没有服务记录。"
    elif record.receipt is not None:
        yield (
            "signed",
            "",
            f"{name}的服务记录已于 {record.receipt.signed_on} 由{record.receipt.signed_by}签收。",
        )
    elif record.is_open:
        yield "serving", "", f"{name}到 {on} 还在服务,结束编入或结束任务后再签收。"


@dataclass(frozen=True)
class Reminding:
    """A reminder as it would be sent: how many records wait, and by when they are to be signed."""

    unit: Unit
    waiting: int
    due_on: date


@for_each
def reminding_refusals(proposal: Reminding) -> Wrong:
    """Check that something waits, and that there is time left for it."""
    if not proposal.waiting:
        yield "something_waits", "", f"“{proposal.unit.name}”及下级单位没有待签收的服务记录,不用催办。"
    if proposal.due_on < timezone.localdate():
        yield "time_left", "due_on", f"签收期限 {proposal.due_on:%Y-%m-%d} 已过,请改为今天或以后。"


def guard_taking_back(actor: Actor, rows: Sequence[Model]) -> None:
    """Refuse to take an opinion back that the home branch has signed for."""
    opinions = [row for row in rows if isinstance(row, Opinion)]
    signed = Receipt.objects.valid().filter(
        campaign__organizations__in={row.organization_id for row in opinions},
        person__in={row.person_id for row in opinions},
    )
    if opinions and (receipt := signed.select_related("person").first()) is not None:
        raise refuse(None, f"{receipt.person.name}的服务记录已由组织关系所在支部签收,请对方先退回签收。")
