"""People: police officers, auxiliaries and others, with their home unit."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, QuerySet

from registry.models import (
    Assignment,
    NameTerm,
    Organization,
    Person,
    PersonCategory,
    PoliticalStatus,
)
from registry.models.base import in_spans
from registry.models.hierarchy import Span, everything
from registry.nouns.columns import CODES, DAYS, Column, Layout, headers
from registry.nouns.noun import Noun, Picker, Texts
from registry.nouns.unit import UNIT_CODES, UNIT_NAMES
from registry.nouns.verbs import ENTER, MANAGE, PERSONAL, Verb

NUMBER_ALSO = (
    *headers("民警 警员 辅警 警察", "警号"),
    *("警员号", "辅警号", "工号", "工作证号", "警官证号", "证件编号"),
    *headers("警员 民警 辅警 警察 人员 员工 职工 党员", CODES),
    *headers("人员 员工 职工 民警 辅警", "工号"),
    *("编号", "编码", "代码"),
)
NAME_ALSO = (*headers("人员 民警 警员 辅警 警察 党员 职工 员工", "姓名"), "名字")
"""Other headers for a person's number and name."""

_BRANCHES = (
    "所属党支部 组织关系所在党支部 组织关系所在支部 组织关系所在党组织 所在党支部 党支部 所属支部"
    " 所在支部 支部 所属党组织 所在党组织"
)

SHEET = Layout(
    slug="people",
    title="人员",
    model=Person,
    importer="registry.imports.people.PeopleImporter",
    key=("number",),
    needed=("number",),
    columns=(
        Column(
            "number",
            also=NUMBER_ALSO,
            help="保留前面的零;警号已有的按警号更新,没有的新增。",
            example="012345",
        ),
        Column("name", kind="name", also=NAME_ALSO, example="张三"),
        Column(
            "category",
            also=("人员类型", "人员身份", "身份类别", "类别", "类型", "身份"),
            words={
                PersonCategory.OFFICER: ("警察", "人民警察", "在编民警", "正式民警"),
                PersonCategory.AUXILIARY: ("协警", "警务辅助人员", "辅助警察", "勤务辅警", "文职辅警"),
                PersonCategory.CIVILIAN: ("其他", "职工", "文职", "工勤人员"),
            },
            example=PersonCategory.OFFICER.value,
        ),
        Column(
            "political_status",
            also=(
                "政治面貌类别",
                "面貌",
                "政治身份",
                "党籍状态",
                "党员状态",
                "党员类别",
                "党员类型",
                "党员身份",
            ),
            words={
                PoliticalStatus.FULL_MEMBER: (
                    *("党员", "中共党员", "中共正式党员", "中国共产党党员", "中国共产党正式党员", "正式"),
                    *("中共党员(正式)", "党员(正式)", "中共党员(正式党员)", "中国党员"),
                ),
                PoliticalStatus.PROBATIONARY_MEMBER: (
                    *("中共预备党员", "中国共产党预备党员", "预备"),
                    *("中共党员(预备)", "党员(预备)", "中共党员(预备党员)", "预备期党员"),
                ),
                PoliticalStatus.CANDIDATE: ("入党发展对象", "党员发展对象", "重点发展对象"),
                PoliticalStatus.ACTIVIST: ("积极分子", "入党积极份子", "积极份子"),
                PoliticalStatus.APPLICANT: ("申请入党人", "入党申请者", "申请入党人员", "已申请入党"),
                PoliticalStatus.LEAGUE_MEMBER: ("团员", "共青团", "中国共产主义青年团团员"),
                PoliticalStatus.DEMOCRATIC_PARTY: (
                    *(
                        "民主党派成员",
                        "民主党派人士",
                        "民革",
                        "民革党员",
                        "民盟",
                        "民盟盟员",
                        "民建",
                        "民建会员",
                    ),
                    *("民进", "民进会员", "农工党", "农工党党员", "致公党", "致公党党员"),
                    *("九三学社", "九三学社社员", "台盟", "台盟盟员"),
                ),
                PoliticalStatus.NO_PARTY: ("无党派", "无党派民主人士"),
                PoliticalStatus.MASSES: ("普通群众", "一般群众"),
            },
            example=PoliticalStatus.FULL_MEMBER.value,
        ),
        Column(
            "home_unit",
            "所属单位代码",
            also=UNIT_CODES,
            example="dezhou-shi-gonganju-decheng",
        ),
        Column("home_unit_name", "所属单位", names="home_unit", also=UNIT_NAMES, is_info=True),
        Column(
            "home_branch",
            "所属党支部代码",
            also=headers(_BRANCHES, CODES),
            help="组织关系所在的常设党组织。",
        ),
        Column(
            "home_branch_name",
            "所属党支部",
            names="home_branch",
            also=(*headers("所属党支部 党支部", "名称"), *_BRANCHES.split()),
            is_info=True,
        ),
        Column(
            "joined_on",
            by_month=True,
            also=(
                *headers("入党 加入党组织 加入中国共产党 加入中共", f"{DAYS} 年月"),
                *("入党年月日", "何时入党"),
            ),
            help="自该日起计入党员。只知道月份的可以只写到月,按当月第一天登记。",
        ),
        Column(
            "confirmed_on",
            by_month=True,
            also=("转正时间", "转正年月", "转为正式党员日期", "转为正式党员时间"),
            help="没有填写的,正式党员按预备期一年推算。",
        ),
        Column(
            "title",
            also=("现任职务", "职务名称", "行政职务", "现任职务职级", "职务职级", "职务级别", "岗位"),
            example="民警",
        ),
        Column(
            "phone",
            kind="code",
            also=(
                *("手机号码", "手机号", "手机", "移动电话", "联系手机", "本人电话", "联系方式"),
                *("电话", "电话号码", "办公电话", "固定电话"),
            ),
            spaced=True,
        ),
        Column("note", also=("说明", "备注说明", "备注1")),
    ),
)


def _within(rows: QuerySet[Person], spans: list[Span], few: bool) -> QuerySet[Person]:
    """Return people whose home unit, or the unit of one of their organizations, is in the intervals.

    An entry that was merged into another is left out: its number leads to that one (``stands_for``).
    """
    rows = rows.filter(merged_into__isnull=True)
    if everything(spans):
        return rows
    # The organizations by their keys: joined, SQLite tries every unit for each assignment.
    hosts = Organization.objects.filter(in_spans(spans, "unit__")).order_by().values("pk")
    placed = Assignment.objects.valid().filter(organization__in=hosts).order_by()
    if few:
        is_placed = Exists(placed.filter(person=OuterRef("pk")))
        return rows.filter(in_spans(spans, "home_unit__") | is_placed)
    # Each half by its own index; a condition with "or" over both would be tried on everybody there is.
    members = Person.objects.filter(in_spans(spans, "home_unit__")).order_by().values("pk")
    return rows.filter(pk__in=members.union(placed.values("person_id")))


PERSON = Noun(
    key="person",
    plural="people",
    label="人员",
    model=Person,
    measure="人",
    verbs=(
        Verb("add_person", "登记人员", ENTER),
        Verb("edit_person", "修改人员资料", ENTER),
        Verb("change_political_status", "变更政治面貌", ENTER),
        Verb("transfer_person", "调整所属单位和组织关系", ENTER),
        Verb("end_service", "登记离职", ENTER),
        Verb("restore_service", "恢复在职", ENTER),
        Verb("merge_person", "合并重复人员", MANAGE, final="两个条目的内容已经混在一起,合并不能撤销。"),
        Verb("view_personal_data", "查看联系方式", PERSONAL),
    ),
    unit_path="home_unit",
    within=_within,
    related=("home_unit", "home_branch__unit", "source"),
    page="person",
    list_page="people",
    page_key="number",
    page_key_label="警号",
    public_key="key",
    stands_for="merged_into",
    edit="edit_person",
    editable=("number", "name", "category", "joined_on", "confirmed_on", "title", "phone", "note"),
    masked=("phone",),
    private=("number",),
    sheet=SHEET,
    picker=Picker(
        key="key",
        placeholder="姓名、拼音或警号",
        note=lambda person, shown: (
            f"{shown('number')} · {person.get_political_status_display()} · {person.home_unit.label}"
        ),
        typed=("number",),
        related=("home_unit",),
    ),
    texts=Texts(NameTerm, ("name",), by_name=True),
)
