"""The pages of the record: the list, setting an edit back, taking an act back."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.views.decorators.http import require_safe

from registry import access, nouns
from registry.models import AuditEntry, Unit
from registry.operations.acts import plan_taking_back, takeable
from registry.operations.take_back import may_take_back, take_back
from registry.operations.undo import Step, can_undo, left_out, plan_undo, undo_edit
from registry.pages.audit.proofs import proof
from registry.pages.audit.tables import RecordTable
from registry.refusals import OperationRefused
from registry.web import history
from registry.web.address import actor_of, address_of
from registry.web.changes import change, changes_something, posted
from registry.web.fields import ReasonForm
from registry.web.links import row_url
from registry.web.tables import show


@require_safe
def record(request: HttpRequest) -> HttpResponse:
    """What was done at the units whose record the user reads, newest first."""
    return show(RecordTable(request), "pages/audit/list.html", subtitle="", **proof())


@changes_something
def undo(request: HttpRequest, pk: int) -> HttpResponse:
    """Undo what an entry says, after showing what that changes: set an edit back, or take an act back."""
    entry = AuditEntry.objects.select_related("unit").filter(pk=pk).first()
    if entry is not None and takeable(AuditEntry.objects.filter(pk=pk)):
        return _take_back(request, entry)
    if entry is not None and can_undo(entry):
        return _set_back(request, entry)
    if entry is not None and entry.undone_by.exists():
        return _take_back(request, entry)
    raise Http404("没有这条可以撤回的记录。")


def _take_back(request: HttpRequest, entry: AuditEntry) -> HttpResponse:
    act, found = plan_taking_back(entry)
    if not may_take_back(request.user, act):
        access.need(request.user, entry.verb, entry.unit, "没有这条可以撤回的记录。")
        raise Http404("没有这条可以撤回的记录。")
    address, label = address_of(request), nouns.label_of(entry.verb)
    request.current_unit = getattr(entry.unit, "code", "")  # type: ignore[attr-defined]

    def page() -> str:
        """Return the page of what it is about; once that is gone, of its unit."""
        noun = nouns.by_key(entry.noun) if nouns.knows(entry.noun) else None
        row = noun.with_related().filter(pk=entry.object_id).first() if noun is not None else None
        row = row or Unit.objects.filter(pk=entry.unit_id or 0).first()
        return (row_url(request.user, row, address) if row is not None else "") or address.url(
            reverse("home")
        )

    form = ReasonForm(posted(request), user=request.user)
    title, now = "撤回这次操作", page()
    return change(
        request,
        form,
        lambda: take_back(actor=actor_of(request), entry=entry, reason=form.cleaned_data["reason"]),
        done=lambda said: f"已撤回“{label}”:{said}。",
        back=lambda said: page(),
        template="pages/audit/undo.html",
        context={
            "title": title,
            "event": history.events([entry], sees_numbers=True)[0],
            "named": entry.object_name,
            "extent": act.said(),
            "left_out": act.left_out(),
            "obstacles": history.obstacles(request.user, found, address),
            "more": max(0, len(found) - history.MOST_OBSTACLES),
            "submit_label": "撤回",
            "cancel_url": now,
            "crumbs": [{"name": entry.object_name, "url": now}, {"name": title}],
        },
    )


def _set_back(request: HttpRequest, entry: AuditEntry) -> HttpResponse:
    row = _editable(request, entry)
    address = address_of(request)
    page = row_url(request.user, row, address)
    steps, refused = _plan(entry) if request.method != "POST" else ([], [])
    form = ReasonForm(posted(request), user=request.user)
    context = {
        "title": "还原修改",
        "event": history.events([entry], sees_numbers=True)[0],
        "named": entry.object_name,
        "row": row,
        "submit_label": "还原",
        "steps_said": format_html_join(
            ";", "{} 由 <b>{}</b> 改回 <b>{}</b>", ((step.label, step.now, step.then) for step in steps)
        ),
        "obstacles": [("", sentence) for sentence in refused],
        "left_out": left_out(entry),
        "cancel_url": page,
        "crumbs": [{"name": entry.object_name, "url": page}, {"name": "还原修改"}],
    }

    def act() -> Any:
        return undo_edit(actor=actor_of(request), entry=entry, reason=form.cleaned_data["reason"])

    return change(
        request,
        form,
        act,
        done=lambda made: format_html(
            '{} <a href="{}#history">{}</a>',
            f"已还原“{getattr(made, 'name', entry.object_name)}”的修改。",
            page,
            "查看变动记录",
        ),
        back=lambda made: row_url(request.user, made, address),
        template="pages/audit/undo.html",
        context=context,
        on=[row],
    )


def _plan(entry: AuditEntry) -> tuple[list[Step], list[str]]:
    try:
        return plan_undo(entry=entry), []
    except OperationRefused as refusal:
        return [], [str(message) for messages in refusal.message_dict.values() for message in messages]


def _editable(request: HttpRequest, entry: AuditEntry) -> Any:
    """Return what was edited, for those who may edit it today; for others it does not exist."""
    noun = nouns.by_key(entry.noun)
    found = noun.with_related().filter(pk=entry.object_id).first()
    row = access.need(request.user, entry.verb, found, "没有这条可以还原的记录。")
    request.current_unit = getattr(noun.unit_of(row), "code", "")  # type: ignore[attr-defined]
    return row
