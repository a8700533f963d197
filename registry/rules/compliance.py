"""Rules of what a bureau decides about the checks: their settings, exceptions, and the days of work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from registry.models import Organization, RuleException, WorkflowState
from registry.rules.checks import BY_SLUG, Cites, Level
from registry.rules.findings import Finding, Wrong, first_of, for_each, in_future, without_reason

MOST = 1000
"""No threshold is larger: it would be a slip of the finger."""


@dataclass(frozen=True, eq=False, slots=True)
class Setting:
    """A check as it would be set from a day on."""

    slug: str
    is_on: bool
    since: date
    thresholds: Mapping[str, int] = field(default_factory=dict)
    reason: str = ""


@dataclass(frozen=True, eq=False, slots=True)
class Grant:
    """An exception as it would be granted."""

    slug: str
    organization: Organization
    document_number: str
    reason: str
    started_on: date
    ended_on: date


@dataclass(frozen=True, eq=False, slots=True)
class Ending:
    """An exception that would end earlier than it was granted for."""

    exception: RuleException
    on: date
    reason: str


@dataclass(frozen=True, eq=False, slots=True)
class Day:
    """A day of the calendar as it would be entered."""

    day: date
    is_workday: bool
    name: str


@for_each
def setting_refusals(proposal: Setting) -> Wrong:
    """Check a setting: a check that there is, with numbers that it has and that can be meant.

    What an article makes a violation is switched off only with a reason.
    """
    check = BY_SLUG.get(proposal.slug)
    if check is None:
        yield "check_known", "slug", "没有这条规则。"
        return
    for name, number in proposal.thresholds.items():
        if name not in check.thresholds:
            yield "threshold_known", "", f"规则“{check.label}”没有数值“{name}”。"
        elif not 1 <= number <= MOST:
            yield "threshold_within_bounds", name, f"请填 1 到 {MOST:,} 之间的整数。"
    is_quoted = any(edition.cites == Cites.ARTICLE for edition in check.editions)
    if not proposal.is_on and is_quoted and check.level == Level.VIOLATION:
        yield from without_reason("reason_for_off", proposal.reason, "停用的原因:该规则依据条文,属于违规")


def grant_refusals(proposals: Sequence[Grant]) -> list[Finding]:
    """Check exceptions: with document, reason and end, and none for the same days already."""
    rows = RuleException.objects.filter(organization__in={each.organization.pk for each in proposals})
    there = list(rows.order_by("started_on"))

    def check(proposal: Grant) -> Wrong:
        yield from _check_grant(proposal)
        for row in there:
            is_same = (row.slug, row.organization_id) == (proposal.slug, proposal.organization.pk)
            if is_same and row.started_on < proposal.ended_on and proposal.started_on < row.ended_on:
                message = (
                    f"{row.started_on:%Y-%m-%d} 至 {row.ended_on:%Y-%m-%d} 已有例外({row.document_number}),"
                    "请改换日期,或先结束它。"
                )
                yield "one_exception", "started_on", message

    return first_of(check, proposals)


def _check_grant(proposal: Grant) -> Wrong:
    organization = proposal.organization
    if proposal.slug not in BY_SLUG:
        yield "check_known", "slug", "请选择规则。"
    if organization.state == WorkflowState.WITHDRAWN:
        yield "organization_valid", "", f"“{organization.name}”已撤回,不用批准例外。"
    if not proposal.document_number.strip():
        yield "exception_needs_document", "document_number", "请填写批准文号。"
    yield from without_reason("exception_needs_reason", proposal.reason, "批准例外的理由")
    if proposal.ended_on <= proposal.started_on:
        yield "ends_after_start", "ended_on", "结束日期须晚于开始日期。"


@for_each
def ending_refusals(proposal: Ending) -> Wrong:
    """Check that an exception is ended within its days."""
    row, on = proposal.exception, proposal.on
    yield from in_future("on", on)
    yield from without_reason("ending_needs_reason", proposal.reason, "结束例外的原因")
    if not row.started_on <= on < row.ended_on:
        message = f"例外自 {row.started_on:%Y-%m-%d} 起,至 {row.ended_on:%Y-%m-%d} 止,请填期间内的日期。"
        yield "ended_within", "on", message


@for_each
def day_refusals(proposal: Day) -> Wrong:
    """Check a day of the calendar: it has a name, and differs from what its day of the week says."""
    if not proposal.name.strip():
        yield "day_named", "name", "请填写名称,例如“春节”或“春节调休”。"
    is_weekend = proposal.day.weekday() >= 5
    if proposal.is_workday and not is_weekend:
        message = f"{proposal.day:%Y-%m-%d} 不是周末,本来就上班,不用登记;已登记为放假的请删除。"
        yield "day_differs", "is_workday", message
