"""How a page changes something: form, warnings, one operation, and back with a line that says so."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar, cast

from django.contrib import messages
from django.db import transaction
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_http_methods

from registry import access, housekeeping, nouns
from registry.operations import seen
from registry.operations.base import shown as shown_value
from registry.operations.seen import SeenChanged
from registry.operations.submitting import returned, submit
from registry.refusals import EditConflict, NeedsApproval, OperationRefused
from registry.web import history
from registry.web.address import Address, actor_of, address_of
from registry.web.fields import ScopedForm
from registry.web.once import Outcome, once, posted

__all__ = ["Asked", "Job", "Subject", "View", "change", "changes_something", "fingerprint", "posted"]

T = TypeVar("T")
View = Callable[..., HttpResponse]
UNCHANGED = "填写的内容与原来相同,没有作任何修改。"

ATTEMPTS = 3


def changes_something(view: View) -> View:
    """Take a page that is opened and sent; it starts again when a row changed under its very act.

    The page is then made anew from the row as it is, and says what changed.
    """

    @functools.wraps(view)
    def run(*args: Any, **kwargs: Any) -> HttpResponse:
        for _attempt in range(1, ATTEMPTS):
            try:
                return view(*args, **kwargs)
            except SeenChanged:
                continue
        return view(*args, **kwargs)

    return require_http_methods(["GET", "HEAD", "POST"])(run)


def change(
    request: HttpRequest,
    form: ScopedForm,
    act: Callable[[], T],
    *,
    done: Callable[[T], str] = str,
    back: str | Callable[[T], str | HttpResponse],
    template: str,
    context: Mapping[str, Any] | None = None,
    warn: Callable[[], Sequence[str]] | None = None,
    on: Sequence[Model] = (),
    beside: Sequence[str] = (),
) -> HttpResponse:
    """Answer the page of one change; the form is bound on POST only.

    ``on`` are the rows that the page shows and that are acted on, as they are now: the form carries a mark
    of each (``operations.seen``). Where one is another thing than the user saw, nothing is done: the page
    comes back and says what changed. ``beside`` is what of their surroundings is meant, too.

    * GET shows ``template`` with ``context`` and the form.
    * A POST whose form is valid runs ``act``, says ``done(result)`` (``format_html``, with the way back)
      and redirects to ``back``; or answers with what ``back`` makes of the result, saying nothing.
      What the operation refuses stands beside its field.
    * ``warn`` (asked of a valid form, before ``act``) says what should be looked at, once nothing is wrong:
      shown with 仍要保存; saved when sent again with the same warnings.
    * A form with a hidden ``version`` field that meets an ``EditConflict`` comes back with both values
      said and the new version, so that saving a second time is a decision.

    A form that fails always comes back filled.
    """
    now = seen.marks(on, *beside)
    shown: dict[str, Any] = {**(context or {}), "form": form, "seen": now}
    sent = request.POST.getlist("seen")
    if request.method == "POST" and len(sent) == len(now) and sent != now:
        form.is_valid()
        for row, mark, other in zip(on, sent, now, strict=True):
            if names := seen.differences(mark, other):
                form.add_error(None, what_changed(row, names))
    elif request.method == "POST" and form.is_valid():
        warnings = list(warn()) if warn else []
        confirmed = fingerprint(warnings)
        try:
            if warnings and request.POST.get("confirmed") != confirmed:
                _rehearse(act)
                shown |= {"warnings": warnings, "confirmed": confirmed}
            else:
                with seen.acting_on(dict(zip(on, now, strict=True)), *beside):
                    return _done(request, act, done, back, str(shown.get("cancel_url", "")))
        except SeenChanged:
            raise
        except EditConflict as conflict:
            form.apply_refusal(conflict)
            renew_version(form, conflict)
        except OperationRefused as refusal:
            form.apply_refusal(refusal)
    return render(request, template, shown)


def what_changed(row: Model, names: Sequence[str]) -> str:
    """Say what others changed in a row since the user saw it; what is masked is not said."""
    known = {each.name: str(each.verbose_name) for each in row._meta.concrete_fields}
    masked = nouns.of(row).masked if nouns.describes(type(row)) else known  # what is no noun has no words
    said = [
        f"{known[name]}现在是“{shown_value(row, name, getattr(row, name))}”"
        if name in known and name not in masked
        else f"{known.get(name, name)}有变动"
        for name in names
    ]
    return f"在您打开本页之后,“{row}”已被他人修改:{';'.join(said)}。没有办理,请核对后再次提交。"


def _done(
    request: HttpRequest,
    act: Callable[[], T],
    done: Callable[[T], str],
    back: str | Callable[[T], str | HttpResponse],
    page: str,
) -> HttpResponse:
    """Do it once, and say so: where the answer cannot be made, nothing is saved.

    A second press leads to ``page`` where the answer is shown once only (a password).
    """

    def together(outcome: Outcome) -> HttpResponse:
        try:
            result = act()
        except NeedsApproval as needed:
            waits = submit(needed)
            link = format_html(' <a href="{}">查看</a>', waits.row.get_absolute_url())
            outcome.said = format_html("{}{}", waits.said, link)
            outcome.address = page or waits.row.get_absolute_url()
            return HttpResponseRedirect(outcome.address)
        goal = back if isinstance(back, str) else back(result)
        if isinstance(goal, HttpResponse):
            outcome.address = goal.headers.get("Location", "") or page
            return goal
        way = history.way_back(request, address_of(request))
        outcome.address, outcome.said = goal, format_html("{}{}", done(result), way)
        if not way and not history.has_recorded(request):
            outcome.said, outcome.level = UNCHANGED, messages.INFO
        return HttpResponseRedirect(goal)

    outcome = Outcome()
    answer = once(request, together, outcome)
    if outcome.said:
        messages.add_message(request, outcome.level, outcome.said)
    housekeeping.clean_when_due()
    return answer


def _rehearse(act: Callable[[], object]) -> None:
    """Do it and take it back, so that what must be refused is said before what should be looked at."""
    with transaction.atomic():
        with suppress(NeedsApproval):  # nothing else stands in the way: it will be submitted
            act()
        transaction.set_rollback(True)


def fingerprint(warnings: Sequence[str]) -> str:
    """Return a short mark of what was warned about, for the hidden field ``confirmed``."""
    return hashlib.sha256("\n".join(warnings).encode()).hexdigest()[:16]


def renew_version(form: ScopedForm, conflict: EditConflict) -> None:
    """Put the version that was just shown into ``form``: the next sending is checked against it."""
    name, data = form.add_prefix("version"), cast(Any, form.data)
    if conflict.version is not None and name in data:
        data = data.copy()
        data[name] = str(conflict.version)
        form.data = data


# --- Changes of one row, declared -----------------------------------------------------------------


@dataclass
class Asked:
    """A request to change something: the words of its page are made from it."""

    request: HttpRequest
    form: Any = field(init=False)

    @property
    def user(self) -> access.AnyUser:
        """Who asks."""
        return self.request.user

    @property
    def address(self) -> Address:
        """The address of the page."""
        return address_of(self.request)

    @property
    def sent(self) -> dict[str, Any]:
        """What the form sends, once it is valid."""
        cleaned: dict[str, Any] = self.form.cleaned_data
        return cleaned

    def warnings(self, said: Sequence[str], warn: Callable[[Any], Sequence[str]] | None) -> Sequence[str]:
        """Return the warnings to confirm before saving, from ``warn``.

        A form that holds the fingerprint of the sentences above it (``planned``) is stopped by all of them if
        they have changed since.
        """
        if "planned" in self.sent:
            return [] if self.sent["planned"] == fingerprint(said) else said
        return warn(self) if warn else []


@dataclass
class Job(Asked):
    """A request to change a row."""

    row: Any
    title: str

    def url(self, row: Any) -> str:
        """Return the address of the page of a row."""
        return self.address.url(row.get_absolute_url())


@dataclass(frozen=True)
class Subject:
    """What pages change: how a row is found, what surrounds the form, and where it leads back."""

    name: str
    """What operations call the row; none: the form names what they take."""
    find: Callable[[HttpRequest, Any, str], Any]
    """Returns the row with a key of the address, for those who may do the verb."""
    context: Callable[[Job], dict[str, Any]]
    """What the template shows beside the form, with ``cancel_url``, which is the way back, too."""
    template: str
    link: Callable[[Job, Any], SafeString] = lambda job, result: SafeString("")
    """What stands behind the line that says what was done."""
    back: Callable[[Job, Any], str | HttpResponse] | None = None

    def argument(self, row: Any) -> dict[str, Any]:
        """Return the row as operations take it."""
        return {self.name: row} if self.name else {}

    def change(
        self,
        operation: Callable[..., Any],
        form: type[ScopedForm],
        title: str,
        *,
        done: Callable[[Job, Any], str] = lambda job, result: "",
        submit_label: str = "",
        sentences: Callable[[Job], list[str]] = lambda job: [],
        initial: Callable[[Job], dict[str, Any]] = lambda job: {},
        warn: Callable[[Job], list[str]] | None = None,
        context: Callable[[Job], dict[str, Any]] = lambda job: {},
        opened: Callable[[Job], None] = lambda job: None,
        verb: str = "",
        beside: Sequence[str] = (),
        **instead: Any,
    ) -> View:
        """Return the view of one change: ``operation`` is called with the row and what the form sends.

        The operation is called as its verb, unless ``verb`` says otherwise. ``done`` says what was done,
        ``sentences`` what will be; a form with a field ``planned`` is sent again when that is another
        thing by then. ``opened`` is called when the page is opened. ``beside``: see ``change``. ``instead``
        replaces what the subject says.
        """
        of = replace(self, **instead)

        @changes_something
        def view(request: HttpRequest, **named: Any) -> HttpResponse:
            """Show the form, and do what it asks for."""
            (key,) = named.values()
            job = Job(request, of.find(request, key, verb or operation.__name__), title)
            if request.method == "GET":
                opened(job)
            shown: dict[str, Any] = {
                "title": title,
                "submit_label": submit_label or title,
                "sentences": sentences(job),
            }
            shown |= of.context(job) | context(job)
            said = shown["sentences"]
            begin = {"on": job.address.as_of, "planned": fingerprint(said), **initial(job)}
            if back_again := returned(request.user, operation.__name__, job.row):
                begin |= back_again.filled
                shown["returned"] = back_again
            job.form = form(posted(request), user=request.user, row=job.row, initial=begin)

            def back(result: Any) -> str | HttpResponse:
                return str(shown["cancel_url"]) if of.back is None else of.back(job, result)

            return change(
                request,
                job.form,
                lambda: operation(actor=actor_of(request), **of.argument(job.row), **job.form.arguments()),
                done=lambda result: format_html("{}{}", done(job, result), of.link(job, result)),
                back=back,
                template=of.template,
                context=shown,
                warn=lambda: job.warnings(said, warn),
                # An edit carries the version, and says both values of each field.
                on=() if "version" in job.form.fields else [job.row],
                beside=beside,
            )

        return view
