"""The columns that name a person: the same on every list."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from registry import access
from registry.models import Person
from registry.spreadsheets.sheets import Kind
from registry.web.columns import Column
from registry.web.links import person_url


def person_columns(
    person: Callable[[Any], Person], key: str = "", sort: Sequence[str] = (), path: str = ""
) -> tuple[Column[Any], Column[Any]]:
    """Return name and police number of the person in a row, which knows its ``table``.

    The list is sorted by name under ``key``, by the fields ``sort``, and by number; ``path`` leads to the
    person's fields. Without a key nobody sorts it.
    """
    return (
        Column(
            "姓名",
            lambda row: person(row).name,
            key=key,
            sort=sort,
            url=lambda row: person_url(row.table.user, person(row), row.table.address),
            is_sample=lambda row: person(row).is_sample,
            css="nowrap",
            slug="name",
            is_heading=True,
        ),
        Column(
            "警号",
            lambda row: access.shown_number(row.table.user, person(row)),
            Kind.CODE,
            key="number" if key else "",
            sort=(f"{path}number",) if key else (),
            slug="number",
        ),
    )
