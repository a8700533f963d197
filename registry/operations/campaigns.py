"""What can be done with campaigns: start, edit, end, take back an end."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from registry import audit, locks
from registry.audit import Actor
from registry.models import Campaign
from registry.models.writer import write_new
from registry.nouns.campaign import CAMPAIGN
from registry.operations.base import edited, fresh, need_right, operation, renew, validate_all, write
from registry.operations.codes import give_codes
from registry.refusals import need_reason
from registry.rules import campaigns as rules
from registry.rules.findings import refuse_if

EDITABLE = CAMPAIGN.editable


@operation
def start_campaign(*, actor: Actor, **facts: Any) -> Campaign:
    """Start a campaign of these ``facts``; without a code it is given one. Raises ``OperationRefused``."""
    campaign = Campaign(**facts)
    locks.use_units([campaign.lead_unit] if campaign.lead_unit else [])
    renew([campaign], "lead_unit")
    need_right(actor, "start_campaign", campaign.lead_unit)
    give_codes([campaign])
    findings = rules.start_refusals([rules.Start(campaign.started_on, campaign.lead_unit)])
    validate_all([campaign], findings, exclude=("lead_unit",), unique="code")
    write_new([campaign])
    audit.record(
        actor,
        "start_campaign",
        campaign,
        after=audit.fields_of(campaign, ["code", "name", "started_on", "lead_unit"]),
        effective_on=campaign.started_on,
    )
    return campaign


@operation
def edit_campaign(
    *,
    actor: Actor,
    campaign: Campaign,
    changes: Mapping[str, Any],
    version: int | None = None,
    reason: str = "",
) -> Campaign:
    """Change name, days or lead unit (``EDITABLE``); another lead unit needs the right there, too.

    A corrected end needs a reason; ending is an operation of its own, and so is taking an end back.
    """
    lead = changes.get("lead_unit")
    locks.use_units([lead] if lead else [])
    locks.retire_campaigns([campaign])
    campaign = fresh(campaign)
    need_right(actor, "edit_campaign", campaign)
    _candidate, wanted = edited(
        campaign,
        changes,
        version,
        exclude=("lead_unit",),
        rules=lambda row, _: rules.correction_refusals([rules.Correction(row, campaign, reason)]),
    )
    if not wanted:
        return campaign
    if "lead_unit" in wanted:
        need_right(actor, "edit_campaign", fresh(wanted["lead_unit"]) if wanted["lead_unit"] else None)
    before, after = write(campaign, wanted)
    audit.record(actor, "edit_campaign", campaign, before=before, after=after, reason=reason)
    return campaign


@operation
def end_campaign(*, actor: Actor, campaign: Campaign, on: date, reason: str) -> Campaign:
    """End a campaign on a day: nothing new begins in it.

    Its organizations stay: ``registry.closings`` dissolves them, and calls this.
    """
    need_reason(reason, "结束原因")
    locks.retire_campaigns([campaign])
    campaign = fresh(campaign)
    need_right(actor, "end_campaign", campaign)
    refuse_if(rules.end_refusals([rules.Ending(campaign, on)]))
    before, after = write(campaign, {"ended_on": on})
    audit.record(actor, "end_campaign", campaign, before=before, after=after, reason=reason, effective_on=on)
    return campaign


@operation
def reopen_campaign(*, actor: Actor, campaign: Campaign, reason: str) -> Campaign:
    """Take back the end of a campaign, as long as nothing later stands on it."""
    need_reason(reason, "恢复原因")
    if campaign.lead_unit is not None:
        locks.use_units([campaign.lead_unit])
    locks.retire_campaigns([campaign])
    campaign = fresh(campaign)
    need_right(actor, "reopen_campaign", campaign)
    refuse_if(rules.reopening_refusals([rules.Reopening(campaign)]))
    before, after = write(campaign, {"ended_on": None})
    audit.record(actor, "reopen_campaign", campaign, before=before, after=after, reason=reason)
    return campaign
