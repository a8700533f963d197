"""``manage.py backup``: database, photos and files as of one moment, while the registry serves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError
from django.utils import timezone

from registry import audit, locks
from registry.management.arguments import command_actor
from registry.models import Backup
from registry.operating import keeping, layout
from registry.operating.writing import Made, is_on_the_same_disk, write_backup

PATIENCE = 60.0
"""Seconds to wait on SQLite for whoever writes, to note the backup."""
ELSEWHERE = (
    "请另行保管(不在备份里,没有它们备份不能完全恢复):SEAL_KEY(证明操作记录)、"
    "WALL_KEY(打开限阅台账)、数据库的密码。把备份文件夹再复制到另一台机器或另一块盘上。"
)


class Command(BaseCommand):
    help = (
        "备份数据库、照片和附件、不含密钥的设置,连同校验值,写成文件夹中的一个新文件夹;登记系统可以照常使用。"
        "加 --prove 时再恢复到临时的地方,逐项校验,然后清除。"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Where to, and what else."""
        parser.add_argument("folder", nargs="?", metavar="文件夹", help="写到哪个文件夹;默认 BACKUP_DIR")
        parser.add_argument("--prove", action="store_true", help="再恢复到临时的地方,逐项校验")
        parser.add_argument("--only-prove", action="store_true", help="不做新的备份,校验其中最近的一份")
        parser.add_argument(
            "--rotate",
            action="store_true",
            help="清理旧备份,保留 BACKUP_DAILY 天和 BACKUP_WEEKLY 周的;写到 BACKUP_DIR 时总是清理",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Write it, prove it, remove old ones. Raises ``CommandError``."""
        folder = self._folder(options["folder"])
        if options["only_prove"]:
            self._prove(self._newest(folder))
            return
        made = write_backup(folder)
        row = Backup(
            name=made.path.name, folder=str(folder), taken_at=made.taken_at, size=made.size, files=made.files
        )
        self._note("back_up", row, {"file": str(made.path), "size": made.size})
        self.stdout.write(
            f"已备份到 {made.path}:{made.size / 1e6:,.1f} MB,其中照片和附件的文件 {made.files:,} 个;"
            f"取数时间 {timezone.localtime(made.taken_at):%Y-%m-%d %H:%M:%S}。"
        )
        if is_on_the_same_disk(folder):
            self.stdout.write("注意:备份和数据在同一块盘上,盘坏了会一起丢失。")
        if options["prove"]:
            self._prove(made.path)
        if options["rotate"] or folder == settings.BACKUP_DIR:
            for name in keeping.rotate(folder):
                self.stdout.write(f"已清理旧备份 {name}。")
        _need_files(made)
        self.stdout.write(ELSEWHERE)

    def _folder(self, given: str | None) -> Path:
        folder = Path(given).absolute() if given else settings.BACKUP_DIR
        if folder is None:
            raise CommandError("请给出写到哪个文件夹,或设置环境变量 BACKUP_DIR。")
        return Path(folder)

    def _newest(self, folder: Path) -> Path:
        found = layout.backups_in(folder) if folder.is_dir() else []
        if not found:
            raise CommandError(f"{folder} 里没有备份。")
        return found[0]

    def _prove(self, backup: Path) -> None:
        manifest = layout.read_manifest(backup)
        row = Backup.objects.filter(name=backup.name, folder=str(backup.parent)).first()
        row = row or Backup(
            name=backup.name, folder=str(backup.parent), taken_at=manifest.at, size=0, files=manifest.files
        )
        try:
            keeping.prove(backup, self.stdout.write)
        except CommandError as error:
            row.faults = str(error)
            self._note("prove_backup", row, {"file": str(backup), "faults": str(error)})
            raise
        row.proven_at, row.faults = timezone.now(), ""
        self._note("prove_backup", row, {"file": str(backup)})
        self.stdout.write(f"备份 {backup.name} 已恢复到临时的地方,校验全部通过;临时的地方已清除。")

    def _note(self, verb: str, row: Backup, facts: dict[str, Any]) -> None:
        """Keep what was done; a database that takes nothing now does not spoil the backup."""
        try:
            with locks.patient(PATIENCE):
                row.save()
                audit.record_event(command_actor("备份"), verb, subject=row.name, after=facts)
        except DatabaseError as error:
            self.stderr.write(f"备份已写好,但没有能记入数据库:{error}")


def _need_files(made: Made) -> None:
    """Say loudly what could not be backed up because it is not there, or is not what it was."""
    if made.missing:
        shown = "、".join(made.missing[:10])
        raise CommandError(
            f"备份已写好,但盘上缺少或损坏 {len(made.missing)} 个照片或附件:{shown}。"
            "请运行 manage.py orphans --content 查看,并从以前的备份里取回。"
        )
