"""Search over units, organizations and people in scope, by name, pinyin, alias, code or number."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from registry import access, nouns
from registry.nouns.organization import ORGANIZATION
from registry.nouns.person import PERSON
from registry.nouns.unit import UNIT
from registry.pages.units.tables import UnitTable
from registry.search.query import find
from registry.web.address import address_of
from registry.web.fields import note_of
from registry.web.links import row_url
from registry.web.lists import export_url
from registry.web.text import cleaned

OWN_CARDS = (UNIT, ORGANIZATION, PERSON)
"""The hits of other nouns are shown alike: name, note, link."""
SHOWN = 20
SHOWN_WHILE_TYPING = 6


@require_safe
def search(request: HttpRequest) -> HttpResponse:
    """Show up to twenty of each; ``only=units`` pages through the units, which have no list of their own."""
    table = UnitTable(request)
    text = table.text
    title = f"搜索“{text}”" if text else "搜索"
    context: dict[str, Any] = {
        "q": text,
        "title": title,
        "subtitle": "在您的管理范围内,按名称、别名、拼音、首字母、代码、文号、姓名、警号查找",
        "as_of": table.address.as_of,
        "nothing": _nothing(request, text),
    }
    if text and request.GET.get("only") == "units":
        context |= {"page_obj": table.page_obj, "unit_grid": table.grid}
        context["export_url"] = export_url(request, table.file)
    elif text:
        context |= _hits(request, text, SHOWN)
        context["unit_grid"] = table.drawn(context["units"])
    return render(request, "pages/search/search.html", context)


@require_safe
def search_now(request: HttpRequest) -> HttpResponse:
    """Answer the box of every page while somebody types: the best few of each."""
    text = cleaned(request.GET.get("q", ""))
    if not text:
        return HttpResponse()
    hits = _hits(request, text, SHOWN_WHILE_TYPING)
    return render(request, "pages/search/_now.html", {"q": text, "nothing": _nothing(request, text), **hits})


def _hits(request: HttpRequest, text: str, shown: int) -> dict[str, Any]:
    groups = [group for group in _groups(request, text, shown) if group["hits"]]
    hits: dict[str, Any] = {"groups": groups}
    hits["found"] = bool(groups)
    hits["more"] = any(group["more"] for group in groups)
    for noun in OWN_CARDS:
        rows = find(noun, request.user, text, most=shown + 1)
        hits |= {noun.plural: rows[:shown], f"more_{noun.plural}": len(rows) > shown}
        hits["found"] |= bool(rows)
        hits["more"] |= len(rows) > shown
    return hits


def _groups(request: HttpRequest, text: str, shown: int) -> list[dict[str, Any]]:
    """Return the hits of the nouns that have no card of their own, by noun."""
    address, user, groups = address_of(request), request.user, []
    for noun in nouns.all_nouns():
        if noun.texts is None or not noun.page or noun in OWN_CARDS:
            continue
        rows = find(noun, user, text, most=shown + 1)
        groups.append(
            {
                "noun": noun,
                "hits": [
                    {"row": row, "url": row_url(user, row, address), "note": _note(user, noun, row)}
                    for row in rows[:shown]
                ],
                "more": len(rows) > shown,
                "url": address.url(reverse(noun.list_page), q=text) if noun.list_page else "",
            }
        )
    return groups


def _note(user: access.AnyUser, noun: nouns.Noun, row: Any) -> str:
    """Return the grey words beside a hit: those of the picker, else its unit."""
    unit = noun.unit_of(row)
    return note_of(user, row) if noun.picker is not None else unit.label if unit is not None else ""


def _nothing(request: HttpRequest, text: str) -> str:
    """Return the words of a search without a hit; who sees numbers masked is told that they find nobody."""
    *labels, last = [noun.label for noun in nouns.all_nouns() if noun.texts is not None]
    found = f"您的管理范围内没有与“{text}”相符的{'、'.join(labels)}或{last}"
    is_number = any(char.isdigit() for char in text)
    sees_numbers = access.may_somewhere(request.user, access.PERSONAL)
    return f"{found};您看不到完整警号,人员请按姓名查找" if is_number and not sees_numbers else found
