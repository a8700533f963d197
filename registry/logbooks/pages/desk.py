"""What waits for a user among the entries, for the desk: to be decided, and what came back."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest

from registry import access
from registry.logbooks.models import Entry
from registry.models import User, WorkflowState
from registry.operations import seen
from registry.rules import workflow
from registry.web.deciding import DecideManyForm
from registry.web.desk import Waiting

MOST = 50
Card = tuple[str, dict[str, Any]]


def _to_decide(user: int) -> QuerySet[Entry]:
    return workflow.decidable(Entry.objects.all(), User(pk=user))


def _returned(user: int) -> QuerySet[Entry]:
    return Entry.objects.filter(state=WorkflowState.RETURNED, changed_by=user)


TO_DECIDE = Waiting("approve_entry", _to_decide)
RETURNED = Waiting("submit_entry", _returned)
NUMBERS = (TO_DECIDE, RETURNED)


def _rows(user: access.AnyUser, waiting: Waiting) -> list[Entry]:
    if not access.may_somewhere(user, waiting.verb):
        return []
    rows = waiting.of(user).select_related("logbook", "unit", "submitted_by", "decided_by")
    return list(rows.order_by("submitted_at", "pk")[:MOST])


def deciding(request: HttpRequest) -> Card | None:
    """Return the card of the entries that wait for the user's decision, the oldest first."""
    rows = _rows(request.user, TO_DECIDE)
    if not rows:
        return None
    number = len(rows) if len(rows) < MOST else TO_DECIDE.of(request.user).count()
    marks = [f"{row.pk}:{mark}" for row, mark in zip(rows, seen.short_marks(rows), strict=True)]
    form = DecideManyForm(user=request.user, row=SimpleNamespace(rows=rows), auto_id="entry_%s")
    return "logbooks/_desk.html", {
        "rows": list(zip(rows, marks, strict=True)),
        "number": number,
        "form": form,
    }


def returned(request: HttpRequest) -> Card | None:
    """Return the card of the user's entries that came back, and why."""
    rows = _rows(request.user, RETURNED)
    return ("logbooks/_desk_returned.html", {"rows": rows}) if rows else None
