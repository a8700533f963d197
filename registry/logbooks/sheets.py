"""The sheet of each logbook: one layout for its template, its import and what its list writes into a file."""

from __future__ import annotations

from collections.abc import Iterable

from registry.logbooks.design import OF_FILES, Field, FieldType, read_fields
from registry.logbooks.models import AddedFields, Entry, EntryPerson, Logbook
from registry.models.versions import kept_until_changed
from registry.nouns.columns import Column, Layout

PREFIX = "log-"
"""Begins the slug of a logbook's sheet; its code follows."""
_KINDS = {
    FieldType.NUMBER.value: "whole",
    FieldType.DATE.value: "date",
    FieldType.CHOICE.value: "choice",
}
_EXAMPLES = {
    FieldType.NUMBER.value: "12",
    FieldType.AMOUNT.value: "500",
    FieldType.DATE.value: "2020-02-03",
    FieldType.TIME.value: "8:30",
}
_HELP = {
    FieldType.PERSON.value: "写警号,或不重名的姓名。",
    FieldType.PEOPLE.value: "写警号或不重名的姓名,几人之间用顿号隔开;角色写在括号里,如 赵一(带队)、钱二。",
    FieldType.UNIT.value: "写单位代码,或不重名的名称。",
    FieldType.ORGANIZATION.value: "写组织代码,或不重名的名称。",
    FieldType.TIME.value: "写成 8:30 这样。",
    FieldType.AMOUNT.value: "元,可到分,如 36.50。",
}
_FIXED = (
    Column("code", "条目编号", "code", required=False, help="由系统编;留空为新增,填了按编号更新。"),
    Column("happened_on", "日期", "date", required=True, also=("发生日期",), example="2020-02-03"),
    Column("unit", "单位代码", "code", required=True, lower=True, example="dezhou-shi-gonganju"),
    Column("unit_name", "单位", "text", is_info=True, names="unit", also=("单位名称",)),
    Column("organization", "组织代码", "code", required=False, lower=True),
    Column("organization_name", "组织", "text", is_info=True, names="organization", also=("组织名称",)),
    Column("about", "登记对象警号", "code", required=False),
    Column("campaign", "专项任务", "text", required=False, help="写专项任务的名称或代码。"),
)


def slug_of(field: Field) -> str:
    """Return the slug of a field's column: a field may be called as something that every entry has."""
    return f"f_{field.key}"


def is_in_files(field: Field) -> bool:
    """Whether the values of a field are written to files and read from them."""
    return field.type not in OF_FILES and not field.personal


def layout_of(logbook: Logbook, fields: Iterable[Field]) -> Layout:
    """Return the layout of a logbook's sheet, with the fields that units below added."""
    return Layout(
        slug=f"{PREFIX}{logbook.code}",
        title=logbook.name,
        model=Entry,
        columns=(*_FIXED, *(_column(each) for each in fields if is_in_files(each))),
        key=("code",),
        needed=("unit", "happened_on"),
        verb="add_entry",
        importer="registry.logbooks.importer.EntryImporter",
        made_by=("logbook", logbook.pk),
    )


@kept_until_changed(Logbook)
def layouts() -> list[Layout]:
    """Return the sheets of the logbooks that entries can be imported into: in use, and not walled."""
    books = list(
        Logbook.objects.filter(is_walled=False, ended_on=None).exclude(started_on=None).order_by("pk")
    )
    added: dict[int, list[Field]] = {}
    for row in AddedFields.objects.filter(logbook__in=books).order_by("pk"):
        added.setdefault(row.logbook_id, []).extend(read_fields(row.fields))
    return [layout_of(book, (*book.made.asked, *added.get(book.pk, ()))) for book in books]


def said_people(people: Iterable[EntryPerson], numbers: bool) -> str:
    """Return the people of a field as a cell holds them: 赵一 001001(带队)、钱二 001002."""
    return "、".join(
        each.person.name
        + (f" {each.person.number}" if numbers else "")
        + (f"({each.role})" if each.role else "")
        for each in people
    )


def _column(field: Field) -> Column:
    choices = {each: each for each in field.choices} if field.type == FieldType.CHOICE else {}
    help_text = " ".join(filter(None, (field.help, _HELP.get(field.type, ""))))
    return Column(
        slug_of(field),
        field.label,
        _KINDS.get(field.type, "text"),  # type: ignore[arg-type]
        required=field.required and not field.when,
        labels=choices,
        help=help_text,
        example=_EXAMPLES.get(field.type, field.choices[0] if choices else ""),
    )
