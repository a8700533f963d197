"""The desk (我的待办): what waits for the user, and what came back."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from registry import access
from registry.pages.desk import deciding
from registry.pages.desk.waiting import ENTERED, drafts
from registry.pages.people.lent import card as lent_card
from registry.web import desk as handed_up
from registry.web.address import address_of
from registry.web.approvers import who_approves
from registry.web.context import Frame
from registry.web.links import Tab

SHOWN, SHOWN_OWN = 50, 10
PARTS = ("deciding", "returned", "submitted", "drafts", "cards", "owed", "lent")


@require_safe
def desk(request: HttpRequest) -> HttpResponse:
    """Show what waits for the user, the oldest first."""
    user, address = request.user, address_of(request)
    context: dict[str, Any] = {
        "deciding": deciding.panel(request),
        "returned": _returned(request),
        "submitted": _submitted(request),
        "submitted_number": sum(kind.own(user).count() for kind in handed_up.deciding()),
        "drafts": list(drafts(user).select_related("unit").order_by("-updated_at")[:SHOWN]),
        "cards": handed_up.cards(request),
        "owed": handed_up.owed(user),
        # of the units where the user enters
        **lent_card(request, access.spans(request.user, ENTERED)),
    }
    context |= {
        "head_tabs": _tabs(context),
        "head_tabs_label": "待办种类",
        "is_empty": not any(context[name] for name in PARTS),
        "title": "我的待办",
        "subtitle": Frame(request).role,
        "actions": [{"label": "委托他人代批", "url": address.url(reverse("delegate")), "tone": ""}]
        * access.may_somewhere(user, "delegate_approval"),
    }
    return render(request, "pages/desk/desk.html", context)


def _returned(request: HttpRequest) -> list[tuple[Any, str, str, list[tuple[str, str]]]]:
    """Return what came back to the user: what would be done, its address, and the ways to mend it."""
    address = address_of(request)
    return [
        (
            row,
            kind.word(row),
            address.url(row.get_absolute_url()),
            [(words, address.url(path)) for words, path in kind.mending(row)],
        )
        for kind in handed_up.deciding()
        for row in kind.back(request.user)[:SHOWN]
    ]


def _submitted(request: HttpRequest) -> list[tuple[Any, str, str, str]]:
    """Return what the user submitted and others decide on: what would be done, its address, by whom.

    The oldest of each kind; all the user's own are in the lists.
    """
    user, address = request.user, address_of(request)
    found = [(kind, row) for kind in handed_up.deciding() for row in kind.own(user)[:SHOWN_OWN]]
    found.sort(key=lambda each: (each[1].submitted_at or each[1].created_at, each[1].pk))
    who = who_approves(user, [row for _kind, row in found])
    return [
        (row, kind.word(row), address.url(row.get_absolute_url()), said)
        for (kind, row), said in zip(found, who, strict=True)
    ]


def _tabs(context: dict[str, Any]) -> list[Tab]:
    """Return the ways to the cards of the page, each with how much is there; none where there is one card."""
    deciding, lent = context["deciding"], context["lent"]
    numbers = (
        ("待我审批", "decide", deciding.get("number", 0)),
        ("退回的", "returned", len(context["returned"])),
        ("到期应办", "owed", len(context["owed"])),
        ("借调", "lent", context["lent_number"] if lent else 0),
        ("我提交的", "submitted", context["submitted_number"]),
        ("草稿", "drafts", len(context["drafts"])),
    )
    tabs = [Tab(label, f"#{name}", False, number) for label, name, number in numbers if number]
    return tabs if len(tabs) > 1 else []
