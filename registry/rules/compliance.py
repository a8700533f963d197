"""Rules of exceptions, of the settings of checks and of the workday calendar."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from registry.models import RuleException
from registry.rules.checks import Check, Cites, Level
from registry.rules.findings import Wrong, for_each

MOST_DAYS = 400
"""So many days are entered at once: a year, and a little more."""
HIGHEST = 9999

_NUMBERS = {
    "least": "至少(人)",
    "most": "至多(人)",
    "full": "正式党员(人)",
    "months": "月数",
    "extension": "可延长(月)",
}
_OF_RULE = {("joint_branch", "most"): "至多(个单位)"}


def number_label(check: Check, name: str) -> str:
    """Return what a threshold of a check is called on pages and in the record."""
    return _OF_RULE.get((check.slug, name)) or _NUMBERS.get(name, name)


def numbers_said(check: Check, numbers: Mapping[str, int]) -> str:
    """Return the thresholds of a check in words."""
    return "、".join(f"{number_label(check, name)} {numbers[name]}" for name in check.thresholds)


@for_each
def exception_refusals(exception: RuleException) -> Wrong:
    """Check a new exception: its days, and that none of this rule holds already on one of them."""
    if exception.ended_on <= exception.started_on:
        yield "exception_ends_after_start", "ended_on", "结束日期须晚于开始日期:例外自结束日期起失效。"
    held = RuleException.objects.filter(
        slug=exception.slug,
        organization=exception.organization,
        started_on__lt=exception.ended_on,
        ended_on__gt=exception.started_on,
    ).first()
    if held is not None:
        message = (
            f"该组织这项规则在 {held.started_on} 至 {held.ended_on} 已有例外({held.document_number}),"
            "请先提前结束它,或错开日期。"
        )
        yield "one_exception_each_day", "started_on", message


@dataclass(frozen=True)
class Ending:
    """An exception that would be ended before its day."""

    exception: RuleException
    on: date


@for_each
def ending_refusals(ending: Ending) -> Wrong:
    """Check that the end is earlier than agreed, and not before the beginning."""
    exception = ending.exception
    if ending.on >= exception.ended_on:
        yield "ends_earlier", "on", f"例外本来自 {exception.ended_on} 起失效,提前结束须早于该日。"
    if ending.on < exception.started_on:
        message = f"例外自 {exception.started_on} 起生效,不能更早结束;误批的请撤回那次操作。"
        yield "ends_after_start", "on", message


@dataclass(frozen=True)
class Setting:
    """A setting of a check as it would be."""

    check: Check
    is_on: bool
    thresholds: Mapping[str, int]
    reason: str


@for_each
def setting_refusals(setting: Setting) -> Wrong:
    """Check the numbers; what an article makes a violation is switched off only with a reason."""
    check = setting.check
    if unknown := setting.thresholds.keys() - check.thresholds.keys():
        yield "known_thresholds", "", f"规则“{check.label}”没有这些数值:{'、'.join(sorted(unknown))}。"
    for name, value in setting.thresholds.items():
        if not 0 <= value <= HIGHEST:
            yield "threshold_in_range", f"number_{name}", f"数值须在 0 到 {HIGHEST} 之间。"
    quotes = any(edition.cites == Cites.ARTICLE for edition in check.editions)
    if not setting.is_on and check.level == Level.VIOLATION and quotes and not setting.reason.strip():
        yield "reason_for_off", "reason", "该规则依据条文,属于违规;停用须说明原因。"


@dataclass(frozen=True)
class Days:
    """Days of the calendar that would be entered."""

    days: Collection[date]
    name: str
    is_named: bool
    """Whether they are set apart, and not given back to their days of the week."""


@for_each
def days_refusals(days: Days) -> Wrong:
    """Check that there are days, not too many, and that what is set apart has a name."""
    if not days.days:
        yield "some_days", "days", "请填写日期。"
    if len(days.days) > MOST_DAYS:
        yield "few_days", "days", f"一次最多登记 {MOST_DAYS} 天,请分几次办理。"
    if days.is_named and not days.name.strip():
        yield "days_named", "name", "请填写名称,例如 春节。"


def days_said(days: Collection[date]) -> str:
    """Return days in words, those in a row as a stretch."""
    said: list[list[date]] = []
    for day in sorted(days):
        if said and said[-1][-1] + timedelta(days=1) == day:
            said[-1] = [said[-1][0], day]
        else:
            said.append([day])
    return "、".join(" 至 ".join(each.isoformat() for each in some) for some in said)
