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
            "code",
            required=True,
            also=("党组织代码", "编入组织代码", "临时党组织代码"),
            example="decheng-linshi-zhibu",
            lower=True,
        ),
        Column(
            "organization_name", "组织名称", also=("组织", "党组织名称", "党组织", "编入组织"), is_info=True
        ),
        Column(
            "number",
            "警号",
            "code",
            required=True,
            also=NUMBER_ALSO,
            help="保留前面的零。",
            example="012345",
            path="person__number",
        ),
        Column(
            "name",
            "姓名",
            "name",
            also=NAME_ALSO,
            help="填写后与登记的姓名核对。",
            example="张三",
            path="person__name",
        ),
        Column(
            "role",
            "职责",
            "choice",
            required=True,
            also=("角色", "组织内职务", "党内职务", "职务"),
            choices=Role,
            words={
                "支部书记": Role.SECRETARY.value,
                "支部副书记": Role.DEPUTY_SECRETARY.value,
                "队长": Role.LEADER.value,
                "组长": Role.LEADER.value,
                "副队长": Role.DEPUTY_LEADER.value,
                "副组长": Role.DEPUTY_LEADER.value,
                "纪律检查委员": Role.DISCIPLINE_COMMITTEE_MEMBER.value,
                "队员": Role.MEMBER.value,
                "组员": Role.MEMBER.value,
                "党员": Role.MEMBER.value,
            },
            example=Role.SECRETARY.value,
        ),
        Column(
            "started_on",
            "编入日期",
            "date",
            required=True,
            also=("开始日期", "编入时间", "开始时间"),
            help="同一人多次编入同一组织时,按编入日期区分。",
            example="2020-02-03",
        ),
        Column(
            "ended_on",
            "结束日期",
            "date",
            also=("退出日期", "结束时间", "撤出日期"),
            help="填写后自该日起不再编入。",
        ),
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
        Verb("change_role", "调整职责", ENTER),
        Verb("end_assignment", "结束编入", ENTER),
        Verb("withdraw_assignment", "撤回误录的编入", ENTER),
    ),
    unit_path="organization__unit",
    related=("person__home_unit", "organization__unit"),
    page_at="organization",
    named=("person", "organization"),
    sheet=SHEET,
)
