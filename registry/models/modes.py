"""In which mode the registry serves: as usual, read-only, or closed for maintenance.

The environment says it (READ_ONLY, MAINTENANCE), and a file in STATE_DIR that ``manage.py mode`` writes and
every process looks at: no restart is needed, and nothing depends on the database, which may be what is worked
on. The stricter of both holds. Each web server has its own file.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from django.utils import timezone


class Mode(IntEnum):
    """What the registry takes; a higher one is stricter."""

    NORMAL = 0
    READ_ONLY = 1
    MAINTENANCE = 2

    @property
    def word(self) -> str:
        """The word on the command line."""
        return self.name.lower().replace("_", "-")


LABELS = {Mode.NORMAL: "正常", Mode.READ_ONLY: "只读", Mode.MAINTENANCE: "停机维护"}
REFUSED = "系统当前为只读(维护或切换数据库期间):可以查看,不能登记和修改。请稍后再试。"
"""What every operation answers meanwhile."""


@dataclass(frozen=True)
class Standing:
    """The mode, since when, and what users are told beside it ("预计 22:00 恢复")."""

    mode: Mode
    said: str = ""
    since: datetime | None = None


_NORMAL = Standing(Mode.NORMAL)


def place() -> Path:
    """Return the file that says the mode."""
    return Path(settings.STATE_DIR) / "mode"


def standing() -> Standing:
    """Return the mode that holds now."""
    switched, set_to = _switched(), Mode.NORMAL
    if settings.MAINTENANCE:
        set_to = Mode.MAINTENANCE
    elif settings.READ_ONLY:
        set_to = Mode.READ_ONLY
    return Standing(set_to, switched.said) if set_to > switched.mode else switched


def _switched() -> Standing:
    file = f"{settings.STATE_DIR}/mode"  # looked at with every request: no Path is made for it
    try:
        stamp = os.stat(file)
    except OSError:
        return _NORMAL
    return _read(file, stamp.st_mtime_ns, stamp.st_size)


@lru_cache(maxsize=4)
def _read(file: str, _mtime: int, _size: int) -> Standing:
    """Return what the file says. One that cannot be read counts as read-only: it was meant to close."""
    try:
        found = json.loads(Path(file).read_text("utf-8"))
        since = datetime.fromisoformat(found["since"])
        return Standing(Mode[found["mode"]], str(found.get("said", "")), since)
    except (OSError, ValueError, KeyError, TypeError):
        return Standing(Mode.READ_ONLY)


def switch(mode: Mode, said: str = "") -> None:
    """Switch every process of this machine, from its next request on. Raises ``OSError``."""
    file = place()
    if mode == Mode.NORMAL:
        file.unlink(missing_ok=True)
        return
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = file.with_name(f"mode.{os.getpid()}")
    content = {"mode": mode.name, "said": said, "since": timezone.now().isoformat()}
    new.write_text(json.dumps(content, ensure_ascii=False), "utf-8")
    new.chmod(0o644)  # whoever switches is not always who serves
    new.replace(file)
