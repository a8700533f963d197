"""The pages on which managers make logbooks: shipped ones, a new one, its design, own fields, its end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.views.decorators.http import require_safe

from registry import access
from registry.logbooks.conditions import condition_said, conditions_said
from registry.logbooks.design import Counter, Design, Field, Group, Way, read, read_fields
from registry.logbooks.models import AddedFields, Logbook
from registry.logbooks.operations.logbooks import (
    add_fields,
    add_logbook,
    copy_shipped,
    edit_logbook,
    end_logbook,
    said_units,
    start_logbook,
)
from registry.logbooks.operations.parts import design_at, whole_design
from registry.logbooks.pages.agreeing import told_agreed
from registry.logbooks.pages.books import used_below
from registry.logbooks.pages.designing import DesignForm, OwnFieldsForm, facts_of, split_choices
from registry.logbooks.shipped import shipped
from registry.models import Unit
from registry.operations.seen import marks
from registry.web import history
from registry.web.address import actor_of, address_of
from registry.web.changes import Job, Subject, change, changes_something, posted
from registry.web.fields import DayField, ScopedForm, reason_field
from registry.web.links import row_url

LOOKS = ("add", "up", "down", "drop", "look")
"""What a button of the form asks for without writing anything."""


# --- Making and changing ---------------------------------------------------------------------------


@changes_something
def add(request: HttpRequest, code: str) -> HttpResponse:
    """Make a logbook at a unit: from nothing, or as a copy of one that is there or ships with the product."""
    unit = access.get_unit(request.user, code, "add_logbook")
    begin, facts = _copied(request)
    facts["started_on"] = address_of(request).as_of
    form = DesignForm(posted(request), user=request.user, begin=begin, books=_books(unit), initial=facts)

    def made() -> Logbook:
        told = form.told if request.POST.get("do") == "start" else {**form.told, "started_on": None}
        handed = form.cleaned_data["handed"]
        return add_logbook(actor=actor_of(request), unit=unit, design=form.made, handed=handed, **told)

    def said(logbook: Logbook) -> str:
        what = "已启用,使用单位可以登记" if logbook.started_on else "已存为草稿,启用后才能登记"
        return format_html("台账“{}”{}。", logbook.name, what)

    context = _around(request, unit, "新建台账")
    return _designed(request, form, made, said, context | {"unit": unit, "is_new": True}, on=[unit])


@changes_something
def edit(request: HttpRequest, code: str) -> HttpResponse:
    """Change a logbook and its design: a new edition; what is in it stays."""
    logbook: Logbook = access.get_row(request.user, "logbook", code, "edit_logbook")
    handed = list(logbook.handed.all())
    initial = {**facts_of(logbook), "handed": handed, "version": logbook.version}
    books = _books(logbook.unit)
    form = DesignForm(posted(request), user=request.user, begin=logbook.made, books=books, initial=initial)
    if logbook.started_on is None:
        del form.fields["started_on"]

    def made() -> Logbook:
        return edit_logbook(
            actor=actor_of(request),
            logbook=logbook,
            changes=form.told,
            design=form.made,
            handed=form.cleaned_data["handed"],
            version=form.cleaned_data["version"],
        )

    context = _around(request, logbook.unit, "修改台账", logbook)
    return _designed(
        request,
        form,
        made,
        lambda row: format_html("已保存“{}”,现在是第 {} 版。", row.name, row.edition),
        context | {"unit": logbook.unit, "logbook": logbook},
    )


@changes_something
def own_fields(request: HttpRequest, code: str, unit_code: str) -> HttpResponse:
    """Set the fields that a unit adds to a logbook of a unit above, for itself and all below it."""
    logbook: Logbook = access.get_row(request.user, "logbook", code)
    unit = access.get_unit(request.user, unit_code, "edit_logbook_fields")
    row = AddedFields.objects.filter(logbook=logbook, unit=unit).first()
    begin = Design(read_fields(row.fields) if row is not None else ())
    form = OwnFieldsForm(posted(request), user=request.user, begin=begin, above=logbook.made.asked)

    def made() -> AddedFields:
        fields = _prefixed(unit, form.made["fields"])
        return add_fields(actor=actor_of(request), logbook=logbook, unit=unit, fields=fields)

    context = _around(request, unit, f"补充字段:{logbook.name}", logbook)
    said = "上级的字段不变;这里加的字段由本单位及下级填写。"
    return _designed(
        request,
        form,
        made,
        lambda row: format_html("已保存“{}”的补充字段。", logbook.name),
        context | {"unit": unit, "logbook": logbook, "sentences": [said]},
        on=[logbook],
    )


def _books(unit: Unit) -> list[tuple[str, str]]:
    """Return the other logbooks that one of the unit may watch: by what they are called in all copies."""
    return [(each.shipped or each.code, each.name) for each in used_below([unit], timezone.localdate())]


def _designed(
    request: HttpRequest,
    form: DesignForm,
    made: Any,
    said: Any,
    context: dict[str, Any],
    on: Sequence[Model] = (),
) -> HttpResponse:
    """Answer the page of a design: what only looks is drawn again, what saves goes through ``change``."""
    template = "logbooks/design.html"
    asked = request.POST.get("do", "") if request.method == "POST" else ""
    if asked.partition(":")[0] in LOOKS:
        form.act(asked)
        return render(request, template, {**context, "form": form, "seen": marks(on), **_preview(form)})
    logbook = context.get("logbook")
    return change(
        request,
        form,
        made,
        done=said,
        back=lambda row: context["cancel_url"] if logbook is not None else _page(request, row),
        template=template,
        context={**context, **_preview(form)},
        on=on,
    )


def _preview(form: DesignForm) -> dict[str, Any]:
    """Return what the form would make: the entry form and the numbers, from what was typed so far."""
    lines = form.sets
    fields = [line for line in lines["fields"] if str(line["label"].value() or "").strip()]
    counters = lines.get("counters", ())
    return {
        "preview": [_previewed(line) for line in fields if not line["ended"].value()],
        "on_top": [
            {"label": line["label"].value(), "measure": line["measure"].value()}
            for line in counters
            if line["on_top"].value() and line["label"].value()
        ],
    }


def _previewed(line: Any) -> dict[str, Any]:
    value = {name: line[name].value() for name in line.fields}
    return {
        **value,
        "options": split_choices(str(value["choices"] or "")),
        "is_optional": not value["required"],
    }


def _copied(request: HttpRequest) -> tuple[Design, dict[str, Any]]:
    """Return what a new logbook begins with: a shipped one, another one, or a first field and counter."""
    if (each := shipped().get(request.GET.get("shipped", ""))) is not None:
        plain = Logbook(name=each.name, **{**each.facts, "code": ""})
        return each.design, facts_of(plain)
    if code := request.GET.get("copy", ""):
        logbook: Logbook = access.get_row(request.user, "logbook", code)
        return logbook.made, {**facts_of(logbook), "name": f"{logbook.name}(副本)"[:40]}
    return _FIRST, {}


_FIRST = read(
    {
        "fields": [{"key": "f1", "label": "", "type": "text", "required": True}],
        "counters": [{"key": "entries", "label": "次数", "way": "entries"}],
    }
)
"""What a logbook made from nothing begins with."""


def _prefixed(unit: Unit, fields: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the fields with keys that no other unit's have."""
    mark = f"u{unit.pk}_"
    own = {key: key if key.startswith(mark) else f"{mark}{key}"[:30] for key in (f["key"] for f in fields)}
    named = ("key", "when", "at_least", "at_most")
    return [{**f, **{name: own.get(f[name], f[name]) for name in named if name in f}} for f in fields]


# --- Shipped ones, the design as it is, beginning and end ---------------------------------------------


class ShippedForm(ScopedForm):
    """Which logbooks that ship with the product are taken into use, from which day."""

    started_on = DayField(
        label="启用日期", help_text="这一天及以后的事可以登记;补录以前的事,请填更早的日期。"
    )


@changes_something
def take_shipped(request: HttpRequest, code: str) -> HttpResponse:
    """Take logbooks that ship with the product into use at a unit, many at once."""
    unit = access.get_unit(request.user, code, "add_logbook")
    known = set(Logbook.objects.filter(unit=unit, ended_on=None).values_list("shipped", flat=True))
    initial = {"started_on": address_of(request).as_of}
    form = ShippedForm(posted(request), user=request.user, initial=initial)
    ticked = request.POST.getlist("codes")
    groups = [
        {
            "label": label,
            "books": [
                {
                    "book": each,
                    "is_there": each.code in known,
                    "is_ticked": each.code in ticked if request.method == "POST" else each.code not in known,
                    "numbers": "、".join(counter.label for counter in each.design.counters),
                }
                for each in shipped().values()
                if each.facts["group"] == group
            ],
        }
        for group, label in Group.choices
    ]
    if request.method == "POST" and form.is_valid() and not ticked:
        form.add_error(None, "请勾选要启用的台账。")
    return change(
        request,
        form,
        lambda: copy_shipped(actor=actor_of(request), unit=unit, codes=ticked, **form.cleaned_data),
        done=lambda made: format_html("已启用 {} 本台账,本单位及下级可以登记。", len(made)),
        back=address_of(request).url(reverse("logbooks"), unit=unit.code),
        template="logbooks/shipped.html",
        context=_around(request, unit, "启用自带台账")
        | {"groups": [each for each in groups if each["books"]], "unit": unit},
        on=[unit],
    )


@require_safe
def design(request: HttpRequest, code: str) -> HttpResponse:
    """Show what a logbook asks for and counts, who added what, and what was done with it."""
    logbook: Logbook = access.get_row(request.user, "logbook", code)
    user, address = request.user, address_of(request)
    actions = [
        {"label": label, "url": address.url(reverse(name, args=[logbook.code])), "tone": tone}
        for label, name, verb, is_possible, tone in (
            ("启用", "logbook_start", "start_logbook", not logbook.started_on or logbook.ended_on, "main"),
            ("修改", "logbook_edit", "edit_logbook", True, ""),
            ("停用", "logbook_end", "end_logbook", logbook.started_on and not logbook.ended_on, ""),
        )
        if is_possible and access.may(user, verb, logbook)
    ]
    if access.may(user, "add_logbook", logbook.unit):
        copy = address.url(reverse("logbook_add", args=[logbook.unit.code]))
        joint = "&" if "?" in copy else "?"
        actions.append({"label": "照此新建", "url": f"{copy}{joint}copy={logbook.code}", "tone": ""})
    unit = access.only_unit(user, "edit_logbook_fields")
    if unit is not None and unit.pk != logbook.unit_id and not logbook.is_walled:
        url = address.url(reverse("logbook_fields", args=[logbook.code, unit.code]))
        actions.append({"label": "补充本级字段", "url": url, "tone": ""})
    made = design_at(logbook, unit) if unit is not None else whole_design(logbook)
    return render(
        request,
        "logbooks/designed.html",
        {
            **_around(request, logbook.unit, f"{logbook.name}:字段、步骤和计数", logbook),
            "logbook": logbook,
            "design": made,
            "fields": [(each, _asked(made, each)) for each in made.fields],
            "steps": [
                (step, [made.step_by_key[key].label for key in made.before(step)]) for step in made.steps
            ],
            "agreed": told_agreed(made, dict(_books(logbook.unit))),
            "counters": [(each, Way(each.way).label, _counted(made, each)) for each in made.counters],
            "added": AddedFields.objects.filter(logbook=logbook).select_related("unit").order_by("pk"),
            "actions": actions,
            "facts": [
                ("单位", logbook.unit.name),
                ("使用单位", said_units(list(logbook.handed.all()))),
                ("类别", logbook.get_group_display()),
                ("登记对象", logbook.get_about_display()),
                ("用途", logbook.purpose or "–"),
                ("查看", "限阅" if logbook.is_walled else "公开"),
                ("审批", "批准后计数" if logbook.needs_approval else "不审批,登记即计数"),
                ("启用日期", logbook.started_on.isoformat() if logbook.started_on else "草稿,未启用"),
                ("停用日期", logbook.ended_on.isoformat() if logbook.ended_on else "–"),
                ("版次", f"第 {logbook.edition} 版"),
            ],
            **history.of_page(user, logbook, address),
        },
    )


def _asked(made: Design, each: Field) -> str:
    """Return in words whether and when a field is asked for."""
    said = conditions_said(made, each)
    if each.when:
        return said
    return ";".join(filter(None, ("必填" if each.required else "选填", said)))


def _counted(made: Design, counter: Counter) -> str:
    """Return in words what a counter counts."""
    said = [_what(made, counter)]
    if counter.when:
        said.append(f"只计{condition_said(made, counter)}的")
    if counter.until:
        said.append(f"到{'、'.join(made.step_by_key[key].label for key in counter.until)}为止")
    return ",".join(said)


def _what(made: Design, counter: Counter) -> str:
    if counter.field and counter.field in made.by_key:
        return made.by_key[counter.field].label
    if counter.since:
        return f"{made.step_by_key[counter.since].label} → {made.step_by_key[counter.step].label}"
    return made.step_by_key[counter.step].label if counter.step in made.step_by_key else "条目"


class EndLogbookForm(ScopedForm):
    """From which day on nothing is entered any more."""

    on = DayField(label="停用日期")
    reason = reason_field("停用原因", required=True)


class StartLogbookForm(ScopedForm):
    """From which day on entries can be made."""

    on = DayField(label="启用日期", help_text="这一天及以后的事可以登记。")


def _found(request: HttpRequest, key: Any, verb: str) -> Logbook:
    row: Logbook = access.get_row(request.user, "logbook", key, verb)
    return row


LOGBOOK = Subject(
    "logbook",
    _found,
    lambda job: _around(job.request, job.row.unit, job.title, job.row) | {"narrow": True},
    "parts/form_page.html",
)


def _end_said(job: Job) -> list[str]:
    return [
        f"“{job.row.name}”自停用日期起不能再登记;已有条目保留,照常统计。",
        "停用可以撤回,也可以再启用。",
    ]


end = LOGBOOK.change(
    end_logbook,
    EndLogbookForm,
    "停用台账",
    sentences=_end_said,
    done=lambda job, row: format_html("“{}”自 {} 起停用。", row.name, f"{row.ended_on:%Y-%m-%d}"),
)
start = LOGBOOK.change(
    start_logbook,
    StartLogbookForm,
    "启用台账",
    sentences=lambda job: [f"启用后,“{job.row.unit.name}”及下级可以在“{job.row.name}”中登记。"],
    done=lambda job, row: format_html("已启用“{}”。", row.name),
)


def _page(request: HttpRequest, logbook: Logbook) -> str:
    return address_of(request).url(reverse("logbook_design", args=[logbook.code]))


def _around(request: HttpRequest, unit: Unit, title: str, logbook: Logbook | None = None) -> dict[str, Any]:
    """Return what the pages say of the unit and the logbook."""
    request.current_unit = unit.code  # type: ignore[attr-defined]
    address = address_of(request)
    books = {"name": "工作台账", "url": address.url(reverse("logbooks"), unit=unit.code)}
    named = (
        [{"name": logbook.name, "url": row_url(request.user, logbook, address)}]
        if logbook is not None
        else []
    )
    return {
        "title": title,
        "subtitle": unit.name,
        "crumbs": [books, *named, {"name": title}],
        "cancel_url": _page(request, logbook) if logbook is not None else books["url"],
    }
