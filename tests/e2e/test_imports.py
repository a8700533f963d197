"""A new manager imports a roster: template, twenty rows with three mistakes, mended, written, counted."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook
from playwright.sync_api import Page, expect

from registry.imports import background as importing
from registry.models import Assignment, Organization, Person
from registry.operations import approving
from tests.e2e.test_register import PASSWORD, key_figure, number_at
from tests.factories import ACTOR, make_organization, make_unit, make_user

pytestmark = pytest.mark.django_db(transaction=True)

PICTURES = os.environ.get("PICTURES", "")
"""A folder for pictures of each step, to look at."""


@pytest.fixture
def office() -> None:
    department = make_unit("ting", name="山东省公安厅", kind="department")
    bureau = make_unit("dezhou", department, name="德州市公安局")
    make_unit("decheng", bureau, name="德州市公安局德城分局", short_name="德城分局", kind="sub_bureau")
    make_organization(bureau, "committee", code="dangwei", name="德州市公安局党委", is_temporary=False)
    make_user("manager", unit=bureau)


def log_in(page: Page, address: str) -> None:
    page.goto(address)
    page.get_by_label("用户名").fill("manager")
    page.get_by_label("密码").fill(PASSWORD)
    page.get_by_role("button", name="登录").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("德州市公安局")


def picture(page: Page, name: str) -> None:
    if PICTURES:
        for width in (1440, 390):
            page.set_viewport_size({"width": width, "height": 900})
            page.screenshot(path=f"{PICTURES}/{name}-{width}.png", full_page=True)
        page.set_viewport_size({"width": 1440, "height": 900})


def rows() -> dict[str, list[list[str]]]:
    """Twenty rows: two organizations, ten people, eight placements; three of them with a mistake."""
    people = [
        [f"37140{n}", f"赵{name}", "民警", "正式党员", "decheng"]
        for n, name in enumerate("一二三四五六七八九十")
    ]
    people[3][2] = "民井"
    people[6][4] = "dechen"
    placed = [["linshi", row[0], row[1], "成员", "2020-02-03"] for row in people[:8]]
    placed[0][3], placed[5][4] = "书记", "2020年2月30日"
    return {
        "组织": [
            ["tujidui", "德城分局突击队", "突击队", "否", "decheng", "linshi", "2020.2.4"],
            ["linshi", "德城分局临时党支部", "党支部", "是", "decheng", "dangwei", "2020年2月3日"],
        ],
        "人员": people,
        "编入": placed,
    }


FILLED = {
    "组织": ("组织代码", "组织名称", "组织类型", "是否临时", "所在单位代码", "上级组织代码", "成立日期"),
    "人员": ("警号", "姓名", "人员类别", "政治面貌", "所属单位代码"),
    "编入": ("组织代码", "警号", "姓名", "职责", "编入日期"),
}


def _named(cell: Any) -> str:
    return str(cell.value).rstrip(" *")


def fill(template: bytes) -> bytes:
    """Fill the template in, below its example rows, as somebody would in Excel."""
    book = load_workbook(io.BytesIO(template))
    for title, lines in rows().items():
        sheet = book[title]
        header = next(row for row in sheet.iter_rows() if _named(row[0]) == FILLED[title][0])
        columns = {_named(cell): cell.column for cell in header}
        for at, line in enumerate(lines, start=header[0].row + 2):
            for name, value in zip(FILLED[title], line, strict=True):
                sheet.cell(at, columns[name], value)
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def mend(book: bytes) -> bytes:
    """Put the three mistakes right in the filled workbook."""
    opened = load_workbook(io.BytesIO(book))
    right = {"民井": "民警", "dechen": "decheng", "2020年2月30日": "2020-02-28"}
    for sheet in opened:
        for row in sheet.iter_rows():
            for cell in row:
                if cell.value in right:
                    cell.value = right[cell.value]
    target = io.BytesIO()
    opened.save(target)
    return target.getvalue()


def upload(page: Page, address: str, content: bytes, name: str = "花名册.xlsx") -> None:
    page.goto(f"{address}/imports/")
    page.get_by_label("表格文件").set_input_files(
        {"name": name, "mimeType": "application/octet-stream", "buffer": content}
    )
    page.get_by_role("button", name="上传并核对").click()


def test_a_new_manager_imports_a_roster(page: Page, live_server, office: None) -> None:
    address = live_server.url
    log_in(page, address)
    before = [number_at(page, address, code) for code in ("dezhou", "decheng")]
    assert before == [0, 0]
    page.get_by_role("link", name="导入", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("导入")
    picture(page, "1-upload")
    with page.expect_download() as download:
        page.get_by_role("link", name="四种表的模板").click()
    filled = fill(Path(download.value.path()).read_bytes())

    upload(page, address, filled)
    expect(page.get_by_role("alert")).to_contain_text("有误")
    expect(page.get_by_role("button", name="确认写入")).to_have_count(0)
    page.get_by_role("link", name="有误 5", exact=True).click()
    wrong = page.locator("#lines tbody tr")
    expect(wrong.filter(has_text="民井")).to_have_count(1)
    expect(wrong.filter(has_text="dechen")).to_have_count(1)
    expect(wrong.filter(has_text="编入!E9")).to_have_count(1)
    picture(page, "2-wrong")
    with page.expect_download() as download:
        page.get_by_role("button", name="下载错误行").click()
    assert download.value.suggested_filename == "花名册-错误行.xlsx"
    assert not Person.objects.exists()

    upload(page, address, mend(filled))
    expect(page.locator("main")).to_contain_text("将新增 20 行,修改 0 行。现在还没有写入任何数据。")
    picture(page, "3-right")
    page.get_by_role("button", name="确认写入").click()
    expect(page.locator("main")).to_contain_text("已写入:新增 20 行,修改 0 行。")
    picture(page, "4-written")
    assert (Person.objects.count(), Assignment.objects.count()) == (10, 8)
    page.get_by_role("link", name="德城分局临时党支部").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("德城分局临时党支部")
    expect(page.locator("main").get_by_role("link", name="赵一").first).to_be_visible()

    # It counts once another person has approved what came in.
    submitted = list(Organization.objects.filter(state="submitted"))
    approving.approve_organizations(actor=ACTOR, organizations=submitted)
    after = [number_at(page, address, code) for code in ("dezhou", "decheng")]
    assert after == [1, 1]
    expect(key_figure(page, "一线人员")).to_contain_text("8")

    upload(page, address, mend(filled))
    expect(page.locator("main")).to_contain_text("没有需要写入的变化")


def test_a_long_import_shows_how_far_it_is(
    page: Page, live_server, office: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "SMALL_ROWS", 3)
    address = live_server.url
    log_in(page, address)
    people = "警号,姓名,人员类别,所属单位代码\n" + "".join(f"{n:06d},赵{n},民警,decheng\n" for n in range(40))
    upload(page, address, people.encode(), "名册.csv")
    expect(page.locator("main h2").first).to_have_text("等待核对")
    expect(page.locator("#progress")).to_contain_text("后台处理程序没有运行", timeout=20_000)
    picture(page, "5-no-worker")
    work()
    expect(page.get_by_role("button", name="确认写入")).to_be_visible(timeout=20_000)
    page.get_by_role("button", name="确认写入").click()
    expect(page.locator("main h2").first).to_have_text("等待写入")
    picture(page, "6-waiting")
    page.goto(f"{address}/imports/")  # leave, and come back
    expect(page.locator("main tbody")).to_contain_text("等待写入")
    work()
    page.get_by_role("link", name="名册.csv").click()
    expect(page.locator("main")).to_contain_text("已写入:新增 40 行")
    picture(page, "7-list-written")


def work() -> None:
    """Let a worker do what waits, in a process of its own as in use."""
    from django.db import connection

    settings = connection.settings_dict
    if connection.vendor == "sqlite":
        url = f"sqlite:///{settings['NAME']}"
    else:
        from tests.imports.test_faults import url_of_the_test_database

        url = url_of_the_test_database()
    root = Path(__file__).resolve().parents[2]
    subprocess.run(
        [sys.executable, "manage.py", "work", "--batch"],
        cwd=root,
        env=os.environ | {"DATABASE_URL": url},
        check=True,
        timeout=120,
    )
