"""What lists of people share: the columns that name a person, and what finds and changes assignments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.db.models import Q

from registry import access
from registry.models import Person
from registry.nouns import Noun
from registry.nouns.person import PERSON
from registry.web.columns import Column, noun_column
from registry.web.links import person_url
from registry.web.lists import PrivateField
from registry.web.tables import Act

ASSIGNMENT_ACTS = (
    Act("end_assignment", "assignments_end", "结束编入"),
    Act("end_assignment", "assignments_transfer", "转到其他组织"),
    Act("change_role", "assignments_role", "调整职责"),
    Act("edit_assignment", "assignments_edit", "更正日期"),
    Act("withdraw_assignment", "assignments_withdraw", "撤回误录"),
)
"""What is done to ticked assignments."""


def assignments_named(table: Any, rows: Any, text: str) -> Any:
    """Return the assignments whose person or organization the text names."""
    by_person = access.person_matches(table.user, text, "person__")
    return rows.filter(by_person | Q(organization__name__icontains=text))


def person_columns(
    noun: Noun, person: Callable[[Any], Person], key: str = "", sort: Sequence[str] = (), path: str = ""
) -> tuple[Column[Any], Column[Any]]:
    """Return name and police number of the person in a row, which knows its ``table``.

    The list is sorted by name under ``key``, by the fields ``sort``, and by number; ``path`` leads to the
    person's fields. Without a key nobody sorts it.
    """
    return (
        noun_column(
            noun,
            "name",
            value=lambda row: person(row).name,
            key=key,
            sort=sort,
            url=lambda row: person_url(row.table.user, person(row), row.table.address),
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
