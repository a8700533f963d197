"""Assignments (编入): who is in which organization, in which role, from when to when."""

from __future__ import annotations

from registry.models import Assignment, Role
from registry.nouns.columns import Column, Layout
from registry.nouns.noun import Noun
from registry.nouns.person import NAME_ALSO, NUMBER_ALSO
from registry.nouns.verbs import ENTER, Verb

SHEET = Layout(
    slug="assignments",
    title="编入",
    model=Assignment,
    importer="registry.imports.assignments.AssignmentImporter",
    key=("organization", "number", "started_on"),
    needed=("organization", "number"),
    columns=(
        Column(
            "organization",
            "组织代码",
            also=("党组织代码", "编入组织代码", "临时党组织代码"),
            example="decheng-linshi-zhibu",
        ),
        Column(
            "organization_name", "组织名称", also=("组织", "党组织名称", "党组织", "编入组织"), is_info=True
        ),
        Column("number", also=NUMBER_ALSO, help="保留前面的零。", example="012345", path="person__number"),
        Column(
            "name",
            kind="name",
            also=NAME_ALSO,
            help="填写后与登记的姓名核对。",
            example="张三",
            path="person__name",
            required=False,
        ),
        Column(
            "role",
            required=True,
            also=("角色", "组织内职务", "党内职务", "职务"),
            words={
                Role.SECRETARY: ("支部书记",),
                Role.DEPUTY_SECRETARY: ("支部副书记",),
                Role.LEADER: ("队长", "组长"),
                Role.DEPUTY_LEADER: ("副队长", "副组长"),
                Role.DISCIPLINE_COMMITTEE_MEMBER: ("纪律检查委员",),
                Role.MEMBER: ("队员", "组员", "党员"),
            },
            example=Role.SECRETARY.value,
        ),
        Column(
            "started_on",
            also=("开始日期", "编入时间", "开始时间"),
            help="同一人多次编入同一组织时,按编入日期区分。",
            example="2020-02-03",
        ),
        Column("ended_on", also=("退出日期", "结束时间", "撤出日期"), help="填写后自该日起不再编入。"),
        Column("document_number", "文号", also=("任命文号", "批复文号"), example="德公党〔2020〕3号"),
    ),
)

ASSIGNMENT = Noun(
    key="assignment",
    plural="assignments",
    label="编入",
    model=Assignment,
    measure="人次",
    verbs=(
        Verb("assign_person", "编入", ENTER),
        Verb("edit_assignment", "更正编入", ENTER),
        Verb("change_role", "调整职责", ENTER),
        Verb("end_assignment", "结束编入", ENTER),
        Verb("withdraw_assignment", "撤回误录的编入", ENTER),
        Verb("borrowing_locked", "借调核对被锁定"),
    ),
    unit_path="organization__unit",
    other_unit_path="person__home_unit",
    related=("person__home_unit", "organization__unit"),
    page_at="organization",
    edit="edit_assignment",
    editable=("started_on", "ended_on", "document_number"),
    named=("person", "organization"),
    sheet=SHEET,
)
