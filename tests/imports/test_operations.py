"""Importing workbooks: what each line would do, and that writing does that, all of it or nothing."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Any

import pytest
from django.utils import timezone
from openpyxl import Workbook

from registry.counting.totals.check import differences
from registry.imports import background as importing
from registry.imports import operations as imports
from registry.imports.models import Import, ImportFile, ImportLine, ImportState
from registry.models import (
    Assignment,
    AuditEntry,
    Organization,
    OrganizationPlacement,
    Person,
    StatusPeriod,
    TotalChange,
    Unit,
    UnitPlacement,
    User,
)
from registry.operations import assignments, organizations, people, units
from registry.operations.submitting import WAITS
from registry.pages.people import pasting
from registry.refusals import OperationRefused
from registry.rules import borrowing, placements
from registry.rules.findings import warnings
from registry.rules.placements import Placement
from registry.trees.check import check_all
from tests.factories import (
    ACTOR,
    DAY,
    approve_all,
    assign,
    make_campaign,
    make_organization,
    make_person,
    make_unit,
    make_user,
)

pytestmark = pytest.mark.django_db

UNITS = ("单位代码", "单位名称", "单位类型", "上级单位代码", "设立日期")
ORGANIZATIONS = (
    *("组织代码", "组织名称", "组织类型", "是否临时", "所在单位代码", "上级组织代码"),
    *("成立日期", "撤销日期", "专项任务", "备注"),
)
PEOPLE = ("警号", "姓名", "人员类别", "政治面貌", "所属单位代码", "所属党支部代码", "职务", "联系电话")
ASSIGNMENTS = ("组织代码", "警号", "姓名", "职责", "编入日期", "结束日期", "文号")
HEADERS = {"单位": UNITS, "组织": ORGANIZATIONS, "人员": PEOPLE, "编入": ASSIGNMENTS}

Rows = Sequence[Sequence[Any]]


def book(**sheets: Rows) -> bytes:
    """A workbook with the sheets in the order given; the rows fill the columns from the left."""
    workbook = Workbook()
    workbook.remove(workbook.active)
    for title, rows in sheets.items():
        sheet = workbook.create_sheet(title)
        sheet.append(HEADERS[title])
        for row in rows:
            sheet.append(list(row))
    target = io.BytesIO()
    workbook.save(target)
    return target.getvalue()


class Office:
    """A bureau with a station and a neighbour, and its manager."""

    def __init__(self) -> None:
        self.department = make_unit("ting", name="省公安厅", kind="department")
        self.bureau = make_unit("ju", self.department, name="市公安局")
        self.station = make_unit("suo", self.bureau, name="城关派出所", kind="station")
        self.neighbour = make_unit("lin", self.department, name="邻市公安局")
        self.committee = make_organization(
            self.bureau, "committee", code="dangwei", name="市局党委", is_temporary=False
        )
        self.manager = make_user("manager", self.bureau)
        self.clerk = make_user("clerk", self.bureau, "clerk")

    def hand_in(self, user: User | None = None, name: str = "名册.xlsx", **sheets: Rows) -> Import:
        """Hand a workbook in; small ones are checked at once."""
        made = importing.hand_in(
            actor=ACTOR, user=user or self.manager, file_name=name, content=book(**sheets)
        )
        made.refresh_from_db()
        return made

    def write(self, user: User | None = None, reason: str = "", **sheets: Rows) -> Import:
        """Hand a workbook in and write it."""
        made = self.hand_in(user, **sheets)
        assert problems(made) == []
        importing.confirm(actor=ACTOR, import_=made, reason=reason)
        made.refresh_from_db()
        assert made.state == ImportState.WRITTEN, made.message
        return made


@pytest.fixture
def office() -> Office:
    return Office()


@pytest.fixture(autouse=True)
def sound(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whatever an import did, the trees, the dated rows and the counts are right."""
    yield
    if "django_db_setup" in request.fixturenames or request.node.get_closest_marker("django_db"):
        assert list(check_all()) == []
        assert differences() == []


def problems(made: Import) -> list[tuple[str, str]]:
    """(address, message) of each problem, in order."""
    return [
        (problem["address"], problem["message"])
        for line in ImportLine.objects.filter(of=made).order_by("place")
        for problem in line.problems
    ]


def changes(made: Import) -> list[tuple[str, str, str, str]]:
    """(key, label, old, new) of each change, in order."""
    return [
        (line.key, change["label"], change["old"], change["new"])
        for line in ImportLine.objects.filter(of=made).order_by("place")
        for change in line.changes
    ]


def everything() -> dict[str, list[Any]]:
    """All that an import could write, but for who and when."""
    return {
        model.__name__: list(model._base_manager.order_by("pk").values())
        for model in (
            Unit,
            UnitPlacement,
            Organization,
            OrganizationPlacement,
            Person,
            StatusPeriod,
            Assignment,
            TotalChange,
        )
    }


FULL: dict[str, Rows] = {
    # Children before their parents, and the sheets the wrong way round.
    "编入": [
        ("linshi", "0012", "张三", "书记", "2020-02-03", None, "1号"),
        ("tuji", "0013", "李四", "负责人", "2020-02-04", "2020-03-01", None),
    ],
    "人员": [
        ("0012", "张三", "民警", "正式党员", "xinsuo", "dangwei", "所长", "13800000000"),
        ("0013", "李四", "辅警", None, "suo", None, None, None),
    ],
    "组织": [
        ("tuji", "突击队", "突击队", None, "xinsuo", "linshi", "2020-02-04", None, None, None),
        ("linshi", "临时支部", "党支部", "是", "xinsuo", "dangwei", "2020-02-03", None, "疫情防控", "备"),
    ],
    "单位": [
        ("xinzu", "新探组", "中队", "xinsuo", None),
        ("xinsuo", "新派出所", "派出所", "ju", "2020-01-01"),
    ],
}


def test_a_whole_workbook_parents_after_children(office: Office) -> None:
    campaign = make_campaign()
    made = office.hand_in(**FULL)
    assert (made.state, problems(made)) == (ImportState.CHECKED, [])
    assert made.counts == {noun: {"new": 2} for noun in ("units", "organizations", "people", "assignments")}
    assert not Unit.objects.filter(code="xinsuo").exists()
    assert Person.objects.count() == Assignment.objects.count() == 0
    importing.confirm(actor=ACTOR, import_=made, reason="")
    made.refresh_from_db()
    assert (made.state, made.message) == (ImportState.WRITTEN, "已写入:新增 8 行,修改 0 行。")
    unit = Unit.objects.get(code="xinzu")
    assert (unit.parent.code, unit.parent.parent.code, unit.level) == ("xinsuo", "ju", 3)
    team = Organization.objects.get(code="tuji")
    assert (team.parent.code, team.parent.parent.code, team.unit.code) == ("linshi", "dangwei", "xinsuo")
    assert (team.is_temporary, team.parent.is_temporary, team.state) == (False, True, "submitted")
    assert (team.parent.campaign, team.parent.note) == (campaign, "备")
    person = Person.objects.get(number="0012")
    assert (person.home_unit.code, person.home_branch.code, person.title) == ("xinsuo", "dangwei", "所长")
    assert Person.objects.get(number="0013").political_status == "unknown"
    assert list(
        Assignment.objects.order_by("pk").values_list(
            "person__name", "organization__code", "role", "started_on", "ended_on", "document_number"
        )
    ) == [
        ("张三", "linshi", "secretary", date(2020, 2, 3), None, "1号"),
        ("李四", "tuji", "leader", date(2020, 2, 4), date(2020, 3, 1), ""),
    ]


def test_the_same_file_twice_changes_nothing(office: Office) -> None:
    make_campaign()
    office.write(**FULL)
    before = everything()
    again = office.hand_in(**FULL)
    assert again.counts == {
        noun: {"unchanged": 2} for noun in ("units", "organizations", "people", "assignments")
    }
    with pytest.raises(OperationRefused, match="没有需要写入的变化"):
        importing.confirm(actor=ACTOR, import_=again, reason="")
    assert everything() == before


def test_the_record_holds_each_row_as_the_operations_would_write_it(office: Office) -> None:
    """The same rows once by an import and once by the operations: the same entries but for the reason."""
    make_campaign()
    unit = make_unit("a", office.bureau, name="甲", kind="station", opened_on=date(2020, 1, 1))
    branch = make_organization(
        unit, code="b", name="乙", parent=office.committee, note="备", state="submitted"
    )
    person = make_person("丙", unit, number="01", title="员", phone="13800000000")
    assign(branch, person, role="secretary", document_number="1号")
    assignments.change_role(actor=ACTOR, assignment=Assignment.objects.get(), role="member", on=DAY)
    assignments.end_assignment(actor=ACTOR, assignment=Assignment.objects.get(), on=DAY + timedelta(2))
    units.edit_unit(actor=ACTOR, unit=unit, changes={"name": "新甲"})
    people.edit_person(actor=ACTOR, person=person, changes={"title": "长", "phone": "13900000000"})
    people.change_political_status(
        actor=ACTOR, person=person, status="masses", on=timezone.localdate(), reason="x"
    )
    people.transfer_person(
        actor=ACTOR,
        person=person,
        home_unit=office.bureau,
        home_branch=office.committee,
        on=timezone.localdate(),
    )
    organizations.edit_organization(actor=ACTOR, organization=branch, changes={"note": "新"})
    organizations.dissolve_organization(actor=ACTOR, organization=branch, on=DAY + timedelta(5), reason="x")
    expected = _entries(("a", "b", "01"))

    day = DAY.isoformat()
    office.write(
        单位=[("a2", "甲", "派出所", "ju", "2020-01-01")],
        组织=[("b2", "乙", "党支部", "是", "a2", "dangwei", day, None, None, "备")],
        人员=[("02", "丙", "民警", "正式党员", "a2", None, "员", "13800000000")],
        编入=[("b2", "02", "丙", "书记", day, None, "1号")],
    )
    office.write(
        reason="核对后更正",
        单位=[("a2", "新甲", "派出所")],
        组织=[("b2", "乙", "党支部", "是", "a2", "dangwei", day, "2020-02-06", None, "新")],
        人员=[("02", "丙", "民警", "群众", "ju", "dangwei", "长", "13900000000")],
        编入=[("b2", "02", "丙", "成员", day, "2020-02-03")],
    )
    assert _entries(("a2", "b2", "02")) == expected
    assert set(AuditEntry.objects.filter(verb="edit_person").values_list("reason", flat=True)) == {
        "",
        "核对后更正(导入“名册.xlsx”)",
    }


def _entries(codes: tuple[str, str, str]) -> list[Any]:
    """The entries about a unit, an organization, a person and the assignment, without keys of rows."""
    unit, organization = Unit.objects.get(code=codes[0]), Organization.objects.get(code=codes[1])
    person = Person.objects.get(number=codes[2])
    keys = {
        "unit": [unit.pk],
        "organization": [organization.pk],
        "person": [person.pk],
        "assignment": list(person.assignments.values_list("pk", flat=True)),
    }

    def plainly(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: plainly(each) for key, each in value.items() if key != "pk"}
        if isinstance(value, list):
            return [plainly(each) for each in value]
        return "code" if value in codes else value

    found = [
        (
            entry.verb,
            entry.noun,
            entry.object_name,
            plainly(entry.before),
            plainly(entry.after),
            entry.effective_on,
            entry.unit.name,
        )
        for noun, pks in keys.items()
        for entry in AuditEntry.objects.filter(noun=noun, object_id__in=pks).select_related("unit")
    ]
    return sorted(found, key=repr)


# --- What may be changed, and what not ------------------------------------------------------------


def test_old_and_new_stand_side_by_side(office: Office) -> None:
    branch = make_organization(office.station, code="zb", name="旧名", parent=office.committee)
    person = make_person("张三", office.station, number="007", title="民警", phone="13800001111")
    assign(branch, person)
    made = office.hand_in(
        单位=[("suo", "新城关派出所")],
        组织=[("zb", "新名", "党支部", "是", "suo", "dangwei", "2020-02-01", "2020-03-01")],
        人员=[("007", "张三丰", None, "群众", "ju", "dangwei", "所长", "13900002222")],
        编入=[("zb", "007", "张三丰", "组织委员", "2020-02-01", "2020-02-20")],
    )
    assert problems(made) == []
    assert changes(made) == [
        ("suo", "单位名称", "城关派出所", "新城关派出所"),
        ("zb", "组织名称", "旧名", "新名"),
        ("zb", "撤销日期", "", "2020-03-01"),
        ("007", "姓名", "张三", "张三丰"),
        ("007", "职务", "民警", "所长"),
        ("007", "联系电话", "••••11", "••••22"),
        ("007", "政治面貌", "正式党员", "群众"),
        ("007", "所属单位代码", "新城关派出所", "市公安局"),
        ("007", "所属党支部代码", "", "市局党委"),
        ("zb 007", "职责", "成员", "组织委员"),
        ("zb 007", "结束日期", "", "2020-02-20"),
    ]
    line = ImportLine.objects.get(of=made, noun="people")
    assert {c["slug"]: c["note"] for c in line.changes}["political_status"].startswith("自今天")
    with pytest.raises(OperationRefused, match="请说明原因"):
        importing.confirm(actor=ACTOR, import_=made, reason=" ")
    importing.confirm(actor=ACTOR, import_=made, reason="任务结束")
    made.refresh_from_db()
    assert made.state == ImportState.WRITTEN, made.message
    branch.refresh_from_db()
    assert (branch.name, branch.dissolved_on) == ("新名", None), "what is approved waits for another person"
    approve_all()
    branch.refresh_from_db()
    person.refresh_from_db()
    assert (branch.name, branch.dissolved_on) == ("新名", date(2020, 3, 1))
    assert (person.name, person.political_status, person.home_unit) == ("张三丰", "masses", office.bureau)
    today = timezone.localdate()
    assert list(person.statuses.order_by("started_on").values_list("status", "ended_on")) == [
        ("full_member", today),
        ("masses", None),
    ]
    placed = Assignment.objects.get()
    assert (placed.role, placed.started_on, placed.ended_on) == (
        "organization_committee_member",
        date(2020, 2, 1),
        date(2020, 2, 20),
    )


def test_an_empty_cell_changes_nothing(office: Office) -> None:
    person = make_person("张三", office.station, number="007", title="民警", home_branch=office.committee)
    made = office.hand_in(人员=[("007", "张三", None, None, None, None, None, None)])
    assert made.counts == {"people": {"unchanged": 1}}
    person.refresh_from_db()
    assert person.title == "民警"


def test_a_row_ends_the_open_assignment_without_its_first_day(office: Office) -> None:
    branch = make_organization(office.station, code="zb")
    placed = assign(branch, make_person("张三", office.station, number="007"))
    office.write(编入=[("zb", "007", None, None, None, "2020-02-20")])
    placed.refresh_from_db()
    assert placed.ended_on == date(2020, 2, 20)
    again = office.hand_in(编入=[("zb", "007", None, None, None, "2020-02-20")])
    assert problems(again) == [("编入!E2", "没有正在编入的记录,请填写编入日期。")]


def test_a_row_dissolves_with_all_below_and_the_members(office: Office) -> None:
    general = make_organization(office.bureau, "general_branch", code="zz", name="临时总支")
    branch = make_organization(office.station, code="zb", parent=general)
    assign(branch, make_person("张三", office.station, number="007"))
    row = ("zz", None, None, None, None, None, None, "2020-03-01")
    made = office.hand_in(组织=[row])
    (line,) = ImportLine.objects.filter(of=made)
    assert line.changes[0]["note"] == "自该日起撤销,结束 1 人次编入,一并撤销下级组织 1 个"
    importing.confirm(actor=ACTOR, import_=made, reason="结束")
    approve_all()
    assert set(Organization.objects.filter(code__in=("zz", "zb")).values_list("dissolved_on", flat=True)) == {
        date(2020, 3, 1)
    }
    assert Assignment.objects.get().ended_on == date(2020, 3, 1)
    assert office.hand_in(组织=[row]).counts == {"organizations": {"unchanged": 1}}


def test_parent_and_child_dissolved_on_days_of_their_own(office: Office) -> None:
    general = make_organization(office.bureau, "general_branch", code="zz", name="临时总支")
    make_organization(office.station, code="zb", parent=general)
    rows = [("zz", *[None] * 6, "2020-03-05"), ("zb", *[None] * 6, "2020-03-01")]
    office.write(reason="结束", 组织=rows)
    approve_all()
    assert dict(Organization.objects.filter(code__in=("zz", "zb")).values_list("code", "dissolved_on")) == {
        "zz": date(2020, 3, 5),
        "zb": date(2020, 3, 1),
    }
    assert office.hand_in(组织=rows).counts == {"organizations": {"unchanged": 2}}


def test_history_comes_in_with_what_ended_already(office: Office) -> None:
    """Organizations that are dissolved in the very row that adds them, parents and members with them."""
    office.write(
        组织=[
            ("zb", "支部", "党支部", "是", "suo", "zz", "2020-02-03", "2020-03-01"),
            ("zz", "总支", "党总支", "是", "ju", None, "2020-02-01", "2020-03-05"),
        ],
        人员=[("007", "张三", "民警", "正式党员", "suo")],
        编入=[("zb", "007", "张三", "书记", "2020-02-03", "2020-03-01")],
    )
    assert Organization.objects.get(code="zb").dissolved_on == date(2020, 3, 1)


def test_someone_leaves_and_comes_back_in_any_order(office: Office) -> None:
    branch = make_organization(office.station, code="zb")
    assign(branch, make_person("张三", office.station, number="007"))
    office.write(
        编入=[
            ("zb", "007", "张三", "成员", "2020-03-01"),
            ("zb", "007", "张三", "成员", "2020-02-01", "2020-02-20"),
        ]
    )
    assert list(Assignment.objects.order_by("started_on").values_list("started_on", "ended_on")) == [
        (date(2020, 2, 1), date(2020, 2, 20)),
        (date(2020, 3, 1), None),
    ]


def test_what_is_wrong_is_said_at_its_cell(office: Office) -> None:
    make_campaign("a", name="同名")
    make_campaign("b", name="同名")
    old = make_organization(office.station, code="zb", name="支部", parent=office.committee)
    make_organization(office.station, "commando_team", code="dui")
    person = make_person("张三", office.station, number="007")
    assign(old, person, document_number="1号")
    tomorrow = timezone.localdate() + timedelta(1)
    made = office.hand_in(
        单位=[
            ("suo", "城关派出所", "派出所", "ting"),
            ("坏代码", "名", "派出所", "ju"),
            ("x1", None, "派出所", "ju"),
            ("x2", "名", "派出所", None),
            ("x3", "名", "派出所", "x4"),
            ("x4", "名", "派出所", "x3"),
            ("x5", "名", "派出所", "ju", tomorrow),
            ("x5", "名", "派出所", "ju"),
            ("x6", "名", "派出所", "x1"),
        ],
        组织=[
            ("zb", "支部", "党总支", "否", "ju", "x", "2020-01-01", "2019-01-01", "同名"),
            ("n1", "新", "党支部", None, "suo", "dangwei", "2020-02-03"),
            ("n2", "新", "突击队", "是", "suo", None, "2020-02-03"),
            ("n3", "新", "党委", "是", "suo", "zb", "2020-02-03"),
            ("n4", "新", "党支部", "是", "suo", None, "2020-02-03", "2020-02-01", "没有的任务"),
            ("n5", "新" * 121, "党支部", "是", "nowhere", None, "2020-02-03"),
        ],
        人员=[
            ("007", "张三", "民警", "正式党员", "suo", "zb"),
            ("p-0123456789ab", "李四", "民警", None, "suo"),
            ("008", "李四", None, None, "suo"),
            ("009", "王五", "民警", None, "x1"),
        ],
        编入=[
            ("zb", "007", "李四", "成员", "2020-02-01"),
            ("zb", "007", "张三", "成员", "2020-02-10"),
            ("dui", "007", "张三", None, "2020-02-10"),
            ("dui", "008", "李四", "成员", "2020-02-10"),
            ("dui", "404", "某人", "成员", "2020-02-10"),
            ("dui", "007", "张三", "成员", "2020-01-10"),
            ("dui", "007", "张三", "成员", "2020-02-12", "2020-02-05"),
        ],
    )
    said = problems(made)
    expected = [
        ("单位!D2", "请在单位页面用“调整上级单位”办理"),
        ("单位!A3", "代码只能用小写字母"),
        ("单位!B4", "新增时须填写“单位名称”"),
        ("单位!D5", "请填写上级单位代码"),
        ("单位!D6", "上级互相引用"),
        ("单位!D7", "上级互相引用"),
        ("单位!E8", "晚于今天"),
        ("单位!A9", "与“单位”第 8 行重复"),
        ("单位!D10", "单位“x1”在“单位”第 4 行,该行有误"),
        ("组织!I2", "有 2 个专项任务叫“同名”"),
        ("组织!C2", "组织类型不能通过导入修改"),
        ("组织!D2", "临时或常设不能通过导入修改"),
        ("组织!E2", "请在组织页面用“转隶”办理"),
        ("组织!F2", "上级组织不能通过导入调整"),
        ("组织!D3", "党组织须填写“是否临时”"),
        ("组织!D4", "只有党组织分临时和常设"),
        ("组织!F5", "党委不能设在党支部之下"),
        ("组织!I6", "没有代码或名称为“没有的任务”的专项任务"),
        ("组织!H6", "撤销日期不能早于成立日期"),
        ("组织!B7", "120"),
        ("组织!E7", "没有代码为“nowhere”的单位,或不在您的管理范围内"),
        ("人员!F2", "组织关系须在常设党组织"),
        ("人员!A3", "警号只能用字母、数字"),
        ("人员!C4", "新增时须填写“人员类别”,可填:民警、"),
        ("人员!E5", "单位“x1”在“单位”第 4 行,该行有误"),
        ("编入!C2", "该警号登记的姓名是“张三”"),
        ("编入!D4", "新增时须填写“职责”"),
        ("编入!B5", "人员“008”在“人员”第 4 行,该行有误"),
        ("编入!B6", borrowing.WRONG),
        ("编入!E7", "编入日期不能早于组织成立日期"),
        ("编入!F8", "结束日期不能早于编入日期"),
        ("编入!B3", "同一时间已在“支部”"),
    ]
    for got, (address, text) in zip(said, expected, strict=False):
        assert (got[0], text in got[1]) == (address, True), (got, address, text)
    assert len(said) == len(expected), said[len(expected) :]
    with pytest.raises(OperationRefused, match="还有错误的行"):
        importing.confirm(actor=ACTOR, import_=made, reason="x")


# --- Scope and roles ------------------------------------------------------------------------------


def test_out_of_scope_reads_like_what_does_not_exist(office: Office) -> None:
    branch = make_organization(office.neighbour, code="lin-zb", name="邻支部")
    person = make_person("邻人", office.neighbour, number="900")
    assign(branch, person)

    def said(unit: str, organization: str, number: str) -> list[tuple[str, str]]:
        made = office.hand_in(
            单位=[("new-unit", "新所", "派出所", unit)],
            组织=[
                ("new-1", "甲", "党支部", "是", unit, None, "2020-02-03"),
                ("new-2", "乙", "党支部", "是", "suo", organization, "2020-02-03"),
            ],
            人员=[("901", "王五", "民警", None, unit), ("902", "赵六", "民警", None, "suo", organization)],
            编入=[
                (organization, "902", None, "成员", "2020-02-03"),
                ("new-2", number, None, "成员", "2020-02-03"),
            ],
        )
        return [
            (address, message.replace(organization, "O").replace(unit, "U").replace(number, "N"))
            for address, message in problems(made)
        ]

    theirs = said("lin", "lin-zb", "900")
    assert theirs == said("nowhere", "no-such", "999")
    assert len(theirs) == 9
    assert "邻" not in str(theirs)


def test_somebody_of_another_unit_is_placed_by_number_and_name(office: Office) -> None:
    """A wrong name gets the same answer as an unknown number; without a name nobody is found."""
    branch = make_organization(office.station, code="zb", name="支部")
    make_person("邻人", office.neighbour, number="900")
    rows = [("zb", "900", "邻人"), ("zb", "900", "邻居"), ("zb", "999", "邻居"), ("zb", "900", None)]

    def judged(row: tuple) -> object:
        made = office.hand_in(office.clerk, 编入=[(*row, "成员", "2020-02-03")])
        return [said for _, said in problems(made)] or made.counts

    assert [judged(row) for row in rows] == [
        {"assignments": {"new": 1}},
        [borrowing.WRONG],
        [borrowing.WRONG],
        [borrowing.UNNAMED],
    ]
    office.write(office.clerk, 编入=[("zb", "900", "邻人", "成员", "2020-02-03")])
    assert [row.person.name for row in branch.assignments.all()] == ["邻人"]


def test_keys_of_others_are_not_taken_over(office: Office) -> None:
    make_organization(office.neighbour, code="lin-zb", name="邻支部")
    make_person("邻人", office.neighbour, number="900")
    made = office.hand_in(
        单位=[("lin", "改名", "派出所", "ju")],
        组织=[("lin-zb", "改名", "党支部", "是", "suo", None, "2020-02-03")],
        人员=[("900", "改名", "民警", None, "suo")],
    )
    assert problems(made) == [
        ("单位!A2", "单位代码“lin”不能使用,请核对或换一个。"),
        ("组织!A2", "组织代码“lin-zb”不能使用,请核对或换一个。"),
        ("人员!A2", borrowing.ELSEWHERE),
    ]
    assert "邻" not in str(list(ImportLine.objects.values()))


def test_somebody_placed_here_from_elsewhere_is_not_changed(office: Office) -> None:
    branch = make_organization(office.station, code="zb", name="支部")
    guest = make_person("邻人", office.neighbour, number="900", phone="13800001111")
    assign(branch, guest)
    for phone in ("13800001111", "13900000000", None):  # nor can anything be guessed, not even the name
        for name in ("邻人", "别人"):
            made = office.hand_in(人员=[("900", name, None, None, None, None, None, phone)])
            assert problems(made) == [("人员!A2", borrowing.ELSEWHERE)]
            assert made.lines.get().summary == name
    placed = office.hand_in(编入=[("zb", "900", None, "成员", "2020-02-10")])
    assert problems(placed) == [("编入!B2", borrowing.UNNAMED)]
    assert "邻人" not in placed.lines.get().summary


def test_guesses_by_workbooks_and_by_pasting_count_together(office: Office, settings) -> None:
    """What the form does not say of other units' people, no door says, and not more often."""
    settings.PLACING_FAILURES = 4
    make_organization(office.station, code="zb", name="支部")
    for number in ("900", "901", "902"):
        make_person("邻人", office.neighbour, number=number)
    wrong = [("zb", number, "某人", "成员", "2020-02-10") for number in ("900", "999")]
    assert [said for _, said in problems(office.hand_in(编入=wrong))] == [borrowing.WRONG] * 2
    pasted = pasting.read(office.manager, "901 某人\n902", {})
    assert pasted.left == {"901 某人": borrowing.WRONG, "902": borrowing.UNNAMED}
    too_many = borrowing.TOO_MANY.format(minutes=15)
    people = [(number, "某人", "民警", None, "suo") for number in ("777", "900", "901", "778")]
    made = office.hand_in(人员=people)
    assert [said for _, said in problems(made)] == [borrowing.ELSEWHERE, too_many, too_many]
    assert made.counts == {"people": {"new": 1, "wrong": 3}}
    assert "邻人" not in str([vars(line) for line in made.lines.all()])
    assert pasting.read(office.manager, "900 邻人", {}).left == {"900 邻人": too_many}
    looked = AuditEntry.objects.filter(verb__in=("look_up_numbers", "borrowing_locked")).order_by("pk")
    assert [(row.verb, row.user, row.after) for row in looked] == [
        ("look_up_numbers", office.manager, {"not_found": 2}),
        ("look_up_numbers", office.manager, {"not_found": 1}),
        ("look_up_numbers", office.manager, {"not_found": 1}),
        ("borrowing_locked", office.manager, {}),
    ]


def test_a_clerk_submits_and_does_not_touch_units(office: Office) -> None:
    make_campaign()
    made = office.hand_in(
        office.clerk,
        单位=[("suo", "改名"), ("xin", "新所", "派出所", "ju"), ("ju", "市公安局")],
    )
    assert problems(made) == [
        ("单位!A2", "您不能修改该单位的资料,请由单位的管理员办理。"),
        ("单位!D3", "您不能在该单位下增设单位,请由单位的管理员办理。"),
    ]
    office.write(office.clerk, 组织=[("zb", "支部", "党支部", "是", "suo", "dangwei", "2020-02-03")])
    assert Organization.objects.get(code="zb").state == "submitted"


def test_whoever_lost_the_right_writes_nothing(office: Office) -> None:
    made = office.hand_in(人员=[("007", "张三", "民警", None, "suo")])
    office.manager.grants.update(ended_on=date(2020, 1, 2))
    importing.confirm(actor=ACTOR, import_=made, reason="")
    made.refresh_from_db()
    assert (made.state, made.message) == (ImportState.FAILED, imports.CHANGED_MEANWHILE)
    assert not Person.objects.exists()


# --- Between preview and writing ------------------------------------------------------------------


@pytest.mark.parametrize("meanwhile", ["edited", "added", "closed", "ended"])
def test_what_changed_meanwhile_is_not_written_over(office: Office, meanwhile: str) -> None:
    branch = make_organization(office.station, code="zb")
    person = make_person("张三", office.station, number="007")
    placed = assign(branch, person)
    made = office.hand_in(
        人员=[("007", "张三", None, None, None, None, "所长"), ("008", "李四", "民警", None, "lin2")]
        if meanwhile != "closed"
        else [("008", "李四", "民警", None, "empty")],
        编入=[("zb", "007", None, None, "2020-02-01", "2020-02-20")],
        单位=[("lin2", "新所", "派出所", "ju"), ("empty", "空所", "派出所", "ju")]
        if meanwhile != "closed"
        else [],
    )
    if meanwhile == "closed":
        assert problems(made) == [("人员!E2", "没有代码为“empty”的单位,或不在您的管理范围内。")]
        return
    assert problems(made) == []
    if meanwhile == "edited":
        people.edit_person(actor=ACTOR, person=person, changes={"title": "副所长"})
    elif meanwhile == "added":
        make_unit("lin2", office.bureau)
    else:
        assignments.end_assignment(actor=ACTOR, assignment=placed, on=date(2020, 2, 15))
    before = everything()
    importing.confirm(actor=ACTOR, import_=made, reason="")
    made.refresh_from_db()
    assert (made.state, made.message) == (ImportState.FAILED, imports.CHANGED_MEANWHILE)
    assert everything() == before
    importing.check_again(actor=ACTOR, import_=made)
    made.refresh_from_db()
    assert made.state == ImportState.CHECKED


def test_cancelled_before_writing_leaves_nothing(office: Office) -> None:
    made = office.hand_in(人员=[("007", "张三", "民警", None, "suo")])
    imports.cancel_import(actor=ACTOR, import_=made)
    made.refresh_from_db()
    assert made.state == ImportState.CANCELLED
    assert not ImportFile.objects.exists()
    assert not ImportLine.objects.exists()
    for act in (imports.confirm_import, imports.cancel_import, imports.recheck_import):
        with pytest.raises(OperationRefused):
            act(actor=ACTOR, import_=made)
    importing.write_now(made.pk)
    assert not Person.objects.exists()


def test_written_twice_is_written_once(office: Office) -> None:
    made = office.hand_in(人员=[("007", "张三", "民警", None, "suo")])
    imports.confirm_import(actor=ACTOR, import_=made)
    importing.write_now(made.pk)
    importing.write_now(made.pk)
    assert Person.objects.count() == 1
    with pytest.raises(OperationRefused, match="已写入"):
        imports.confirm_import(actor=ACTOR, import_=made)


def test_what_cannot_be_read_is_said(office: Office) -> None:
    with pytest.raises(importing.Unreadable):
        importing.hand_in(actor=ACTOR, user=office.manager, file_name="a.xlsx", content=b"no workbook")
    assert not Import.objects.exists()


def test_old_workbooks_are_forgotten(office: Office) -> None:
    made = office.write(人员=[("007", "张三", "民警", None, "suo")])
    Import.objects.update(created_at=timezone.now() - imports.KEPT_FOR - timedelta(1))
    office.hand_in(人员=[("008", "李四", "民警", None, "suo")])
    assert not ImportFile.objects.filter(of=made).exists()
    assert not ImportLine.objects.filter(of=made).exists()
    assert Import.objects.get(pk=made.pk).state == ImportState.WRITTEN


# --- What should be looked at ---------------------------------------------------------------------


def notices(made: Import) -> list[tuple[str, str]]:
    """(address, message) of each notice, in order."""
    return [
        (notice["address"], notice["message"])
        for line in ImportLine.objects.filter(of=made).order_by("place")
        for notice in line.notices
    ]


def test_a_second_secretary_outside_the_party_meets_the_warnings_of_the_form(office: Office) -> None:
    branch = make_organization(office.station, code="zb", name="临时支部")
    assign(branch, make_person("张三", office.station, number="007"), role="secretary")
    outsider = make_person("李四", office.station, number="008", political_status="masses")
    at_the_form = warnings(
        placements.findings([Placement(outsider, branch, "secretary", date(2020, 2, 3))], office.manager)
    )
    offer = at_the_form.pop()  # a tick of the form
    assert offer == "原书记 张三 自 2020-02-03 起改任成员"
    assert len(at_the_form) == 2
    made = office.hand_in(编入=[("zb", "008", "李四", "书记", "2020-02-03")])
    assert problems(made) == []
    assert notices(made) == [("编入!D2", message) for message in (WAITS, *at_the_form)]
    assert (made.counts, made.noticed) == ({"assignments": {"new": 1}}, 1)
    importing.confirm(actor=ACTOR, import_=made, reason="")
    approve_all()
    assert Assignment.objects.filter(role="secretary").count() == 2


def test_a_corrected_role_and_people_of_the_workbook_are_looked_at_too(office: Office) -> None:
    branch = make_organization(office.station, code="zb", name="临时支部")
    assign(branch, make_person("张三", office.station, number="007", political_status="masses"))
    made = office.hand_in(
        人员=[("008", "李四", "民警", "群众", "suo")],
        组织=[("zb2", "临时支部", "党支部", "是", "suo", "dangwei", "2020-02-03")],
        编入=[
            ("zb", "007", "张三", "书记", "2020-02-01"),
            ("zb", "008", "李四", "书记", "2020-02-03"),
        ],
    )
    assert [address for address, said in notices(made) if said == WAITS] == ["编入!D2", "编入!D3"]
    said = [notice for notice in notices(made) if notice[1] != WAITS]
    assert [address for address, _ in said] == [
        *("组织!B2", "组织!A2", "组织!A2"),
        *("编入!D2", "编入!D3", "编入!D3"),
    ]
    assert "已有同名组织" in said[0][1]
    assert [message for _, message in said[1:3]] == [
        "没有指定书记(《中国共产党支部工作条例(试行)》)。",
        "编入的正式党员只有 0 人,不足 3 人。",
    ]
    assert "同时编入了多名书记:张三、李四" in said[5][1]
