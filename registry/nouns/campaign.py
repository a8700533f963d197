"""Campaigns (专项任务)."""

from __future__ import annotations

from registry.models import Campaign
from registry.nouns.noun import Noun
from registry.nouns.verbs import MANAGE, Verb

CAMPAIGN = Noun(
    key="campaign",
    plural="campaigns",
    label="专项任务",
    model=Campaign,
    measure="项",
    verbs=(
        Verb("start_campaign", "启动专项任务", MANAGE),
        Verb("edit_campaign", "修改专项任务", MANAGE),
        Verb("end_campaign", "结束专项任务", MANAGE),
        Verb("reopen_campaign", "恢复专项任务", MANAGE),
    ),
    unit_path="lead_unit",
    is_seen_below=True,
    related=("lead_unit",),
    page="campaign",
    list_page="campaigns",
    edit="edit_campaign",
    editable=("name", "started_on", "ended_on", "lead_unit"),
)
