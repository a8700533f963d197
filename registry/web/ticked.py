"""Many rows at once: ticked in a list, shown on a page that asks before, changed all or none."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html

from registry import access, nouns
from registry.audit import Actor
from registry.operations import seen
from registry.web.address import actor_of
from registry.web.changes import Asked, View, change, changes_something, fingerprint
from registry.web.columns import Column, Grid
from registry.web.fields import ScopedForm
from registry.web.lists import with_query
from registry.web.tables import Table

MOST = 2000
"""At most so many rows are changed at once; more are narrowed down by a filter, or done in parts."""


class TickedForm(ScopedForm):
    """What is asked about the ticked rows, whose keys it sends along."""

    rows = forms.CharField(widget=forms.HiddenInput)

    unsent: tuple[str, ...] = ("rows",)


@dataclass
class Ticked(Asked):
    """A request to change many rows."""

    rows: list[Any]
    marks: dict[Any, str] = field(default_factory=dict)
    """The mark of each row, as it is now (``operations.seen``)."""


@dataclass(frozen=True)
class TickedRow:
    """One row on the page that asks before; columns read it under its noun's name."""

    table: Ticked
    row: Any

    def __getattr__(self, name: str) -> Any:
        if name == nouns.of(self.row).key:
            return self.row
        raise AttributeError(name)


@dataclass(frozen=True)
class TickedSubject:
    """Rows of one noun that are ticked in a list: how they are shown, and where it leads back."""

    noun: str
    columns: Sequence[Column[Any]]
    every: Callable[[HttpRequest], Table[Any]]
    """The list, for all rows that its filters leave."""
    back: Callable[[HttpRequest], str]
    """The address of the list."""
    order: Callable[[Any], Any]
    in_parts: bool = False
    """Of more than ``MOST`` the first are done, and the page says how many are left; else none is."""

    def change(
        self,
        verb: str,
        title: str,
        form: type[TickedForm],
        act: Callable[[Ticked, Actor], Any],
        *,
        done: Callable[[Ticked, Any], str],
        sentences: Callable[[Ticked], list[str]] = lambda job: [],
        warn: Callable[[Ticked], Sequence[str]] | None = None,
        fits: Callable[[Ticked, Any], bool] = lambda job, row: True,
        beside: Sequence[str] = (),
    ) -> View:
        """Return the view: the list's form comes first, then this page's own.

        Rows that do not fit are left out, and the page says so; where none fits, the rules say why. So are
        rows that others changed since the page showed them (``beside``: see ``changes.change``); where all
        were, the page comes back.
        """

        @changes_something
        def view(request: HttpRequest) -> HttpResponse:
            """Show what is ticked and what will be done, and do it."""
            access.need_somewhere(request.user, verb)
            goal = self.back(request)
            if request.method != "POST":
                return HttpResponseRedirect(goal)
            job = Ticked(request, self._rows(request, verb))
            rest = job.rows[MOST:] if self.in_parts else []
            job.rows = job.rows[:MOST] if rest else job.rows
            if problem := _problem(job.rows):
                messages.warning(request, problem)
                return HttpResponseRedirect(goal)
            is_sent = "rows" in request.POST or _is_at_once(request)
            left_out = _leave_out(job, fits)
            job.marks = dict(zip(job.rows, self.marks(job.rows, *beside), strict=True))
            changed = self._leave_out_changed(job) if is_sent else []
            said = [*sentences(job), *left_out]
            keys = ",".join(f"{self.key(row)}:{job.marks[row]}" for row in job.rows)
            initial = {"on": job.address.as_of, "rows": keys, "planned": fingerprint(said)}
            data = request.POST.copy() if is_sent else None
            if data is not None:
                data["rows"] = keys
            job.form = form(data, user=request.user, row=job, initial=initial)
            if changed and changed[0] in job.rows:  # all of them
                job.form.is_valid()
                job.form.add_error(None, _said_changed(changed, "没有办理,请核对后再次提交。"))
            notice = _said_changed(changed, "没有办理,请核对后另行办理。") if changed else ""
            shown = {
                "title": title,
                "submit_label": title,
                "cancel_url": goal,
                "crumbs": [{"name": "返回列表", "url": goal}, {"name": title}],
                "sentences": [*said, *([notice] if notice else []), *_left_over(rest)],
                "grid": Grid(self.columns, [TickedRow(job, row) for row in job.rows]),
                "number": len(job.rows),
                "measure": self.measure,
            }

            def on_what_was_seen() -> Any:
                with self.acting_on(job.rows, job.marks, *beside):
                    return act(job, actor_of(request))

            return change(
                request,
                job.form,
                on_what_was_seen,
                done=lambda result: format_html("{}{}", done(job, result), notice),
                back=goal,
                template="parts/ticked.html",
                context=shown,
                warn=lambda: job.warnings(said, warn),
            )

        return view

    @property
    def measure(self) -> str:
        """What the rows are counted in."""
        return nouns.by_key(self.noun).measure

    def key(self, row: Any) -> str:
        """Return by what the forms name a row."""
        return str(row.pk)

    def marks(self, rows: Sequence[Any], *beside: str) -> list[str]:
        """Return the marks of rows as they are now."""
        return seen.short_marks(rows, *beside)

    def acting_on(
        self, rows: Sequence[Any], marks: Mapping[Any, str], *beside: str
    ) -> AbstractContextManager[None]:
        """Refuse within the block to act on a row that is another thing by then."""
        return seen.acting_on({row: marks[row] for row in rows}, *beside, make=seen.short_marks)

    def _leave_out_changed(self, job: Ticked) -> list[Any]:
        """Take out the rows that others changed since the page showed them, and return them.

        Where all were, all stay: the page shows them as they are now.
        """
        shown = dict(each.split(":") for each in named_in(job.request) if each.count(":") == 1)
        changed = [row for row in job.rows if shown.get(self.key(row), job.marks[row]) != job.marks[row]]
        if len(changed) < len(job.rows):
            gone = set(changed)
            job.rows = [row for row in job.rows if row not in gone]
        return changed

    def _rows(self, request: HttpRequest, verb: str) -> list[Any]:
        """Return what was ticked, or all that the list's filters leave, as far as the user may change it.

        A row that was named and is not the user's to change does not exist (404).
        """
        noun, everything = nouns.by_key(self.noun), "all" in request.POST and "rows" not in request.POST
        pks = _pks(self.every(request), request, everything=everything)
        rows = access.visible(request.user, noun.with_related().filter(pk__in=pks), verb)
        found = sorted(rows, key=self.order)
        if not everything and len(found) < len(pks):
            raise Http404("所选的记录中有的已不存在,或不在您的管理范围内。")
        return found


def back_to(name: str) -> Callable[[HttpRequest], str]:
    """Return what leads back to a list as it was."""
    return lambda request: with_query(request, reverse(name))


def _left_over(rest: Sequence[Any]) -> list[str]:
    """Say that there are more than are done at once; how many more nobody has counted."""
    return [f"一次办理 {MOST:,} 条,余下的办完这些后再办。"] if rest else []


def _leave_out(job: Ticked, fits: Callable[[Ticked, Any], bool]) -> list[str]:
    """Take out the rows that do not fit, and say which; none where nothing fits."""
    left = [row for row in job.rows if not fits(job, row)]
    if not left or len(left) == len(job.rows):
        return []
    job.rows = [row for row in job.rows if fits(job, row)]
    names = "、".join(f"“{row}”" for row in left[:5])
    return [f"所选的有 {len(left):,} 个不能这样办理,不在其列:{names}{'等' if len(left) > 5 else ''}。"]


def _said_changed(rows: Sequence[Any], then: str) -> str:
    names = "、".join(f"“{row}”" for row in rows[:5])
    return f"在您打开本页之后,{names}{f'等 {len(rows):,} 项' if len(rows) > 5 else ''}已被他人修改,{then}"


def _is_at_once(request: HttpRequest) -> bool:
    """Whether the list itself asked what this page would ask (``at_once``), and not to be asked (``ask``)."""
    return "at_once" in request.POST and "ask" not in request.POST


def named_in(request: HttpRequest) -> list[str]:
    """Return the rows that were named by their keys, with their marks where the page showed these.

    ``only`` is one row, whatever else is ticked.
    """
    if only := request.POST.get("only", ""):
        return [only]
    named = (*request.POST.get("rows", "").split(","), *request.POST.getlist("row"))
    return [each for each in named if each]


def _pks(table: Table[Any], request: HttpRequest, *, everything: bool) -> set[int]:
    if everything:
        return set(table.rows.order_by().values_list("pk", flat=True)[: MOST + 1])
    return pks_of(request)


def pks_of(request: HttpRequest) -> set[int]:
    """Return the keys of the rows that a list's form, or the page that asked, sends."""
    wanted = {each.partition(":")[0] for each in named_in(request)}
    if not all(each.isdecimal() and len(each) < 19 for each in wanted):
        raise Http404("所选的记录中有的不存在。")
    return {int(each) for each in wanted}


def _problem(rows: list[Any]) -> str:
    if not rows:
        return "没有选中可以办理的记录,请先勾选。"
    return f"一次最多办理 {MOST} 条,请先筛选。" if len(rows) > MOST else ""
