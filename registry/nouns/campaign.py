"""Campaigns (专项任务)."""

from __future__ import annotations

from registry.models import Campaign
from registry.nouns.noun import Noun
from registry.nouns.verbs import Verb

CAMPAIGN = Noun(
    key="campaign",
    plural="campaigns",
    label="专项任务",
    model=Campaign,
    measure="项",
    verbs=(Verb("start_campaign", "启动专项任务"), Verb("end_campaign", "结束专项任务")),
)
