"""LibreOffice for the tests of workbooks."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Convert = Callable[[Path, str], Path]


@pytest.fixture
def convert(tmp_path: Path) -> Convert:
    """Have LibreOffice open a file and save it in another format; returns the new file."""
    office = shutil.which("soffice")
    if office is None:
        if os.environ.get("CI") == "true":
            pytest.fail("LibreOffice is missing in CI: apt-get install libreoffice-calc")
        pytest.skip("needs LibreOffice: apt-get install --no-install-recommends libreoffice-calc")

    def run(path: Path, to: str) -> Path:
        target = tmp_path / "converted"
        profile = tmp_path / "profile"  # of its own: a second office waits for the first
        subprocess.run(
            [
                office,
                f"-env:UserInstallation={profile.as_uri()}",
                "--headless",
                "--convert-to",
                to,
                "--outdir",
                str(target),
                str(path),
            ],
            check=True,
            capture_output=True,
            timeout=180,
        )
        return target / f"{path.stem}.{to.partition(':')[0]}"

    return run
