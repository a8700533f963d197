"""Workbooks as offices and other programs make them, from upload to what is written.

The files in ``cases/`` hold invented values in the shape of real rosters. Each test says what is right.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook

from registry.imports import background as importing
from registry.imports.models import Import, ImportState
from registry.models import Assignment, Organization, Person, Unit
from registry.operations import assignments, people, units
from registry.refusals import OperationRefused
from registry.rules import borrowing
from tests.factories import ACTOR, approve_all, assign, make_organization, make_person, make_unit, make_user
from tests.imports.test_operations import book

pytestmark = pytest.mark.django_db

CASES = Path(__file__).parent / "cases"


class Bureau:
    """德州市公安局 with 德城分局, its temporary branch and the people in the files."""

    def __init__(self) -> None:
        self.department = make_unit("sheng", name="省公安厅", kind="department")
        self.city = make_unit("dezhou-shi-gonganju", self.department, name="德州市公安局")
        self.other = make_unit("lin", self.department, name="邻市公安局")
        self.unit = make_unit(
            "dezhou-decheng-fenju",
            self.city,
            name="德州市公安局德城分局",
            short_name="德城分局",
            kind="sub_bureau",
        )
        self.branch = make_organization(
            self.unit, code="dezhou-linshi-zhibu-decheng", name="德城分局临时党支部"
        )
        for number, name in (
            ("B20001", "阿依古丽·买买提"),
            ("B20004", "㛃若一"),
            ("B20006", "孙喆一"),
            ("012345", "王建国"),
        ):
            make_person(name, self.unit, number=number)
        make_person("李楠琳", self.other, number="1501040020")
        self.manager = make_user("manager", self.city)
        self.clerk = make_user("clerk", self.unit, "clerk")

    def hand_in(self, name: str, content: bytes | None = None, by: Any = None) -> Import:
        """Hand a case in, or other content."""
        content = content if content is not None else (CASES / f"{name}.xlsx").read_bytes()
        made = importing.hand_in(
            actor=ACTOR, user=by or self.manager, file_name=f"{name}.xlsx", content=content
        )
        made.refresh_from_db()
        return made


@pytest.fixture
def bureau() -> Bureau:
    return Bureau()


def verdicts(made: Import) -> list[tuple[int, str]]:
    return list(made.lines.order_by("place").values_list("number", "verdict"))


def said(made: Import, what: str) -> list[tuple[str, str]]:
    """Problems or notices: (cell, message), in the order of the lines."""
    found = made.lines.order_by("place").values_list(what, flat=True)
    return [(each["address"].rpartition("!")[2], each["message"]) for some in found for each in some]


def shown(made: Import, place: int = 0) -> dict[str, str]:
    """What the preview shows of a new line, by label."""
    line = made.lines.order_by("place")[place]
    assert line.verdict == "new", line.problems
    return {each["label"]: each["new"] for each in line.changes}


def write(made: Import, reason: str = "") -> None:
    """Write all that was shown."""
    importing.confirm(actor=ACTOR, import_=made, reason=reason)
    made.refresh_from_db()
    assert made.state == ImportState.WRITTEN, made.message


NEW = "new"


def all_new(*rows: int) -> list[tuple[int, str]]:
    return [(row, NEW) for row in rows]


@pytest.mark.parametrize(
    ("case", "lines", "problems", "notices"),
    [
        ("i01_hint_row", all_new(3), [], []),
        ("i02_joined_month", all_new(2, 3, 4, 5, 6), [], [("F2", "按 1998-07-01 登记")] * 5),
        ("i03_headers", all_new(2), [], []),
        ("i03b_headers", all_new(2), [], []),
        (
            "i04_kinds",
            [*all_new(*range(2, 12)), (12, "wrong")],
            [("D12", "只有党组织分临时和常设")],
            None,
        ),
        ("i05_status", all_new(*range(2, 17)), [], [("", "已有同名的 测试甲乙")] * 14),
        (
            "i07_1904",
            [*all_new(2, 3), (4, "wrong")],
            [("E4", "从 1904 年起算日期")],
            [("E2", "按入党日期登记为正式党员")] * 2,
        ),
        ("i14_dot_0", all_new(2), [], []),
        ("i14_dot_3", all_new(2), [], []),
        ("i14_dot_6", all_new(2), [], []),
        ("i15c_pua", all_new(2), [], []),
        ("i17_two_duties", all_new(2), [], [("E2", "该组织已批准:写入后这项变更提交审批")]),
        ("i17c_two_phones", all_new(2), [], []),
        ("i32_groups", all_new(3, 4, 6), [], []),
        ("i40_headers", all_new(2), [], None),
        ("i41_code_header", all_new(2), [], []),
        ("i_noteblock", all_new(2, 3), [], []),
        ("ord", all_new(*range(2, 20)), [], None),
        ("a3", all_new(2), [], [("F2", "花名册写的是最后一天的,请填次日 2020-02-04")]),
        ("p_reissue", [(2, "changed")], [], [("A2", "像是警号给了另一个人")]),
        (
            "u_same_name",
            all_new(2),
            [],
            [("B2", "下已有同名单位“德州市公安局德城分局”(dezhou-decheng-fenju)")],
        ),
    ],
)
def test_each_roster_is_read_right(
    bureau: Bureau,
    case: str,
    lines: list[tuple[int, str]],
    problems: Sequence[tuple[str, str]],
    notices: Sequence[tuple[str, str]] | None,
) -> None:
    made = bureau.hand_in(case)
    assert verdicts(made) == lines
    found = said(made, "problems")
    assert len(found) == len(problems)
    for (cell, message), (at, words) in zip(found, problems, strict=True):
        assert (cell, words in message) == (at, True)
    if notices is not None:
        found = said(made, "notices")
        assert len(found) == len(notices)
        for (_, message), (_, words) in zip(found, notices, strict=True):
            assert words in message


def test_the_days_of_a_roster_are_written_as_they_are_meant(bureau: Bureau) -> None:
    write(bureau.hand_in("i02_joined_month"))
    joined = Person.objects.filter(number__in=[f"A100{place}" for place in range(2, 7)])
    assert set(joined.values_list("joined_on", flat=True)) == {date(1998, 7, 1)}
    importing.confirm(actor=ACTOR, import_=bureau.hand_in("i07_1904"), reason="", without_wrong=True)
    members = Person.objects.filter(number__startswith="C3000")
    assert set(members.values_list("joined_on", "political_status")) == {(date(2005, 7, 1), "full_member")}


def test_kinds_are_known_by_their_other_names_and_joint_branches_are_a_kind(bureau: Bureau) -> None:
    importing.confirm(actor=ACTOR, import_=bureau.hand_in("i04_kinds"), reason="", without_wrong=True)
    rows = Organization.objects.filter(code__startswith="i4-").order_by("pk")
    assert [(row.kind, row.is_temporary) for row in rows] == [
        ("general_branch", True),
        ("general_branch", True),
        ("joint_branch", True),
        ("joint_branch", True),
        ("branch", True),
        ("group", True),
        ("commando_team", False),
        ("pioneer_post", False),
        ("committee", True),
        ("committee", True),
    ]


def test_statuses_are_known_by_their_other_names(bureau: Bureau) -> None:
    write(bureau.hand_in("i05_status"))
    rows = Person.objects.filter(number__startswith="A11").order_by("number")
    assert list(rows.values_list("political_status", flat=True)) == [
        *("full_member", "probationary_member", "league_member", "masses", "no_party", "democratic_party"),
        *("candidate", "applicant", "masses", "full_member", "probationary_member", "probationary_member"),
        *("full_member", "unknown", "unknown"),
    ]


def test_national_codes_stand_for_kinds(bureau: Bureau) -> None:
    made = bureau.hand_in(
        "代码",
        book(
            组织=[
                ("x-1", "甲支部", "932", None, "dezhou-decheng-fenju", None, "2020-02-03"),
                ("x-2", "乙支部", 632, "否", "dezhou-decheng-fenju", None, "2020-02-03"),
                ("x-3", "丙党委", 911, None, "dezhou-decheng-fenju", None, "2020-02-03"),
            ]
        ),
    )
    kinds = [(shown(made, place)["组织类型"], shown(made, place)["是否临时"]) for place in range(3)]
    assert kinds == [("联合党支部", "是"), ("联合党支部", "否"), ("党委", "是")]


def test_the_other_column_of_one_meaning_is_named_as_not_read(bureau: Bureau) -> None:
    made = bureau.hand_in("i17_two_duties")
    assert made.notices == ["“编入”的“职务”与“党内职务”是同一项,读取了“党内职务”,没有读取“职务”。"]
    write(made)
    approve_all()
    assert Assignment.objects.get(person__number="B20004").role == "secretary"
    assert "读取了“手机”,没有读取“电话”" in bureau.hand_in("i17c_two_phones").notices[0]


def test_a_long_roster_says_what_it_leaves_out(bureau: Bureau) -> None:
    made = bureau.hand_in("i40_headers")
    unknown, *spare = made.notices
    assert unknown.startswith("“人员”里不认识这些列,没有读取:性别、民族、出生年月、身份证号码、学历、")
    assert "“人员”的“党籍状态”与“政治面貌”是同一项,读取了“政治面貌”,没有读取“党籍状态”。" in spare
    assert {"政治面貌": "正式党员", "入党日期": "2015-07-01", "职务": "民警"}.items() <= shown(made).items()


def test_rows_in_between_are_said(bureau: Bureau) -> None:
    assert bureau.hand_in("i32_groups").notices == ["“人员”第 2、5 行是填写要求、分组标题或合计,没有读取。"]


def test_a_character_of_a_private_area_is_the_one_that_it_stands_for(bureau: Bureau) -> None:
    write(bureau.hand_in("i15c_pua"))
    assert Person.objects.get(number="B20002").name == "王䶮"


# --- Whose a code or number is --------------------------------------------------------------------


def test_the_code_of_a_closed_unit_is_no_code_for_another(bureau: Bureau) -> None:
    old = make_unit("dz-ceshi-pcs", bureau.unit, name="德州市公安局旧城派出所", kind="station")
    units.close_unit(actor=ACTOR, unit=old, on=date(2020, 3, 1), reason="撤并")
    made = bureau.hand_in("u_reuse")
    assert said(made, "problems") == [
        (
            "A2",
            "代码“dz-ceshi-pcs”是已于 2020-03-01 撤并的“德州市公安局旧城派出所”的,不能改给别的单位。"
            "新单位请换一个代码,或不填代码。",
        )
    ]


def test_a_number_given_to_another_person_asks_for_a_reason(bureau: Bureau) -> None:
    made = bureau.hand_in("p_reissue")
    assert made.needs_reason
    with pytest.raises(OperationRefused):
        importing.confirm(actor=ACTOR, import_=made, reason="")
    person = Person.objects.get(number="012345")
    with pytest.raises(OperationRefused):
        people.edit_person(actor=ACTOR, person=person, changes={"name": "王二麻", "category": "auxiliary"})
    write(made, reason="本人改名并转为辅警")
    person.refresh_from_db()
    assert (person.name, person.category) == ("王二麻", "auxiliary")


def test_somebody_registered_elsewhere_is_transferred_or_borrowed(bureau: Bureau) -> None:
    made = bureau.hand_in("p_transferred", by=bureau.clerk)
    assert said(made, "problems") == [("A2", borrowing.ELSEWHERE)]
    placed = book(编入=[(bureau.branch.code, "1501040020", "李楠琳", "成员", "2020-02-10")])
    made = bureau.hand_in("借调", placed, by=bureau.clerk)
    assert verdicts(made) == [(2, "new")]


def test_a_placement_that_ends_on_its_first_day_is_said_at_the_form_too(bureau: Bureau) -> None:
    person = Person.objects.get(number="B20006")
    made = assign(bureau.branch, person, started_on=date(2020, 2, 3))
    again = bureau.hand_in("a3")
    assert [cell for cell, _ in said(again, "notices")] == ["F2"]
    assignments.end_assignment(actor=ACTOR, assignment=made, on=date(2020, 2, 3))
    assert verdicts(bureau.hand_in("a3")) == [(2, "unchanged")]


# --- The preview ----------------------------------------------------------------------------------


def test_the_preview_shows_every_value_of_new_rows(bureau: Bureau) -> None:
    home = make_organization(bureau.unit, code="zhibu", name="德城分局党支部", is_temporary=False)
    general = make_organization(bureau.unit, "general_branch", code="zongzhi", name="德城分局临时党总支")
    made = bureau.hand_in(
        "全部",
        book(
            单位=[("suo", "新湖派出所", "派出所", bureau.unit.code, "2019-05-01")],
            人员=[
                *[("900001", "赵一", "民警", "中共党员", "suo", home.code, "所长", "13800000001")],
            ],
            组织=[("linshi", "新湖临时党支部", "党支部", "是", "suo", general.code, "2020-02-03")],
            编入=[("linshi", "900001", "赵一", "书记", "2020-02-03", None, "德公党〔2020〕3号")],
        ),
    )
    assert shown(made, 0) == {
        "单位代码": "suo",
        "单位名称": "新湖派出所",
        "单位类型": "派出所",
        "上级单位": "德州市公安局德城分局",
        "设立日期": "2019-05-01",
    }
    assert shown(made, 1) == {
        "组织代码": "linshi",
        "组织名称": "新湖临时党支部",
        "组织类型": "党支部",
        "是否临时": "是",
        "所在单位": "新湖派出所",
        "上级组织": "德城分局临时党总支",
        "成立日期": "2020-02-03",
        "审批状态": "待审批",
    }
    assert shown(made, 2) == {
        "警号": "900001",
        "姓名": "赵一",
        "人员类别": "民警",
        "政治面貌": "正式党员",
        "所属单位": "新湖派出所",
        "所属党支部": "德城分局党支部",
        "职务": "所长",
        "联系电话": "••••01",
    }
    assert shown(made, 3) == {
        "组织": "新湖临时党支部",
        "警号": "900001",
        "姓名": "赵一",
        "职责": "书记",
        "编入日期": "2020-02-03",
        "文号": "德公党〔2020〕3号",
    }
    assert said(made, "notices") == [("A2", "编入的正式党员只有 1 人,不足 3 人。")]


# --- By name --------------------------------------------------------------------------------------


def sheets(**tables: Sequence[Sequence[Any]]) -> bytes:
    """A workbook whose sheets have headers of their own."""
    workbook = Workbook()
    workbook.remove(workbook.active)
    for title, rows in tables.items():
        sheet = workbook.create_sheet(title)
        for row in rows:
            sheet.append(list(row))
    target = io.BytesIO()
    workbook.save(target)
    return target.getvalue()


BY_NAME = {
    "单位": [
        ("单位名称", "简称", "单位类型", "上级单位"),
        ("新湖派出所", "新湖所", "派出所", "德城分局"),
        ("新湖派出所警务站", None, "检查站", "新湖所"),
    ],
    "组织": [
        ("组织名称", "组织类型", "所在单位", "上级组织", "成立日期"),
        ("新湖临时党总支", "临时党总支", "新湖所", None, "2020-02-03"),
        ("新湖临时党支部", "临时党支部", "新湖派出所", "新湖临时党总支", "2020-02-03"),
    ],
    "人员": [
        ("警号", "姓名", "人员类别", "所在单位", "所在党支部"),
        ("900001", "赵一", "民警", "新湖派出所", "德城分局党支部"),
        ("900002", "钱二", "民警", "德城分局", "第九党支部"),
    ],
    "编入": [
        ("组织", "警号", "姓名", "党内职务", "到岗时间"),
        ("新湖临时党支部", "900001", "赵一", "书记", "2020-02-03"),
    ],
}


def test_everything_can_be_named_by_its_name(bureau: Bureau) -> None:
    make_organization(bureau.unit, code="zhibu", name="德城分局党支部", is_temporary=False)
    made = bureau.hand_in("按名称", sheets(**BY_NAME))
    assert said(made, "problems") == []
    assert (
        "E3",
        "没有名称为“第九党支部”的组织,或不在您的管理范围内。组织关系没有写入;要写入请填全称或代码。",
    ) in said(made, "notices")
    write(made)
    station = Unit.objects.get(name="新湖派出所")
    assert (station.code, station.parent) == ("xinhupaichusuo", bureau.unit)
    assert Unit.objects.get(name="新湖派出所警务站").parent == station
    branch = Organization.objects.get(name="新湖临时党支部")
    assert (branch.unit, branch.parent and branch.parent.name) == (station, "新湖临时党总支")
    person = Person.objects.get(number="900001")
    assert (person.home_unit, person.home_branch and person.home_branch.code) == (station, "zhibu")
    assert Person.objects.get(number="900002").home_unit == bureau.unit
    assert person.assignments.get().organization == branch
    again = bureau.hand_in("按名称", sheets(**BY_NAME))
    assert {verdict for _, verdict in verdicts(again)} == {"unchanged"}


def test_a_name_that_several_have_asks_for_the_code(bureau: Bureau) -> None:
    make_unit("zgc-1", bureau.unit, name="政工处", kind="division")
    make_unit("zgc-2", bureau.city, name="政工处", kind="division")
    rows = [("警号", "姓名", "人员类别", "单位"), ("900001", "赵一", "民警", "政工处")]
    ((cell, message),) = said(bureau.hand_in("重名", sheets(人员=rows)), "problems")
    assert (cell, "有 2 个单位叫“政工处”:" in message) == ("D2", True)
    made = bureau.hand_in("重名", sheets(人员=rows), by=bureau.clerk)
    assert shown(made)["所属单位"] == "政工处"


def test_a_unit_of_the_name_elsewhere_is_another_one(bureau: Bureau) -> None:
    make_unit("zgc", bureau.city, name="政工处", kind="division")
    rows = [
        ("单位名称", "单位类型", "上级单位", "备注"),
        ("政工处", "处室", "德城分局", "新设"),
        ("政工处", "处室", "德州市公安局", "改写"),
    ]
    made = bureau.hand_in("政工处", sheets(单位=rows))
    assert verdicts(made) == [(2, "new"), (3, "changed")]
    write(made)
    assert Unit.objects.filter(name="政工处").count() == 2
    assert Unit.objects.get(code="zgc").note == "改写"


def test_a_name_outside_the_scope_reads_like_one_that_does_not_exist(bureau: Bureau) -> None:
    rows = [
        ("警号", "姓名", "人员类别", "单位"),
        ("1", "甲", "民警", "邻市公安局"),
        ("2", "乙", "民警", "无此局"),
    ]
    made = bureau.hand_in("范围", sheets(人员=rows))
    assert said(made, "problems") == [
        (f"D{row}", f"没有名称为“{name}”的单位,或不在您的管理范围内。")
        for row, name in ((2, "邻市公安局"), (3, "无此局"))
    ]


def test_what_names_a_wrong_row_by_name_is_wrong_itself_and_the_rest_is_written(bureau: Bureau) -> None:
    rows = {
        "单位": [
            ("单位名称", "单位类型", "上级单位"),
            ("甲所", "派出所", "无此局"),
            ("乙所", "派出所", "德城分局"),
        ],
        "人员": [
            ("警号", "姓名", "人员类别", "单位"),
            ("900001", "赵一", "民警", "甲所"),
            ("900002", "钱二", "民警", "乙所"),
        ],
    }
    made = bureau.hand_in("部分", sheets(**rows))
    assert verdicts(made) == [(2, "wrong"), (3, "new"), (2, "wrong"), (3, "new")]
    assert ("D2", "单位“甲所”在“单位”第 2 行,该行有误,请一并改正。") in said(made, "problems")
    importing.confirm(actor=ACTOR, import_=made, reason="", without_wrong=True)
    made.refresh_from_db()
    assert made.state == ImportState.WRITTEN, made.message
    assert Person.objects.get(number="900002").home_unit.name == "乙所"
