"""``manage.py housekeeping``: all that is due, by one timer."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError
from django.utils import timezone

from registry.management.commands import housekeeping
from registry.models import Backup
from registry.operating import keeping
from tests.operating.standing import run

pytestmark = pytest.mark.django_db


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """What housekeeping called; nothing of it is done, and files are not in order."""
    done: list[tuple[str, ...]] = []

    def call(*command: str, **_: Any) -> None:
        done.append(command)
        if command[0] == "orphans":
            raise CommandError("还有 1 个。")

    monkeypatch.setattr(housekeeping, "call_command", call)
    return done


def test_a_part_that_fails_is_told_and_the_rest_is_done(
    called: list[tuple[str, ...]], settings: Any, tmp_path: Path
) -> None:
    settings.BACKUP_DIR = tmp_path
    with pytest.raises(CommandError, match="没有完成:核对照片和附件。说明见上;其余各项已完成"):
        run("housekeeping")
    assert called == [("sealaudit",), ("orphans",), ("backup", "--prove")]
    assert run("housekeeping", "--short").endswith("条\n")
    assert called[3:] == [("sealaudit",)]


def test_a_backup_is_due_when_the_last_is_more_than_a_day_old_and_there_is_a_place_for_it(
    settings: Any, tmp_path: Path
) -> None:
    assert not keeping.is_due()
    settings.BACKUP_DIR = tmp_path
    assert keeping.is_due()
    last = Backup.objects.create(name="x", taken_at=timezone.now() - timedelta(hours=25), size=1, files=0)
    assert not keeping.is_due()
    Backup.objects.filter(pk=last.pk).update(taken_at=timezone.now() - timedelta(hours=27))
    assert keeping.is_due()
