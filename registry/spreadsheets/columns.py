"""The four nouns as tables: which columns a sheet of units, organizations, people or assignments has.

Reading, templates, import and export all go by these; a new column is one line here.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Literal

from django.db import models

from registry.models import (
    Assignment,
    Organization,
    OrganizationKind,
    Person,
    PersonCategory,
    PoliticalStatus,
    Role,
    Unit,
    UnitKind,
    WorkflowState,
)

Kind = Literal["text", "name", "code", "date", "choice", "yes_no"]
"""What a cell holds. ``text``: as typed, without spaces at its ends; ``name``: text that has no spaces
between Chinese characters; ``code``: text without any spaces, leading zeros kept, half-width; ``date``: a
day; ``choice``: one of ``Column.choices``; ``yes_no``: 是 or 否."""

Value = str | date | bool | None
"""What a cell is read as: a choice as its stored value, an empty cell as None."""

YES, NO = "是", "否"
ERROR_HEADER = "错误原因"
"""The last column of a workbook that comes back; ignored on reading."""
NOTES_TITLE = "填写说明"
"""The sheet of a template that says how to fill it in."""
EXAMPLE = "示例"
"""A row whose first key begins with this is the template's example and is not read."""


@dataclass(frozen=True)
class Column:
    """One column of a noun's sheet.

    ``slug`` is the field's name in the operations where there is one; ``required`` means needed to add a
    row; ``is_info`` columns are written by an export for the reader's eyes, and never change anything when
    they come back. ``also`` are other headers that mean the same, ``words`` other words for the choices.
    ``max_length`` is in characters (None: no limit). A code is read in ``lower`` case where it is stored so,
    and keeps single spaces where it is ``spaced`` (telephones).
    """

    slug: str
    header: str
    kind: Kind = "text"
    required: bool = False
    also: tuple[str, ...] = ()
    choices: type[models.TextChoices] | None = None
    words: Mapping[str, str] = field(default_factory=dict)
    help: str = ""
    example: str = ""
    max_length: int | None = None
    is_info: bool = False
    lower: bool = False
    spaced: bool = False

    @cached_property
    def labels(self) -> dict[str, str]:
        """Stored value -> what the pages and the drop-down list show."""
        return {} if self.choices is None else {str(v): str(label) for v, label in self.choices.choices}

    @cached_property
    def meanings(self) -> dict[str, str]:
        """What may be typed into the cell (``key_of`` it) -> stored value."""
        known = {key_of(value): value for value in self.labels}
        known |= {key_of(label): value for value, label in self.labels.items()}
        return known | {key_of(word): value for word, value in self.words.items()}

    def shown(self, value: Value) -> str | date | None:
        """Return what an export writes into the cell for the stored ``value``; empty text is None."""
        if isinstance(value, bool):
            return YES if value else NO
        if isinstance(value, str) and self.kind == "choice":
            return self.labels.get(value, value) or None
        return value or None


@dataclass(frozen=True)
class Noun:
    """One kind of sheet.

    ``needed`` are the columns that name the row: without them a sheet is not recognized, and a row where
    one of them is empty is wrong. ``key`` is what makes a row the same row (assignments: their day of
    start belongs to it; when that is empty, the one open assignment is meant).
    """

    slug: str
    title: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    needed: tuple[str, ...]

    @cached_property
    def by_slug(self) -> dict[str, Column]:
        """The columns by slug."""
        return {column.slug: column for column in self.columns}

    @cached_property
    def by_header(self) -> dict[str, Column]:
        """The columns by every header that means them (``key_of`` it)."""
        known = {key_of(name): column for column in self.columns for name in column.also}
        return known | {key_of(column.header): column for column in self.columns}


_SPACES = re.compile(r"[\s\u200b-\u200f\u2060\ufeff]+")


def key_of(text: str) -> str:
    """Return ``text`` for comparing: half-width, lower-case, without spaces."""
    return _SPACES.sub("", unicodedata.normalize("NFKC", text)).casefold()


def _length(model: type[models.Model], name: str) -> int | None:
    length: int | None = getattr(model._meta.get_field(name), "max_length", None)
    return length


UNITS = Noun(
    slug="units",
    title="单位",
    key=("code",),
    needed=("code",),
    columns=(
        Column(
            "code",
            "单位代码",
            "code",
            required=True,
            also=("机构代码", "单位编码", "单位编号", "机构编码", "代码", "编码"),
            help="小写字母、数字和连字符;代码已有的按代码更新,没有的新增。",
            example="dezhou-shi-gonganju-decheng",
            max_length=_length(Unit, "code"),
            lower=True,
        ),
        Column(
            "name",
            "单位名称",
            required=True,
            also=("机构名称", "单位全称", "名称", "单位"),
            help="单位全称。",
            example="德州市公安局德城分局",
            max_length=_length(Unit, "name"),
        ),
        Column(
            "short_name",
            "简称",
            also=("单位简称",),
            help="列表和单位树上显示的名称。",
            example="德城分局",
            max_length=_length(Unit, "short_name"),
        ),
        Column(
            "aliases",
            "别名",
            also=("曾用名",),
            help="多个别名用分号隔开。",
            max_length=_length(Unit, "aliases"),
        ),
        Column(
            "kind",
            "单位类别",
            "choice",
            required=True,
            also=("单位类型", "机构类别", "机构类型", "类别", "类型"),
            choices=UnitKind,
            example=UnitKind.SUB_BUREAU.value,
        ),
        Column(
            "region_code",
            "行政区划代码",
            "code",
            also=("区划代码", "行政区划"),
            help="GB/T 2260 六位代码。",
            example="371402",
            max_length=_length(Unit, "region_code"),
        ),
        Column(
            "superior",
            "上级单位代码",
            "code",
            also=("上级代码", "上级机构代码", "主管单位代码"),
            help="上级单位可以在本表其他行,先后不限。",
            example="dezhou-shi-gonganju",
            max_length=_length(Unit, "code"),
            lower=True,
        ),
        Column("superior_name", "上级单位", also=("上级单位名称", "上级机构"), is_info=True),
        Column("opened_on", "设立日期", "date", also=("成立日期", "设立时间"), example="2020-01-01"),
        Column("closed_on", "撤并日期", "date", also=("撤销日期", "撤并时间"), is_info=True),
        Column("note", "备注", also=("说明",), max_length=_length(Unit, "note")),
    ),
)

ORGANIZATIONS = Noun(
    slug="organizations",
    title="组织",
    key=("code",),
    needed=("code",),
    columns=(
        Column(
            "code",
            "组织代码",
            "code",
            required=True,
            also=("党组织代码", "组织编码", "组织编号", "代码", "编码"),
            help="小写字母、数字和连字符;代码已有的按代码更新,没有的新增。",
            example="decheng-linshi-zhibu",
            max_length=_length(Organization, "code"),
            lower=True,
        ),
        Column(
            "name",
            "组织名称",
            required=True,
            also=("党组织名称", "组织全称", "名称", "组织"),
            help="组织全称。",
            example="德城分局疫情防控临时党支部",
            max_length=_length(Organization, "name"),
        ),
        Column(
            "kind",
            "组织类别",
            "choice",
            required=True,
            also=("组织类型", "党组织类别", "党组织类型", "类别", "类型"),
            choices=OrganizationKind,
            words={
                "支部": OrganizationKind.BRANCH.value,
                "总支": OrganizationKind.GENERAL_BRANCH.value,
                "先锋岗": OrganizationKind.PIONEER_POST.value,
                "先锋队": OrganizationKind.PIONEER_TEAM.value,
                "党员突击队": OrganizationKind.COMMANDO_TEAM.value,
                "工作专班": OrganizationKind.TASK_FORCE.value,
            },
            help="写作“临时党支部”等也可以,读作党支部,并且是临时党组织。",
            example=OrganizationKind.BRANCH.value,
        ),
        Column(
            "is_temporary",
            "是否临时",
            "yes_no",
            also=("临时", "临时党组织", "是否临时党组织", "临时或常设"),
            help="临时党组织填“是”;先锋岗、突击队等不是党组织,填“否”。",
            example=YES,
        ),
        Column(
            "unit",
            "所在单位代码",
            "code",
            required=True,
            also=("单位代码", "所属单位代码", "机构代码"),
            example="dezhou-shi-gonganju-decheng",
            max_length=_length(Unit, "code"),
            lower=True,
        ),
        Column("unit_name", "所在单位", also=("单位名称", "所属单位", "单位"), is_info=True),
        Column(
            "parent",
            "上级组织代码",
            "code",
            also=("上级党组织代码", "上级代码"),
            help="上级组织可以在本表其他行,先后不限。",
            example="",
            max_length=_length(Organization, "code"),
            lower=True,
        ),
        Column(
            "parent_name", "上级组织", also=("上级党组织", "上级组织名称", "上级党组织名称"), is_info=True
        ),
        Column(
            "campaign",
            "专项任务",
            also=("专项任务代码", "任务代码", "任务名称", "任务"),
            help="专项任务的代码或名称。",
        ),
        Column(
            "established_on",
            "成立日期",
            "date",
            required=True,
            also=("成立时间", "组建日期", "组建时间"),
            example="2020-02-03",
        ),
        Column(
            "dissolved_on",
            "撤销日期",
            "date",
            also=("撤销时间", "解散日期"),
            help="填写后组织自该日起撤销。",
        ),
        Column(
            "approval_number",
            "批复文号",
            also=("批准文号", "文号", "成立文号"),
            example="德公党〔2020〕3号",
            max_length=_length(Organization, "approval_number"),
        ),
        Column("dissolution_number", "撤销文号", max_length=_length(Organization, "dissolution_number")),
        Column(
            "honour_title",
            "荣誉称号",
            also=("荣誉命名", "命名"),
            max_length=_length(Organization, "honour_title"),
        ),
        Column("aliases", "别名", help="多个别名用分号隔开。", max_length=_length(Organization, "aliases")),
        Column("note", "备注", also=("说明",), max_length=_length(Organization, "note")),
        Column("state", "审批状态", "choice", also=("状态",), choices=WorkflowState, is_info=True),
    ),
)

_NUMBER_ALSO = ("编号", "警员编号", "人员编号", "民警警号", "警员号", "辅警编号")
_NAME_ALSO = ("名字", "人员姓名", "民警姓名")

PEOPLE = Noun(
    slug="people",
    title="人员",
    key=("number",),
    needed=("number",),
    columns=(
        Column(
            "number",
            "警号",
            "code",
            required=True,
            also=_NUMBER_ALSO,
            help="保留前面的零;警号已有的按警号更新,没有的新增。",
            example="012345",
            max_length=_length(Person, "number"),
        ),
        Column(
            "name",
            "姓名",
            "name",
            required=True,
            also=_NAME_ALSO,
            example="张三",
            max_length=_length(Person, "name"),
        ),
        Column(
            "category",
            "人员类别",
            "choice",
            required=True,
            also=("类别", "人员类型", "身份"),
            choices=PersonCategory,
            words={
                "警察": PersonCategory.OFFICER.value,
                "人民警察": PersonCategory.OFFICER.value,
                "在编民警": PersonCategory.OFFICER.value,
                "协警": PersonCategory.AUXILIARY.value,
                "警务辅助人员": PersonCategory.AUXILIARY.value,
                "其他": PersonCategory.CIVILIAN.value,
            },
            example=PersonCategory.OFFICER.value,
        ),
        Column(
            "political_status",
            "政治面貌",
            "choice",
            also=("面貌", "政治身份"),
            choices=PoliticalStatus,
            words={
                "党员": PoliticalStatus.FULL_MEMBER.value,
                "中共党员": PoliticalStatus.FULL_MEMBER.value,
                "中共正式党员": PoliticalStatus.FULL_MEMBER.value,
                "中共预备党员": PoliticalStatus.PROBATIONARY_MEMBER.value,
                "积极分子": PoliticalStatus.ACTIVIST.value,
                "团员": PoliticalStatus.LEAGUE_MEMBER.value,
                "共青团": PoliticalStatus.LEAGUE_MEMBER.value,
            },
            example=PoliticalStatus.FULL_MEMBER.value,
        ),
        Column(
            "home_unit",
            "所属单位代码",
            "code",
            required=True,
            also=("单位代码", "机构代码", "所在单位代码"),
            example="dezhou-shi-gonganju-decheng",
            max_length=_length(Unit, "code"),
            lower=True,
        ),
        Column("home_unit_name", "所属单位", also=("单位", "单位名称", "所在单位"), is_info=True),
        Column(
            "home_branch",
            "所属党支部代码",
            "code",
            also=("党支部代码", "组织关系所在支部代码", "所在党支部代码", "支部代码"),
            help="组织关系所在的常设党组织。",
            max_length=_length(Organization, "code"),
            lower=True,
        ),
        Column(
            "home_branch_name",
            "所属党支部",
            also=("党支部", "组织关系所在支部", "所在党支部"),
            is_info=True,
        ),
        Column("joined_on", "入党日期", "date", also=("入党时间",)),
        Column(
            "title",
            "职务",
            also=("职务名称", "现任职务"),
            example="民警",
            max_length=_length(Person, "title"),
        ),
        Column(
            "phone",
            "联系电话",
            "code",
            also=("电话", "手机", "手机号", "手机号码", "联系方式", "电话号码"),
            max_length=_length(Person, "phone"),
            spaced=True,
        ),
        Column("note", "备注", also=("说明",), max_length=_length(Person, "note")),
    ),
)

ASSIGNMENTS = Noun(
    slug="assignments",
    title="编入",
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
            max_length=_length(Organization, "code"),
            lower=True,
        ),
        Column(
            "organization_name",
            "组织名称",
            also=("组织", "党组织名称", "党组织", "编入组织"),
            is_info=True,
        ),
        Column(
            "number",
            "警号",
            "code",
            required=True,
            also=_NUMBER_ALSO,
            help="保留前面的零。",
            example="012345",
            max_length=_length(Person, "number"),
        ),
        Column(
            "name",
            "姓名",
            "name",
            also=_NAME_ALSO,
            help="填写后与登记的姓名核对。",
            example="张三",
            max_length=_length(Person, "name"),
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
        Column(
            "document_number",
            "文号",
            also=("任命文号", "批复文号"),
            example="德公党〔2020〕3号",
            max_length=_length(Assignment, "document_number"),
        ),
    ),
)

NOUNS: tuple[Noun, ...] = (UNITS, ORGANIZATIONS, PEOPLE, ASSIGNMENTS)
"""In the order in which they are written: what is named by a later one comes first."""
BY_SLUG: dict[str, Noun] = {noun.slug: noun for noun in NOUNS}
