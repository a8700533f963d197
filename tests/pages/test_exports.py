"""What goes out: each list as its page shows it, the sheets to be filed, and what is read back again."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import openpyxl
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from registry.counting.basis import Question
from registry.counting.rollup import rollup
from registry.imports import background as importing
from registry.imports.models import Verdict
from registry.models import Assignment, AuditEntry, Figure, Organization, Person, Source, Unit
from registry.nouns import layouts
from registry.operations import organizations, units
from registry.reports.filed_sheets import READY
from registry.spreadsheets.reading import open_book
from registry.web import lists
from tests.factories import ACTOR, assign, logged_in, make_organization, make_person, make_unit, make_user
from tests.world import World

pytestmark = [pytest.mark.look, pytest.mark.django_db]

DAY = "2020-02-20"
AS_OF = {"as_of": DAY}


@dataclass
class Taken:
    """A file that was taken out, parted at its header."""

    name: str
    above: list[str]
    head: list[str]
    rows: list[list[Any]]
    content: bytes

    def column(self, header: str) -> list[Any]:
        return [row[self.head.index(header)] for row in self.rows]

    def records(self) -> list[dict[str, Any]]:
        return [dict(zip(self.head, row, strict=True)) for row in self.rows]


def take(
    client: Client, name: str, *args: Any, suffix: str = "xlsx", phones: bool = False, **query: str
) -> Taken:
    """Press the button: the export ``name`` with the address's query."""
    url = reverse(name, args=args)
    posted = {"format": suffix, **({"phones": "1"} if phones else {})}
    response = client.post(url, posted, query_params=query)
    assert response.status_code == 200
    content = b"".join(response.streaming_content)  # type: ignore[attr-defined]
    kept = unquote(response["Content-Disposition"].partition("''")[2])
    grid: list[list[Any]]
    if suffix == "csv":
        grid = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    else:
        tab = openpyxl.load_workbook(io.BytesIO(content)).worksheets[0]
        grid = [[_plain(cell.value) for cell in row] for row in tab.iter_rows()]
    width = max(len(row) for row in grid)
    grid = [row + [None] * (width - len(row)) for row in grid]
    header = next(
        at for at, row in enumerate(grid) if sum(cell not in (None, "") for cell in row) > 2 or width <= 2
    )
    above = [str(row[0]) for row in grid[:header]]
    return Taken(kept, above, grid[header], grid[header + 1 :], content)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime) and (value.hour, value.minute, value.second) == (0, 0, 0):
        return value.date()
    return value


# Each list, as its page shows it


def test_the_ledger(world: World) -> None:
    client = logged_in(world.top, username="wang", display_name="王五")
    taken = take(client, "organizations_export", sort="-established", nature="temporary", **AS_OF)
    page = client.get("/organizations/", {"sort": "-established", "nature": "temporary", **AS_OF})
    assert taken.column("组织名称") == [row.organization.name for row in page.context["rows"]]
    assert sorted(taken.column("组织名称")) == ["临时小组", "左局临时党总支", "左局临时党支部"]
    assert taken.above[0] == "组织台账"
    assert taken.above[1] == "单位:管理范围内全部单位  截至:2020-02-20  口径:现有  专项任务:全部"
    assert taken.above[2] == "筛选:性质:临时党组织"
    assert taken.above[3].startswith(f"导出人:王五  导出时间:{timezone.localdate()}")
    assert taken.above[3].endswith("共 3 行")
    assert taken.name == "组织台账-管理范围内全部单位-2020-02-20.xlsx"
    (branch,) = [row for row in taken.records() if row["组织代码"] == "branch"]
    assert branch == {
        "组织名称": "左局临时党支部",
        "组织类型": "临时党支部",
        "荣誉命名": None,
        "当日所在单位": "左公安局",
        "当日覆盖单位": None,
        "上级组织": "左局临时党总支",
        "书记/负责人": "赵一",
        "人数": 2,
        "成立日期": date(2020, 2, 1),
        "撤销日期": None,
        "批复文号": "左党〔2020〕1号",
        "当日状态": "现有",
        "批复日期": None,
        "审批状态": "已批准",
        "组织代码": "branch",
        "是否临时": "是",
        "所在单位代码": "left",
        "上级组织代码": "general",
    }


def test_a_superior_out_of_scope_is_named_without_its_code(world: World) -> None:
    taken = take(logged_in(world.left), "organizations_export", q="左局党支部")
    assert (taken.column("上级组织"), taken.column("上级组织代码")) == (["厅党委"], [None])


def test_the_people_with_the_status_of_the_day(world: World) -> None:
    client = logged_in(world.top)
    taken = take(client, "people_export", unit="right", sort="-name", **AS_OF)
    assert taken.above[1:3] == [
        "单位:右公安局及下级单位  截至:2020-02-20  口径:现有  专项任务:全部",
        "筛选:所属单位:右公安局",
    ]
    assert taken.records() == [
        {
            "姓名": name, "警号": number, "人员类别": "民警", "当日政治面貌": status, "职务": None,
            "所属单位": "右公安局", "所属党支部": None, "一线编入": placed, "所属单位代码": "right",
            "所属党支部代码": None,
        }
        for name, number, status, placed in (
            ("孙三", "001003", "入党积极分子", "左突击队 负责人;右先锋队 成员"),
            ("李四", "001004", "正式党员", None),
        )
    ]  # fmt: skip
    assert "政治面貌" in take(client, "people_export", unit="right").head  # of today: it may be read back


def test_the_assignments_behind_a_number(world: World) -> None:
    client = logged_in(world.top)
    query = {
        "metric": "frontline_assignments",
        "unit": "left",
        "basis": "ended",
        "since": "2020-02-10",
        **AS_OF,
    }
    taken = take(client, "assignments_export", **query)
    assert "(人次)-" in taken.name, "told from the list of people of the same metric"
    assert taken.above[1] == (
        "单位:左公安局及下级单位  截至:2020-02-20  口径:撤销/结束(2020-02-10 至 2020-02-20)  专项任务:全部"
    )
    assert taken.records() == [
        {
            "姓名": "李四", "警号": "001004", "组织名称": "左局临时党支部", "组织当日所在单位": "左公安局",
            "职责": "成员", "编入日期": date(2020, 2, 1), "结束日期": date(2020, 2, 15), "文号": None,
            "组织代码": "branch",
        }
    ]  # fmt: skip


def test_the_members_of_an_organization_now_and_before(world: World) -> None:
    taken = take(logged_in(world.top), "members_export", "branch", **AS_OF)
    assert taken.above[0] == "左局临时党支部花名册"
    assert list(zip(taken.column("姓名"), taken.column("职责"), taken.column("在册情况"), strict=True)) == [
        ("赵一", "书记", "在册"),
        ("钱二", "成员", "在册"),
        ("李四", "成员", "以前"),
    ]
    assert taken.column("文号")[0] == "左任1号"
    assert taken.column("正式组织关系")[0] == "左局党支部 · 左公安局"


def test_a_guests_formal_membership_does_not_go_out(world: World) -> None:
    """Who is seen only through a placement keeps what only the home unit sees, in the file as on the page."""
    client = logged_in(world.right)
    assign(world.pioneers, world.full, started_on=date(2020, 2, 12))
    (row,) = [row for row in take(client, "people_export").records() if row["姓名"] == "赵一"]
    assert (row["警号"], row["所属党支部"], row["所属单位代码"]) == ("••••", None, None)
    members = take(client, "members_export", "pioneers")
    assert members.column("正式组织关系")[members.column("姓名").index("赵一")] == "左公安局"


def test_the_units_below_and_the_units_found(world: World) -> None:
    client = logged_in(world.left)
    taken = take(client, "units_export", unit="left")
    assert taken.column("单位代码") == ["left", "station"]
    assert taken.records()[0] == {
        "单位名称": "左公安局", "单位类型": "公安局", "上级单位": "省公安厅", "单位代码": "left",
        "简称": "左局", "别名": None, "行政区划代码": "371400", "序号": None, "上级单位代码": None,
        "设立日期": None, "撤并日期": None, "备注": None,
    }  # fmt: skip
    assert taken.column("上级单位代码") == [None, "left"]
    assert take(client, "units_export", q="公安").column("单位代码") == ["left"]


def test_the_table_of_a_units_page(world: World) -> None:
    client = logged_in(world.top)
    taken = take(client, "unit_table_export", "top", sort="-frontline_people", **AS_OF)
    table = client.get("/units/top/", {"sort": "-frontline_people", **AS_OF}).context["table"]
    shown = [*table.rows, table.own, table.total]
    assert taken.column("单位")[: len(shown)] == ["左公安局", "右公安局", "本单位", "合计"]
    numbers = [[count.value for count in row.counts] for row in shown]
    # Beside the counts stand what seven days added and took away, and the share of members.
    found = [[row[1], *row[4:9], row[10]] for row in taken.rows[: len(shown)]]
    assert found == numbers
    assert taken.column("党员占比")[0] == pytest.approx(1 / 3)
    assert taken.column("一线人员")[3] == 3


def test_what_articles_report(world: World) -> None:
    source = Source.objects.create(number=7, title="=报道", published_on=date(2020, 2, 21))
    for code, number in (("f1", 1), ("f2", 9)):
        Figure.objects.create(
            code=code, source=source, metric="temporary_branches", label="临时党支部数", value=str(number),
            number=number, qualifier="exact", unit=world.left, as_of=date(2020, 2, 20),
        )  # fmt: skip
    client = logged_in(world.left)
    taken = take(client, "reconciliation_export", verdict="differs")
    assert "登记数按每条报道自己的口径和日期统计,不分专项任务。" in taken.above
    (row,) = taken.records()
    assert (row["报道数编号"], row["报道"], row["登记"], row["核对日期"], row["结论"], row["来源标题"]) == (
        "f2", "9", 1, date(2020, 2, 20), "不一致 少 8", "=报道",
    )  # fmt: skip
    assert take(client, "sources_export").records() == [
        {
            "标题": "=报道", "编号": 7, "发布单位": None, "发布日期": date(2020, 2, 21), "最早": None,
            "最晚": None, "地区": None, "报送单位": None, "可查看的报道数": 2,
        }
    ]  # fmt: skip
    assert take(client, "sources_export", suffix="csv").column("标题") == ["'=报道"]


def test_the_users_of_a_manager(world: World) -> None:
    make_user("clerk", world.left, "clerk", display_name="小王")
    make_user("stranger", world.right, "clerk")
    taken = take(logged_in(world.left, username="boss"), "users_export", sort="-username")
    assert [row[:3] for row in taken.rows] == [["clerk", "小王", "左局 录入"], ["boss", None, "左局 管理员"]]


LISTS: list[tuple[str, tuple[str, ...], str]] = [
    ("organizations_export", (), "/organizations/"),
    ("people_export", (), "/people/"),
    ("assignments_export", (), "/assignments/"),
    ("reconciliation_export", (), "/reconciliation/"),
    ("sources_export", (), "/sources/"),
    ("users_export", (), "/users/"),
    ("record_export", (), "/record/"),
]


@pytest.mark.parametrize("suffix", ["xlsx", "csv"])
@pytest.mark.parametrize(("name", "args", "page"), LISTS, ids=[name for name, _args, _page in LISTS])
def test_as_many_rows_as_the_page_has_hits(
    world: World, monkeypatch: pytest.MonkeyPatch, name: str, args: tuple[str, ...], page: str, suffix: str
) -> None:
    """Whatever the page of the list that was open, and whatever a chunk is."""
    monkeypatch.setattr(lists, "CHUNK", 2)
    client = logged_in(world.top)
    for query in (AS_OF, {"unit": "left", **AS_OF}, {"campaign": "yiqing"}):
        response = client.get(page, {**query, "page": "1"})
        exported = response.context["export_url"]
        assert exported.startswith(reverse(name)), "the page offers its export"
        assert "page=" not in exported
        number = response.context["page_obj"].paginator.count
        taken = take(client, name, *args, suffix=suffix, **query)
        assert len(taken.rows) == number
        assert AuditEntry.objects.filter(verb="export").latest("pk").after["rows"] == number


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("organizations_export", ()),
        ("people_export", ()),
        ("assignments_export", ()),
        ("members_export", ("branch",)),
        ("units_export", ()),
        *(("unit_sheet", ("top", slug)) for slug in READY),
    ],
)
def test_as_many_queries_for_one_row_as_for_three(world: World, name: str, args: tuple[str, ...]) -> None:
    client = logged_in(world.top)
    query = {"unit": "top"} if not args else {}

    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            take(client, name, *args, **query)
        return len(queries)

    asked()
    before = asked()
    for at in range(3):
        place = make_unit(f"more-{at}", world.left, name=f"新{at}派出所")
        person = make_person(f"新{at}", place, home_branch=world.home, phone=f"1390000000{at}")
        for kind in ("branch", "pioneer_post", "commando_team", "pioneer_team"):
            assign(make_organization(place, kind, code=f"{kind.replace('_', '-')}-{at}"), person)
        assign(world.branch, person)
    assert asked() == before


# Who sees what


@pytest.mark.parametrize("suffix", ["xlsx", "csv"])
@pytest.mark.parametrize("role", ["viewer", "auditor"])
def test_numbers_stay_masked_for_who_sees_them_masked(world: World, role: str, suffix: str) -> None:
    client = logged_in(world.top, role)
    for name, args in (
        ("people_export", ()),
        ("assignments_export", ()),
        ("members_export", ("branch",)),
        ("unit_sheet", ("top", "frontline")),
        ("unit_sheet", ("top", "commando-teams")),
    ):
        taken = take(client, name, *args, suffix=suffix, phones=True, sort="number", **AS_OF)
        assert all("••••" in number for number in taken.column("警号") if number), name
        assert "联系电话" not in taken.head
        assert not any("138" in str(cell) or "0010" in str(cell) for row in taken.rows for cell in row)


def test_telephones_go_out_only_where_they_were_asked_for(world: World) -> None:
    client = logged_in(world.left, "clerk")
    assert "联系电话" not in take(client, "unit_sheet", "left", "frontline", **AS_OF).head
    taken = take(client, "unit_sheet", "left", "frontline", phones=True, **AS_OF)
    phones = dict(zip(taken.column("姓名"), taken.column("联系电话"), strict=True))
    # 孙三 is at home elsewhere: number and telephone are not this clerk's.
    assert {name: phones[name] for name in ("赵一", "钱二", "孙三")} == {
        "赵一": "13800000001",
        "钱二": "13800000002",
        "孙三": None,
    }
    entry = AuditEntry.objects.filter(verb="export").latest("pk")
    assert entry.after["filters"] == ["截至 2020-02-20", "含联系电话"]


@pytest.mark.parametrize(
    ("name", "args", "query"),
    [
        ("organizations_export", (), {"unit": "right"}),
        ("organizations_export", (), {"party_line": "pioneers"}),
        ("people_export", (), {"unit": "right"}),
        ("people_export", (), {"unit": "top"}),
        ("assignments_export", (), {"unit": "right"}),
        ("members_export", ("pioneers",), {}),
        ("units_export", (), {"unit": "top"}),
        ("units_export", (), {}),
        ("unit_table_export", ("right",), {}),
        ("reconciliation_export", (), {"unit": "right"}),
        ("users_export", (), {"unit": "right"}),
        ("record_export", (), {"unit": "right"}),
        ("unit_sheet", ("right", "frontline"), {}),
        ("unit_sheet", ("left", "nonsense"), {}),
    ],
)
def test_what_is_out_of_scope_is_not_found_and_not_recorded(
    world: World, name: str, args: tuple[str, ...], query: dict[str, str]
) -> None:
    client = logged_in(world.left)
    before = AuditEntry.objects.count()
    assert client.post(reverse(name, args=args), query_params=query).status_code == 404
    assert client.get(reverse(name, args=args), query).status_code == 405
    assert AuditEntry.objects.count() == before


def test_nothing_of_another_bureau_goes_out(world: World) -> None:
    """孙三 of 右局 stands in a team of 左局, and only that is 左局's business; 右先锋队 is not."""
    make_person("周五", world.right)
    client = logged_in(world.left)
    for name, args in (
        ("organizations_export", ()),
        ("people_export", ()),
        ("assignments_export", ()),
        *(("unit_sheet", ("left", slug)) for slug in READY),
    ):
        said = str(take(client, name, *args, **AS_OF).rows)
        assert "右先锋队" not in said, name
        assert "周五" not in said, name


def test_an_export_is_recorded(world: World) -> None:
    client = logged_in(world.top, username="wang", display_name="王五")
    take(client, "people_export", suffix="csv", unit="left", category="auxiliary", **AS_OF)
    entry = AuditEntry.objects.get(verb="export")
    assert (entry.actor, entry.object_name, entry.unit) == ("王五", "人员", world.left)
    assert entry.after == {
        "file": "人员-左公安局及下级单位-2020-02-20.csv",
        "filters": ["所属单位:左公安局", "人员类别:辅警"],
        "rows": 1,
    }
    page = logged_in(world.left, "auditor").get("/record/", {"verb": "export"}).content.decode()
    assert "文件:人员-左公安局及下级单位-2020-02-20.csv" in page
    assert "行数:1" in page


def test_a_failed_export_is_an_error_and_leaves_no_record(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = logged_in(world.top)
    client.raise_request_exception = False

    def broken(*args: Any) -> Any:
        raise RuntimeError("no")

    monkeypatch.setattr("registry.pages.people.tables.PeopleTable.lines", broken)
    assert client.post(reverse("people_export")).status_code == 500
    assert not AuditEntry.objects.filter(verb="export").exists()


# The sheets that are filed


def test_the_page_offers_every_sheet_with_its_numbers(world: World) -> None:
    response = logged_in(world.left, "viewer").get("/units/left/sheets/", AS_OF)
    page = response.content.decode()
    assert response.status_code == 200
    for slug, ready in READY.items():
        assert ready.title in page
        assert f"/units/left/sheets/{slug}/?as_of=2020-02-20" in page
    assert "含联系电话" not in page
    shown = {
        line["ready"].slug: [count["value"] for count in line["counts"]] for line in response.context["lines"]
    }
    assert shown == {
        "temporary-organizations": [2, 1],
        "pioneer-posts": [1],
        "commando-teams": [1],
        "pioneer-teams": [0],
        "frontline": [3],
        "subordinate-units": [1],
    }
    assert "含联系电话" in logged_in(world.left, "clerk").get("/units/left/sheets/").content.decode()
    assert logged_in(world.right).get("/units/left/sheets/").status_code == 404
    assert "/units/left/sheets/" in logged_in(world.left, "viewer").get("/units/left/").content.decode()


def filed(world: World, slug: str, unit: Unit | None = None) -> tuple[Taken, list[list[Any]], list[Any]]:
    """Take a sheet out; return it with its rows and its row of totals."""
    taken = take(logged_in(world.top), "unit_sheet", (unit or world.top).code, slug, **AS_OF)
    end = taken.column("序号").index("合计")
    return taken, taken.rows[:end], taken.rows[end]


def test_the_list_of_temporary_party_organizations(world: World) -> None:
    taken, rows, totals = filed(world, "temporary-organizations", world.left)
    assert taken.above == [
        "左公安局临时党组织一览表",
        "填报单位:左公安局(含下级单位)    截至日期:2020年2月20日    口径:现有    专项任务:全部",
    ]
    assert [row[:5] for row in rows] == [
        [1, "左局临时党总支", "临时党总支", "左公安局", "厅党委"],
        [2, "左局临时党支部", "临时党支部", "左公安局", "左局临时党总支"],
        [3, "临时小组", "临时党小组", "左派出所", "左局临时党支部"],
    ]
    named = dict(zip(taken.head, rows[1], strict=True))
    assert (named["书记"], named["编入人数"], named["其中党员"]) == ("赵一", 2, 1)
    assert dict(zip(taken.head, totals, strict=True))["编入人数"] == 3
    below = [row[0] for row in taken.rows[len(rows) + 1 :] if row[0]]
    assert below[0] == (
        "临时党组织 2 个:临时党委 0 个、临时党总支 1 个、临时党支部 1 个、临时联合党支部 0 个;"
        "另有临时党小组 1 个。"
        "编入 3 人次,按人去重 2 人。"
    )
    assert below[-1].split() == ["填报单位(盖章):", "填报人:", "审核人:", "联系电话:"]


@pytest.mark.parametrize("code", ["top", "left", "right", "station"])
@pytest.mark.parametrize("day", [DAY, "2020-02-05", "2020-01-01"])
def test_the_totals_are_the_counts_and_the_rows(world: World, code: str, day: str) -> None:
    unit = Unit.objects.get(code=code)
    counts = rollup(unit, Question(date.fromisoformat(day)), children=False).total.counts
    client = logged_in(world.top)

    def of(slug: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        taken = take(client, "unit_sheet", code, slug, as_of=day)
        end = taken.column("序号").index("合计")
        records = taken.records()
        return records[:end], records[end]

    rows, totals = of("temporary-organizations")
    assert len(rows) == counts["temporary_party_orgs"] + counts["temporary_groups"]
    assert totals["组织名称"] == f"{len(rows)} 个"
    assert totals["编入人数"] == sum(row["编入人数"] for row in rows)
    assert totals["其中党员"] == sum(row["其中党员"] for row in rows)
    rows, totals = of("pioneer-posts")
    assert totals["先锋岗名称"] == f"{counts['pioneer_posts']} 个" == f"{len(rows)} 个"
    assert totals["人数"] == sum(row["人数"] for row in rows)
    teams = 0
    for slug, metric in (("commando-teams", "commando_teams"), ("pioneer-teams", "pioneer_teams")):
        rows, totals = of(slug)
        teams += len({row["警号"] for row in rows})
        assert totals["队伍名称"] == f"{counts[metric]} 支" == f"{len({row['队伍名称'] for row in rows})} 支"
        assert totals["姓名"] == f"{len(rows)} 人次"
    assert teams >= counts["team_members"]
    rows, totals = of("frontline")
    assert totals["姓名"] == f"{counts['frontline_people']} 人" == f"{len(rows)} 人"
    assert len([row for row in rows if row["人员类别"] == "辅警"]) == counts["frontline_auxiliaries"]
    assert (
        len([row for row in rows if row["政治面貌"] in ("正式党员", "预备党员")])
        == counts["frontline_party_members"]
    )
    assert sum(len(row["编入组织及职责"].split(";")) for row in rows) == counts["frontline_assignments"]


def test_the_units_below_in_groups_of_columns(world: World) -> None:
    taken = take(logged_in(world.top), "unit_sheet", "top", "subordinate-units", **AS_OF)
    assert taken.head[:3] == ["序号", "单位", "临时党组织"]
    assert taken.rows[0][2:7] == ["合计", "党委", "党总支", "党支部", "联合党支部"]
    found = rollup(world.top, Question(date.fromisoformat(DAY)))
    lines = [*found.children, found.own, found.total]
    assert [row[1] for row in taken.rows[1:5]] == ["左公安局", "右公安局", "省公安厅(本级)", "3 个单位"]
    assert [row[2] for row in taken.rows[1:5]] == [line.counts["temporary_party_orgs"] for line in lines]
    assert [row[-2] for row in taken.rows[1:5]] == [line.counts["frontline_assignments"] for line in lines]
    csv_head = take(logged_in(world.top), "unit_sheet", "top", "subordinate-units", suffix="csv").head
    assert csv_head[2] == "临时党组织·合计"


# What is exported is read back unchanged


def read(taken: Taken, tmp_path: Path, suffix: str) -> tuple[str, list[dict[str, Any]]]:
    path = tmp_path / f"{taken.name[:20]}.{suffix}"
    path.write_bytes(taken.content)
    (table,) = open_book(path, taken.name).tables
    lines = list(table.lines)
    assert [line.problems for line in lines] == [[] for _ in lines]
    return table.noun.slug, [line.values for line in lines]


def in_the_registry(noun: str, values: dict[str, Any]) -> dict[str, Any]:
    """Return what the registry holds, under the same slugs, of the row that ``values`` names."""
    if noun == "units":
        unit = Unit.objects.get(code=values["code"])
        facts: dict[str, Any] = {"superior": unit.parent.code if unit.parent else None}
        row: Any = unit
    elif noun == "organizations":
        row = Organization.objects.get(code=values["code"])
        facts = {"unit": row.unit.code, "parent": row.parent.code if row.parent else None, "covered": None}
    elif noun == "people":
        row = Person.objects.get(number=values["number"])
        facts = {"home_unit": row.home_unit.code, "home_branch": row.home_branch and row.home_branch.code}
    else:
        row = Assignment.objects.get(
            organization__code=values["organization"],
            person__number=values["number"],
            started_on=values["started_on"],
        )
        facts = {"organization": row.organization.code, "number": row.person.number, "name": row.person.name}
    shown = {
        column.slug: getattr(row, column.slug)
        for column in layouts()[noun].columns
        if not column.is_info and column.slug in values and column.slug not in facts
    }
    return {
        slug: None if value == "" else value for slug, value in {**shown, **facts}.items() if slug in values
    }


@pytest.mark.parametrize("suffix", ["xlsx", "csv"])
@pytest.mark.parametrize(
    ("name", "args", "noun", "number"),
    [
        ("organizations_export", (), "organizations", 8),
        ("people_export", (), "people", 4),
        ("assignments_export", (), "assignments", 7),
        ("members_export", ("branch",), "assignments", 3),
        ("units_export", (), "units", 4),
        ("unit_sheet", ("top", "frontline"), "people", 3),
    ],
)
def test_what_is_exported_reads_back_as_it_is_registered(
    world: World, tmp_path: Path, name: str, args: tuple[str, ...], noun: str, number: int, suffix: str
) -> None:
    query = {"unit": "top"} if not args else {}
    found, lines = read(take(logged_in(world.top), name, *args, suffix=suffix, **query), tmp_path, suffix)
    assert (found, len(lines)) == (noun, number)
    for values in lines:
        kept = in_the_registry(noun, values)
        assert {slug: values[slug] for slug in kept} == kept
    if noun == "organizations":
        assert "=先锋岗" in {values["name"] for values in lines}


@pytest.mark.parametrize("suffix", ["xlsx", "csv"])
@pytest.mark.parametrize("as_of", [None, DAY])
def test_what_is_exported_imports_without_a_change(world: World, suffix: str, as_of: str | None) -> None:
    """On an earlier day, too: what was different then is not taken for what is to be now."""
    manager = make_user(unit=world.top)
    client = Client()
    client.force_login(manager)
    organizations.transfer_organization(
        actor=ACTOR, organization=world.commando, unit=world.station, on=date(2020, 3, 1), reason="转"
    )
    query = {"unit": "top", **({"as_of": as_of} if as_of else {})}
    for name, args in (
        ("units_export", ()),
        ("organizations_export", ()),
        ("people_export", ()),
        ("assignments_export", ()),
        ("members_export", ("branch",)),
    ):
        taken = take(client, name, *args, suffix=suffix, **query)
        made = importing.hand_in(actor=ACTOR, user=manager, file_name=taken.name, content=taken.content)
        made.refresh_from_db()
        found = {verdict: made.number(verdict) for verdict in Verdict.values}
        assert found == {**dict.fromkeys(Verdict.values, 0), "unchanged": len(taken.rows)}, (
            name,
            made.message,
        )


def test_what_was_on_an_earlier_day_is_not_read_back_as_todays(world: World, tmp_path: Path) -> None:
    """孙三 was an activist then and is a member now; 左突击队 stood at 左局 then."""
    organizations.transfer_organization(
        actor=ACTOR, organization=world.commando, unit=world.station, on=date(2020, 3, 1), reason="转"
    )
    client = logged_in(world.top)
    _noun, lines = read(take(client, "people_export", **AS_OF), tmp_path, "xlsx")
    assert all("political_status" not in values for values in lines)
    taken = take(client, "organizations_export", **AS_OF)
    assert taken.column("当日所在单位")[taken.column("组织代码").index("commando")] == "左公安局"
    _noun, lines = read(taken, tmp_path, "xlsx")
    assert {values["code"]: values["unit"] for values in lines}["commando"] == "station"


def test_a_unit_that_moved_is_exported_where_it_stood(world: World) -> None:
    units.move_unit(
        actor=ACTOR,
        unit=world.station,
        superior=Unit.objects.get(code="right"),
        on=date(2020, 3, 1),
        reason="划转",
    )
    client = logged_in(world.top)
    assert take(client, "units_export", unit="left", **AS_OF).column("单位代码") == ["left", "station"]
    assert take(client, "units_export", unit="left").column("单位代码") == ["left"]
    _taken, rows, _totals = filed(world, "temporary-organizations", Unit.objects.get(code="left"))
    assert [row[1] for row in rows] == ["左局临时党总支", "左局临时党支部", "临时小组"]
