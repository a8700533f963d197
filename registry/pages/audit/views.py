"""The pages of the record: the list, and setting an edit back."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.html import format_html, format_html_join
from django.views.decorators.http import require_safe

from registry import access, nouns
from registry.models import AuditEntry
from registry.operations.undo import Step, can_undo, left_out, plan_undo, undo_edit
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
    return show(RecordTable(request), "pages/audit/list.html", subtitle="")


@changes_something
def undo(request: HttpRequest, pk: int) -> HttpResponse:
    """Set an edit back, after showing what that changes; for those who may edit the object."""
    entry = AuditEntry.objects.filter(pk=pk).first()
    if entry is None or not can_undo(entry):
        raise Http404("没有这条可以还原的记录。")
    row = _editable(request, entry)
    address = address_of(request)
    page = row_url(request.user, row, address)
    steps, refused = _plan(entry) if request.method != "POST" else ([], [])
    form = ReasonForm(posted(request), user=request.user)
    context = {
        "title": "还原修改",
        "event": history.events([entry], sees_numbers=True)[0],
        "row": row,
        "named": entry.object_name,
        "steps_said": format_html_join(
            ";", "{} 由 <b>{}</b> 改回 <b>{}</b>", ((step.label, step.now, step.then) for step in steps)
        ),
        "refused": refused,
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
    )


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
