"""Assignments (编入): who is in which organization, in which role, from when to when."""

from __future__ import annotations

from registry.models import Assignment, Role
from registry.nouns.columns import CODES, DAYS, Column, Layout, headers
from registry.nouns.noun import Noun
from registry.nouns.person import NAME_ALSO, NUMBER_ALSO
from registry.nouns.verbs import ENTER, Verb

_ORGANIZATIONS = "组织 党组织 编入组织 编入党组织 临时党组织 编入党支部 临时党支部"

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
            also=headers(_ORGANIZATIONS, CODES),
            example="decheng-linshi-zhibu",
        ),
        Column(
            "organization_name",
            "组织名称",
            names="organization",
            also=(*headers(_ORGANIZATIONS, "名称"), *_ORGANIZATIONS.split()),
            is_info=True,
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
            also=("党内职务", "组织内职务", "党内职责", "角色", "担任职务", "职务"),
            words={
                Role.SECRETARY: headers("支部 党支部 临时党支部 总支 党总支 党委", "书记"),
                Role.DEPUTY_SECRETARY: headers("支部 党支部 临时党支部 总支 党总支 党委", "副书记"),
                Role.LEADER: ("队长", "组长"),
                Role.DEPUTY_LEADER: ("副队长", "副组长"),
                Role.DISCIPLINE_COMMITTEE_MEMBER: ("纪律检查委员",),
                Role.MEMBER: ("队员", "组员", "党员"),
            },
            example=Role.SECRETARY.value,
        ),
        Column(
            "started_on",
            also=headers("编入 开始 到岗 上岗 进驻 任职 起始", DAYS),
            help="同一人多次编入同一组织时,按编入日期区分。",
            example="2020-02-03",
        ),
        Column(
            "ended_on",
            also=headers("结束 退出 撤出 离岗 撤离 截止 终止", DAYS),
            help="自该日起不再编入;花名册写的是最后一天的,请填次日。",
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
        Verb("edit_assignment", "更正编入", ENTER),
        Verb("change_role", "调整职责", ENTER),
        Verb("end_assignment", "结束编入", ENTER),
        Verb("withdraw_assignment", "撤回误录的编入", ENTER),
        Verb("look_up_numbers", "核对其他单位人员的警号"),
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
