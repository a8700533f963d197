"""Where the files of a test are kept, and what they belong to: here, organizations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from registry.files.apps import FilesConfig


@pytest.fixture(autouse=True)
def folder(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for files; organizations hold them."""
    monkeypatch.setattr(FilesConfig, "file_owners", ("tests.files.owning.ORGANIZATION",), raising=False)
    settings.FILES_DIR = tmp_path / "files"
    return tmp_path / "files"
