"""How much of uploads is kept, and which files a request opens at all."""

from __future__ import annotations

import io
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from openpyxl import Workbook

from registry.imports import background as importing
from registry.imports import operations as imports
from registry.imports.models import Import, ImportFile, ImportState
from registry.models import User
from registry.refusals import OperationRefused
from registry.spreadsheets.reading import open_book
from tests.factories import ACTOR, make_unit, make_user

pytestmark = pytest.mark.django_db

HEADERS = ("警号", "姓名", "人员类别", "政治面貌", "所属单位代码")
ROW = ("007", "张三", "民警", "群众", "suo")


@pytest.fixture
def user() -> User:
    return make_user("clerk", make_unit("suo", make_unit("ju"), kind="station"), "clerk")


def workbook(sheets: int = 1, more: str = "", merged: str = "") -> bytes:
    """A workbook of people; ``more`` is put behind the rows of each sheet, as it stands in the file."""
    book = Workbook()
    book.remove(book.active)
    for number in range(sheets):
        sheet = book.create_sheet(f"人员{number}")
        sheet.append(HEADERS)
        sheet.append((f"{number}", *ROW[1:]))
        if merged:
            sheet.merged_cells.add(merged)
    plain, packed = io.BytesIO(), io.BytesIO()
    book.save(plain)
    with (
        zipfile.ZipFile(plain) as source,
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as target,
    ):
        for part in source.namelist():
            content = source.read(part)
            if "worksheets/sheet" in part:
                content = content.replace(b"</sheetData>", more.encode() + b"</sheetData>")
            target.writestr(part, content)
    return packed.getvalue()


def hand_in(user: User, content: bytes, name: str = "名册.xlsx") -> Import:
    return importing.hand_in(actor=ACTOR, user=user, file_name=name, content=content)


def csv(size: int) -> bytes:
    """A file of people of about this size, right but for its unit."""
    line = "x{},张三,民警,nowhere" + "," * 200 + "\n"
    head = "警号,姓名,人员类别,所属单位代码\n"
    return (head + "".join(line.format(number) for number in range(size // 230))).encode()


# --- What is opened in a request ------------------------------------------------------------------


def test_a_workbook_that_takes_long_to_open_is_left_to_the_worker(user: User) -> None:
    """380 KB of 55 sheets with nothing but styled empty cells took a minute; 6 sheets show it as well."""
    empty = "".join(f'<row r="{row}">' + '<c s="0"/>' * 500 + "</row>" for row in range(3, 120))
    content = workbook(6, empty)
    assert len(content) < 50_000
    begun = time.thread_time()
    made = hand_in(user, content)
    assert time.thread_time() - begun < 1.0
    assert (made.state, Import.objects.get().job is not None) == (ImportState.UPLOADED, True)


def test_one_that_looks_small_is_read_for_so_long_and_no_longer(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "SECONDS", 0.0)
    hand_in(user, workbook())
    assert Import.objects.get().job is not None


def test_one_that_is_slow_to_check_goes_to_the_worker_from_the_beginning(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = importing.given
    seconds = iter((10.0, 0.0))
    monkeypatch.setattr(importing, "given", lambda _: given(next(seconds)))
    hand_in(user, workbook())
    made = Import.objects.get()
    assert (made.state, made.attempt, made.job is not None) == (ImportState.UPLOADED, "", True)


def test_merged_cells_cost_nothing_however_long_they_are(tmp_path: Path) -> None:
    """40 KB with a merge of a million rows on each of 55 sheets took three minutes."""
    path = tmp_path / "merged.xlsx"
    path.write_bytes(workbook(3, merged="A2:B1000000"))
    begun = time.thread_time()
    lines = [line for table in open_book(path, path.name).tables for line in table.lines]
    assert time.thread_time() - begun < 1
    assert [any("合并" in problem.message for problem in line.problems) for line in lines] == [True] * 3


# --- Room -----------------------------------------------------------------------------------------


def test_one_user_fills_no_more_than_his_room(user: User, settings: Any) -> None:
    settings.UPLOADS_OF_USER_MB = 1
    content = csv(450_000)
    for _ in range(2):
        hand_in(user, content, "名册.csv")
    with pytest.raises(OperationRefused, match=r"您保存的导入文件已有 .* MB,加上这个文件超过上限 1 MB"):
        hand_in(user, content, "名册.csv")
    assert Import.objects.count() == 2
    imports.cancel_import(actor=ACTOR, import_=Import.objects.first())  # type: ignore[arg-type]
    hand_in(user, content, "名册.csv")


def test_the_page_says_what_to_do(client: Client, user: User, settings: Any) -> None:
    settings.UPLOADS_OF_USER_MB = 0
    client.force_login(user)
    file = io.BytesIO(workbook())
    file.name = "名册.xlsx"
    page = client.post(reverse("imports"), {"file": file}).content.decode()
    assert "请在“我的导入”里把已核对的写入,或取消不要的" in page
    assert not ImportFile.objects.exists()


def test_what_is_over_makes_room_by_itself(user: User, settings: Any) -> None:
    settings.UPLOADS_OF_USER_MB = 1
    content = csv(450_000)
    first, _second = (hand_in(user, content, "名册.csv") for _ in range(2))
    Import.objects.filter(pk=first.pk).update(state=ImportState.WRITTEN)
    hand_in(user, content, "名册.csv")
    assert not ImportFile.objects.filter(of=first).exists()


def test_all_users_of_a_bureau_share_its_room(user: User, settings: Any) -> None:
    settings.UPLOADS_OF_BUREAU_MB = 1
    other = make_user("other", make_unit("suo-2", user.grants.get().unit.parent, kind="station"), "clerk")
    stranger = make_user("stranger", make_unit("yi"), "clerk")
    content = csv(600_000)
    hand_in(user, content, "名册.csv")
    with pytest.raises(OperationRefused, match=r"“ju公安局”保存的导入文件已有 .* MB"):
        hand_in(other, content, "名册.csv")
    hand_in(stranger, content, "名册.csv")


def test_what_cannot_be_read_and_what_is_written_whole_is_not_kept(user: User) -> None:
    broken = hand_in(user, b"\x50\x4b\x03\x04" + b"0" * (importing.SMALL_BYTES + 1))
    importing.check_now(broken.pk, is_long=True)
    broken.refresh_from_db()
    assert broken.state == ImportState.FAILED
    written = hand_in(user, workbook())
    importing.confirm(actor=ACTOR, import_=written, reason="")
    written.refresh_from_db()
    assert (written.state, written.message) == (ImportState.WRITTEN, "已写入:新增 1 行,修改 0 行。")
    assert not ImportFile.objects.exists()
