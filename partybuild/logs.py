"""Where the log goes: lines for people, JSON for machines, files of limited size, mail to administrators."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import socket
import threading
import time
import traceback
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

_NAME = re.compile(r"registry-(\d{4}-\d{2}-\d{2})(?:\.\d+)?\.log")
PART = 50 * 1024**2
"""Bytes after which a day gets another file."""


class JsonLines(logging.Formatter):
    """One line of JSON for each record, with the facts that it carries as ``extra={"facts": {...}}``."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "request": getattr(record, "request_number", "-"),
            "message": record.getMessage(),
            **getattr(record, "facts", {}),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


class DailyFiles(logging.Handler):
    """Appends each line to the file of its day. Several processes may share the folder: nothing is renamed.

    A day of more than ``PART`` goes on in another file. Files older than ``days`` are removed when a file is
    begun, and the oldest that are left when all of them together hold more than so many ``megabytes``.
    """

    def __init__(self, directory: Path, days: int, megabytes: int = 5_000) -> None:
        super().__init__()
        self.directory, self.days, self.megabytes = directory, days, megabytes
        self.day: date | None = None
        self.stream: logging.FileHandler | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        try:
            today = date.fromtimestamp(record.created)  # noqa: DTZ012 - Django sets the process's zone
            if today != self.day or self.stream is None or self._is_full():
                self._open(today)
            if self.stream is not None:
                self.stream.setFormatter(self.formatter)
                self.stream.emit(record)
        except Exception:
            self.handleError(record)

    def close(self) -> None:
        """Close the day's file."""
        if self.stream is not None:
            self.stream.close()
        super().close()

    def _is_full(self) -> bool:
        stream = self.stream.stream if self.stream is not None else None
        return stream is not None and os.fstat(stream.fileno()).st_size >= PART

    def _open(self, today: date) -> None:
        if self.stream is not None:
            self.stream.close()
        file, part = self.directory / f"registry-{today.isoformat()}.log", 1
        while file.exists() and file.stat().st_size >= PART:
            part += 1
            file = self.directory / f"registry-{today.isoformat()}.{part}.log"
        file.touch(mode=0o600)  # whoever starts the process
        self.stream = logging.FileHandler(file, encoding="utf-8")
        self.day = today
        self._tidy(today, file)

    def _tidy(self, today: date, current: Path) -> None:
        """Remove what is too old or too much."""
        there = [
            (named[1], path) for path in self.directory.iterdir() if (named := _NAME.fullmatch(path.name))
        ]
        held = 0
        for day, path in sorted(
            there, key=lambda each: (each[0], len(each[1].name), each[1].name), reverse=True
        ):
            try:
                held += path.stat().st_size
            except FileNotFoundError:  # another process removed it
                continue
            is_old = date.fromisoformat(day) < today - timedelta(days=self.days)
            if path != current and (is_old or held > self.megabytes * 1024**2):
                path.unlink(missing_ok=True)


class MailAdministrators(logging.Handler):
    """Mails errors to ADMINS, the same fault once in an hour whichever process meets it.

    Two records are the same fault when they carry the same ``extra={"same": …}``; without it, when the same
    exception was raised at the same line, or the message is the same but for its values. The mail holds that
    and the number of the request, nothing else.
    """

    AGAIN_AFTER = 3600.0

    def __init__(self, state: Path) -> None:
        super().__init__(level=logging.ERROR)
        self.folder = state / "mailed"

    def emit(self, record: logging.LogRecord) -> None:
        """Send it, by a thread of its own: nobody waits for a mail server."""
        try:
            if self._is_due(_sameness(record)):
                threading.Thread(target=self._send, args=(record,), name="mail").start()
        except Exception:
            self.handleError(record)

    def _is_due(self, same: str) -> bool:
        """Whether this fault was not mailed within the hour; notes that it is now."""
        stamp = self.folder / hashlib.sha256(same.encode()).hexdigest()[:20]
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if stamp.exists() and stamp.stat().st_mtime > time.time() - self.AGAIN_AFTER:
                return False
            stamp.touch()
        except OSError:
            pass  # a disk that is full is a fault to be mailed, too
        return True

    def _send(self, record: logging.LogRecord) -> None:
        from django.core.mail import mail_admins

        said = getattr(record, "same", "") or record.getMessage().partition("\n")[0]
        lines = [
            f"时间:{datetime.fromtimestamp(record.created).astimezone():%Y-%m-%d %H:%M:%S}",
            f"服务器:{socket.gethostname()}",
            f"请求编号:{getattr(record, 'request_number', '-')}",
            f"来源:{record.name}",
        ]
        if not hasattr(record, "request"):  # the address of a request may name a person
            lines.append(f"说明:{record.getMessage()}")
        if record.exc_info and record.exc_info[0] is not None:
            frames = traceback.format_tb(record.exc_info[2])
            lines += [f"异常:{record.exc_info[0].__name__}", "".join(frames[-12:])]
        lines.append(
            "\n在服务器上执行 manage.py health 看各项状态;用请求编号在日志中查找。同一故障一小时内只发一封。"
        )
        try:
            mail_admins(
                f"系统故障:{said[:60]}" if not hasattr(record, "request") else "系统故障", "\n".join(lines)
            )
        except Exception:
            self.handleError(record)


def _sameness(record: logging.LogRecord) -> str:
    if same := getattr(record, "same", ""):
        return f"{record.name} {same}"
    if record.exc_info and record.exc_info[0] is not None:
        frames = traceback.extract_tb(record.exc_info[2])
        where = f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""
        return f"{record.exc_info[0].__name__} {where}"
    return f"{record.name} {record.msg}"
