"""Rules of campaigns (专项任务): start, correct, end, reopen; and that nothing begins after the end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Protocol

from django.db.models import Max, QuerySet
from django.utils import timezone

from registry.models import Campaign, Organization, Unit, WorkflowState
from registry.models.kinds import PARTY_KINDS
from registry.rules.findings import Finding, Wrong, first_of, for_each, in_future, warning, without_reason

if TYPE_CHECKING:
    from registry.rules.units import Closing


class Lasting(Protocol):
    """A campaign as far as the rule of its end needs it."""

    @property
    def name(self) -> str:
        """The name."""

    @property
    def ended_on(self) -> date | None:
        """The day of its end, if it has ended."""


@dataclass(frozen=True, eq=False, slots=True)
class Start:
    """A campaign that would start on a day, led by a unit."""

    started_on: date
    lead_unit: Unit | None = None
    name: str = ""


@dataclass(frozen=True, eq=False, slots=True)
class Correction:
    """A campaign as it would be after an edit, and as it is now."""

    candidate: Campaign
    now: Campaign
    reason: str = ""


@dataclass(frozen=True, eq=False, slots=True)
class Ending:
    """A campaign that would end on a day."""

    campaign: Campaign
    on: date


@dataclass(frozen=True, eq=False, slots=True)
class Reopening:
    """A campaign whose end would be taken back."""

    campaign: Campaign


@dataclass(frozen=True)
class Due:
    """What is still to be done in a campaign before it is closed. Apps hand theirs up as ``campaign_dues``.

    ``rows`` is called with the campaign and the organizations that closing it would dissolve (also those
    below, which do not name the campaign), and returns what is owed; ``unit_path`` leads from a row to the
    unit that owes it: only what is owed where the user may close is counted. ``url`` returns the address of
    the list. What ``blocks`` must be done first, anything else is only shown.

    ``settle`` is an operation that sends back what waits for a decision (``actor``, ``rows``, ``reason``); it
    returns how many it returned, and how many it could only withdraw. The closing does it in one act with
    the organizations that wait.
    """

    slug: str
    label: str
    """未写鉴定: the head of a column."""
    measure: str
    blocks: bool
    how: str
    """What to do about it, as a sentence's end: 请先写完。"""
    rows: Callable[[Campaign, QuerySet[Organization]], QuerySet[Any]]
    unit_path: str
    url: Callable[[Campaign], str]
    settle: Callable[..., tuple[int, int]] | None = None


def over(campaign: Lasting | None, day: date, field: str, how: str) -> Wrong:
    """Refuse what would begin in a campaign on or after the day of its end.

    Every door asks this: registering, correcting, importing an organization, placing people in it. ``how``
    says what to do instead.
    """
    end = campaign.ended_on if campaign is not None else None
    if campaign is not None and end is not None and day >= end:
        yield "campaign_goes_on", field, f"专项任务“{campaign.name}”已于 {end:%Y-%m-%d} 结束,{how}"


@for_each
def decision_refusals(organization: Organization) -> Wrong:
    """Check that nothing is submitted or approved that would stand on in a campaign that has ended.

    A closing dissolves what is approved; what was returned before it, or entered after it, would be left. A
    standing Party organization ends with no task.
    """
    campaign, gone = organization.campaign, organization.dissolved_on
    end = campaign.ended_on if campaign is not None else None
    is_standing = organization.kind in PARTY_KINDS and not organization.is_temporary
    if campaign is None or end is None or is_standing or (gone is not None and gone <= end):
        return
    yield (
        "campaign_goes_on",
        "",
        f"专项任务“{campaign.name}”已于 {end:%Y-%m-%d} 结束,“{organization}”不能再提交或批准:"
        "任务期间确实有的,请先办“撤销”,撤销日期不晚于该日;误录的请撤回。",
    )


@for_each
def start_refusals(proposal: Start) -> Wrong:
    """Check the day on which a campaign would start, and who would lead it."""
    yield from in_future("started_on", proposal.started_on)
    yield from _check_lead(proposal.lead_unit, proposal.started_on)


def name_warnings(proposals: Sequence[Start]) -> list[Finding]:
    """Warn when another campaign that goes on has the name: imports name campaigns by it."""
    known = Campaign.objects.filter(ended_on__isnull=True, name__in={proposal.name for proposal in proposals})
    there = {campaign.name: campaign for campaign in known}
    return [
        warning(
            "name_new", proposal, "name", f"已有同名的专项任务“{same.name}”,{same.started_on:%Y-%m-%d} 启动。"
        )
        for proposal in proposals
        if (same := there.get(proposal.name)) is not None
    ]


def correction_refusals(proposals: Sequence[Correction]) -> list[Finding]:
    """Return what is wrong with corrected days and another lead unit."""
    last = _last_established(proposal.now for proposal in proposals)

    def check(proposal: Correction) -> Wrong:
        candidate, now = proposal.candidate, proposal.now
        yield from in_future("started_on", candidate.started_on)
        if candidate.lead_unit_id != now.lead_unit_id or candidate.started_on != now.started_on:
            yield from _check_lead(candidate.lead_unit, candidate.started_on)
        if candidate.ended_on != now.ended_on:
            yield from _check_corrected_end(proposal, last)
        elif now.ended_on is not None and candidate.started_on > now.ended_on:
            yield "ends_after_start", "started_on", f"启动日期不能晚于结束日期 {now.ended_on:%Y-%m-%d}。"

    return first_of(check, proposals)


def end_refusals(proposals: Sequence[Ending]) -> list[Finding]:
    """Return what is wrong with the days on which campaigns would end."""
    last = _last_established(proposal.campaign for proposal in proposals)

    def check(proposal: Ending) -> Wrong:
        campaign, on = proposal.campaign, proposal.on
        yield from in_future("on", on)
        if campaign.ended_on is not None:
            yield "not_ended", "", f"该专项任务已于 {campaign.ended_on:%Y-%m-%d} 结束。"
        if on < campaign.started_on:
            yield "ends_after_start", "on", f"结束日期不能早于启动日期 {campaign.started_on:%Y-%m-%d}。"
        yield from _check_nothing_later(campaign, on, "on", last)

    return first_of(check, proposals)


def reopening_refusals(proposals: Sequence[Reopening]) -> list[Finding]:
    """Return what stands in the way of taking back the end of campaigns."""
    names = {proposal.campaign.name for proposal in proposals}
    others = list(Campaign.objects.filter(name__in=names, ended_on__isnull=True).order_by("started_on", "pk"))

    def check(proposal: Reopening) -> Wrong:
        campaign, unit = proposal.campaign, proposal.campaign.lead_unit
        if campaign.ended_on is None:
            yield "has_ended", "", "该专项任务还没有结束。"
            return
        if unit is not None and unit.closed_on is not None:
            message = f"牵头单位“{unit.name}”已于 {unit.closed_on:%Y-%m-%d} 撤并,请先在“修改”里改换牵头单位。"
            yield "lead_open", "", message
        for other in others:
            if other.name == campaign.name and other.started_on >= campaign.ended_on:
                message = (
                    f"此后已于 {other.started_on:%Y-%m-%d} 另行启动同名的专项任务,请先改其中一个的名称。"
                )
                yield "name_new", "", message

    return first_of(check, proposals)


def lead_refusals(proposals: Sequence[Closing]) -> list[Finding]:
    """Return why units cannot be closed or merged: they lead a campaign that goes on."""
    units = [proposal.unit.pk for proposal in proposals]
    found = list(Campaign.objects.filter(lead_unit__in=units).order_by("pk"))

    def check(proposal: Closing) -> Wrong:
        for campaign in found:
            if campaign.lead_unit_id == proposal.unit.pk and not campaign.is_over_on(proposal.on):
                led = f"“{proposal.unit.name}”牵头的专项任务“{campaign.name}”"
                yield "leads_nothing", "", f"{led}还没有结束,请先结束或改换牵头单位。"

    return first_of(check, proposals)


def _check_lead(unit: Unit | None, day: date) -> Wrong:
    if unit is None:
        return
    if unit.closed_on is not None:
        yield "lead_open", "lead_unit", f"“{unit.name}”已于 {unit.closed_on:%Y-%m-%d} 撤并,请选择现有单位。"
    elif not unit.is_open_on(day):
        yield "lead_open", "lead_unit", f"“{unit.name}”在 {day:%Y-%m-%d} 尚未设立,请改日期或换一个单位。"


def _last_established(campaigns: Iterable[Campaign]) -> dict[int, date]:
    """Return the last day on which something was established in each campaign."""
    rows = Organization.objects.filter(campaign__in=[campaign.pk for campaign in campaigns])
    valid = rows.exclude(state=WorkflowState.WITHDRAWN).order_by()
    return dict(valid.values_list("campaign_id").annotate(last=Max("established_on")))


def _check_corrected_end(proposal: Correction, last: dict[int, date]) -> Wrong:
    end, campaign = proposal.candidate.ended_on, proposal.now
    if campaign.ended_on is None:
        yield "ended_by_ending", "ended_on", "请用“结束任务”办理,以便先看还有哪些组织。"
    elif end is None:
        yield "reopened_by_reopening", "ended_on", "请用“恢复”办理;更正结束日期须填日期。"
    else:
        yield from in_future("ended_on", end)
        if end < proposal.candidate.started_on:
            yield "ends_after_start", "ended_on", "结束日期不能早于启动日期。"
        yield from _check_nothing_later(campaign, end, "ended_on", last)
        yield from without_reason("correction_needs_reason", proposal.reason, "更正结束日期的原因")


def _check_nothing_later(campaign: Campaign, on: date, field: str, last: dict[int, date]) -> Wrong:
    """Nothing may have been established in it on the day of its end or later."""
    day = last.get(campaign.pk)
    if day is not None and day >= on:
        how = "结束日期须晚于该日,或先更正这些组织的成立日期或专项任务。"
        if day >= timezone.localdate():
            how = f"请在 {day + timedelta(days=1):%Y-%m-%d} 或以后办理,或先更正这些组织的成立日期或专项任务。"
        yield "nothing_later", field, f"本任务的组织最晚在 {day:%Y-%m-%d} 成立,{how}"
