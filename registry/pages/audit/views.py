"""The record: the page of those who read it, its export, and setting an edit back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from registry import access, nouns
from registry.models import AuditEntry, Unit
from registry.operations.undo import Step, can_undo, left_out, plan_undo, undo_edit
from registry.pages.audit import history
from registry.pages.audit.forms import RecordFilter, UndoForm
from registry.refusals import OperationRefused
from registry.spreadsheets.sheets import Cell, Head, Kind, Sheet
from registry.web.address import actor_of, address_of
from registry.web.changes import change, posted
from registry.web.exports import above, answer
from registry.web.fields import DayField
from registry.web.links import row_url
from registry.web.lists import chips, export_url, in_chunks, length_of, others, paged_long
from registry.web.typed import cleaned

FILTERS = ("unit", "unit_text", "who", "verb", "day_from", "day_to", "q")
HEADS = (
    Head("编号", Kind.NUMBER),
    Head("时间", Kind.TIME),
    Head("操作人"),
    Head("用户名", Kind.CODE),
    Head("地址", Kind.CODE),
    Head("请求编号", Kind.CODE),
    Head("操作"),
    Head("对象类型"),
    Head("对象"),
    Head("单位"),
    Head("生效日期", Kind.DATE),
    Head("变动"),
    Head("原因"),
    Head("还原的记录", Kind.NUMBER),
    Head("封存编号", Kind.NUMBER),
)


@dataclass(frozen=True)
class Asked:
    """What the address asks of the record: the entries, each filter in words, and what could not be read."""

    rows: QuerySet[AuditEntry]
    shown: dict[str, str]
    initial: dict[str, Any]
    unit: Unit | None
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Row:
    """One entry of the page; ``url`` leads to what it is about, where the user may open it."""

    event: history.Event
    noun: str
    url: str
    is_sample: bool


@require_safe
def record(request: HttpRequest) -> HttpResponse:
    """What was done at the units whose record the user reads, newest first."""
    _readers_only(request)
    asked = _asked(request)
    rows = asked.rows.select_related("user", "unit", "undoes").order_by("-at", "-pk")
    page = paged_long(request, rows, length_of(rows))
    return render(
        request,
        "record/list.html",
        {
            "filters": RecordFilter(user=request.user, initial=asked.initial, auto_id="filter_%s"),
            "others": others(request, FILTERS),
            "chips": chips(request, asked.shown),
            "clear_url": address_of(request).url(request.path),
            "problems": asked.problems,
            "page_obj": page,
            "rows": _rows(request, list(page.object_list)),
            "export_url": export_url(request, "record_export"),
        },
    )


@require_POST
def export(request: HttpRequest) -> FileResponse:
    """Answer with what the address asks for as a file, and record that it was taken out."""
    _readers_only(request)
    asked = _asked(request)
    newest = AuditEntry.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    rows = asked.rows.filter(pk__lte=newest)
    personal = access.spans(request.user, access.PERSONAL)
    everything = bool(request.user.is_superuser)

    def lines(entries: list[AuditEntry]) -> Iterator[list[Cell]]:
        for entry in entries:
            inside = entry.unit is not None and access.inside(entry.unit, personal)
            yield _cells(entry, sees_numbers=everything or inside)

    found = rows.select_related("user", "unit", "sealed__seal").order_by("-at", "-pk")
    title = "操作记录"
    place = f"{asked.unit.name}及下级单位" if asked.unit else "审计范围内全部单位"
    facts = above(request, place, rows.count(), filters=asked.shown)
    return answer(
        request,
        [Sheet(title, title, HEADS, in_chunks(found, lines), facts)],
        name=f"{title}-{timezone.localdate().isoformat()}",
        unit=asked.unit,
        filters=asked.shown.values(),
    )


@require_http_methods(["GET", "HEAD", "POST"])
def undo(request: HttpRequest, pk: int) -> HttpResponse:
    """Set an edit back, after showing what that changes; for those who may edit the object."""
    entry = AuditEntry.objects.filter(pk=pk).first()
    if entry is None or not can_undo(entry):
        raise Http404("没有这条可以还原的记录。")
    row = _editable(request, entry)
    address = address_of(request)
    page = row_url(request.user, row, address)
    steps, refused = _plan(entry) if request.method != "POST" else ([], [])
    form = UndoForm(posted(request), user=request.user)
    context = {
        "title": "还原修改",
        "event": history.events([entry], sees_numbers=True)[0],
        "row": row,
        "steps_said": format_html_join(
            ";", "{} 由 <b>{}</b> 改回 <b>{}</b>", ((step.label, step.now, step.then) for step in steps)
        ),
        "refused": refused,
        "left_out": left_out(entry),
        "cancel_url": page,
        "crumbs": [{"name": row.name, "url": page}, {"name": "还原修改"}],
    }

    def act() -> Any:
        return undo_edit(actor=actor_of(request), entry=entry, reason=form.cleaned_data["reason"])

    return change(
        request,
        form,
        act,
        done=lambda made: format_html(
            '{} <a href="{}#history">{}</a>',
            f"已还原“{made.name}”的修改。",
            page,
            "查看变动记录",
        ),
        back=lambda made: row_url(request.user, made, address),
        template="record/undo.html",
        context=context,
    )


def _readers_only(request: HttpRequest) -> None:
    if not access.may_somewhere(request.user, "read_record"):
        raise Http404("操作记录只供审计和管理员查看。")


# --- What is asked for ----------------------------------------------------------------------------


def _asked(request: HttpRequest) -> Asked:
    """Read the filters of the address; what cannot be read is named and left out."""
    typed = {name: cleaned(request.GET.get(name, "")) for name in (*FILTERS, "object")}
    rows, shown, problems = access.record_seen(request.user), {}, []
    initial: dict[str, Any] = {name: typed[name] for name in ("who", "verb", "q")}
    unit = _unit(request, typed)
    if unit is not None:
        rows = rows.filter(unit__tree_id=unit.tree_id, unit__lft__range=(unit.lft, unit.rght))
        shown["unit" if typed["unit"] else "unit_text"] = f"单位:{unit.name}"
        initial["unit"] = unit
    if typed["who"]:
        who = typed["who"]
        rows = rows.filter(
            Q(actor__icontains=who) | Q(user__username__iexact=who) | Q(user__display_name__icontains=who)
        )
        shown["who"] = f"操作人:{who}"
    if typed["verb"] in (verbs := nouns.recorded_verbs()):
        rows = rows.filter(verb=typed["verb"])
        shown["verb"] = "操作:{name}".format(name=verbs[typed["verb"]])
    elif typed["verb"]:
        problems.append("没有名为“{name}”的操作,没有使用。".format(name=typed["verb"]))
    for name, word in (("day_from", "自 %s"), ("day_to", "至 %s")):
        day = _day(typed[name])
        if day is not None:
            rows = (
                rows.filter(at__gte=_midnight(day)) if name == "day_from" else rows.filter(at__lt=_next(day))
            )
            shown[name] = word % day.isoformat()
            initial[name] = day
        elif typed[name]:
            problems.append(f"日期“{typed[name]}”不能识别,没有使用。")
    if typed["q"]:
        rows = rows.filter(object_name__icontains=typed["q"])
        shown["q"] = "对象含“{text}”".format(text=typed["q"])
    if typed["object"]:
        rows, shown["object"] = _about(request, rows, typed["object"])
    return Asked(rows, shown, initial, unit, problems)


def _unit(request: HttpRequest, typed: Mapping[str, str]) -> Unit | None:
    if typed["unit"]:
        return access.get_unit(request.user, typed["unit"], "read_record")
    if not typed["unit_text"]:
        return None
    found = Unit.objects.matching(typed["unit_text"]).order_by("tree_id", "lft")
    unit = access.visible(request.user, found, "read_record").first()
    if unit is None:
        raise Http404(f"没有名称或代码含“{typed['unit_text']}”的单位,或不在您的审计范围内。")
    return unit


def _about(request: HttpRequest, rows: QuerySet[AuditEntry], text: str) -> tuple[QuerySet[AuditEntry], str]:
    """Return the entries of one object (``unit-12``); of a person or organization with its assignments."""
    noun, _dash, key = text.rpartition("-")
    if not nouns.knows(noun) or not key.isdecimal() or len(key) > 18:
        raise Http404(f"没有“{text}”这个对象。")
    rows = rows.filter(history.about(noun, int(key)))
    newest = rows.filter(noun=noun).order_by("-pk").values_list("object_name", flat=True).first()
    word = nouns.by_key(noun).label
    return rows, f"{word}:{newest}" if newest else word


def _day(text: str) -> date | None:
    try:
        day: date | None = DayField(required=False).clean(text)
    except ValidationError:
        return None
    return day


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def _next(day: date) -> datetime:
    return _midnight(day + timedelta(days=1)) if day < date.max else _midnight(day)


# --- What is shown --------------------------------------------------------------------------------


def _rows(request: HttpRequest, entries: list[AuditEntry]) -> list[Row]:
    """Return the page's entries in words, with links to what the user may open."""
    known = _subjects(request, entries)
    personal = access.spans(request.user, access.PERSONAL)
    everything = bool(request.user.is_superuser)
    made = []
    for entry in entries:
        sees = everything or (entry.unit is not None and access.inside(entry.unit, personal))
        event = history.events([entry], names="", sees_numbers=sees)[0]
        url, is_sample = known.get((entry.noun, entry.object_id or 0), ("", False))
        made.append(Row(event, noun_word(entry), url, is_sample))
    return made


def noun_word(entry: AuditEntry) -> str:
    """Return what kind of thing an entry is about."""
    return nouns.by_key(entry.noun).label if nouns.knows(entry.noun) else ""


def _subjects(request: HttpRequest, entries: Iterable[AuditEntry]) -> dict[tuple[str, int], tuple[str, bool]]:
    """Return page, and whether it is invented, of what the user may open: a query for each noun."""
    keys: dict[str, set[int]] = {}
    for entry in entries:
        if entry.object_id is not None and nouns.knows(entry.noun):
            keys.setdefault(entry.noun, set()).add(entry.object_id)
    user, address = request.user, address_of(request)
    known: dict[tuple[str, int], tuple[str, bool]] = {}
    for key, pks in keys.items():
        noun = nouns.by_key(key)
        if noun.page or noun.page_at:
            for row in access.visible(user, noun.with_related().filter(pk__in=pks)):
                known[key, row.pk] = row_url(user, row, address), row.is_sample
    return known


# --- Export ---------------------------------------------------------------------------------------


def _cells(entry: AuditEntry, *, sees_numbers: bool) -> list[Cell]:
    sealed = getattr(entry, "sealed", None)
    return [
        entry.pk,
        entry.at,
        entry.actor,
        entry.user.username if entry.user else None,
        entry.address,
        entry.request_number,
        history.heading(entry, names=""),
        noun_word(entry),
        entry.object_name,
        entry.unit.name if entry.unit else None,
        entry.effective_on,
        ";".join(history.changes(entry, sees_numbers=sees_numbers)),
        entry.reason,
        entry.undoes_id,
        sealed.seal.number if sealed is not None else None,
    ]


# --- Setting back ---------------------------------------------------------------------------------


def _plan(entry: AuditEntry) -> tuple[list[Step], list[str]]:
    try:
        return plan_undo(entry=entry), []
    except OperationRefused as refusal:
        return [], [str(message) for messages in refusal.message_dict.values() for message in messages]


def _editable(request: HttpRequest, entry: AuditEntry) -> Any:
    """Return what was edited, for those who may edit it today; for others it does not exist."""
    noun = nouns.by_key(entry.noun)
    row = noun.with_related().filter(pk=entry.object_id).first()
    if row is None or not access.may(request.user, entry.verb, row):
        raise Http404("没有这条可以还原的记录。")
    request.current_unit = getattr(noun.unit_of(row), "code", "")  # type: ignore[attr-defined]
    return row
