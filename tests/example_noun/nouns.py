"""The descriptor: 车辆."""

from __future__ import annotations

from registry.nouns.columns import Column, Layout
from registry.nouns.noun import Noun, Picker, Texts
from registry.nouns.verbs import ENTER, MANAGE, RecordWord, Verb
from tests.example_noun.models import Vehicle, VehicleTerm

SHEET = Layout(
    slug="vehicles",
    title="车辆",
    model=Vehicle,
    importer="tests.example_noun.importer.VehicleImporter",
    key=("code",),
    needed=("code",),
    columns=(
        Column("code", "号牌", "code", required=True, also=("车牌", "车牌号"), example="鲁N1234警"),
        Column("name", "名称", required=True, also=("车辆名称",), example="指挥车"),
        Column("unit", "单位代码", "code", required=True, lower=True, example="dezhou-shi-gonganju"),
        Column("unit_name", "单位", is_info=True),
        Column("started_on", "启用日期", "date", required=True, example="2020-02-03"),
        Column("ended_on", "停用日期", "date", is_info=True),
        Column("note", "备注"),
    ),
)

VEHICLE = Noun(
    key="vehicle",
    plural="vehicles",
    label="车辆",
    model=Vehicle,
    measure="辆",
    verbs=(
        Verb("add_vehicle", "登记车辆", ENTER),
        Verb("edit_vehicle", "修改车辆资料", ENTER),
        Verb("retire_vehicle", "停用车辆", MANAGE),
    ),
    unit_path="unit",
    related=("unit",),
    page="vehicle",
    list_page="vehicles",
    page_key_label="号牌",
    edit="edit_vehicle",
    editable=("name", "started_on", "note"),
    sheet=SHEET,
    picker=Picker(
        key="code",
        placeholder="车辆名称、拼音或号牌",
        note=lambda vehicle, shown: f"{vehicle.code} · {vehicle.unit.label}",
        related=("unit",),
    ),
    texts=Texts(VehicleTerm, ("name",), codes=("code",)),
)

WORDS = {"days_in_service": RecordWord("使用天数")}
"""What an entry holds beside the fields of a vehicle."""
