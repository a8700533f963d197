"""How a backup lies on disk: a folder of its own, whole or not there.

    registry-20200223-021500/
        database.dump or database.sqlite3
        files/ab/ab12…        photos and files, as they lie under FILES_DIR
        seals.txt             what SEAL_COPY said, where there is one
        settings.env          the settings, without any secret
        manifest.json         what this is: version, migrations, rows of each table
        SHA256SUMS            of all these; ``sha256sum -c SHA256SUMS`` reads it, too
        PROVEN                only after it was restored elsewhere and all checks were clean

Until it is whole its name begins with ``.unfinished-``, and no command takes it for a backup.
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError
from django.utils import timezone

FORMAT = 1
NAME = re.compile(r"registry-\d{8}-\d{6}(-\d+)?")
UNFINISHED, REMOVED, SCRATCH = ".unfinished-", ".removed-", ".proof-"
MANIFEST, SUMS, PROVEN, SETTINGS, SEALS = "manifest.json", "SHA256SUMS", "PROVEN", "settings.env", "seals.txt"
DATABASES = {"sqlite": "database.sqlite3", "postgresql": "database.dump"}
FILE = re.compile(r"files/[0-9a-f]{2}/[0-9a-f]{32}(-[23])?")
_SHOWN = 10
"""So many faults of a backup are named."""


@dataclass(frozen=True)
class Manifest:
    """What a backup says of itself."""

    name: str
    taken_at: str
    vendor: str
    server: int
    """The major version of PostgreSQL, or 0."""
    version: str
    """Of the registry's code."""
    migrations: list[list[str]]
    rows: dict[str, int]
    """The number of rows of each table."""
    files: int
    missing: list[str] = field(default_factory=list)
    """Photos and files that the database names and that were gone, or changed, on disk already."""
    seal: int = 0
    """The number of the newest seal."""
    format: int = FORMAT

    @property
    def at(self) -> datetime:
        """When the data were read."""
        return datetime.fromisoformat(self.taken_at)

    @property
    def database(self) -> str:
        """The name of the database's file."""
        return DATABASES[self.vendor]

    def text(self) -> str:
        """Return it as it is written."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def read_manifest(backup: Path) -> Manifest:
    """Return what a backup says of itself. Raises ``CommandError`` for what is not a whole one."""
    if backup.name.startswith(UNFINISHED):
        raise CommandError(f"{backup} 没有写完,不是备份。请选用名称以 registry- 开头的文件夹。")
    if not backup.is_dir():
        raise CommandError(f"没有备份 {backup}。")
    for name in (MANIFEST, SUMS):
        if not (backup / name).is_file():
            raise CommandError(f"{backup} 不是完整的备份:缺少 {name}。请改用另一份备份。")
    try:
        said: dict[str, Any] = json.loads((backup / MANIFEST).read_text("utf-8"))
        manifest = Manifest(**said)
        is_ours = manifest.vendor in DATABASES and manifest.at is not None
    except (ValueError, TypeError):
        is_ours = False
    if not is_ours:
        raise CommandError(f"{backup} 已损坏:{MANIFEST} 无法读出。请改用另一份备份。")
    if manifest.format != FORMAT:
        raise CommandError(f"{backup} 是另一版本的备份(格式 {manifest.format}),请用当时的版本恢复。")
    return manifest


def read_sums(backup: Path) -> dict[str, str]:
    """Return the digest of each file of a backup, by its name. Raises ``CommandError``."""
    found = {}
    for line in (backup / SUMS).read_text("utf-8", errors="replace").splitlines():
        digest, _, name = line.partition("  ")
        is_known = name in {MANIFEST, SETTINGS, SEALS, *DATABASES.values()} or FILE.fullmatch(name)
        if not re.fullmatch(r"[0-9a-f]{64}", digest) or not is_known:
            raise CommandError(f"{backup} 已损坏:{SUMS} 中有读不懂的行。请改用另一份备份。")
        found[name] = digest
    return found


def verify(backup: Path, manifest: Manifest) -> dict[str, str]:
    """Compare each file of a backup with its digest; return those. Raises ``CommandError``, naming files."""
    sums = read_sums(backup)
    faults = [f"缺少 {name}" for name in (MANIFEST, SETTINGS, manifest.database) if name not in sums]
    for name, digest in sums.items():
        path = backup / name
        if not path.is_file() or path.is_symlink():
            faults.append(f"缺少 {name}")
        elif digest_of(path) != digest:
            faults.append(f"{name} 与校验值不符")
    faults += [f"多出 {name}" for name in _names(backup) if name not in sums and name not in {SUMS, PROVEN}]
    if faults:
        more = f"等 {len(faults)} 处" if len(faults) > _SHOWN else ""
        raise CommandError(f"{backup} 已损坏:{'、'.join(faults[:_SHOWN])}{more}。请改用另一份备份。")
    return sums


def _names(backup: Path) -> Iterator[str]:
    for path in backup.rglob("*"):
        if path.is_symlink() or not path.is_dir():
            yield path.relative_to(backup).as_posix()


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def backups_in(folder: Path) -> list[Path]:
    """Return the whole backups of a folder, the newest first."""
    found = (path for path in folder.iterdir() if NAME.fullmatch(path.name) and (path / SUMS).is_file())
    return sorted(found, key=lambda path: (path.name[:24], len(path.name), path.name), reverse=True)


def free_name(folder: Path, at: datetime) -> str:
    """Return the name of a backup of this moment."""
    name = f"registry-{timezone.localtime(at):%Y%m%d-%H%M%S}"
    number = 1
    while (folder / name).exists():
        number += 1
        name = f"{name[:24]}-{number}"
    return name


def installed_version() -> str:
    """Return the version that the bundle notes; empty where there was none."""
    try:
        return (Path(settings.BASE_DIR) / "VERSION").read_text("utf-8").strip()
    except OSError:
        return ""


def code_version() -> str:
    """Return the version of the code: that of the bundle, else what git says; empty if unknown."""
    if installed := installed_version():
        return installed
    try:
        said = subprocess.run(
            ["git", "-C", str(settings.BASE_DIR), "describe", "--always", "--dirty"],
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return said.stdout.strip()
