"""What is done with a unit: add below, edit, move, merge, close."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_http_methods

from registry import access
from registry.models import Unit
from registry.operations import units as operations
from registry.pages.units import forms
from registry.rules import units as rules
from registry.web.address import Address, actor_of, address_of
from registry.web.changes import change, fingerprint, posted
from registry.web.fields import DayField

changes_something = require_http_methods(["GET", "HEAD", "POST"])
FORM, CONFIRM = "pages/units/form.html", "pages/units/confirm.html"


@changes_something
def add(request: HttpRequest, code: str) -> HttpResponse:
    """Add a unit below another."""
    unit, address = _at_hand(request, code, "add_unit")
    form = forms.AddUnitForm(posted(request), user=request.user, initial={"kind": "station"})
    return _change(
        request,
        unit,
        form,
        lambda: operations.add_unit(
            actor=actor_of(request), superior=unit, code=form.cleaned_data["code"], **form.facts()
        ),
        done=lambda made: _done("已在%(unit)s下增设“%(name)s”。", made, address, link=unit, unit=unit.label),
        template=FORM,
        title="增设下级单位",
        submit_label="增设单位",
        back=lambda made: address.url(made.get_absolute_url()),
    )


@changes_something
def edit(request: HttpRequest, code: str) -> HttpResponse:
    """Rename a unit or change its other plain facts."""
    unit, address = _at_hand(request, code, "edit_unit")
    form = forms.EditUnitForm(posted(request), user=request.user, unit=unit)
    return _change(
        request,
        unit,
        form,
        lambda: operations.edit_unit(
            actor=actor_of(request), unit=unit, changes=form.facts(), version=form.cleaned_data["version"]
        ),
        done=lambda row: _done("已保存“%(name)s”的修改。", row, address),
        template=FORM,
        title="修改单位资料",
    )


@changes_something
def move(request: HttpRequest, code: str) -> HttpResponse:
    """Place the unit with all below it under another superior from a day on."""
    unit, address = _at_hand(request, code, "move_unit")
    form = forms.MoveUnitForm(posted(request), user=request.user, initial={"on": address.as_of})
    above = unit.parent.name if unit.parent else "无"
    return _change(
        request,
        unit,
        form,
        lambda: operations.move_unit(
            actor=actor_of(request),
            unit=unit,
            superior=form.cleaned_data["superior"],
            on=form.cleaned_data["on"],
            reason=form.cleaned_data["reason"],
        ),
        done=lambda row: _done(
            "“%(name)s”自 %(on)s 起划归%(superior)s。",
            row,
            address,
            link=form.cleaned_data["superior"],
            on=form.cleaned_data["on"].isoformat(),
            superior=form.cleaned_data["superior"].name,
        ),
        title="调整上级单位",
        sentences=[
            f"现在的上级单位:{above}。",
            f"连同下级 {(unit.rght - unit.lft - 1) // 2} 个单位一起调整;生效日期之前的统计不变。",
        ],
        submit_label="调整上级单位",
    )


@changes_something
def merge(request: HttpRequest, code: str) -> HttpResponse:
    """Merge the unit into another, after saying what goes over."""
    unit, address = _at_hand(request, code, "merge_unit")
    sentences = _merger(unit, _day(request.POST.get("on", ""), address.as_of))
    mark = fingerprint(sentences)
    form = forms.MergeUnitForm(
        posted(request), user=request.user, initial={"on": address.as_of, "planned": mark}
    )
    return _change(
        request,
        unit,
        form,
        lambda: operations.merge_unit(
            actor=actor_of(request),
            unit=unit,
            into=form.cleaned_data["into"],
            on=form.cleaned_data["on"],
            reason=form.cleaned_data["reason"],
        ),
        done=lambda row: _done(
            "“%(name)s”自 %(on)s 起并入%(into)s。",
            row,
            address,
            link=form.cleaned_data["into"],
            on=form.cleaned_data["on"].isoformat(),
            into=form.cleaned_data["into"].name,
        ),
        title="并入其他单位",
        sentences=sentences,
        submit_label="并入",
        warn=lambda: [] if form.cleaned_data["planned"] == mark else sentences,
    )


@changes_something
def close(request: HttpRequest, code: str) -> HttpResponse:
    """Close a unit where nothing is left."""
    unit, address = _at_hand(request, code, "close_unit")
    form = forms.CloseUnitForm(posted(request), user=request.user, initial={"on": address.as_of})
    return _change(
        request,
        unit,
        form,
        lambda: operations.close_unit(
            actor=actor_of(request), unit=unit, on=form.cleaned_data["on"], reason=form.cleaned_data["reason"]
        ),
        done=lambda row: _done(
            "已自 %(on)s 起撤销“%(name)s”。", row, address, on=form.cleaned_data["on"].isoformat()
        ),
        title="撤销单位",
        sentences=_closure(unit, address.as_of),
        submit_label="撤销该单位",
    )


def _at_hand(request: HttpRequest, code: str, verb: str) -> tuple[Unit, Address]:
    unit = access.get_unit(request.user, code, verb)
    request.current_unit = unit.code  # type: ignore[attr-defined]
    return unit, address_of(request)


def _change(
    request: HttpRequest,
    unit: Unit,
    form: Any,
    act: Callable[[], Any],
    *,
    done: Callable[[Any], SafeString],
    title: str,
    template: str = CONFIRM,
    warn: Callable[[], list[str]] | None = None,
    back: Callable[[Any], str] | None = None,
    **context: Any,
) -> HttpResponse:
    page = address_of(request).url(unit.get_absolute_url())
    crumbs = [{"name": unit.label, "url": page}, {"name": title}]
    shown = {"unit": unit, "title": title, "crumbs": crumbs, "cancel_url": page, **context}
    return change(
        request, form, act, done=done, back=back or page, template=template, context=shown, warn=warn
    )


def _done(
    said: str, about: Unit, address: Address, /, *, link: Unit | None = None, **words: Any
) -> SafeString:
    """Return the line that says what changed, with a link to the other unit it speaks of."""
    sentence = said % {"name": about.name, **words}
    if link is None:
        return format_html("{}", sentence)
    url = address.url(link.get_absolute_url())
    return format_html('{} <a href="{}">{}</a>', sentence, url, f"查看{link.label}")


def _day(text: str, otherwise: date) -> date:
    try:
        return DayField(required=False).clean(text) or otherwise
    except ValidationError:
        return otherwise


def _merger(unit: Unit, day: date) -> list[str]:
    left = rules.left_at(unit, day)
    return [
        (
            f"自 {day.isoformat()} 起撤并“{unit.name}”,转入并入单位:"
            f"下级单位 {left.units} 个、未撤销的组织 {left.organizations} 个、人员 {left.people} 名。"
        ),
        "此前已撤销的组织仍留在本单位;之前日期的统计不变。",
    ]


def _closure(unit: Unit, day: date) -> list[str]:
    left = rules.left_at(unit, day)
    if not (left.units or left.organizations or left.people):
        return ["本单位没有下级单位、未撤销的组织和人员,可以撤销。"]
    return [
        (
            f"本单位还有下级单位 {left.units} 个、未撤销的组织 {left.organizations} 个、"
            f"人员 {left.people} 名,须先调整,或改用“并入其他单位”。"
        )
    ]
