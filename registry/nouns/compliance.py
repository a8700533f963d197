"""What a bureau decides about the checks of the regulations: exceptions, settings of rules, days of work."""

from __future__ import annotations

from registry.models import RuleException, RuleSetting
from registry.nouns.noun import Noun
from registry.nouns.verbs import APPROVE, MANAGE, RecordWord, Verb

RULE_EXCEPTION = Noun(
    key="ruleexception",
    plural="exceptions",
    label="规则例外",
    model=RuleException,
    measure="项",
    verbs=(
        Verb("grant_exception", "批准例外", APPROVE),
        Verb("end_exception", "提前结束例外", APPROVE),
    ),
    unit_path="organization__unit",
    related=("organization__unit", "granted_by"),
    page_at="organization",
    page_key="id",
    page_key_label="编号",
    named=("organization",),
)

_SET_AGAIN = "规则设置不能撤回;请再设置一次,新的设置自起用日期起代替它。"

RULE_SETTING = Noun(
    key="rulesetting",
    plural="rulesettings",
    label="规则设置",
    model=RuleSetting,
    measure="项",
    verbs=(Verb("set_rule", "设置规则", MANAGE, final=_SET_AGAIN),),
    page="rule",
    page_key="slug",
    page_key_label="规则代码",
)
"""It holds for everybody and belongs to no unit: who may is asked of the roots of the unit tree."""

VERBS = (
    Verb(
        "set_workdays",
        "登记节假日和调休",
        MANAGE,
        final="工作日历的登记不能撤回;请再登记一次,或恢复默认。",
    ),
)

WORDS = {
    "days": RecordWord("日期"),
    "workdays": RecordWord("安排"),
    "numbers": RecordWord("数值"),
    "rule": RecordWord("规则"),
}
