"""The columns of a noun's sheet: what reading, templates, import and export go by."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from typing import Any, Literal

from django.db import models

CellKind = Literal["text", "name", "code", "date", "choice", "yes_no"]
"""What a cell holds. ``text``: as typed, without spaces at its ends; ``name``: text that has no spaces
between Chinese characters; ``code``: text without any spaces, leading zeros kept, half-width; ``date``: a
day; ``choice``: one of ``Column.choices``; ``yes_no``: 是 or 否."""

Value = str | date | bool | None
"""What a cell is read as: a choice as its stored value, an empty cell as None."""

Mend = Callable[[Mapping[str, Value], Mapping[str, Any]], tuple[dict[str, Value], dict[str, str]]]
"""Given a row's values and what stands in its cells, by column, returns what else it says: values that are
settled by it (which were perhaps not read), and messages of what contradicts it, both by column."""

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
    ``max_length`` is in characters (None: no limit); the layout reads it from the model, where ``path``
    leads to the field if it is not called as the column is. A code is read in ``lower`` case where it is
    stored so, and keeps single spaces where it is ``spaced`` (telephones).
    """

    slug: str
    header: str
    kind: CellKind = "text"
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
    path: str = ""

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
class Layout:
    """How the sheet of a noun is laid out.

    ``slug`` and ``title`` are the noun's. ``needed`` are the columns that name the row: without them a
    sheet is not recognized, and a row where one of them is empty is wrong. ``key`` is what makes a row the
    same row (assignments: their day of start belongs to it; when that is empty, the one open assignment is
    meant). ``mend`` is for cells that say what belongs into another column. ``importer`` is the dotted path
    of the class that judges and writes its rows (``registry.importers.session.Importer``).
    """

    slug: str
    title: str
    model: type[models.Model]
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    needed: tuple[str, ...]
    mend: Mend | None = None
    importer: str = "registry.importers.session.Importer"

    def __post_init__(self) -> None:
        columns = tuple(replace(each, max_length=_length(self.model, each)) for each in self.columns)
        object.__setattr__(self, "columns", columns)

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


def _length(model: type[models.Model], column: Column) -> int | None:
    """Return how long the text of a column may be: as its field, of what is named by a code, as that code."""
    found: Any = None
    for name in (column.path or column.slug).split("__"):
        if name not in {each.name for each in model._meta.get_fields()}:
            return column.max_length
        found = model._meta.get_field(name)
        model = found.related_model or model
    if found.is_relation:
        found = model._meta.get_field("code") if column.kind == "code" else None
    return column.max_length or (None if column.choices else getattr(found, "max_length", None))
