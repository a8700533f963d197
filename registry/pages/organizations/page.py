"""What an organization's page shows: facts, members by day, counts on the Party line, what happened."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from registry import access
from registry.counting.metrics import METRICS
from registry.counting.rollup import count_place
from registry.models import Campaign, CoveredUnit, Organization, OrganizationPlacement, Unit, WorkflowState
from registry.models.hierarchy import Span
from registry.models.kinds import PENDING_STATES
from registry.models.prepared import Values, read_objects
from registry.pages.organizations.members import MemberTable
from registry.pages.people.roll import roll_prints
from registry.rules import covering, workflow
from registry.rules.reorganizing import is_temporary_body, is_temporary_branch
from registry.rules.waiting import overdue_by
from registry.web.address import Address
from registry.web.links import PENDING, buttons, linked, rows_page
from registry.web.text import period

TONES = {"draft": "warn", "submitted": "warn", "returned": "bad", "withdrawn": "plain"}


def state_tag(organization: Organization, day: date) -> tuple[str, str]:
    """Return tone and words for where an organization is: in the workflow, or on the day."""
    if organization.state != WorkflowState.APPROVED:
        return TONES[organization.state], str(WorkflowState(organization.state).label)
    if organization.established_on > day:
        return "info", "当日未成立"
    return ("ok", "现有") if organization.stands_on(day) else ("plain", "已撤销")


# --- Facts ----------------------------------------------------------------------------------------


def placements_of(organization: Organization) -> list[OrganizationPlacement]:
    """Return where it was placed over time, the first place first."""
    return read_objects(_placements, [organization.pk])


def _placements(values: Values) -> QuerySet[OrganizationPlacement]:
    rows = OrganizationPlacement.objects.filter(organization=values[0])
    return rows.select_related("unit").order_by("started_on")


def facts(
    organization: Organization,
    placements: list[OrganizationPlacement],
    scope: Sequence[Span],
    address: Address,
) -> list[tuple[str, str | SafeString]]:
    """Return label and value of everything registered about it, in the order of display."""
    parent, body, source = organization.parent, organization.task_body, organization.source
    campaign, by = organization.campaign, organization.approving_organization
    found: list[tuple[str, str | SafeString | None]] = [
        ("组织代码", organization.code),
        ("类型", organization.kind_label),
        ("荣誉命名", organization.honour_title),
        ("专项任务", _campaign(campaign, address) if campaign else ""),
        *(("所在单位", _host(each, len(placements), scope, address)) for each in placements),
        ("覆盖单位", _covered(organization, scope, address)),
        ("上级组织", _superior(organization, scope, address) if parent else "无"),
        ("依托的专班或工作组", linked(address, body, scope) if body else ""),
        ("成立日期", organization.established_on.isoformat()),
        ("批准的党组织", linked(address, by, scope) if by else ""),
        ("批复文号", organization.approval_number),
        ("批复日期", organization.approved_on.isoformat() if organization.approved_on else ""),
        ("撤销日期", organization.dissolved_on.isoformat() if organization.dissolved_on else ""),
        ("撤销文号", organization.dissolution_number),
        ("别名", organization.aliases),
        ("备注", organization.note),
    ]
    if source:
        url = address.url(reverse("source", args=[source.number]))
        found.append(("来源", format_html('<a href="{}">{}</a>', url, source.title)))
    return [(label, value) for label, value in found if value]


def _covered(organization: Organization, scope: Sequence[Span], address: Address) -> SafeString:
    """The units that a joint branch covers on the day, and that they do not count it."""
    units = covering.covered_on([organization], address.as_of).get(organization.pk, [])
    if not units:
        return SafeString("")
    names = format_html_join("、", "{}", ((linked(address, unit, scope),) for unit in units))
    return format_html('{} <span class="quiet small">只计入所在单位,不重复统计</span>', names)


def _campaign(campaign: Campaign, address: Address) -> SafeString:
    """The campaign, and that it has ended."""
    link = format_html('<a href="{}">{}</a>', address.url(campaign.get_absolute_url()), campaign.name)
    if campaign.ended_on is None:
        return link
    return format_html('{} <span class="tag plain">{} 结束</span>', link, campaign.ended_on.isoformat())


def _superior(organization: Organization, scope: Sequence[Span], address: Address) -> SafeString:
    named = linked(address, organization.parent, scope)
    return (
        format_html('{} <span class="tag warn">推定</span>', named) if organization.parent_inferred else named
    )


def _host(
    placement: OrganizationPlacement, number: int, scope: Sequence[Span], address: Address
) -> SafeString:
    """The host unit, with its days once there was another one."""
    link = linked(address, placement.unit, scope)
    return (
        format_html("{} {}", link, period(placement.started_on, placement.ended_on)) if number > 1 else link
    )


# --- Party line -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class LineCount:
    """One number of the Party line with its rows."""

    label: str
    value: int
    url: str
    measure: str
    pending: int
    pending_url: str


def line_counts(organization: Organization, address: Address) -> list[LineCount]:
    """Return what counts for the organization with all below it on the Party line, without the zeros."""
    line = count_place(organization, address.question)

    def url(slug: str, **changes: str) -> str:
        return address.url(reverse(rows_page(slug)), party_line=organization.code, metric=slug, **changes)

    return [
        LineCount(
            str(metric.label),
            line.counts[slug],
            url(slug),
            metric.measure,
            line.pending[slug],
            url(slug, state=PENDING) if line.pending[slug] else "",
        )
        for slug, metric in METRICS.items()
        if line.counts[slug] or line.pending[slug]
    ]


# --- What happened --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Happening:
    """What happened on a day, in words."""

    day: date
    what: str


def timeline(
    organization: Organization, placements: list[OrganizationPlacement], found: MemberTable
) -> list[Happening]:
    """Return foundation, transfers, changes among the leaders, members in and out, the end; newest first."""
    events: list[tuple[date, int, str]] = []
    number = organization.approval_number
    words = f"成立,{number}" if number else "成立"
    if placements:
        words += f",设在{placements[0].unit.name}"
    events.append((organization.established_on, 0, words))
    for before, after in pairwise(placements):
        said = f"由{before.unit.name}转到{after.unit.name}"
        events.append((after.started_on, 1, said))
    events += _covers(organization)
    came: Counter[date] = Counter()
    went: Counter[date] = Counter()
    for row in found.every():
        assignment, name = row.assignment, row.assignment.person.name
        end = assignment.ended_on
        if row.is_leading:
            events.append((assignment.started_on, 2, f"{name}任{row.role}"))
            if end:
                events.append((end, 4, f"{name}不再任{row.role}"))
        else:
            came[assignment.started_on] += 1
            if end:
                went[end] += 1
    events += [(day, 3, f"编入成员 {number} 人") for day, number in came.items()]
    events += [(day, 5, f"{number} 名成员结束编入") for day, number in went.items()]
    if organization.dissolved_on:
        number = organization.dissolution_number
        said = f"撤销,{number}" if number else "撤销"
        events.append((organization.dissolved_on, 6, said))
    return [Happening(day, what) for day, _place, what in sorted(events, reverse=True)]


def _covers(organization: Organization) -> list[tuple[date, int, str]]:
    """Return from when on a joint branch covered which units, and until when."""
    if organization.kind != covering.JOINT:
        return []
    began: dict[date, list[Unit]] = defaultdict(list)
    ended: dict[date, list[Unit]] = defaultdict(list)
    rows = CoveredUnit.objects.filter(organization=organization).select_related("unit")
    for row in rows.order_by("unit__tree_id", "unit__lft"):
        began[row.started_on].append(row.unit)
        if row.ended_on is not None:
            ended[row.ended_on].append(row.unit)
    return [
        (day, 1, f"{words}{'、'.join(unit.name for unit in units)}")
        for words, days in (("覆盖", began), ("不再覆盖", ended))
        for day, units in days.items()
    ]


# --- What may be done -----------------------------------------------------------------------------


_MENU = (
    ("end_assignment", "organization_members_end", "结束编入"),
    ("transfer_organization", "organization_transfer", "转隶到其他单位"),
    ("cover_units", "organization_cover", "变更覆盖单位"),
    ("move_organization", "organization_move", "调整上级组织"),
    ("edit_organization", "organization_correct", "更正登记"),
    ("merge_organization", "organization_merge", "并入其他支部"),
    ("split_organization", "organization_split", "拆分支部"),
    ("reconstitute_organization", "organization_reconstitute", "改设为其他类型"),
    ("dissolve_organization", "organization_dissolve", "撤销组织"),
    ("withdraw_organization", "organization_withdraw", "撤回误录"),
)
_WHILE_IT_STANDS = {
    "organization_members_end",
    "organization_transfer",
    "organization_cover",
    "organization_merge",
    "organization_split",
    "organization_reconstitute",
    "organization_dissolve",
}


def actions(user: access.AnyUser, organization: Organization, address: Address) -> list[dict[str, Any]]:
    """Return the buttons by rights and state, the red one last."""

    def button(verb: str, name: str, label: str, tone: str = "") -> list[dict[str, Any]]:
        return buttons(user, organization, address, (verb, name, label, tone))

    made: list[dict[str, Any]] = [{"label": "打印", "prints": _prints(user, organization, address)}]
    state, stands = organization.state, organization.dissolved_on is None
    if state == WorkflowState.WITHDRAWN:
        return made
    decides = workflow.may_start(workflow.APPROVE, organization, user) and access.may(
        user, "approve_organization", organization
    )
    resubmits = state in workflow.SUBMIT.origins
    left_out = set() if stands else _WHILE_IT_STANDS
    if organization.kind != covering.JOINT:
        left_out = left_out | {"organization_cover"}
    is_approved = state == WorkflowState.APPROVED
    if not (is_approved and is_temporary_branch(organization)):
        left_out = left_out | {"organization_merge", "organization_split"}
    if not (is_approved and is_temporary_body(organization)):
        left_out = left_out | {"organization_reconstitute"}
    if resubmits:  # the form of a draft has all that is corrected later
        left_out = left_out | {"organization_correct"}
    if menu := buttons(user, organization, address, *(each for each in _MENU if each[1] not in left_out)):
        made.append({"label": "办理", "menu": menu})
    if access.may_somewhere(user, "establish_organization"):
        url = address.url(reverse("organization_copy", args=[organization.code]))
        made.append({"label": "复制", "url": url, "tone": ""})
    made += button("edit_organization", "organization_edit", "编辑")
    if stands:
        tone = "" if decides or resubmits else "main"
        made += button("assign_person", "organization_members_add", "编入人员", tone)
    if resubmits:
        made += button("submit_organization", "organization_submit", "提交审批", "main")
    if decides:
        made += button("return_organization", "organization_return", "退回")
        made += button("approve_organization", "organization_approve", "批准", "main")
    return made


def _prints(user: access.AnyUser, organization: Organization, address: Address) -> list[dict[str, Any]]:
    url = address.url(reverse("organization_print", args=[organization.code]))
    return [
        {"label": "本组织", "url": url},
        {"label": "本组织(含变动记录)", "url": url, "send": {"history": "1"}},
        *roll_prints(user, address, party_line=organization.code),
    ]


def notice(organization: Organization, user: access.AnyUser, day: date) -> str:
    """Return the sentence above the page of what does not count, and whether it is overdue on the day."""
    if organization.state in PENDING_STATES:
        state = WorkflowState(organization.state).label
        said = f"状态为“{state}”,批准前不计入任何统计。"
        if late := overdue_by(organization, day):
            said += f"成立后 {settings.APPROVAL_DAYS} 日内应当报批,已超 {late:,} 日。"
        if organization.state == WorkflowState.RETURNED and organization.return_reason:
            said += f"退回原因:{organization.return_reason}"
        is_own = organization.state == WorkflowState.SUBMITTED and workflow.is_own(user, organization)
        return said + (workflow.OWN if is_own else "")
    if organization.state == WorkflowState.WITHDRAWN:
        return "该组织系误录,已撤回,不计入任何日期的统计。"
    return ""
