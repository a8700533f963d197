"""How it is: each thing that may be wrong, as a line with a code, what was found, and what is to be done.

``/readyz``, the page 系统状态, ``manage.py health`` and the mail to the administrators say these same lines.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from registry.audit import seals
from registry.models import AuditEntry, guards, modes
from registry.models.faults import fault_of
from registry.models.modes import Mode
from registry.operating import keeping, slow
from registry.operating.layout import installed_version
from registry.operating.replica import REPLICA
from registry.operating.writing import sqlite_file
from registry.work import beats, queue
from registry.work.queue import Chore

logger = logging.getLogger(__name__)

OK, WARN, BAD = "ok", "warn", "bad"
WORDS = {OK: "正常", WARN: "注意", BAD: "有问题"}
MARKS = {OK: "✓", WARN: "!", BAD: "✕"}

LOW, VERY_LOW = 5 * 1024**3, 512 * 1024**2
"""Bytes free on a disk under which somebody must look, and under which nothing more is to be written."""
WAITS_LONG = timedelta(minutes=15)
SEAL_LATE = timedelta(hours=2)
"""What is committed is sealed within minutes, by who commits or the worker's housekeeping."""
BACKUP_OLD, BACKUP_VERY_OLD = timedelta(days=2), timedelta(days=8)


@dataclass(frozen=True)
class Line:
    """One thing that may be wrong.

    ``code`` names it for machines, ``wrong`` what is wrong with it; ``todo`` says what helps. What stands
    between backticks there and in ``said`` is typed. ``stops``: this server should be sent no requests.
    """

    code: str
    label: str
    said: str
    state: str = OK
    wrong: str = ""
    todo: str = ""
    stops: bool = False
    page: tuple[str, str] = ("", "")
    """The address where more of it is shown, and the verb that opens it."""

    @property
    def word(self) -> str:
        """The state in a word."""
        return WORDS[self.state]

    @property
    def mark(self) -> str:
        """The state as a sign."""
        return MARKS[self.state]


def ready() -> list[Line]:
    """Return what a machine asks that sends requests to this server."""
    return list(_look((_mode, _database, _migrations, _guards, _worker, _disk)))


def everything() -> list[Line]:
    """Return all there is to say."""
    return list(_look(_EVERY))


def _look(functions: Sequence[Callable[[], Line]]) -> Iterator[Line]:
    """Yield each line; where the database does not answer, what needs it is left out after that is said."""
    is_down = False
    for function in functions:
        if is_down and function in _ASKING:
            continue
        try:
            line = function()
        except DatabaseError as error:
            logger.warning("%s could not be looked at: %s", function.__name__, error)
            is_down = fault_of(error) is not None
            line = _DOWN if is_down else _UNLIKE
        yield line


# --- Each line ------------------------------------------------------------------------------------


def _version() -> Line:
    return Line("version", "版本", installed_version() or "没有版本号(不是由安装包安装的)。")


def _mode() -> Line:
    found = modes.standing()
    label = modes.LABELS[found.mode]
    if found.mode == Mode.NORMAL:
        return Line("mode", "运行方式", f"{label}。")
    since = f",自 {_time(found.since)}" if found.since else ",由环境变量设置"
    return Line(
        "mode",
        "运行方式",
        f"{label}{since}。{found.said}",
        WARN,
        found.mode.name.lower(),
        "恢复:`manage.py mode normal`(由环境变量设置的,改回后重启)。",
        stops=found.mode == Mode.MAINTENANCE,
    )


def _database() -> Line:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT current_setting('server_version'), pg_database_size(current_database()), "
                "pg_is_in_recovery()"
            )
            number, size, is_standby = cursor.fetchone()
            name = f"`PostgreSQL {number.split()[0]}`"
        else:
            cursor.execute(
                "SELECT sqlite_version(), page_count * page_size FROM pragma_page_count, pragma_page_size"
            )
            number, size = cursor.fetchone()
            name, is_standby = f"`SQLite {number}`", False
    said = f"{name},{_size(int(size))}。"
    if not is_standby:
        return Line("database", "数据库", said)
    return Line(
        "database",
        "数据库",
        f"{said}连接的是备用数据库,只能读。",
        BAD,
        "database_standby",
        "确认主数据库已停后,把备用数据库升为主数据库(`docs/operations.md`)。",
    )


def _replica() -> Line:
    if not settings.DATABASE_REPLICA:
        return Line("replica", "备用数据库", "没有设置,所有页面读主数据库。")
    standing = REPLICA.standing()
    if standing.is_near:
        return Line("replica", "备用数据库", f"在同步,数据截至 {_time(standing.as_of)}。")
    said = "落后较多" if standing.is_up else "没有应答,或不是备用数据库"
    return Line(
        "replica",
        "备用数据库",
        f"{said}:页面改读主数据库,使用不受影响。",
        WARN,
        "replica_behind" if standing.is_up else "replica_down",
        "在备用服务器上查看数据库是否在运行、与主服务器的网络(`docs/operations.md`)。",
    )


def _migrations() -> Line:
    lacking = _written() - set(MigrationRecorder(connection).applied_migrations())
    if not lacking:
        return Line("migrations", "数据表结构", "与程序一致。")
    return Line(
        "migrations",
        "数据表结构",
        f"有 {len(lacking)} 步没有执行:`{' '.join(sorted('.'.join(each) for each in lacking)[:3])}`。",
        BAD,
        "migrations_missing",
        "执行 `manage.py migrate`,然后再次执行 `deploy/roles.sql`。",
        stops=True,
    )


@cache
def _written() -> frozenset[tuple[str, str]]:
    return frozenset(MigrationLoader(None).disk_migrations)


def _guards() -> Line:
    lacking = guards.missing()
    if not lacking:
        return Line("guards", "数据库触发器", "齐全,防止绕过程序改动。")
    return Line(
        "guards",
        "数据库触发器",
        f"有 {len(lacking)} 个缺失、停用或被改动。",
        BAD,
        "guards_missing",
        "执行 `manage.py checktree --fix` 补装,再执行 `manage.py checkaudit`;查明是谁动的。",
        stops=True,
    )


def _worker() -> Line:
    living = beats.living()
    if living:
        return Line(
            "worker", "后台处理程序", f"{len(living)} 个在运行,最近活动 {_time(max(living.values()))}。"
        )
    return Line(
        "worker",
        "后台处理程序",
        "没有运行:导入、导出和定期整理都在等它。",
        BAD,
        "worker_silent",
        "在服务器上启动它:`systemctl start registry-worker`(或 `manage.py work`)。",
    )


def _queue() -> Line:
    load, oldest = queue.load(), queue.oldest_waiting()
    said = f"正在处理 {load.at_work:,} 项,等待 {load.waiting:,} 项。"
    page = ("imports", "upload_import")
    if oldest is None or timezone.now() - oldest < WAITS_LONG:
        return Line("queue", "排队的任务", said, page=page)
    return Line(
        "queue",
        "排队的任务",
        f"{said}最久的从 {_time(oldest)} 等到现在。",
        WARN,
        "queue_slow",
        "查看后台处理程序是否在运行;大的导入要做完才轮到下一项,可以再启动一个。",
        page=page,
    )


def last_seal() -> datetime | None:
    """Return when the record of operations was last sealed."""
    sealed = seals.newest()
    return sealed.made_at if sealed is not None else None


def _seal() -> Line:
    at, page = last_seal(), ("record", "read_record")
    waiting = AuditEntry.objects.filter(pk__gt=seals.highest_sealed()).order_by("pk").first()
    said = f"最近封存于 {_time(at)}。" if at else "还没有封存过。"
    if waiting is None or timezone.now() - waiting.at < SEAL_LATE:
        return Line("seal", "操作记录的封存", said, page=page)
    return Line(
        "seal",
        "操作记录的封存",
        f"{said}{_time(waiting.at)} 以来的记录还没有封存。",
        WARN,
        "seal_late",
        "执行 `manage.py sealaudit`,看它报什么错;后台处理程序在运行时会自动封存。",
        page=page,
    )


def last_proven_at() -> datetime | None:
    """Return when the last backup was made that was restored elsewhere with every check clean."""
    last = keeping.last_proven()
    return last.taken_at if last is not None else None


def _backup() -> Line:
    at = last_proven_at()
    todo = "执行 `manage.py backup --prove`,并让它每天定时执行(`docs/operations.md`)。"
    newest = keeping.last_backup()
    if newest is not None and newest.faults:
        said = f"{_time(newest.taken_at)} 的备份没有通过校验:{newest.faults[:200]}"
        return Line("backup", "经验证的备份", said, BAD, "backup_broken", f"先按所说的处理,再{todo}")
    if at is None:
        return Line("backup", "经验证的备份", "从未。", BAD, "backup_never", todo)
    said, age = f"{_time(at)}。", timezone.now() - at
    if age < BACKUP_OLD:
        return Line("backup", "经验证的备份", said)
    return Line(
        "backup",
        "经验证的备份",
        f"{said}已过 {age.days} 天。",
        BAD if age >= BACKUP_VERY_OLD else WARN,
        "backup_old",
        todo,
    )


PLACES = {"files": "照片和文件", "state": "运行状态", "database": "数据库", "log": "日志"}
"""What is kept on disks."""


def disks() -> dict[tuple[str, ...], int]:
    """Return the bytes free on each disk that the registry writes to, by what is kept there."""
    places = {"files": Path(settings.FILES_DIR), "state": Path(settings.STATE_DIR)}
    if connection.vendor == "sqlite" and sqlite_file().is_absolute():
        places["database"] = sqlite_file().parent
    if settings.LOG_DIR:
        places["log"] = settings.LOG_DIR
    found: dict[int, tuple[tuple[str, ...], int]] = {}
    for name, place in places.items():
        there = next(each for each in (place, *place.parents) if each.exists())
        names, _free = found.get(there.stat().st_dev, ((), 0))
        found[there.stat().st_dev] = (*names, name), shutil.disk_usage(there).free
    return dict(found.values())


def _disk() -> Line:
    found = disks()
    least = min(found.values())
    said = ";".join(
        f"{'、'.join(PLACES[place] for place in places)}所在磁盘剩余 {_size(free)}"
        for places, free in found.items()
    )
    if least >= LOW:
        return Line("disk", "磁盘", f"{said}。")
    return Line(
        "disk",
        "磁盘",
        f"{said}。",
        BAD if least < VERY_LOW else WARN,
        "disk_full" if least < VERY_LOW else "disk_low",
        "删除旧的备份和日志,或扩大磁盘;查看占用:`du -xh / | sort -h | tail`。",
        stops=least < VERY_LOW,
    )


def _logs() -> Line:
    if settings.LOG_DIR:
        return Line("logs", "日志", f"在 `{settings.LOG_DIR}`,保留 {settings.LOG_DAYS} 天。")
    return Line("logs", "日志", "只写到系统服务的日志(`journalctl`),由它保留;法律要求至少六个月。")


def _mail() -> Line:
    if settings.EMAIL_HOST and settings.ADMINS:
        return Line("mail", "故障邮件", f"发给 {len(settings.ADMINS)} 个地址,同一故障每小时最多一封。")
    return Line("mail", "故障邮件", "没有设置(需要 `EMAIL_HOST` 和 `ADMINS`);不影响使用。")


def _slow_pages() -> Line:
    found = slow.pages()
    if not found:
        return Line("slow", "慢页面", f"七天内没有超过 {settings.SLOW_PAGE_MS / 1000:g} 秒的。")
    times = sum(each.times for each in found)
    return Line("slow", "慢页面", f"七天内 {times:,} 次超过 {settings.SLOW_PAGE_MS / 1000:g} 秒,见下表。")


_DOWN = Line(
    "database",
    "数据库",
    "数据库没有应答。",
    BAD,
    "database_down",
    "在数据库服务器上查看它是否在运行、磁盘是否已满:`systemctl status postgresql`。",
    stops=True,
)
_UNLIKE = Line(
    "database",
    "数据库",
    "缺少程序要用的数据表或权限。",
    BAD,
    "database_unlike",
    "执行 `manage.py migrate`,然后再次执行 `deploy/roles.sql`。",
    stops=True,
)
_ASKING = (_database, _replica, _migrations, _guards, _worker, _queue, _seal, _backup)
"""What asks the database."""
_EVERY = (_version, _mode, *_ASKING, _disk, _logs, _mail, _slow_pages)


def _time(at: datetime | None) -> str:
    return f"{timezone.localtime(at):%Y-%m-%d %H:%M}" if at else ""


def _size(number: int) -> str:
    return f"{number / 1024**3:,.1f} GB" if number >= 1024**3 else f"{number / 1024**2:,.0f} MB"


# --- By itself ------------------------------------------------------------------------------------


def tell() -> list[Line]:
    """Log what is wrong, which also mails it where that is configured; return it."""
    wrong = [line for line in everything() if line.state == BAD]
    for line in wrong:
        logger.error("%s: %s%s", line.wrong, line.said, line.todo, extra={"same": line.wrong})
    return wrong


CHORES = (Chore("health", timedelta(minutes=10), tell),)
