"""How what a rule finds is shown: the word and the colour of its level."""

from __future__ import annotations

from typing import Any

from registry.rules.checks import Level

TONES = {Level.VIOLATION: "bad", Level.WARNING: "warn", Level.HINT: "info"}


class OfLevel:
    """A line of a list about a breach (``breach``) of a check."""

    breach: Any

    @property
    def level(self) -> str:
        """The word of the level."""
        return str(self.breach.check.level.label)

    @property
    def tone(self) -> str:
        """The colour of the level."""
        return TONES[self.breach.check.level]
