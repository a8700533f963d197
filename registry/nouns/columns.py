"""The columns of a noun's sheet: used by reading, templates, import and export."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from typing import Any, Literal

from django.db import models

from registry.models.text import INVISIBLE, NormalizedField, normalize_person_name
from registry.models.unit import code_validator

CellKind = Literal["text", "name", "code", "date", "choice", "yes_no", "whole"]
"""What a cell holds. ``text``: as typed, without spaces at its ends; ``name``: text that has no spaces
between Chinese characters; ``code``: text without any spaces, leading zeros kept, half-width; ``date``: a
day; ``choice``: one of ``Column.labels``; ``yes_no``: 是 or 否; ``whole``: a number without fraction."""

Value = str | date | bool | int | None
"""What a cell is read as: a choice as its stored value, an empty cell as None."""

Mend = Callable[[Mapping[str, Value], Mapping[str, Any]], tuple[dict[str, Value], dict[str, str]]]
"""Called with a row's values and its cells, by column. Returns the values to use instead, and messages about
contradictions, both by column."""

YES, NO = "是", "否"
ERROR_HEADER = "错误原因"
"""The last column of a workbook that comes back; ignored on reading."""
NOTES_TITLE = "填写说明"
"""The sheet of a template that says how to fill it in."""
EXAMPLE = "示例"
"""A row whose first key begins with this is the template's example and is not read."""


@dataclass(frozen=True)
class Column:
    """One column of a noun's sheet; what the model's field says need not be said again.

    ``slug`` is the name in the operations, and that of the field unless ``path`` leads to another.
    From the field come the ``header`` (its verbose name), the ``kind``, the ``labels`` of its choices, the
    ``max_length`` (in characters; None: no limit), and whether it is ``required`` to add a row. A relation
    is filled in by the code of what it leads to. Codes are read in ``lower`` case where their field allows
    no other; names are ``normalized`` as their field is.

    ``is_info`` columns are written for the reader's eyes and change nothing when they come back. ``also``
    are other headers that mean the same, the most specific first (of two such columns one is read), ``words``
    other words for a stored value. A ``spaced`` code keeps single spaces (telephones). A day ``by_month`` may
    be known to the month only. ``names`` is the column of codes for which this one says the name: it is read
    where the code is not given, and so may be an ``is_info`` column, which exports write beside the code.
    """

    slug: str
    header: str = ""
    kind: CellKind | Literal[""] = ""
    required: bool | None = None
    also: tuple[str, ...] = ()
    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    help: str = ""
    example: str = ""
    max_length: int | None = None
    is_info: bool = False
    spaced: bool = False
    by_month: bool = False
    names: str = ""
    path: str = ""
    lower: bool = False
    normalized: Callable[[str], str] = normalize_person_name
    labels: Mapping[str, str] = field(default_factory=dict)
    """Stored value -> what the pages and the drop-down list show."""

    def of(self, model: type[models.Model]) -> Column:
        """Return the column with what its field in ``model`` says."""
        found = _field(model, self.path or self.slug)
        header = self.header or str(found.verbose_name)
        also = tuple(word for word in dict.fromkeys(self.also) if word != header)
        if found is None:
            return replace(self, kind=self.kind or "text", required=bool(self.required), also=also)
        code = found.related_model._meta.get_field("code") if found.is_relation else found
        labels = {str(value): str(label) for value, label in found.flatchoices}
        kind = self.kind or _kind(found)
        is_needed = not (found.blank or found.has_default() or self.is_info)
        is_limited = kind == "code" or not (labels or found.is_relation)
        return replace(
            self,
            header=header,
            also=also,
            kind=kind,
            required=is_needed if self.required is None else self.required,
            labels=labels,
            lower=kind == "code" and code_validator in code.validators,
            normalized=found.normalized if isinstance(found, NormalizedField) else self.normalized,
            max_length=self.max_length or (code.max_length if is_limited else None),
        )

    @cached_property
    def meanings(self) -> dict[str, str]:
        """What may be typed into the cell (``key_of`` it) -> stored value."""
        known = {key_of(value): value for value in self.labels}
        known |= {key_of(label): value for value, label in self.labels.items()}
        return known | {key_of(word): str(value) for value, words in self.words.items() for word in words}

    def shown(self, value: Value) -> str | date | None:
        """Return what an export writes into the cell for the stored ``value``; empty text is None."""
        if isinstance(value, bool):
            return YES if value else NO
        if isinstance(value, int):
            return str(value)
        if isinstance(value, str) and self.kind == "choice":
            return self.labels.get(value, value) or None
        return value or None


@dataclass(frozen=True)
class Layout:
    """How the sheet of a noun is laid out.

    ``slug`` and ``title`` are the noun's. ``needed`` are the columns that name the row: without them a
    sheet is not recognized, and a row where one of them is empty is wrong. ``key`` is what makes a row the
    same row (assignments: their day of start belongs to it; when that is empty, the one open assignment is
    meant). ``mend`` is for cells that say what belongs into another column. A sheet with a ``verb`` is
    offered only to who may do it, and is no part of the workbook of all. ``importer`` is the dotted path
    of the class that judges and writes its rows (``registry.importers.session.Importer``).
    """

    slug: str
    title: str
    model: type[models.Model]
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    needed: tuple[str, ...]
    mend: Mend | None = None
    verb: str = ""
    importer: str = "registry.importers.session.Importer"
    made_by: tuple[str, int] | None = None
    """Noun and key of the row of which users made it: who sees that may use it, and a sheet is of this kind
    only where its title says so, since its columns are in other sheets, too."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "columns", tuple(each.of(self.model) for each in self.columns))

    @cached_property
    def by_slug(self) -> dict[str, Column]:
        """The columns by slug."""
        return {column.slug: column for column in self.columns}

    @cached_property
    def by_header(self) -> dict[str, Column]:
        """The columns by every header that means them (``key_of`` it)."""
        known = {key_of(name): column for column in self.columns for name in column.also}
        return known | {key_of(column.header): column for column in self.columns}

    @cached_property
    def named_by(self) -> dict[str, Column]:
        """The columns of names that may stand for a column of codes, by the slug of the latter."""
        return {column.names: column for column in self.columns if column.names}

    def has(self, slugs: Collection[str], needed: Iterable[str]) -> bool:
        """Whether every ``needed`` column is among these, or the one with the names for it."""
        named = {column.names for slug in slugs if (column := self.by_slug[slug]).names}
        return all(slug in slugs or slug in named for slug in needed)


def headers(names: str, ends: str) -> tuple[str, ...]:
    """Return every one of ``names`` with every one of ``ends``: 单位 机构, 代码 编码 are four headers."""
    return tuple(f"{name}{end}" for name in names.split() for end in ends.split())


CODES = "代码 编码 编号"
"""Ends of the headers of columns with codes."""
DAYS = "日期 时间"
"""Ends of the headers of columns with days."""

_UNSEEN = re.compile(rf"\s|{INVISIBLE}")


def key_of(text: str) -> str:
    """Return ``text`` for comparing: half-width, lower-case, without spaces."""
    return _UNSEEN.sub("", unicodedata.normalize("NFKC", text)).casefold()


def _field(model: type[models.Model], path: str) -> Any:
    """Return the field to which ``path`` leads from ``model``; None where there is none."""
    found: Any = None
    for name in path.split("__"):
        if name not in {each.name for each in model._meta.get_fields()}:
            return None
        found = model._meta.get_field(name)
        model = found.related_model or model
    return found


def _kind(found: Any) -> CellKind:
    """Return what the cells of a field hold, unless its column says otherwise."""
    if found.is_relation or found.unique:
        return "code"
    if found.flatchoices:
        return "choice"
    if isinstance(found, models.DateField):
        return "date"
    if isinstance(found, models.BooleanField):
        return "yes_no"
    if isinstance(found, models.IntegerField):
        return "whole"
    return "name" if isinstance(found, NormalizedField) else "text"
