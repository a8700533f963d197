"""Paper: a list prints all its rows and columns, says who printed it, and is recorded as a file is."""

from __future__ import annotations

import re
from datetime import date
from functools import partial

import pytest
from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from registry.models import AuditEntry
from registry.spreadsheets.sheets import Head, Kind, Sheet
from registry.web import paper, tables
from registry.web.lists import paged_long
from registry.web.paper import LANDSCAPE, PORTRAIT, PaperTable
from tests.asking import queries_again
from tests.factories import logged_in, make_organization
from tests.paper import print_of
from tests.world import World

pytestmark = pytest.mark.look
DAY = {"as_of": "2020-02-20"}


def table(*columns: tuple[str, Kind, object], rows: int = 1, **more: object) -> PaperTable:
    heads = [Head(title, kind) for title, kind, _cell in columns]
    cells = [[cell for _title, _kind, cell in columns]] * rows
    return PaperTable(Sheet("", "", heads, cells, **more))  # type: ignore[arg-type]


# How a table is laid out


def test_a_few_narrow_columns_stand_upright_and_many_lie_across() -> None:
    upright = table(("姓名", Kind.TEXT, "张三"), ("成立", Kind.DATE, date(2020, 2, 3)))
    assert (upright.is_wide, upright.css) == (False, "whole")
    across = table(*[("成立日期", Kind.DATE, date(2020, 2, 3))] * 10, rows=20)
    assert (across.is_wide, across.css) == (True, "")
    assert PORTRAIT < across.need <= LANDSCAPE


def test_more_columns_than_fit_across_are_set_in_smaller_letters_and_none_is_lost() -> None:
    wide = table(*[("成立日期", Kind.DATE, date(2020, 2, 3))] * 14, rows=20)
    assert (wide.is_wide, wide.css) == (True, "tight")
    assert wide.head.count("成立日期") == 14
    assert sum(float(width) for width in wide.widths) == pytest.approx(100, abs=0.1)


def test_a_long_text_wraps_but_takes_the_room_that_the_others_leave() -> None:
    name, day = table(("名称", Kind.TEXT, "甲" * 30), ("成立", Kind.DATE, date(2020, 2, 3))).widths
    assert float(name) > 4 * float(day)
    assert not table(("名称", Kind.TEXT, "甲" * 300)).is_wide


def test_a_few_long_texts_wrap_and_do_not_turn_the_paper() -> None:
    heads = [
        Head(title) for title in ("姓名", "单位", "职责", "编入组织", "文号", "备注", "来源", "状态", "上级")
    ]
    usual, long = [["甲" * 4] * 9] * 9, [["甲" * 12] * 9]
    assert not PaperTable(Sheet("", "", heads, usual + long)).is_wide
    assert PaperTable(Sheet("", "", heads, usual + long * 3)).is_wide


def test_cells_are_written_as_paper_has_them() -> None:
    drawn = table(
        ("人数", Kind.NUMBER, 10152),
        ("党员占比", Kind.SHARE, 0.649),
        ("撤销", Kind.DATE, None),
        ("文号", Kind.TEXT, ""),
        ("名称", Kind.TEXT, "<先锋岗>"),
    )
    assert drawn.rows == [["10,152", "64.9%", "–", "–", "<先锋岗>"]]
    assert "&lt;先锋岗&gt;" in drawn.body


def test_headings_stand_over_the_rows_that_share_them() -> None:
    heads = [Head("姓名")]
    rows = [("一支部", "一班", "甲"), ("一支部", "一班", "乙"), ("一支部", "", "丙"), ("二支部", "", "丁")]
    drawn = PaperTable(Sheet("", "", heads, rows, sections=2))
    said = drawn.body.replace("</tr>", "\n")
    assert [line.split(">")[-2].split("<")[0] or line for line in said.splitlines()] == [
        "一支部", "一班", "甲", "乙", "丙", "二支部", "丁"
    ]  # fmt: skip


def test_columns_under_a_common_word_have_a_header_of_two_rows() -> None:
    heads = [Head("单位"), Head("党委", group="临时党组织"), Head("党支部", group="临时党组织")]
    drawn = PaperTable(Sheet("", "", heads, [["甲", 1, 2]]))
    assert '<th colspan="2" scope="colgroup">临时党组织</th>' in drawn.head
    assert drawn.head.count("<tr>") == 2


def test_widths_of_the_screen_do_not_rule_paper() -> None:
    """A sheet of A4 is about 700 px wide: what a narrow screen leaves out must not be lost on it."""
    sheets = (settings.BASE_DIR / "static" / "css").glob("*.css")
    asked = [each for sheet in sheets for each in re.findall(r"@media[^{]*-width[^{]*", sheet.read_text())]
    assert asked
    assert [each for each in asked if not each.startswith("@media screen")] == []


# A list


@pytest.mark.django_db
def test_all_rows_are_printed_and_not_only_those_of_the_page(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "paged_long", partial(paged_long, size=2))
    client = logged_in(world.top)
    assert [row.person.name for row in client.get("/people/").context["rows"]] == ["李四", "钱二"]
    (printed,) = print_of(client, "people_export").tables
    assert [row[0] for row in printed] == ["姓名", "李四", "钱二", "孙三", "赵一"]


@pytest.mark.django_db
def test_the_columns_of_the_page_are_printed_without_those_to_act_with(world: World) -> None:
    (printed,) = print_of(logged_in(world.top), "organizations_export", q="左局临时党支部", **DAY).tables
    row = dict(zip(*printed, strict=True))
    assert {name: row[name] for name in ("名称", "所在单位", "书记/负责人", "人数", "文号")} == {
        "名称": "左局临时党支部",
        "所在单位": "左局",
        "书记/负责人": "赵一",
        "人数": "2",
        "文号": "左党〔2020〕1号",
    }
    assert "选" not in row


@pytest.mark.django_db
def test_a_print_says_place_day_basis_campaign_filters_who_when_and_what_is_not_approved(
    world: World,
) -> None:
    make_organization(world.left, code="draft", name="待批支部", state="submitted")
    client = logged_in(world.top, username="wang", display_name="王五")
    asked = {"unit": "left", "kind": "branch", "campaign": world.campaign.code, **DAY}
    printed = print_of(client, "organizations_export", **asked)
    assert printed.said[:3] == [
        f"单位:左公安局及下级单位 截至:2020-02-20 口径:现有 专项任务:{world.campaign.label}",
        "筛选:单位:左公安局;类型:党支部",
        "共 1 行",
    ]
    assert f"左公安局 专项任务:{world.campaign.label}" in printed.text
    now = timezone.localtime()
    assert f"王五 {now:%Y-%m-%d} " in printed.text
    assert "wang" not in printed.html
    printed = print_of(client, "organizations_export", unit="left", **DAY)
    assert printed.said[-1] == "另有待审批、未计入的:组织 1。"


@pytest.mark.django_db
def test_nothing_on_the_sheet_is_a_link_or_a_button_and_the_way_back_is_above_it(world: World) -> None:
    client = logged_in(world.top)
    printed = print_of(client, "organizations_export", data={"back": "/organizations/?kind=branch"}, **DAY)
    assert "<a " not in printed.html
    assert "<button" not in printed.html
    assert '<a class="btn" href="/organizations/?kind=branch">返回</a>' in printed.page
    for elsewhere in ("https://example.org/", "//example.org/", "javascript:alert(1)"):
        page = print_of(client, "organizations_export", data={"back": elsewhere}).page
        assert "example.org" not in page
        assert "alert(1)" not in page


@pytest.mark.django_db
def test_a_print_is_recorded_as_a_file_is(world: World) -> None:
    client = logged_in(world.top, username="wang", display_name="王五")
    print_of(client, "people_export", unit="left", category="auxiliary", **DAY)
    entry = AuditEntry.objects.get(verb="print")
    assert (entry.actor, entry.object_name, entry.unit) == ("王五", "人员", world.left)
    assert entry.after == {"filters": ["所属单位:左公安局", "人员类别:辅警"], "rows": 1}
    assert not AuditEntry.objects.filter(verb="export").exists()


@pytest.mark.django_db
def test_numbers_are_masked_on_paper_as_on_the_page(world: World) -> None:
    (printed,) = print_of(logged_in(world.left, "viewer"), "people_export", q="赵一", **DAY).tables
    assert dict(zip(*printed, strict=True))["警号"] == "••••"


@pytest.mark.django_db
def test_too_many_rows_are_not_printed_and_it_is_said_how_many_there_are(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (paper, tables):
        monkeypatch.setattr(module, "MOST_ROWS", 3)
    client = logged_in(world.top)
    page = client.post(reverse("people_export"), {"format": "print"}, query_params=DAY).content.decode()
    assert "共 4 行,一次最多 3 行。请导出文件" in page
    assert not AuditEntry.objects.filter(verb="print").exists()
    assert len(print_of(client, "people_export", unit="right", **DAY).tables[0]) == 1 + 2


@pytest.mark.django_db
def test_a_print_asks_the_same_number_of_queries_for_one_row_and_for_three(world: World) -> None:
    client = logged_in(world.top)

    def cost(**asked: str) -> int:
        return queries_again(lambda: print_of(client, "organizations_export", **asked, **DAY))

    assert cost(q="左局临时党支部") == cost(nature="temporary")


# Sheets, a unit, an organization


@pytest.mark.django_db
def test_a_sheet_to_be_filed_prints_with_its_totals_and_signature(world: World) -> None:
    printed = print_of(logged_in(world.left), "unit_sheet", "left", "pioneer-posts", **DAY)
    (drawn,) = printed.tables
    assert drawn[1][:3] == ["1", "=先锋岗", "左派出所"]
    assert drawn[-1][:2] == ["合计", "1 个"]
    assert "填报单位(盖章):" in printed.text
    assert "导出" not in printed.text


@pytest.mark.django_db
def test_a_unit_prints_its_figures_its_chart_those_below_and_what_changed(world: World) -> None:
    printed = print_of(logged_in(world.top), "unit_print", "top", **DAY)
    below, changes = printed.tables
    assert [row[:2] for row in below] == [
        ["单位", "临时党组织"],
        ["左公安局", "2"],
        ["右公安局", "0"],
        ["本单位", "0"],
        ["合计", "2"],
    ]
    assert [row[:2] for row in changes] == [["日期", "变动"], ["2020-02-01", "成立 8"]]
    assert "成立左局临时党支部" in changes[1][2]
    assert "<svg" in printed.html
    assert '<div class="kpi">' in printed.html
    for name in ("赵一", "钱二", "孙三"):
        assert name not in printed.text
    assert AuditEntry.objects.get(verb="print").after == {"rows": 3}


@pytest.mark.django_db
def test_an_organization_prints_facts_officers_and_members_and_its_history_only_when_asked(
    world: World,
) -> None:
    client = logged_in(world.top)
    printed = print_of(client, "organization_print", "branch", **DAY)
    (members,) = printed.tables
    assert members == [
        ["姓名", "警号", "职责", "编入", "政治面貌", "人员类别", "正式组织关系"],
        ["赵一", "001001", "书记", "2020-02-01", "正式党员", "民警", "左局党支部 · 左局"],
        ["钱二", "001002", "成员", "2020-02-01", "群众", "辅警", "左派出所"],
    ]
    assert "班子 书记 赵一" in printed.text
    assert "李四" not in printed.text
    whole = print_of(client, "organization_print", "branch", data={"history": "1"}, **DAY)
    assert "李四" in str(whole.tables[1])
    assert "大事" in whole.text
    assert [entry.after for entry in AuditEntry.objects.filter(verb="print").order_by("pk")] == [
        {"rows": 2},
        {"filters": ["含变动记录"], "rows": 2},
    ]
