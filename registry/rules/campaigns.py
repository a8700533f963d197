"""Rules of campaigns (专项任务)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from registry.models import Campaign
from registry.rules.findings import Finding, first_of, in_future, refusal


@dataclass(frozen=True, eq=False, slots=True)
class Start:
    """A campaign that would start on a day."""

    started_on: date


@dataclass(frozen=True, eq=False, slots=True)
class Ending:
    """A campaign that would end on a day."""

    campaign: Campaign
    on: date


def start_refusals(proposals: Sequence[Start]) -> list[Finding]:
    """Return what is wrong with the days on which campaigns would start."""
    return first_of(lambda proposal: in_future(proposal, "started_on", proposal.started_on), proposals)


def end_refusals(proposals: Sequence[Ending]) -> list[Finding]:
    """Return what is wrong with the days on which campaigns would end."""
    return first_of(_check_end, proposals)


def _check_end(proposal: Ending) -> Iterator[Finding]:
    campaign, on = proposal.campaign, proposal.on
    yield from in_future(proposal, "on", on)
    if campaign.ended_on is not None:
        message = f"该专项任务已于 {campaign.ended_on:%Y-%m-%d} 结束。"
        yield refusal("not_ended", proposal, "", message)
    if on < campaign.started_on:
        message = f"结束日期不能早于启动日期 {campaign.started_on:%Y-%m-%d}。"
        yield refusal("ends_after_start", proposal, "on", message)
