"""Grants: what a user may do at a unit and all below it."""

from __future__ import annotations

from registry.models import Grant
from registry.nouns.noun import Noun
from registry.nouns.verbs import APPROVE, MANAGE, Verb

GRANT = Noun(
    key="grant",
    plural="grants",
    label="授权",
    model=Grant,
    measure="项",
    verbs=(
        Verb("grant_role", "授权", MANAGE, final="给用户授了权,不能撤回;请在用户页面结束授权。"),
        Verb("end_grant", "结束授权", MANAGE),
        Verb(
            "delegate_approval", "委托代批", APPROVE, final="委托了他人代批,不能撤回;请在我的账号中结束委托。"
        ),
        Verb("end_delegation", "结束委托", final="委托已结束,不能恢复;请重新委托。"),
    ),
    unit_path="unit",
)
