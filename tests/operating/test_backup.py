"""``manage.py backup`` and ``restore``: whole or not there, from a registry at work, proven by restoring."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import stat
import subprocess
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError
from django.db import close_old_connections, connection

from registry import nouns
from registry.files import disk
from registry.files.models import FileKind, StoredFile
from registry.models import AuditEntry, AuditSeal, Backup, Organization, Person
from registry.operating import health, keeping, layout, writing
from tests.factories import make_person, make_unit
from tests.operating.standing import begin, keep_photo, run

pytestmark = pytest.mark.django_db(transaction=True)

ON_SQLITE = pytest.mark.skipif(
    connection.vendor != "sqlite", reason="the same on PostgreSQL; costs a process"
)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# --- A backup, and its proof ----------------------------------------------------------------------


def test_a_backup_taken_while_others_write_is_restored_with_every_check_clean(
    registry: StoredFile, tmp_path: Path
) -> None:
    """Somebody registers people all the while; what was saved before the backup began is in it."""
    unit, ended, written = make_unit("other"), threading.Event(), [0]

    def write() -> None:
        while not ended.is_set():
            make_person(unit=unit)
            written[0] += 1
        close_old_connections()
        connection.close()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        while not written[0]:
            time.sleep(0.01)
        before = Person.objects.count()
        made = writing.write_backup(tmp_path / "backups")
        after = Person.objects.count()
    finally:
        ended.set()
        writer.join()
    assert before <= layout.read_manifest(made.path).rows["registry_person"] <= after

    said = run("backup", str(tmp_path / "backups"), "--only-prove")
    for line in (
        r"备份 registry-\S+ 完整:6 个文件都与校验值相符。",
        r"已放回 3 个照片和附件的文件。",
        r"单位树、组织树和触发器:无误。",
        r"统计数:无误。",
        r"操作记录和封存:无误。",
        r"照片和附件:无误。",
        r"校验全部通过;临时的地方已清除。",
    ):
        assert re.search(line, said), (line, said)
    last = keeping.last_proven()
    assert last is not None
    assert (last.name, last.faults) == (made.path.name, "")
    assert health.last_proven_at() == made.taken_at
    assert (made.path / layout.PROVEN).is_file()
    assert os.listdir(tmp_path / "backups") == [made.path.name]
    assert AuditEntry.objects.filter(verb="prove_backup", object_name=made.path.name).count() == 1


def test_a_backup_is_for_its_user_alone_and_says_what_to_keep_elsewhere(
    registry: StoredFile, tmp_path: Path, settings: Any
) -> None:
    settings.SEAL_COPY = tmp_path / "seals.txt"
    run("sealaudit")
    said = run("backup", str(tmp_path / "backups"))
    assert said.splitlines()[-1].startswith("请另行保管(不在备份里")
    assert "WALL_KEY" in said
    made = Path(re.search(r"已备份到 (\S+?):", said)[1])
    database = layout.DATABASES[connection.vendor]
    photos = {f"files/{registry.key[:2]}/{registry.key}{end}" for end in ("", "-2", "-3")}
    files = {path.relative_to(made).as_posix(): path for path in made.rglob("*") if path.is_file()}
    assert set(files) == photos | {database, "SHA256SUMS", "manifest.json", "seals.txt", "settings.env"}
    assert {mode(path) for path in files.values()} == {0o600}
    assert {mode(path) for path in (made, *made.rglob("*")) if path.is_dir()} == {0o700}
    assert subprocess.run(["sha256sum", "-c", "--quiet", "SHA256SUMS"], cwd=made, check=False).returncode == 0
    for secret in (settings.SECRET_KEY, settings.SEAL_KEYS[0], settings.WALL_KEYS[0]):
        assert not any(secret.encode() in path.read_bytes() for path in files.values())
    row = Backup.objects.get()
    assert (row.name, row.files, row.proven_at) == (made.name, 3, None)
    assert row.size == sum(path.stat().st_size for name, path in files.items() if name != "SHA256SUMS")
    entry = AuditEntry.objects.get(verb="back_up")
    assert entry.after == {"file": str(made), "size": row.size}
    assert set(entry.after) <= set(nouns.record_words())


def test_files_that_the_last_backup_has_are_linked_and_a_lost_one_is_taken_from_it(
    backup: Path, registry: StoredFile
) -> None:
    disk.path_of(registry.key).unlink()
    with pytest.raises(CommandError, match=r"备份已写好,但盘上缺少或损坏 1 个照片或附件:合影.jpg"):
        run("backup", str(backup.parent))
    newer, older = layout.backups_in(backup.parent)
    assert older == backup
    kept = f"files/{registry.key[:2]}/{registry.key}"
    assert (newer / kept).samefile(backup / kept)
    layout.verify(newer, layout.read_manifest(newer))


def test_a_backup_that_does_not_come_through_is_noted_as_such(
    backup: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise CommandError("备份没有通过校验:统计数有出入")

    monkeypatch.setattr(keeping, "prove", fail)
    with pytest.raises(CommandError, match="统计数有出入"):
        run("backup", str(backup.parent), "--only-prove")
    row = Backup.objects.get()
    assert (row.proven_at, row.faults) == (None, "备份没有通过校验:统计数有出入")
    assert keeping.last_proven() is None
    assert AuditEntry.objects.get(verb="prove_backup").after["faults"] == row.faults


def test_a_lost_file_that_no_backup_has_is_named(registry: StoredFile, tmp_path: Path) -> None:
    disk.path_of(registry.key, disk.THUMB).unlink()
    with pytest.raises(CommandError, match=r"盘上缺少或损坏 1 个照片或附件:合影.jpg"):
        run("backup", str(tmp_path / "backups"))
    assert layout.read_manifest(layout.backups_in(tmp_path / "backups")[0]).missing == [
        f"合影.jpg({registry.key})"
    ]


def test_an_upload_that_its_user_threw_away_meanwhile_is_no_fault(
    registry: StoredFile, tmp_path: Path
) -> None:
    StoredFile.objects.update(owner_noun="", owner_id=None)
    disk.remove(registry.key)
    assert writing.write_backup(tmp_path / "backups").missing == []


# --- What is refused ------------------------------------------------------------------------------


def test_a_folder_that_cannot_be_written_to_is_refused_in_words(
    registry: StoredFile, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(CommandError, match=r"没有备份成功,.*不是文件夹"):
        run("backup", str(tmp_path / "file" / "backups"))
    with pytest.raises(CommandError, match=r"FILES_DIR"):
        run("backup", str(settings.FILES_DIR / "backups"))
    with pytest.raises(CommandError, match=r"请给出写到哪个文件夹,或设置环境变量 BACKUP_DIR"):
        run("backup")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(100, 99, 1))
    with pytest.raises(CommandError, match=r"所在的磁盘放不下备份:约需 .* MB,只剩 0 MB"):
        run("backup", str(tmp_path / "backups"))


def test_a_disk_that_gets_full_leaves_nothing_behind(
    registry: StoredFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writing, "_copy_files", full)
    with pytest.raises(CommandError, match=r"没有备份成功,.*:磁盘已满。没有留下写了一半的备份"):
        run("backup", str(tmp_path / "backups"))
    assert os.listdir(tmp_path / "backups") == []
    assert not Backup.objects.exists()


def test_two_at_once_are_told_apart(registry: StoredFile, tmp_path: Path) -> None:
    (tmp_path / "backups").mkdir()
    with writing.alone(tmp_path / "backups"), pytest.raises(CommandError, match="另一个备份正在写入"):
        run("backup", str(tmp_path / "backups"))


@pytest.mark.postgres
def test_programs_older_than_the_server_are_refused(
    registry: StoredFile, tmp_path: Path, settings: Any
) -> None:
    settings.PG_BIN = tmp_path / "bin"
    settings.PG_BIN.mkdir()
    program = settings.PG_BIN / "pg_dump"
    program.write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 11.2'\n")
    program.chmod(0o755)
    with pytest.raises(CommandError, match=r"找不到 PostgreSQL 的程序 pg_dump.*本机只有 11 版"):
        run("backup", str(tmp_path / "backups"))
    assert os.listdir(tmp_path / "backups") == []


# --- What is killed -------------------------------------------------------------------------------


@ON_SQLITE
def test_one_that_is_killed_in_the_middle_is_never_taken_for_a_backup(
    backup: Path, registry: StoredFile
) -> None:
    """It is killed while it reads a photo that never ends; the next one clears away what it left."""
    folder = backup.parent
    endless = StoredFile.objects.create(kind=FileKind.FILE, name="表.pdf", size=1, key="ab" * 16)
    disk.path_of(endless.key).parent.mkdir(exist_ok=True)
    os.mkfifo(disk.path_of(endless.key))
    process = begin("backup", str(folder))
    while not (list(folder.glob(f"{layout.UNFINISHED}*/files/ab"))):
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.05)
    process.kill()
    process.communicate()
    (half,) = folder.glob(f"{layout.UNFINISHED}*")
    assert layout.backups_in(folder) == [backup]
    with pytest.raises(CommandError, match="没有写完,不是备份"):
        run("restore", str(half))
    StoredFile.objects.filter(pk=endless.pk).delete()
    run("backup", str(folder))
    assert not half.exists()
    assert len(layout.backups_in(folder)) == 2


# --- Restoring ------------------------------------------------------------------------------------


def test_a_place_with_data_is_refused_and_left_as_it_is(backup: Path, registry: StoredFile) -> None:
    with pytest.raises(CommandError, match=r"里已有表,没有恢复,也没有改动它"):
        run("restore", str(backup))
    assert Organization.objects.count() == 1
    assert StoredFile.objects.get() == registry


def broken_database(backup: Path) -> str:
    with open(backup / layout.DATABASES[connection.vendor], "r+b") as file:
        file.seek(200)
        file.write(b"broken")
    return f"{layout.DATABASES[connection.vendor]} 与校验值不符"


def lost_photo(backup: Path) -> str:
    photo = next(backup.glob("files/*/*"))
    photo.unlink()
    return f"缺少 {photo.relative_to(backup)}"


def added_file(backup: Path) -> str:
    (backup / "more").write_text("x")
    return "多出 more"


def no_sums(backup: Path) -> str:
    (backup / layout.SUMS).unlink()
    return "不是完整的备份:缺少 SHA256SUMS"


def outside(backup: Path) -> str:
    with open(backup / layout.SUMS, "a") as file:
        file.write(f"{'0' * 64}  files/../../etc/passwd\n")
    return "SHA256SUMS 中有读不懂的行"


def broken_manifest(backup: Path) -> str:
    (backup / layout.MANIFEST).write_text("{}")
    return "manifest.json 无法读出"


def test_a_broken_backup_is_refused_by_name(backup: Path) -> None:
    for number, damage in enumerate(
        (broken_database, lost_photo, added_file, no_sums, outside, broken_manifest)
    ):
        copy = backup.parent / f"registry-20200223-00000{number}"
        shutil.copytree(backup, copy)
        said = damage(copy)
        with pytest.raises(CommandError) as refused:
            run("restore", str(copy))
        assert said in str(refused.value)
        assert str(copy) in str(refused.value)
    with pytest.raises(CommandError, match="没有备份 /no/such"):
        run("restore", "/no/such")


@ON_SQLITE
def test_a_backup_is_restored_into_an_empty_place(
    backup: Path, registry: StoredFile, tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = disk.path_of(registry.key).read_bytes()
    (tmp_path / "new").mkdir()
    settings.FILES_DIR, settings.SEAL_COPY = tmp_path / "new" / "files", tmp_path / "new" / "seals.txt"
    with monkeypatch.context() as patch:
        connection.close()
        patch.setitem(connection.settings_dict, "NAME", str(tmp_path / "new" / "db.sqlite3"))
        said = run("restore", str(backup))
        connection.close()
    assert "已恢复,校验全部通过。数据截止 " in said
    assert settings.SEAL_COPY.read_text().count("\n") == 1
    with closing(sqlite3.connect(tmp_path / "new" / "db.sqlite3")) as database:
        assert database.execute("SELECT count(*) FROM registry_person").fetchone() == (1,)
        assert database.execute("SELECT count(*) FROM registry_session").fetchone() == (0,)
        (verb,) = database.execute("SELECT verb FROM registry_auditentry ORDER BY id DESC LIMIT 1").fetchone()
    assert verb == "restore_backup"
    photo = disk.path_of(registry.key)
    assert photo.read_bytes() == old
    assert photo.stat().st_nlink == 1


def test_files_of_others_are_not_mixed_with_those_of_the_backup(
    backup: Path, monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path
) -> None:
    settings.FILES_DIR = tmp_path / "others"
    monkeypatch.setattr(connection.introspection, "table_names", list)
    keep_photo(Organization.objects.get())
    with pytest.raises(CommandError, match=r"FILES_DIR\(.*others\)里已有别的文件,没有恢复"):
        run("restore", str(backup))


def test_what_was_recorded_since_is_not_given_up_in_silence(
    backup: Path, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The notes outside the database know a later seal than the backup.

    Which number depends on the time: what is committed is sealed when somebody last looked long ago.
    """
    settings.SEAL_COPY = tmp_path / "seals.txt"
    run("sealaudit")  # the backup itself was recorded after it was taken
    newest = AuditSeal.objects.latest("number").number
    monkeypatch.setattr(connection.introspection, "table_names", list)
    said = rf"已记到第 {newest} 号封存,这份备份只到第 {newest - 1} 号"
    with pytest.raises(CommandError, match=said):
        run("restore", str(backup))


# --- Rotation -------------------------------------------------------------------------------------


def test_the_newest_of_each_day_and_week_are_kept_and_the_newest_proven(
    tmp_path: Path, settings: Any
) -> None:
    settings.BACKUP_DAILY, settings.BACKUP_WEEKLY = 3, 3
    for name in (
        "registry-20200110-020000",  # proven
        "registry-20200131-020000",
        "registry-20200207-020000",
        "registry-20200214-020000",
        "registry-20200220-020000",
        "registry-20200221-020000",
        "registry-20200222-020000",
        "registry-20200222-140000",
        "registry-20200222-140000-2",
    ):
        (tmp_path / name).mkdir()
        (tmp_path / name / layout.SUMS).write_text("")
    (tmp_path / "registry-20200110-020000" / layout.PROVEN).write_text("")
    (tmp_path / "registry-20200101-000000").mkdir()  # no backup: somebody else's folder
    gone = keeping.rotate(tmp_path)
    assert gone == [
        "registry-20200222-140000",
        "registry-20200222-020000",
        "registry-20200131-020000",
    ]
    assert sorted(os.listdir(tmp_path)) == [
        "registry-20200101-000000",
        "registry-20200110-020000",
        "registry-20200207-020000",
        "registry-20200214-020000",
        "registry-20200220-020000",
        "registry-20200221-020000",
        "registry-20200222-140000-2",
    ]
