"""What is asked of a database that was restored or copied, and what each check answers."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError

from registry.files import keeping
from registry.logbooks import walls

_SHOWN = 10


@dataclass(frozen=True)
class Answer:
    """The answer of one check."""

    check: str
    said: str
    is_clean: bool

    def __str__(self) -> str:
        return f"{self.check}:{'无误' if self.is_clean else '有问题'}。{self.said}"


def checks() -> Iterator[Answer]:
    """Yield the answer of every check of the database in use and of ``FILES_DIR``."""
    yield _command("单位树、组织树和触发器", "checktree")
    yield _command("统计数", "checkcounts")
    yield _command("操作记录和封存", "checkaudit")
    yield _files()
    number, closed = walls.count_closed()
    if number:
        yield _walled(number, closed)


def _command(label: str, name: str) -> Answer:
    out = io.StringIO()
    try:
        call_command(name, stdout=out)
    except CommandError as error:
        return Answer(label, f"{error} {out.getvalue().strip()}", is_clean=False)
    return Answer(label, out.getvalue().strip().splitlines()[-1], is_clean=True)


def _files() -> Answer:
    """Every photo and file of a row is there as it was written; what belongs to no row is left out."""
    found = keeping.find(also_content=True)
    lost = [
        f"{file.name}({file.key})"
        for file in (*found.without_file, *found.changed)
        if file.is_claimed and file.removed_at is None
    ]
    label = "照片和附件"
    if lost:
        return Answer(label, f"缺少或被改动 {len(lost)} 个:{'、'.join(lost[:_SHOWN])}", is_clean=False)
    return Answer(label, "与登记一致。", is_clean=True)


def _walled(number: int, closed: int) -> Answer:
    label = "限阅台账"
    if not closed:
        return Answer(label, f"{number} 条都能用现有的密钥打开。", is_clean=True)
    why = "现有的 WALL_KEY 打不开" if settings.WALL_KEYS else "没有 WALL_KEY,打不开"
    return Answer(label, f"{why}其中 {closed} 条,请找回备份时的 WALL_KEY。", is_clean=False)
