"""Grants: what a user may do at a unit and all below it."""

from __future__ import annotations

from registry.models import Grant
from registry.nouns.noun import Noun
from registry.nouns.verbs import MANAGE, Verb

GRANT = Noun(
    key="grant",
    plural="grants",
    label="授权",
    model=Grant,
    measure="项",
    verbs=(
        Verb("grant_role", "授权", MANAGE, final="给用户授了权,不能撤回;请在用户页面结束授权。"),
        Verb("end_grant", "结束授权", MANAGE),
    ),
    unit_path="unit",
)
