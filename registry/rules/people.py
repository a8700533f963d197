"""Rules of people: their formal membership, the days of their facts, their political status."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.core.validators import RegexValidator

from registry.models import Organization, Person, PoliticalStatus, StatusPeriod, Unit, WorkflowState
from registry.models.kinds import PARTY_KINDS
from registry.rules.findings import Finding, Wrong, first_of, for_each, in_future, without_reason

number_validator = RegexValidator(
    r"^(?!p-[0-9a-f]{12}$)[\w.-]+$",  # which would be taken for somebody's key
    "警号只能用字母、数字、点、下划线和连字符。",
)


@dataclass(frozen=True, eq=False, slots=True)
class Membership:
    """Where a person would formally belong; None is left out of what is asked."""

    home_unit: Unit | None = None
    home_branch: Organization | None = None
    joined_on: date | None = None


@dataclass(frozen=True, eq=False, slots=True)
class StatusChange:
    """Another political status from a day on; on the first day of the present one it is a correction."""

    person: Person
    status: str
    on: date
    reason: str = ""


@dataclass(frozen=True, eq=False, slots=True)
class Renaming:
    """Another name and category of a person (None: as it is)."""

    person: Person
    name: str | None
    category: str | None
    reason: str = ""

    @property
    def is_of_another(self) -> bool:
        """Whether both change, as when the number was given to somebody else."""
        person = self.person
        return self.name not in (None, person.name) and self.category not in (None, person.category)


ANOTHER_PERSON = (
    "姓名和人员类别同时改变,像是警号给了另一个人。确是同一人的请说明原因;"
    "换了人的,请先在“{name}”的页面改掉旧警号,再登记新的人。"
)


@for_each
def renaming_refusals(proposal: Renaming) -> Wrong:
    """Ask for a reason where a number seems to be given to another person."""
    if proposal.is_of_another and not proposal.reason.strip():
        message = ANOTHER_PERSON.format(name=proposal.person.name)
        yield "number_of_one_person", "reason", message


def status_refusals(proposals: Sequence[StatusChange]) -> list[Finding]:
    """Return what is wrong with new political statuses."""
    people = {proposal.person.pk for proposal in proposals}
    rows = StatusPeriod.objects.filter(person__in=people, ended_on__isnull=True).order_by()
    since = dict(rows.values_list("person_id", "started_on"))
    return first_of(lambda proposal: _check_status(proposal, since[proposal.person.pk]), proposals)


@for_each
def refusals(proposal: Membership) -> Wrong:
    """Check where a person would belong."""
    unit, branch = proposal.home_unit, proposal.home_branch
    yield from in_future("joined_on", proposal.joined_on)
    if unit is not None and unit.closed_on is not None:
        yield "home_open", "home_unit", f"“{unit.name}”已撤并,请选择现有单位。"
    if branch is None:
        return
    if branch.state == WorkflowState.WITHDRAWN or branch.dissolved_on is not None:
        yield "home_branch_stands", "home_branch", f"“{branch.name}”已撤销或撤回,请选择现有党组织。"
    if branch.kind not in PARTY_KINDS or branch.is_temporary:
        yield "home_branch_standing", "home_branch", "组织关系须在常设党组织,临时党组织不接转组织关系。"


def _check_status(proposal: StatusChange, since: date) -> Wrong:
    on = proposal.on
    yield from in_future("on", on)
    if proposal.status not in PoliticalStatus.values:
        yield "status_known", "political_status", "请选择政治面貌。"
    if proposal.status == proposal.person.political_status:
        yield "status_changes", "political_status", "政治面貌没有变化。"
    if on < since:
        yield "status_in_order", "on", f"现在的政治面貌始于 {since:%Y-%m-%d},变更日期不能早于该日。"
    if on == since:
        what = f"更正原因:现在的政治面貌也始于 {on:%Y-%m-%d},已计入统计"
        yield from without_reason("correction_needs_reason", proposal.reason, what)
