"""The slow pages of the last days: a small file in STATE_DIR to which every process adds a line for each."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.utils import timezone

LARGEST = 256 * 1024
"""Bytes after which the file is put aside, and the one before it goes."""
LOOK_BACK = timedelta(days=7)
MOST = 20


@dataclass
class SlowPage:
    """A page that took long, by its address without what was asked for."""

    route: str
    times: int
    seconds: float
    """Of all these times together."""
    longest: float
    last_at: datetime
    last_number: str
    """The number of the last such request, under which the log has it."""


def _file() -> Path:
    return Path(settings.STATE_DIR) / "slow.jsonl"


def note(route: str, seconds: float, number: str) -> None:
    """Note a slow request; where that cannot be written it is in the log all the same."""
    line = {
        "at": timezone.now().isoformat(),
        "route": route[:200],
        "seconds": round(seconds, 3),
        "number": number,
    }
    file = _file()
    with suppress(OSError):
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with file.open("a", encoding="utf-8") as stream:  # one short write: lines of others stay whole
            stream.write(json.dumps(line, ensure_ascii=False) + "\n")
            is_large = stream.tell() > LARGEST
        if is_large:
            os.replace(file, file.with_suffix(".1"))


def pages() -> list[SlowPage]:
    """Return the slow pages of the last days, the one that cost most first."""
    since, found = timezone.now() - LOOK_BACK, dict[str, SlowPage]()
    for at, route, seconds, number in _lines():
        if at < since:
            continue
        known = found.setdefault(route, SlowPage(route, 0, 0.0, 0.0, at, number))
        known.times += 1
        known.seconds += seconds
        known.longest = max(known.longest, seconds)
        if at >= known.last_at:
            known.last_at, known.last_number = at, number
    return sorted(found.values(), key=lambda page: -page.seconds)[:MOST]


def _lines() -> Iterator[tuple[datetime, str, float, str]]:
    for file in (_file().with_suffix(".1"), _file()):
        try:
            lines = file.read_text("utf-8").splitlines()
        except (OSError, UnicodeDecodeError):
            continue
        for line in lines:
            with suppress(ValueError, KeyError, TypeError):
                said = json.loads(line)
                at = datetime.fromisoformat(said["at"])
                yield at, str(said["route"]), float(said["seconds"]), str(said["number"])
