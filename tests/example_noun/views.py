"""The pages of vehicles."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.html import format_html
from django.views.decorators.http import require_http_methods, require_safe

from registry import access
from registry.models import Unit
from registry.web import history
from registry.web.address import actor_of, address_of
from registry.web.changes import change, posted
from registry.web.links import row_url
from registry.web.tables import show
from tests.example_noun import forms, operations
from tests.example_noun.models import Vehicle
from tests.example_noun.tables import VehicleTable

FORM, CONFIRM = "example_noun/form.html", "example_noun/confirm.html"
changes_something = require_http_methods(["GET", "HEAD", "POST"])


@require_safe
def vehicles(request: HttpRequest) -> HttpResponse:
    """List the vehicles at a place, or those behind a number."""
    return show(VehicleTable(request))


@require_safe
def vehicle(request: HttpRequest, code: str) -> HttpResponse:
    """Show a vehicle and what was done with it."""
    found = access.get_row(request.user, "vehicle", code)
    user, address = request.user, address_of(request)
    may_edit = access.may(user, "edit_vehicle", found)
    actions = [("修改资料", "vehicle_edit")] if may_edit else []
    if found.ended_on is None and access.may(user, "retire_vehicle", found):
        actions.append(("停用", "vehicle_retire"))
    return render(
        request,
        "example_noun/vehicle.html",
        {
            **_head(request, found.unit),
            "title": found.name,
            "vehicle": found,
            "actions": [
                {"label": label, "url": row_url(user, found, address, name)} for label, name in actions
            ],
            "facts": [
                ("号牌", found.code),
                ("单位", found.unit.name),
                ("启用日期", found.started_on.isoformat()),
                ("停用日期", found.ended_on.isoformat() if found.ended_on else "在用"),
                ("备注", found.note or "–"),
            ],
            **history.of_page(user, found, address),
        },
    )


@changes_something
def add(request: HttpRequest, code: str) -> HttpResponse:
    """Put a vehicle in service at a unit."""
    unit = access.get_unit(request.user, code, "add_vehicle")
    address = address_of(request)
    form = forms.AddVehicleForm(posted(request), user=request.user, initial={"started_on": address.as_of})
    return change(
        request,
        form,
        lambda: operations.add_vehicle(
            actor=actor_of(request), unit=unit, code=form.cleaned_data["code"], **form.facts()
        ),
        done=lambda made: format_html("已登记“{}”。", made.name),
        back=lambda made: row_url(request.user, made, address),
        template=FORM,
        context={
            **_head(request, unit),
            "title": "登记车辆",
            "cancel_url": row_url(request.user, unit, address),
        },
    )


@changes_something
def edit(request: HttpRequest, code: str) -> HttpResponse:
    """Change the plain facts of a vehicle."""
    found: Vehicle = access.get_row(request.user, "vehicle", code, "edit_vehicle")
    page = row_url(request.user, found, address_of(request))
    form = forms.EditVehicleForm(posted(request), user=request.user, vehicle=found)
    return change(
        request,
        form,
        lambda: operations.edit_vehicle(
            actor=actor_of(request),
            vehicle=found,
            changes=form.facts(),
            version=form.cleaned_data["version"],
        ),
        done=lambda row: format_html("已保存“{}”的修改。", row.name),
        back=page,
        template=FORM,
        context={**_head(request, found.unit), "title": "修改车辆资料", "cancel_url": page},
    )


@changes_something
def retire(request: HttpRequest, code: str) -> HttpResponse:
    """Take a vehicle out of service."""
    found: Vehicle = access.get_row(request.user, "vehicle", code, "retire_vehicle")
    address = address_of(request)
    page = row_url(request.user, found, address)
    form = forms.RetireVehicleForm(posted(request), user=request.user, initial={"on": address.as_of})
    return change(
        request,
        form,
        lambda: operations.retire_vehicle(actor=actor_of(request), vehicle=found, **form.cleaned_data),
        done=lambda row: format_html("“{}”自 {} 起停用。", row.name, f"{row.ended_on:%Y-%m-%d}"),
        back=page,
        template=CONFIRM,
        context={
            **_head(request, found.unit),
            "title": "停用车辆",
            "sentences": [f"{found.name}({found.code})自停用日期起不再计入统计。"],
            "submit_label": "停用该车辆",
            "cancel_url": page,
        },
    )


def _head(request: HttpRequest, unit: Unit) -> dict[str, Any]:
    """Return what the pages say of the unit."""
    request.current_unit = unit.code  # type: ignore[attr-defined]
    url = row_url(request.user, unit, address_of(request))
    return {"subtitle": unit.name, "crumbs": [{"name": unit.label, "url": url}, {"name": "车辆"}]}
