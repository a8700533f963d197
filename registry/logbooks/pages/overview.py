"""工作台账: the logbooks in use at a unit and below it, by group, each with its numbers and its form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from registry import access
from registry.counting.rollup import Line, rollup
from registry.logbooks.design import Group
from registry.logbooks.metrics import metrics_of
from registry.logbooks.models import Logbook
from registry.logbooks.pages.books import counted_url, enter_url, in_order, used_below
from registry.logbooks.rules import below
from registry.models import Unit
from registry.web.address import Address, address_of
from registry.web.drill import unit_of
from registry.web.fields import PickerField
from registry.web.filters import FilterForm
from registry.web.links import PENDING
from registry.web.lists import others


@dataclass(frozen=True)
class ListedBook:
    """A logbook of the overview: its numbers at the unit, each with its rows."""

    logbook: Logbook
    url: str
    enter_url: str
    numbers: Sequence[tuple[str, int, str, str]]
    """Label, number, measure and address of each."""
    pending: int
    pending_url: str


@dataclass(frozen=True)
class Card:
    """The logbooks of one group."""

    label: str
    books: list[ListedBook] = field(default_factory=list)


@require_safe
def logbooks(request: HttpRequest) -> HttpResponse:
    """Show the logbooks in use at the unit of the address, above and below it."""
    address = address_of(request)
    unit = place_of(request)
    books = used_below([unit], address.as_of) if unit is not None else []
    picker = FilterForm(
        {"unit": PickerField("unit", label="单位(含下级)", required=False)},
        user=request.user,
        initial={"unit": unit},
        auto_id="filter_%s",
    )
    return render(
        request,
        "logbooks/logbooks.html",
        {
            "title": "工作台账",
            "subtitle": f"{unit.name}及下级单位" if unit is not None else "",
            "unit": unit,
            "cards": cards(request.user, unit, books, address) if unit is not None else [],
            "ended": _ended(request, unit),
            "add_url": add_url(request.user, unit, address),
            "filters": picker,
            "others": others(request, ["unit", "unit_text"]),
            "question": address.question,
            "actions": _actions(request.user, unit, address),
        },
    )


def place_of(request: HttpRequest) -> Unit | None:
    """Return the unit that the page is about: that of the address, else the user's largest tree."""
    unit = unit_of(request) or _first(request.user)
    if unit is not None:
        request.current_unit = unit.code  # type: ignore[attr-defined]
    return unit


def _first(user: access.AnyUser) -> Unit | None:
    """Return the unit that the page is about where the address names none: the user's largest tree."""
    tops = access.top_units(user)
    return max(tops, key=lambda unit: unit.rght - unit.lft) if tops else None


def add_url(user: access.AnyUser, unit: Unit | None, address: Address) -> str:
    """Return the address on which a manager takes shipped logbooks into use; "" for others."""
    if unit is None or not access.may(user, "add_logbook", unit):
        return ""
    return address.url(reverse("logbooks_shipped", args=[unit.code]))


def _actions(user: access.AnyUser, unit: Unit | None, address: Address) -> list[dict[str, Any]]:
    if unit is None:
        return []
    photos = {"label": "相册", "url": address.url(reverse("album"), unit=unit.code)}
    url = add_url(user, unit, address)
    if not url:
        return [photos]
    new = address.url(reverse("logbook_add", args=[unit.code]))
    return [
        photos,
        {"label": "启用自带台账", "url": url, "tone": ""},
        {"label": "新建台账", "url": new, "tone": ""},
    ]


def _ended(request: HttpRequest, unit: Unit | None) -> list[tuple[str, str]]:
    """Return name and address of the logbooks that are not in use any more."""
    if unit is None:
        return []
    address = address_of(request)
    rows = access.visible(request.user, Logbook.objects.filter(ended_on__lte=address.as_of))
    return [(each.name, address.url(each.get_absolute_url(), unit=unit.code)) for each in in_order(rows)]


def cards(user: access.AnyUser, unit: Unit, books: Sequence[Logbook], address: Address) -> list[Card]:
    """Return the logbooks by group with their numbers at the unit and below: counted all at once."""
    metrics = {each.pk: metrics_of(each) for each in books}
    every = [metric for each in metrics.values() for metric in each]
    line = rollup(unit, address.question, children=False, metrics=every).total if every else Line.of(())
    may = access.may(user, "add_entry", unit)
    found: dict[str, Card] = {}
    for each in books:
        numbers = [
            (
                metric.label,
                line.counts[metric.slug],
                metric.measure,
                counted_url(address, metric.slug, unit=unit.code),
            )
            for metric in metrics[each.pk]
        ]
        pending = max(
            (line.pending.get(metric.slug, 0) for metric in metrics[each.pk] if metric.way == "entries"),
            default=0,
        )
        is_here = unit.pk in below(each, [unit])
        listed = ListedBook(
            each,
            address.url(each.get_absolute_url(), unit=unit.code),
            enter_url(address, each, unit=unit.code) if may and is_here else "",
            numbers,
            pending,
            address.url(each.get_absolute_url(), unit=unit.code, state=PENDING),
        )
        found.setdefault(each.group, Card(str(Group(each.group).label))).books.append(listed)
    return list(found.values())
