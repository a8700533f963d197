"""What is done when a campaign is closed, and how it is taken back."""

from __future__ import annotations

from registry.nouns.verbs import MANAGE, RecordWord, Verb

VERBS = (
    Verb(
        "close_campaign",
        "结束任务并撤销组织",
        MANAGE,
        final="结束专项任务用该任务页上的“恢复任务”整体恢复,期限到办理次日结束为止。",
    ),
    Verb("ask_closing", "提交结束任务", MANAGE),
    Verb("cancel_closing", "取消结束任务", MANAGE),
    Verb("reopen_closing", "恢复任务和组织", MANAGE),
    Verb("ask_reopening", "提交恢复任务", MANAGE),
)

WORDS = {"closing_number": RecordWord("撤销文号")}
