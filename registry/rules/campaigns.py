"""Rules of campaigns (专项任务)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from registry.models import Campaign
from registry.rules.findings import Wrong, for_each, in_future


@dataclass(frozen=True, eq=False, slots=True)
class Ending:
    """A campaign that would end on a day."""

    campaign: Campaign
    on: date


@for_each
def start_refusals(day: date) -> Wrong:
    """Check the day on which a campaign would start."""
    return in_future("started_on", day)


@for_each
def end_refusals(proposal: Ending) -> Wrong:
    """Check the day on which a campaign would end."""
    campaign, on = proposal.campaign, proposal.on
    yield from in_future("on", on)
    if campaign.ended_on is not None:
        yield "not_ended", "", f"该专项任务已于 {campaign.ended_on:%Y-%m-%d} 结束。"
    if on < campaign.started_on:
        yield "ends_after_start", "on", f"结束日期不能早于启动日期 {campaign.started_on:%Y-%m-%d}。"
