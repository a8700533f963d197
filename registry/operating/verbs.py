"""What is done with the system as a whole."""

from __future__ import annotations

from registry.nouns.verbs import MANAGE, RecordWord, Verb

VERBS = (
    Verb("see_system", "查看系统状态", MANAGE, is_recorded=False),
    Verb("back_up", "备份"),
    Verb("prove_backup", "校验备份"),
    Verb("restore_backup", "恢复备份"),
    Verb("move_database", "迁移数据库"),
)
"""The first concerns the whole registry, so the right is asked for at every unit without a superior; the
others are commands on the server."""

WORDS = {"size": RecordWord("字节数"), "faults": RecordWord("发现的问题")}
