"""The columns that name a person, in every list of people, assignments and service records."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from registry import access
from registry.models import Person
from registry.nouns import Noun
from registry.nouns.person import PERSON
from registry.web.columns import Column, noun_column
from registry.web.links import person_url
from registry.web.lists import PrivateField


def person_columns(
    noun: Noun,
    person: Callable[[Any], Person],
    key: str = "",
    sort: Sequence[str] = (),
    path: str = "",
    page: str = "person",
) -> tuple[Column[Any], Column[Any]]:
    """Return name and police number of the person in a row, which knows its ``table``.

    The list is sorted by name under ``key``, by the fields ``sort``, and by number; ``path`` leads to the
    person's fields. Without a key nobody sorts it. The name leads to the person's ``page``.
    """
    return (
        noun_column(
            noun,
            "name",
            value=lambda row: person(row).name,
            key=key,
            sort=sort,
            url=lambda row: person_url(row.table.user, person(row), row.table.address, page),
            is_sample=lambda row: person(row).is_sample,
            css="nowrap",
            is_heading=True,
        ),
        noun_column(
            noun,
            "number",
            value=lambda row: access.shown_number(row.table.user, person(row)),
            key="number" if key else "",
            sort=(PrivateField(PERSON, "number", path),) if key else (),
        ),
    )
