"""What can be done with campaigns: start one, end one."""

from __future__ import annotations

from datetime import date
from typing import Any

from registry import audit
from registry.audit import Actor
from registry.models import Campaign
from registry.operations.base import fresh, need_right, operation, validated, write
from registry.operations.codes import give_codes
from registry.rules import campaigns as rules
from registry.rules.findings import refuse_if


@operation
def start_campaign(*, actor: Actor, **facts: Any) -> Campaign:
    """Start a campaign of these ``facts``. Raises ``OperationRefused``."""
    campaign = Campaign(**facts)
    need_right(actor, "start_campaign", campaign.lead_unit)
    refuse_if(rules.start_refusals([campaign.started_on]))
    give_codes([campaign])
    validated(campaign, exclude=("lead_unit",))
    campaign.save(force_insert=True)
    audit.record(
        actor,
        "start_campaign",
        campaign,
        unit=campaign.lead_unit,
        after=audit.fields_of(campaign, ["code", "name", "started_on", "lead_unit"]),
        effective_on=campaign.started_on,
    )
    return campaign


@operation
def end_campaign(*, actor: Actor, campaign: Campaign, on: date, reason: str = "") -> Campaign:
    """End a campaign on a day. Its organizations stand until they are dissolved."""
    campaign = fresh(campaign)
    need_right(actor, "end_campaign", campaign)
    refuse_if(rules.end_refusals([rules.Ending(campaign, on)]))
    before, after = write(campaign, {"ended_on": on})
    audit.record(
        actor,
        "end_campaign",
        campaign,
        unit=campaign.lead_unit,
        before=before,
        after=after,
        reason=reason,
        effective_on=on,
    )
    return campaign
