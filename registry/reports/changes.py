"""What is done with sources and their figures: add, edit, withdraw, restore."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html

from registry import access
from registry.models import Figure, Source
from registry.operations import sources as operations
from registry.reports import forms
from registry.web.address import actor_of, address_of
from registry.web.changes import Job, Subject, change, changes_something, posted
from registry.web.fields import ReasonForm

FORM, CONFIRM = "reports/sources/form.html", "reports/sources/confirm.html"


@changes_something
def add(request: HttpRequest) -> HttpResponse:
    """Enter a source at a unit where the user may."""
    access.need_somewhere(request.user, "add_source")
    address = address_of(request)
    initial = {"unit": access.only_unit(request.user, "add_source")}
    form = forms.AddSourceForm(posted(request), user=request.user, initial=initial)
    all_url = address.url(reverse("sources"))
    return change(
        request,
        form,
        lambda: operations.add_source(actor=actor_of(request), **form.arguments()),
        done=lambda made: f"已登记来源 {made.number}“{made.title}”,现在可以登记其中的报道数。",
        back=lambda made: address.url(made.get_absolute_url()),
        template=FORM,
        context={
            "title": "登记来源",
            "submit_label": "登记",
            "cancel_url": all_url,
            "crumbs": [{"name": "来源", "url": all_url}, {"name": "登记来源"}],
        },
    )


def _source(request: HttpRequest, number: int, verb: str) -> Source:
    source: Source = access.get_row(request.user, "source", str(number), verb)
    return source


def _figure(request: HttpRequest, pk: int, verb: str) -> Figure:
    figure: Figure = access.get_row(request.user, "figure", str(pk), verb)
    return figure


def _around(job: Job, source: Source) -> dict[str, Any]:
    page = job.url(source)
    crumbs = [
        {"name": "来源", "url": job.address.url(reverse("sources"))},
        {"name": f"来源 {source.number}", "url": page},
        {"name": job.title},
    ]
    return {"source": source, "crumbs": crumbs, "cancel_url": page}


_SOURCE = Subject("source", _source, lambda job: _around(job, job.row), CONFIRM)
_FIGURE = Subject("figure", _figure, lambda job: _around(job, job.row.source), CONFIRM)


def _said(figure: Figure) -> str:
    """Return a figure in one line."""
    return f"报道数 {figure.code}“{figure.label}”:{figure.value}{figure.measure}。"


edit = _SOURCE.change(
    operations.edit_source,
    forms.EditSourceForm,
    "修改来源",
    submit_label="保存",
    done=lambda job, row: f"已保存“{row.title}”的修改。",
    template=FORM,
)
withdraw = _SOURCE.change(
    operations.withdraw_source,
    ReasonForm,
    "撤回来源",
    submit_label="撤回该来源",
    sentences=lambda job: [
        f"撤回用于登记有误:“{job.row.title}”和它的报道数不再参加核对,记录仍保留,可以恢复。"
    ],
    done=lambda job, row: f"已撤回“{row.title}”,它的报道数不再参加核对。",
)
restore = _SOURCE.change(
    operations.restore_source,
    ReasonForm,
    "恢复来源",
    sentences=lambda job: [f"恢复后,“{job.row.title}”和它未单独撤回的报道数重新参加核对。"],
    done=lambda job, row: f"已恢复“{row.title}”。",
)
add_figure = _SOURCE.change(
    operations.add_figure,
    forms.AddFigureForm,
    "登记报道数",
    submit_label="登记",
    initial=lambda job: forms.first_figure(job.row),
    warn=lambda job: job.form.warnings(),
    done=lambda job, row: format_html("已登记{}", _said(row)),
    template=FORM,
)
edit_figure = _FIGURE.change(
    operations.edit_figure,
    forms.EditFigureForm,
    "修改报道数",
    submit_label="保存",
    warn=lambda job: job.form.warnings(),
    done=lambda job, row: f"已保存报道数 {row.code} 的修改。",
    template=FORM,
)
withdraw_figure = _FIGURE.change(
    operations.withdraw_figure,
    ReasonForm,
    "撤回报道数",
    submit_label="撤回该报道数",
    sentences=lambda job: [_said(job.row), "撤回后不再参加核对,记录仍保留,可以恢复。"],
    done=lambda job, row: f"已撤回报道数 {row.code}。",
)
restore_figure = _FIGURE.change(
    operations.restore_figure,
    ReasonForm,
    "恢复报道数",
    sentences=lambda job: [_said(job.row), "恢复后重新参加核对。"],
    done=lambda job, row: f"已恢复报道数 {row.code}。",
)
