"""The desk (我的待办): what waits for the user, and what came back."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from registry import access
from registry.models import Organization
from registry.pages.desk import deciding
from registry.pages.desk.waiting import ENTERED, RETURNED, drafts, submitted
from registry.pages.organizations.approvers import who_approves
from registry.pages.people.lent import LentTable, newest_lent
from registry.web import desk as handed_up
from registry.web.address import address_of
from registry.web.context import Frame
from registry.web.drill import Place

SHOWN = 50
PARTS = ("deciding", "returned", "submitted", "drafts", "cards", "owed", "lent")


@require_safe
def desk(request: HttpRequest) -> HttpResponse:
    """Show what waits for the user, the oldest first."""
    user, address = request.user, address_of(request)
    rows = submitted(user).select_related("unit", "parent__unit").order_by("submitted_at", "pk")
    waiting = list(rows[:SHOWN])
    context: dict[str, Any] = {
        "deciding": deciding.panel(request),
        "returned": _returned(user),
        "submitted": list(zip(waiting, who_approves(user, waiting), strict=True)),
        "drafts": list(drafts(user).select_related("unit").order_by("-updated_at")[:SHOWN]),
        "cards": handed_up.cards(request),
        "owed": handed_up.owed(user),
        **_lent(request),
    }
    context |= {
        "is_empty": not any(context[name] for name in PARTS),
        "title": "我的待办",
        "subtitle": Frame(request).role,
        "actions": [{"label": "委托他人代批", "url": address.url(reverse("delegate")), "tone": ""}]
        * access.may_somewhere(user, "delegate_approval"),
    }
    return render(request, "pages/desk/desk.html", context)


def _returned(user: access.AnyUser) -> list[Organization]:
    if not access.may_somewhere(user, RETURNED.verb):
        return []
    rows = RETURNED.of(user).select_related("unit", "decided_by")
    return list(rows.order_by("decided_at", "pk")[:SHOWN])


def _lent(request: HttpRequest) -> dict[str, Any]:
    """Return the newest of those whom others placed, of the units where the user enters."""
    spans, day = access.spans(request.user, ENTERED), address_of(request).as_of
    newest = newest_lent(spans, day) if spans else []
    if not newest:
        return {"lent": []}
    table = LentTable(request, Place(None, None, False, spans))
    return {"lent": table.lines(newest), "lent_number": table.length}
