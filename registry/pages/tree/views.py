"""The tree: beside every page, and on a page of its own."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from registry import access
from registry.models import Organization, Unit
from registry.nouns.unit import UNIT
from registry.pages.tree.nodes import Tree
from registry.search.query import find
from registry.web.address import KEPT, address_of
from registry.web.fields import PickerField, ScopedForm
from registry.web.lists import others
from registry.web.text import cleaned


class JumpForm(ScopedForm):
    """Opens the tree at a unit."""

    unit = PickerField("unit", required=False, label="跳到单位")

    holds_input = False


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """Show the whole tree on a page of its own, open at the unit of the address."""
    unit, problem = _asked(request)
    day = address_of(request).as_of
    if unit is not None and not unit.is_open_on(day):
        problem = f"“{unit.name}”在 {day.isoformat()} 还没有设立或已经撤并,这一天的单位树里没有它。"
    if unit is not None:
        request.current_unit = unit.code  # type: ignore[attr-defined]
    context = {
        "has_own_tree": True,
        "nodes": Tree(request.user, address_of(request), wide=True).roots(unit, _organization(request)),
        "unit": unit,
        "problem": problem,
        "form": JumpForm(user=request.user),
        "others": [
            (key, value)
            for key, value in others(request, ("unit", "unit_text", "organization"))
            if key in KEPT
        ],
    }
    return render(request, "pages/tree/tree.html", context)


@require_safe
def side(request: HttpRequest) -> HttpResponse:
    """Answer with the tree beside the page, open at the unit and organization of the address if in scope."""
    code = cleaned(request.GET.get("unit", ""))
    unit = access.visible(request.user, Unit.objects.filter(code=code)).first() if code else None
    nodes = Tree(request.user, address_of(request)).roots(unit, _organization(request))
    return render(request, "pages/tree/side.html", {"nodes": nodes})


@require_safe
def unit_children(request: HttpRequest, code: str) -> HttpResponse:
    """Answer with what stands directly below a unit."""
    unit = access.get_unit(request.user, code)
    nodes = _tree(request).unit_level(unit, _offset(request))
    return render(request, "pages/tree/nodes.html", {"nodes": nodes})


@require_safe
def organization_children(request: HttpRequest, code: str) -> HttpResponse:
    """Answer with what stands directly below an organization, and its people."""
    organization = access.get_organization(request.user, code)
    nodes = _tree(request).organization_level(organization, _offset(request))
    return render(request, "pages/tree/nodes.html", {"nodes": nodes})


def _tree(request: HttpRequest) -> Tree:
    return Tree(request.user, address_of(request), wide=request.GET.get("wide") == "1")


def _organization(request: HttpRequest) -> Organization | None:
    """Return the organization that is open: it is marked in the tree, at the unit of the address."""
    code = cleaned(request.GET.get("organization", ""))
    return access.visible(request.user, Organization.objects.filter(code=code)).first() if code else None


def _offset(request: HttpRequest) -> int:
    text = request.GET.get("from", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 8 else 0


def _asked(request: HttpRequest) -> tuple[Unit | None, str]:
    """Return the unit of the address and what is wrong; typed text (without scripts) takes the best hit."""
    code, text = (cleaned(request.GET.get(name, "")) for name in ("unit", "unit_text"))
    if code:
        unit = access.visible(request.user, Unit.objects.filter(code=code)).first()
    elif text:
        unit = next(iter(find(UNIT, request.user, text, most=1)), None)
    else:
        return None, ""
    return unit, "" if unit else "没有找到单位“%s”,或不在您的管理范围内。" % (code or text)
