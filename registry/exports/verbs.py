"""What is done with exports that a worker makes; fetching one is recorded as an export or a print."""

from __future__ import annotations

from registry.nouns.verbs import EVERYBODY, Verb

VERBS = (
    Verb("ask_export", "提交导出", EVERYBODY),
    Verb("cancel_export", "取消导出", EVERYBODY),
)
