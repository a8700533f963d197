"""Where files are kept: under ``FILES_DIR``, by a random key, for the server's user alone.

A file is written before its row and removed after it, so no row is ever without its file; what is left over
when a process ends between the two is found by ``manage.py orphans``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from io import BufferedReader
from pathlib import Path

from django.conf import settings

FULL, MIDDLE, THUMB = "full", "middle", "thumb"
_ENDINGS = {FULL: "", MIDDLE: "-2", THUMB: "-3"}
"""Of the names on disk, for each size."""


def path_of(key: str, size: str = FULL) -> Path:
    """Return where a size of a file is."""
    return Path(settings.FILES_DIR) / key[:2] / f"{key}{_ENDINGS[size]}"


def write(key: str, parts: Mapping[str, bytes]) -> None:
    """Write the sizes of a file, all or none; they are on the disk when it returns."""
    folder = path_of(key).parent
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    try:
        for size, content in parts.items():
            place = os.open(path_of(key, size), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with open(place, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
    except OSError:
        remove(key)
        raise


def read(key: str, size: str = FULL) -> BufferedReader:
    """Open a size of a file. Raises ``FileNotFoundError``."""
    return open(path_of(key, size), "rb")


def remove(key: str) -> None:
    """Remove all sizes of a file, as far as they are there."""
    for size in _ENDINGS:
        path_of(key, size).unlink(missing_ok=True)


def paths() -> Iterator[tuple[Path, str]]:
    """Yield every file below the folder, with the key that its name begins with."""
    for folder in sorted(_entries(Path(settings.FILES_DIR))):
        for path in sorted(_entries(folder)):
            yield path, path.name.partition("-")[0]


def _entries(folder: Path) -> list[Path]:
    with suppress(FileNotFoundError, NotADirectoryError):
        return list(folder.iterdir())
    return []
