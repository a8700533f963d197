"""What the rules find at a place on the day of the page, and the words around it."""

from __future__ import annotations

from datetime import date

from django.db.models import QuerySet

from registry.counting.basis import Place, Question, organization_rows
from registry.models import Organization
from registry.rules.checks import Check, Level

LEVELS = [(level.value, level.label) for level in Level]
EXCEPTED = "excepted"
"""Beside the levels: what is excepted is counted apart, whatever its level."""


def checked_at(question: Question, place: Place) -> QuerySet[Organization]:
    """Return the organizations that are checked: approved, standing on the day, of the campaign asked for.

    The same as those that ``count_breaches`` counts, so that a number is that of its list.
    """
    return organization_rows(None, question.current(), place)


def citation_said(check: Check, day: date) -> str:
    """Return what may be quoted of the edition that holds on the day, in words."""
    edition = check.edition_on(day)
    if edition is None:
        return "当日没有这项要求"
    return edition.citation or "未查到公开条文,只作提示"


def nothing_wrong(day: date) -> str:
    """Return the sentence where nothing was found."""
    return f"{day.isoformat()} 没有发现违规,也没有提醒和提示。"
