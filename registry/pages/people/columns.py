"""What lists of assignments share: what finds them, and what is done to those that are ticked."""

from __future__ import annotations

from typing import Any

from django.db.models import Q

from registry import access
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
