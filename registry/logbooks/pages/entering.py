"""The form of a new entry: filled in as far as the page knows it, sent once or once after another."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from registry import access
from registry.files.receiving import take_in
from registry.logbooks.design import Design, FieldType
from registry.logbooks.models import Entry, Logbook
from registry.logbooks.operations.entries import add_entry
from registry.logbooks.operations.kept import people_of, python_values
from registry.logbooks.operations.parts import design_at
from registry.logbooks.pages.books import get_logbook, state_word
from registry.logbooks.pages.forms import DRAFT, NEXT, EntryForm, initial_of
from registry.logbooks.rules import below
from registry.models import Unit, WorkflowState
from registry.web.address import Address, actor_of, address_of
from registry.web.campaigns import campaign_of
from registry.web.changes import change, changes_something, posted
from registry.web.text import cleaned

_USUALLY_THE_SAME = (
    FieldType.CHOICE,
    FieldType.PERSON,
    FieldType.PEOPLE,
    FieldType.UNIT,
    FieldType.ORGANIZATION,
)
"""What the next entry keeps of the one before."""


@changes_something
def add(request: HttpRequest, code: str) -> HttpResponse:
    """Enter what happened: at the unit of the address, about its organization or person."""
    logbook = get_logbook(request.user, code)
    access.need_somewhere(request.user, "add_entry")
    address = address_of(request)
    begin = _begin(request, logbook, address)
    unit = begin["unit"]
    if request.method == "POST":
        take_in(request)
    data = posted(request)
    if data is not None:  # the fields are those of the unit that was chosen
        unit = _unit_sent(request, data) or unit
    if unit is not None:
        request.current_unit = unit.code  # type: ignore[attr-defined]
    design = design_at(logbook, unit or logbook.unit)
    begin |= _copied(request, logbook, design)
    form = EntryForm(data, user=request.user, logbook=logbook, design=design, initial=begin)
    is_draft, goes_on = form.save_as == DRAFT, form.save_as == NEXT
    back = address.url(logbook.get_absolute_url(), unit=unit.code if unit is not None else None)

    def goal(made: Entry) -> str:
        if not goes_on:
            return address.url(made.get_absolute_url())
        return address.url(reverse("entry_add", args=[logbook.code]), after=made.code)

    last = None if logbook.is_walled else last_of(request, logbook)
    return change(
        request,
        form,
        lambda: add_entry(
            actor=actor_of(request), logbook=logbook, values=form.values(), is_draft=is_draft, **form.facts()
        ),
        done=lambda made: _said(made, address, goes_on=goes_on),
        back=goal,
        template="logbooks/enter.html",
        context={
            "logbook": logbook,
            "title": f"登记:{logbook.name}",
            "subtitle": f"{logbook.purpose}必填 {form.required_number} 项,其余选填",
            "crumbs": [
                {"name": "工作台账", "url": address.url(reverse("logbooks"))},
                {"name": logbook.name, "url": back},
                {"name": "登记"},
            ],
            "cancel_url": back,
            "submit_label": "提交",
            "save_as": ((NEXT, "提交并记下一条"), (DRAFT, "存草稿")),
            "actions": [{"label": "照上一条填", "url": address.url(request.path, like=last.code)}]
            if last
            else [],
            "goes_on": "after" in request.GET,
            "draft_leaves": " ".join(form.personal),
            "draft_key": "" if logbook.is_walled else f"{request.user.pk}:{request.path}",
        },
    )


def last_of(request: HttpRequest, logbook: Logbook) -> Entry | None:
    """Return the newest entry that the user wrote in the logbook."""
    rows = access.visible(request.user, Entry.objects.filter(logbook=logbook, changed_by=request.user.pk))
    return rows.order_by("-pk").first()


def _begin(request: HttpRequest, logbook: Logbook, address: Address) -> dict[str, Any]:
    """Return what the form begins with: the day of the page, my unit, what the address is about."""
    user, asked = request.user, request.GET
    row: dict[str, Any] = {}
    if name := cleaned(asked.get("organization", "")):
        row["organization"] = access.get_organization(user, name)
    if name := cleaned(asked.get("person", "")):
        row["person"] = access.get_person(user, name)
    unit: Unit | None = None
    if name := cleaned(asked.get("unit", "")):
        unit = access.get_unit(user, name)
    elif "organization" in row:
        unit = row["organization"].unit
    elif "person" in row:
        unit = row["person"].home_unit
    if unit is None or not access.may(user, "add_entry", unit) or unit.pk not in below(logbook, [unit]):
        unit = _own(user, logbook)
    campaign = campaign_of(user, address)
    return {
        "happened_on": address.as_of,
        "unit": unit,
        "campaign": campaign.code if campaign is not None else None,
        **row,
    }


def _own(user: access.AnyUser, logbook: Logbook) -> Unit | None:
    """Return the unit at which the user enters entries where there is but one, below the logbook's."""
    tops = access.top_units(user, "add_entry")
    known = below(logbook, tops)
    return next((unit for unit in tops if unit.pk in known), None) if len(tops) == 1 else None


def _unit_sent(request: HttpRequest, data: Any) -> Unit | None:
    code = cleaned(data.get("unit", ""))
    rows = access.visible(request.user, Unit.objects.filter(code=code), "add_entry") if code else None
    return rows.first() if rows is not None else None


def _copied(request: HttpRequest, logbook: Logbook, design: Design) -> dict[str, Any]:
    """Return what is taken from another entry: all that it says (``like``), or what the next one keeps."""
    after, like = (cleaned(request.GET.get(name, "")) for name in ("after", "like"))
    code = after or like
    if not code or logbook.is_walled:
        return {}
    row: Entry = access.get_row(request.user, "entry", code)
    if row.logbook_id != logbook.pk:
        raise Http404("这一条不在本台账中。")
    values = python_values(row, design, people_of(None, row))
    if like:
        return initial_of(values, design)
    kept = {key: value for key, value in values.items() if design.by_key[key].type in _USUALLY_THE_SAME}
    campaign = row.campaign.code if row.campaign is not None else None
    return {
        **initial_of(kept, design),
        "unit": row.unit,
        "happened_on": row.happened_on,
        "campaign": campaign,
    }


def _said(made: Entry, address: Address, *, goes_on: bool) -> SafeString:
    """Say what was entered, and whether it counts; before the next one with the way to it."""
    state = made.state
    counts = "" if state == WorkflowState.APPROVED else "批准前不计入统计。"
    if state == WorkflowState.DRAFT:
        counts = "提交前不计入统计。"
    said = format_html("已登记“{}”,状态为“{}”。{}", made, state_word(made.logbook, state), counts)
    if not goes_on:
        return said
    return format_html('{} <a href="{}">查看</a>', said, address.url(made.get_absolute_url()))


def draft_key(request: HttpRequest, row: Entry) -> str:
    """Return the mark of the drafts that the browser keeps for who enters in the logbook of an entry."""
    return (
        "" if row.logbook.is_walled else f"{request.user.pk}:{reverse('entry_add', args=[row.logbook.code])}"
    )
