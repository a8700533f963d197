"""Log files, one for each day, kept as long as the law requires (LOG_DIR, LOG_DAYS)."""

from __future__ import annotations

import logging
import re
from datetime import date, timedelta
from pathlib import Path

_NAME = re.compile(r"registry-(\d{4}-\d{2}-\d{2})\.log")


class DailyFiles(logging.Handler):
    """Appends each line to the file of its day. Several processes may share the folder: nothing is renamed.

    Files older than ``days`` are removed when a day's first line is written.
    """

    def __init__(self, directory: Path, days: int) -> None:
        super().__init__()
        self.directory, self.days = directory, days
        self.day: date | None = None
        self.stream: logging.FileHandler | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        try:
            today = date.fromtimestamp(record.created)  # noqa: DTZ012 - Django sets the process's zone
            if today != self.day or self.stream is None:
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

    def _open(self, today: date) -> None:
        if self.stream is not None:
            self.stream.close()
        file_of_today = self.directory / f"registry-{today.isoformat()}.log"
        file_of_today.touch(mode=0o600)  # whoever starts the process
        self.stream = logging.FileHandler(file_of_today, encoding="utf-8")
        self.day = today
        for file in self.directory.iterdir():
            named = _NAME.fullmatch(file.name)
            if named and date.fromisoformat(named[1]) < today - timedelta(days=self.days):
                file.unlink(missing_ok=True)
