"""What is done with the system as a whole."""

from __future__ import annotations

from registry.nouns.verbs import MANAGE, Verb

VERBS = (Verb("see_system", "查看系统状态", MANAGE, is_recorded=False),)
"""It concerns the whole registry: the right is asked for at every unit without a superior."""
