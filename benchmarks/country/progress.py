"""A progress bar on a terminal; elsewhere a line at every tenth part."""

from __future__ import annotations

import time
from collections.abc import Mapping

from django.core.management.base import OutputWrapper

NOUNS = {"units": "单位", "organizations": "组织", "people": "人员", "assignments": "编入"}
"""The label of each noun; counts are shown in percent."""
_COUNTS = {"counts": "统计"}

_WIDTH = 30


class ProgressBar:
    """Shows how many rows of each noun are written: a progress callback of ``bulk_load``."""

    def __init__(self, stream: OutputWrapper, totals: Mapping[str, int]) -> None:
        """``totals`` are the expected numbers of each noun; a larger number is shown as all."""
        self.stream, self.totals = stream, totals
        self.is_terminal = stream.isatty()
        self.begin = time.monotonic()
        self.noun, self.tenth, self.unsaid = "", 0, ""

    def __call__(self, noun: str, written: int) -> None:
        """Show the number of rows of ``noun`` written so far."""
        total = max(self.totals.get(noun, written), written, 1)
        if noun != self.noun:
            self.close()
            self.noun, self.tenth = noun, 0
        seconds = time.monotonic() - self.begin
        said = f"{written:,}/{total:,} {100 * written // total:3d}% {seconds:4.0f} 秒"
        label = {**NOUNS, **_COUNTS}.get(noun, noun)
        if self.is_terminal:
            done = _WIDTH * written // total
            self._write(f"\r{label} [{'█' * done}{'·' * (_WIDTH - done)}] {said}\x1b[K")
        elif (tenth := 10 * written // total) > self.tenth:
            self._write(f"{label} {said}\n")
            self.tenth, self.unsaid = tenth, ""
        else:
            self.unsaid = f"{label} {said}\n"

    def close(self) -> None:
        """End the last bar with a new line; elsewhere print the final numbers."""
        if self.is_terminal and self.noun:
            self._write("\n")
        elif self.unsaid:
            self._write(self.unsaid)
        self.noun, self.unsaid = "", ""

    def _write(self, text: str) -> None:
        self.stream.write(text, style_func=str, ending="")
        self.stream.flush()
