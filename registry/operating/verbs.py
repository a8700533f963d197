"""What is done with the system as a whole."""

from __future__ import annotations

from registry.nouns.verbs import MANAGE, Verb

VERBS = (
    Verb("see_system", "查看系统状态", MANAGE, is_recorded=False),
    Verb("back_up", "备份"),
    Verb("prove_backup", "校验备份"),
    Verb("restore_backup", "恢复备份"),
    Verb("move_database", "迁移数据库"),
)
"""It concerns the whole registry: the right is asked for at every unit without a superior."""
