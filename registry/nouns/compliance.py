"""Exceptions from checks of the regulations, and the verbs of the bureau's own settings."""

from __future__ import annotations

from registry.models import RuleException
from registry.models.compliance import THRESHOLDS
from registry.nouns.noun import Noun
from registry.nouns.verbs import APPROVE, MANAGE, RecordWord, Verb

RULE_EXCEPTION = Noun(
    key="ruleexception",
    plural="rule_exceptions",
    label="规则例外",
    model=RuleException,
    measure="项",
    verbs=(
        Verb("grant_exception", "批准例外", APPROVE),
        Verb("end_exception", "结束例外", APPROVE),
    ),
    unit_path="organization__unit",
    related=("organization__unit", "granted_by"),
    page_at="organization",
    page_key="id",
    page_key_label="编号",
    named=("organization",),
)

VERBS = (
    Verb("set_rule", "设置规则", MANAGE, final="规则的设置不能撤回,请重新设置。"),
    Verb("set_holidays", "修改工作日历", MANAGE, final="工作日历的修改不能撤回,请重新修改。"),
    Verb("remove_holidays", "删除节假日", MANAGE, final="工作日历的修改不能撤回,请重新登记。"),
)
"""They concern the whole registry: the right is asked for at every unit without a superior."""

WORDS = {
    "rule_exceptions": RecordWord("规则例外"),
    "is_on": RecordWord("启用"),
    "rule": RecordWord("规则"),
    "since": RecordWord("起用日期"),
    "days": RecordWord("日期"),
    **{name: RecordWord(label) for name, label in THRESHOLDS.items()},
}
