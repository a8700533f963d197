"""How a page changes something: form, warnings, one operation, and back with a line that says so."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar, cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render

from registry.refusals import EditConflict, OperationRefused
from registry.web.fields import ScopedForm

T = TypeVar("T")


def change(
    request: HttpRequest,
    form: ScopedForm,
    act: Callable[[], T],
    *,
    done: Callable[[T], str],
    back: str | Callable[[T], str],
    template: str,
    context: Mapping[str, Any] | None = None,
    warn: Callable[[], Sequence[str]] | None = None,
) -> HttpResponse:
    """Answer the page of one change; the form is bound on POST only.

    * GET shows ``template`` with ``context`` and the form.
    * A POST whose form is valid runs ``act``, says ``done(result)`` (``format_html``, with the way back)
      and redirects to ``back``. What the operation refuses stands beside its field.
    * ``warn`` (asked of a valid form, before ``act``) says what should be looked at: shown once with
      仍要保存; saved when sent again with the same warnings.
    * A form with a hidden ``version`` field that meets an ``EditConflict`` comes back with both values
      said and the new version, so that saving a second time is a decision.

    A form that fails always comes back filled.
    """
    shown: dict[str, Any] = {**(context or {}), "form": form}
    if request.method == "POST" and form.is_valid():
        warnings = list(warn()) if warn else []
        confirmed = fingerprint(warnings)
        if warnings and request.POST.get("confirmed") != confirmed:
            shown |= {"warnings": warnings, "confirmed": confirmed}
        else:
            try:
                result = act()
            except EditConflict as conflict:
                form.apply_refusal(conflict)
                renew_version(form, conflict)
            except OperationRefused as refusal:
                form.apply_refusal(refusal)
            else:
                messages.success(request, done(result))
                return HttpResponseRedirect(back if isinstance(back, str) else back(result))
    return render(request, template, shown)


def posted(request: HttpRequest) -> QueryDict | None:
    """Return what was sent, None on GET: the data of the form, bound even when nothing was filled in."""
    return request.POST if request.method == "POST" else None


def fingerprint(warnings: Sequence[str]) -> str:
    """Return a short mark of what was warned about, for the hidden field ``confirmed``."""
    return hashlib.sha256("\n".join(warnings).encode()).hexdigest()[:16]


def renew_version(form: ScopedForm, conflict: EditConflict) -> None:
    """Let the next sending of ``form`` stand against the version whose values were just shown."""
    name, data = form.add_prefix("version"), cast(Any, form.data)
    if conflict.version is not None and name in data:
        data = data.copy()
        data[name] = str(conflict.version)
        form.data = data
