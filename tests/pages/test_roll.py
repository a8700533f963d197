"""The roll: who is placed, by branch and group, on paper and as a file, for who may see it."""

from __future__ import annotations

from datetime import date

import pytest
from django.urls import reverse

from registry.models import AuditEntry
from registry.pages.people import roll
from tests.asking import queries_again
from tests.factories import assign, logged_in, make_organization, make_person
from tests.pages.test_exports import take
from tests.paper import print_of
from tests.world import World

pytestmark = [pytest.mark.look, pytest.mark.django_db]

DAY = {"as_of": "2020-02-20"}


@pytest.fixture
def branch(world: World) -> World:
    """A branch of five: its secretary and one more in no group, an officer and two in the first shift."""
    for name, number in (("周五", "001005"), ("吴六", "001006"), ("郑七", "001007")):
        setattr(world, number, make_person(name, world.station, number=number))
    shift = make_organization(world.station, "group", code="shift", name="第一班", parent=world.branch)
    for number in ("001005", "001006", "001007"):
        person = getattr(world, number)
        role = "publicity_committee_member" if number == "001007" else "member"
        assign(world.branch, person, role=role)
        assign(shift, person, role="leader" if number == "001006" else "member")
    return world


def test_a_branch_stands_with_its_groups_leaders_first_and_everybody_once_in_a_group(branch: World) -> None:
    printed = print_of(logged_in(branch.top), "roll_export", party_line="branch", **DAY)
    assert printed.tables == [
        [
            ["序号", "姓名", "警号", "单位", "职责", "政治面貌", "编入", "签到"],
            ["一、左局临时党支部 5 人,党员 4 人 书记 赵一 左党〔2020〕1号"],
            ["第一班 3 人,党员 3 人"],
            ["1", "郑七", "001007", "左派出所", "宣传委员", "正式党员", "2020-02-01", ""],
            ["2", "吴六", "001006", "左派出所", "负责人", "正式党员", "2020-02-01", ""],
            ["3", "周五", "001005", "左派出所", "成员", "正式党员", "2020-02-01", ""],
            ["临时小组 1 人,党员 0 人"],
            ["4", "钱二", "001002", "左派出所(辅警)", "成员", "群众", "2020-02-01", ""],
            ["=先锋岗 1 人,党员 1 人"],
            ["5", "赵一", "001001", "左局", "书记", "正式党员", "2020-02-01", ""],
        ]
    ]
    assert printed.said == [
        "单位:左局临时党支部及党组织线下级 截至:2020-02-20 口径:现有 专项任务:全部",
        "按支部、班组:1 个组织,5 人,党员 4 人",
        "共 5 行",
        "人数为不重复的人;同时编入几个组织或班组的,各列一行。",
    ]


def test_who_is_in_no_group_stands_before_the_groups(branch: World) -> None:
    assign(branch.branch, branch.idle, started_on=date(2020, 2, 18))
    (rows,) = print_of(logged_in(branch.top), "roll_export", party_line="branch", **DAY).tables
    assert rows[2:4] == [
        ["未编入班组 1 人,党员 1 人"],
        ["1", "李四", "001004", "右局", "成员", "正式党员", "2020-02-18", ""],
    ]


@pytest.mark.both
def test_a_unit_has_its_branches_and_teams_in_official_order(world: World) -> None:
    assign(make_organization(world.left, name="左局第二临时党支部"), world.idle)  # founded last
    printed = print_of(logged_in(world.top), "roll_export", unit="top", **DAY)
    headings = [row[0] for row in printed.tables[0] if len(row) == 1 and row[0].count("、")]
    assert headings == [
        "一、左局第二临时党支部 1 人,党员 1 人",
        "二、左局临时党支部 2 人,党员 1 人 书记 赵一 左党〔2020〕1号",
        "三、左突击队 2 人,党员 1 人 负责人 孙三",
        "四、右先锋队 1 人,党员 0 人",
    ]
    assert "按支部、班组:4 个组织,4 人,党员 2 人" in printed.said


def test_what_is_not_approved_is_not_listed_and_counted_below(world: World) -> None:
    make_organization(world.left, code="draft", name="待批支部", state="submitted")
    printed = print_of(logged_in(world.left), "roll_export", unit="left", **DAY)
    assert "待批支部" not in printed.text
    assert printed.said[-1] == "另有待审批、未计入的:组织 1。"


def test_the_file_holds_the_same_people_with_branch_and_group_as_columns(branch: World) -> None:
    taken = take(logged_in(branch.top), "roll_export", party_line="branch", **DAY)
    assert taken.head == [
        "组织", "班组", "序号", "姓名", "警号", "单位", "人员类别", "职责", "政治面貌", "编入"
    ]  # fmt: skip
    assert [row[:6] for row in taken.rows[2:4]] == [
        ["左局临时党支部", "第一班", 3, "周五", "001005", "左派出所"],
        ["左局临时党支部", "临时小组", 4, "钱二", "001002", "左派出所"],
    ]
    assert taken.name == "左局临时党支部花名册-2020-02-20.xlsx"


def test_numbers_are_masked_and_telephones_go_only_to_who_may_open_them(world: World) -> None:
    printed = print_of(
        logged_in(world.left, "viewer"), "roll_export", data={"phones": "1"}, unit="left", **DAY
    )
    assert "联系电话" not in printed.text
    assert printed.tables[0][3][1:3] == ["钱二", "••••"]
    client = logged_in(world.left, "clerk")
    assert "联系电话" not in print_of(client, "roll_export", unit="left", **DAY).text
    rows = print_of(client, "roll_export", data={"phones": "1"}, unit="left", **DAY).tables[0]
    phones = {row[1]: row[7] for row in rows if len(row) > 1}
    # 孙三 is at home elsewhere: number and telephone are not this clerk's.
    assert phones == {"姓名": "联系电话", "赵一": "13800000001", "钱二": "13800000002", "孙三": "–"}


def test_it_is_recorded_with_its_place_and_whether_it_holds_telephones(world: World) -> None:
    client = logged_in(world.left, username="wang", display_name="王五")
    print_of(client, "roll_export", data={"phones": "1"}, unit="left", **DAY)
    take(client, "roll_export", unit="left", **DAY)
    entry = AuditEntry.objects.get(verb="print")
    assert (entry.actor, entry.object_name, entry.unit) == ("王五", "左公安局花名册", world.left)
    assert entry.after == {"filters": ["左公安局及下级单位", "含联系电话"], "rows": 4}
    assert AuditEntry.objects.get(verb="export").after["filters"] == ["左公安局及下级单位"]


@pytest.mark.parametrize("place", [{"unit": "right"}, {"unit": "top"}, {"party_line": "pioneers"}])
def test_it_is_not_found_out_of_scope(world: World, place: dict[str, str]) -> None:
    client = logged_in(world.left)
    before = AuditEntry.objects.count()
    for name in ("print", "xlsx"):
        answer = client.post(reverse("roll_export"), {"format": name}, query_params=place)
        assert answer.status_code == 404
    assert AuditEntry.objects.count() == before


def test_it_asks_the_same_number_of_queries_for_one_branch_and_for_three(world: World) -> None:
    client = logged_in(world.top)

    def ask() -> None:
        print_of(client, "roll_export", unit="left", **DAY)

    one = queries_again(ask)
    for code in ("second", "third"):
        added = make_organization(world.left, code=code, name=f"{code}支部")
        assign(added, world.full)
        assign(make_organization(world.left, "group", code=f"{code}-group", parent=added), world.idle)
    assert queries_again(ask) == one


def test_a_roll_too_long_for_one_file_is_asked_for_below(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(roll, "LONGEST", 2)
    page = logged_in(world.top).post(reverse("roll_export"), {"format": "xlsx"}, query_params=DAY)
    assert "一次最多 2 行。请返回,到下级单位分别打印。" in page.content.decode()


def test_it_is_reached_from_the_unit_the_ledger_and_the_organization(world: World) -> None:
    client = logged_in(world.top)
    for page, address in (
        ("/units/left/?as_of=2020-02-20", "/export/roll/?as_of=2020-02-20&amp;unit=left"),
        ("/organizations/?unit=left", "/export/roll/?unit=left"),
        ("/organizations/branch/", "/export/roll/?party_line=branch"),
    ):
        shown = client.get(page).content.decode()
        assert shown.count(f'action="{address}"') == 3, page
        assert "花名册 Excel 工作簿" in shown
