"""Rules of campaigns (专项任务)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from registry.models import Campaign
from registry.rules.findings import Finding, Wrong, first_of, in_future


@dataclass(frozen=True, eq=False, slots=True)
class Ending:
    """A campaign that would end on a day."""

    campaign: Campaign
    on: date


def start_refusals(days: Sequence[date]) -> list[Finding]:
    """Return what is wrong with the days on which campaigns would start."""
    return first_of(lambda day: in_future("started_on", day), days)


def end_refusals(proposals: Sequence[Ending]) -> list[Finding]:
    """Return what is wrong with the days on which campaigns would end."""
    return first_of(_check_end, proposals)


def _check_end(proposal: Ending) -> Wrong:
    campaign, on = proposal.campaign, proposal.on
    yield from in_future("on", on)
    if campaign.ended_on is not None:
        yield "not_ended", "", f"该专项任务已于 {campaign.ended_on:%Y-%m-%d} 结束。"
    if on < campaign.started_on:
        yield "ends_after_start", "on", f"结束日期不能早于启动日期 {campaign.started_on:%Y-%m-%d}。"
