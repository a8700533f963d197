"""People: police officers, auxiliaries and others, with their home unit."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, QuerySet

from registry.models import (
    Assignment,
    NameTerm,
    Person,
    PersonCategory,
    PoliticalStatus,
)
from registry.models.base import in_spans
from registry.models.hierarchy import Span, everything
from registry.nouns.columns import Column, Layout
from registry.nouns.noun import Noun, Picker, Texts
from registry.nouns.verbs import ENTER, PERSONAL, Verb

NUMBER_ALSO = ("编号", "警员编号", "人员编号", "民警警号", "警员号", "辅警编号")
NAME_ALSO = ("名字", "人员姓名", "民警姓名")
"""Other headers for a person's number and name."""

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
            also=("类别", "人员类型", "身份"),
            words={
                PersonCategory.OFFICER: ("警察", "人民警察", "在编民警"),
                PersonCategory.AUXILIARY: ("协警", "警务辅助人员"),
                PersonCategory.CIVILIAN: ("其他",),
            },
            example=PersonCategory.OFFICER.value,
        ),
        Column(
            "political_status",
            also=("面貌", "政治身份"),
            words={
                PoliticalStatus.FULL_MEMBER: ("党员", "中共党员", "中共正式党员"),
                PoliticalStatus.PROBATIONARY_MEMBER: ("中共预备党员",),
                PoliticalStatus.ACTIVIST: ("积极分子",),
                PoliticalStatus.LEAGUE_MEMBER: ("团员", "共青团"),
            },
            example=PoliticalStatus.FULL_MEMBER.value,
        ),
        Column(
            "home_unit",
            "所属单位代码",
            also=("单位代码", "机构代码", "所在单位代码"),
            example="dezhou-shi-gonganju-decheng",
        ),
        Column("home_unit_name", "所属单位", also=("单位", "单位名称", "所在单位"), is_info=True),
        Column(
            "home_branch",
            "所属党支部代码",
            also=("党支部代码", "组织关系所在支部代码", "所在党支部代码", "支部代码"),
            help="组织关系所在的常设党组织。",
        ),
        Column(
            "home_branch_name", "所属党支部", also=("党支部", "组织关系所在支部", "所在党支部"), is_info=True
        ),
        Column(
            "joined_on",
            also=("入党时间",),
            help="自该日起计入党员;转正日期没有填写的,正式党员按预备期一年推算。",
        ),
        Column("confirmed_on", also=("转正时间", "转为正式党员日期")),
        Column("title", also=("职务名称", "现任职务"), example="民警"),
        Column(
            "phone",
            kind="code",
            also=("电话", "手机", "手机号", "手机号码", "联系方式", "电话号码"),
            spaced=True,
        ),
        Column("note", also=("说明",)),
    ),
)


def _within(rows: QuerySet[Person], spans: list[Span], few: bool) -> QuerySet[Person]:
    """Return people whose home unit, or the unit of one of their organizations, is in the intervals."""
    if everything(spans):
        return rows
    placed = Assignment.objects.valid().filter(in_spans(spans, "organization__unit__")).order_by()
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
