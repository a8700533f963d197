"""Verbs of the registry that belong to no noun."""

from __future__ import annotations

from registry.nouns.verbs import AUDIT, EVERYBODY, Verb

VERBS = (
    Verb("see", "查看", EVERYBODY, is_recorded=False),
    Verb("read_record", "查看操作记录", AUDIT, is_recorded=False),
    Verb("export", "导出", EVERYBODY),
    Verb("bulk_load", "批量载入"),
    Verb("rebuild_trees", "重建树的区间"),
    Verb("rebuild_counts", "重建统计数"),
)
