"""Units: the organs of public security."""

from __future__ import annotations

from typing import cast

from django.db.models import QuerySet

from registry.models import Unit, UnitKind, UnitTerm
from registry.models.unit import UnitQuerySet
from registry.nouns.columns import CODES, DAYS, Column, Layout, headers
from registry.nouns.noun import Noun, Picker, PickerQuery, Texts
from registry.nouns.verbs import MANAGE, Verb

NAMES = "单位 所在单位 所属单位 机构 所在机构 所属机构 工作单位 现单位 现所在单位 部门 所在部门 所属部门"
"""Words for the unit of a row in the headers of other sheets, the most specific first."""
UNIT_CODES = headers(NAMES, CODES)
UNIT_NAMES = (*headers("单位 所在单位 所属单位 机构", "名称 全称"), *NAMES.split())

SHEET = Layout(
    slug="units",
    title="单位",
    model=Unit,
    importer="registry.imports.units.UnitImporter",
    key=("code",),
    needed=("code",),
    columns=(
        Column(
            "code",
            required=False,
            also=(*headers("单位 机构 组织机构 部门", CODES), "代码", "编码"),
            help="小写字母、数字和连字符;代码已有的按代码更新,没有的新增。不填的按名称对应,新增的由系统编代码。",
            example="dezhou-shi-gonganju-decheng",
        ),
        Column(
            "name",
            names="code",
            also=(*headers("单位 机构 部门", "名称 全称"), "名称", "全称", "单位", "机构"),
            help="单位全称。",
            example="德州市公安局德城分局",
        ),
        Column(
            "short_name",
            also=("单位简称", "机构简称", "规范简称"),
            help="列表和单位树上显示的名称。",
            example="德城分局",
        ),
        Column("aliases", also=("曾用名",), help="多个别名用分号隔开。"),
        Column(
            "kind",
            also=("单位类别", "机构类别", "机构类型", "类别", "类型"),
            example=UnitKind.SUB_BUREAU.value,
        ),
        Column(
            "region_code",
            kind="code",
            also=("区划代码", "行政区划"),
            help="GB/T 2260 六位代码。",
            example="371402",
        ),
        Column(
            "sequence",
            also=("排序", "顺序号", "排列序号"),
            help="在同一上级的单位中排第几;留空的按区划代码和名称排在后面。",
            example="10",
        ),
        Column(
            "superior",
            "上级单位代码",
            also=headers("上级 上级单位 上级机构 主管单位 上级主管单位 隶属单位", CODES),
            help="上级单位可以在本表其他行,先后不限。",
            example="dezhou-shi-gonganju",
            path="parent",
        ),
        Column(
            "superior_name",
            "上级单位",
            names="superior",
            also=("上级单位名称", "上级机构", "上级机构名称", "主管单位", "上级主管单位", "隶属单位", "上级"),
            is_info=True,
        ),
        Column("opened_on", also=headers("成立 设立 组建", DAYS), example="2020-01-01"),
        Column("closed_on", also=headers("撤销 撤并", DAYS), is_info=True),
        Column("note", also=("说明", "备注说明")),
    ),
)


def _marks(unit: Unit) -> list[str]:
    return [f"{unit.closed_on.isoformat()} 撤并"] if unit.closed_on is not None else []


def _narrow(units: QuerySet[Unit], query: PickerQuery) -> QuerySet[Unit]:
    """Leave out closed units where something is to be done at the unit."""
    return cast(UnitQuerySet, units).as_of(query.today) if query.is_for_verb else units


UNIT = Noun(
    key="unit",
    plural="units",
    label="单位",
    model=Unit,
    verbs=(
        Verb("add_unit", "增设单位", MANAGE),
        Verb("edit_unit", "修改单位资料", MANAGE),
        Verb("move_unit", "调整上级单位", MANAGE),
        Verb("merge_unit", "并入其他单位", MANAGE),
        Verb("close_unit", "撤销单位", MANAGE),
        Verb("choose_key_figures", "选择首页指标", MANAGE, final="首页指标的选择不能撤回,请重新选择。"),
    ),
    unit_path="",
    page="unit",
    edit="edit_unit",
    editable=("name", "short_name", "aliases", "kind", "region_code", "sequence", "opened_on", "note"),
    sheet=SHEET,
    picker=Picker(
        key="code",
        placeholder="单位名称、拼音或代码",
        note=lambda unit, shown: unit.parent.label if unit.parent else "",
        related=("parent",),
        marks=_marks,
        narrow=_narrow,
    ),
    texts=Texts(UnitTerm, ("name", "short_name"), ("aliases",), ("code",)),
)
