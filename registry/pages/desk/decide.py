"""Approving and returning what is ticked on the desk, of all kinds together: all or none."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.http import Http404, HttpRequest
from django.urls import reverse

from registry import access
from registry.audit import Actor
from registry.operations import seen
from registry.rules import workflow
from registry.web import desk
from registry.web.columns import Column
from registry.web.deciding import DecideManyForm, ReturnManyForm
from registry.web.lists import with_query
from registry.web.ticked import Ticked, TickedSubject, named_in


def _back(request: HttpRequest) -> str:
    """Return the address of the desk, with what comes next opened."""
    return with_query(request, reverse("desk"), next=None, item=request.GET.get("next"))


@dataclass(frozen=True)
class _Decided(TickedSubject):
    """What is ticked on the desk: rows of several nouns, each named with its noun."""

    measure = "件"

    def key(self, row: Any) -> str:
        """Return by what the desk names it."""
        return desk.deciding_of(row).key(row)

    def marks(self, rows: Sequence[Any], *beside: str) -> list[str]:
        """Return the marks, each as its noun makes them."""
        found: dict[Any, str] = {}
        for kind, some in _by_kind(rows):
            found |= dict(zip(some, seen.short_marks(some, *kind.beside), strict=True))
        return [found[row] for row in rows]

    def acting_on(
        self, rows: Sequence[Any], marks: Mapping[Any, str], *beside: str
    ) -> AbstractContextManager[None]:
        """Leave it to the act, which does it noun by noun."""
        return nullcontext()

    def _rows(self, request: HttpRequest, verb: str) -> list[Any]:
        """Return what was ticked; what is not the user's to decide does not exist (404)."""
        act, wanted = verb.partition("_")[0], {each.partition(":")[0] for each in named_in(request)}
        found: list[Any] = []
        for kind in desk.deciding():
            mark = f"{kind.noun.key}-"
            keys = [key.removeprefix(mark) for key in wanted if key.startswith(mark)]
            pks = [int(key) for key in keys if key.isdecimal() and len(key) < 19]
            if pks:
                rows = kind.noun.with_related().filter(pk__in=pks)
                found += access.visible(request.user, rows, f"{act}_{kind.noun.key}")
        if len(found) < len(wanted):
            raise Http404("所选的事项中有的已不存在,或不在您的管理范围内。")
        return sorted(found, key=self.order)


def _by_kind(rows: Sequence[Any]) -> list[tuple[desk.Deciding, list[Any]]]:
    """Return the rows of each kind."""
    found: dict[desk.Deciding, list[Any]] = {}
    for row in rows:
        found.setdefault(desk.deciding_of(row), []).append(row)
    return list(found.items())


def _decide(operation: str) -> Callable[[Ticked, Actor], list[Any]]:
    """Return the act: the operation of each kind, on the rows of that kind, or nothing at all."""

    def act(job: Ticked, actor: Actor) -> list[Any]:
        with transaction.atomic():
            for kind, rows in _by_kind(job.rows):
                marks = {row: job.marks[row] for row in rows}
                with seen.acting_on(marks, *kind.beside, make=seen.short_marks):
                    getattr(kind, operation)(actor=actor, **{kind.noun.plural: rows}, **job.form.arguments())
        return job.rows

    return act


def _consequences(job: Ticked) -> list[str]:
    return [kind.consequence for kind, _rows in _by_kind(job.rows)]


def _who(rows: Sequence[Any]) -> str:
    return f"“{rows[0]}”等 {len(rows):,} 件" if len(rows) > 1 else f"“{rows[0]}”"


def _no_list(request: HttpRequest) -> Any:
    raise Http404("待办里只办理勾选的事项。")


_DECIDED = _Decided(
    "",
    (
        Column(
            "组织",
            lambda line: str(line.row),
            url=lambda line: line.table.address.url(line.row.get_absolute_url()),
            css="text",
            is_heading=True,
        ),
        Column("事项", lambda line: desk.deciding_of(line.row).word(line.row)),
        Column("单位", lambda line: line.row.unit.label),
        Column("提交人", lambda line: str(line.row.submitted_by or "")),
    ),
    _no_list,
    _back,
    lambda row: (row.submitted_at or row.created_at, row.pk),
)


approve = _DECIDED.change(
    "approve_organization",
    "批准",
    DecideManyForm,
    _decide("approve"),
    sentences=_consequences,
    done=lambda job, rows: f"已批准{_who(rows)}。",
    fits=lambda job, row: workflow.may_start(workflow.APPROVE, row, job.user),
)
send_back = _DECIDED.change(
    "return_organization",
    "退回",
    ReturnManyForm,
    _decide("send_back"),
    sentences=lambda job: ["退回后由提交人修改,再次提交。"],
    done=lambda job, rows: f"已退回{_who(rows)}。",
    fits=lambda job, row: workflow.may_start(workflow.RETURN, row, job.user),
)
