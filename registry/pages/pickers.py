"""What a picker finds while somebody types: at most twenty hits, in scope only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from registry import access
from registry.models import GrantRole, Organization, Unit, WorkflowState
from registry.models.kinds import ALLOWED_PARENTS
from registry.search.query import find_organizations, find_people, find_units
from registry.web.address import address_of
from registry.web.fields import NOUNS
from registry.web.typed import cleaned

SHOWN = 20

_RIGHTS = {"enter": access.ENTER_ROLES, "approve": access.APPROVE_ROLES, "manage": access.MANAGE_ROLES}


@require_safe
def units(request: HttpRequest) -> HttpResponse:
    """Units; with ``roles`` (enter, approve, manage, or names) only open ones where the user may do that."""
    text, roles = typed(request), _roles(request)
    open_on = address_of(request).today if roles != access.ALL_ROLES else None
    found = find_units(request.user, text, roles, most=SHOWN + 1, open_on=open_on)
    return _answer(request, "unit", text, found)


@require_safe
def organizations(request: HttpRequest) -> HttpResponse:
    """Organizations; with ``kind`` those that stand on the day and may be directly above one of that kind.

    With ``below`` (a unit where the user may enter) also the superiors that stand above the user's scope.
    """
    text, kind = typed(request), request.GET.get("kind", "")
    above = kind if kind in ALLOWED_PARENTS else ""
    found = find_organizations(
        request.user,
        text,
        _roles(request),
        most=SHOWN + 1,
        above=above,
        standing_on=address_of(request).as_of if above else None,
        superiors_of=_below(request),
        withdrawn=False,
    )
    return _answer(request, "organization", text, found)


@require_safe
def people(request: HttpRequest) -> HttpResponse:
    """People, by part of the name, its pinyin, or the beginning of the number."""
    text = typed(request)
    found = find_people(request.user, text, _roles(request), most=SHOWN + 1)
    return _answer(request, "person", text, found)


def typed(request: HttpRequest) -> str:
    """Return what was typed: ``q``, or the picker's own field, whose name ends with ``_text``."""
    for name, value in request.GET.items():
        if name == "q" or name.endswith("_text"):
            return cleaned(str(value))
    return ""


def _roles(request: HttpRequest) -> tuple[str, ...]:
    words = [word for word in request.GET.get("roles", "").split(",") if word]
    if not words:
        return access.ALL_ROLES
    return tuple(
        role
        for word in words
        for role in _RIGHTS.get(word, (word,))
        if role in GrantRole.values  # an unknown word opens nothing
    )


def _below(request: HttpRequest) -> Unit | None:
    code = cleaned(request.GET.get("below", ""))
    units = access.visible(request.user, Unit.objects.filter(code=code), access.ENTER_ROLES)
    return units.first() if code else None


def _answer(request: HttpRequest, noun: str, text: str, found: Sequence[Any]) -> HttpResponse:
    if not text:
        return HttpResponse()
    options = [
        {"value": getattr(row, NOUNS[noun].key), "label": str(row), "note": _note(request, noun, row)}
        for row in found[:SHOWN]
    ]
    context = {"options": options, "more": len(found) > SHOWN, "query": text}
    return render(request, "parts/picker_options.html", context)


def _note(request: HttpRequest, noun: str, row: Any) -> str:
    parts = [NOUNS[noun].note(request.user, row)]
    if isinstance(row, Unit) and row.closed_on is not None:
        parts.append(f"{row.closed_on.isoformat()} 撤并")
    if isinstance(row, Organization):
        if row.dissolved_on is not None:
            parts.append(f"{row.dissolved_on.isoformat()} 撤销")
        if row.state != WorkflowState.APPROVED:
            parts.append(row.get_state_display())
    if row.is_sample:
        parts.append("演示")
    return " · ".join(parts)
