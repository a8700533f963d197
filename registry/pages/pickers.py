"""What a picker finds while somebody types: at most twenty hits, in scope only; and the day that is typed."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from registry import access, nouns
from registry.models import Unit
from registry.nouns.noun import Noun, PickerQuery
from registry.search.query import find
from registry.web.address import address_of
from registry.web.fields import note_of, typed_day, typed_day_or
from registry.web.metrics import find_metrics
from registry.web.text import cleaned

SHOWN = 20


@require_safe
def pick(request: HttpRequest, noun: str) -> HttpResponse:
    """Rows of a noun by what was typed; with ``verb`` only those where the user may do that.

    The noun's picker says which further parameters narrow the rows. With ``below`` (a unit where the user
    may do things) rows above that unit are found, too, which stand outside the user's scope.
    """
    about, text = nouns.by_key(noun), typed(request)
    verb = request.GET.get("verb", "") or access.SEE
    if not text:
        return HttpResponse()
    found = _found(request, about, text, verb) if verb in nouns.all_verbs() else []
    options = [
        {"value": getattr(row, about.chosen_by.key), "label": str(row), "note": _note(request, about, row)}
        for row in found[:SHOWN]
    ]
    context = {"options": options, "more": len(found) > SHOWN, "query": text}
    return render(request, "parts/picker_options.html", context)


@require_safe
def pick_metric(request: HttpRequest) -> HttpResponse:
    """Metrics that users made, by what was typed of their name or of that of their group."""
    if not (text := typed(request)):
        return HttpResponse()
    found = find_metrics(request.user, text)
    options = [{"value": each.slug, "label": str(each.label), "note": each.group} for each in found[:SHOWN]]
    context = {"options": options, "more": len(found) > SHOWN, "query": text}
    return render(request, "parts/picker_options.html", context)


def typed(request: HttpRequest) -> str:
    """Return what was typed: ``q``, or the picker's own field, whose name ends with ``_text``."""
    for name, value in request.GET.items():
        if name == "q" or name.endswith("_text"):
            return cleaned(str(value))
    return ""


def _found(request: HttpRequest, noun: Noun, text: str, verb: str) -> list[Any]:
    address, picker, user = address_of(request), noun.chosen_by, request.user
    given = {name: str(value) for name, value in request.GET.items()}
    query = PickerQuery(nouns.verb(verb).is_recorded, address.as_of, address.today, given)
    beyond = None
    if picker.beyond is not None and (code := cleaned(given.get("below", ""))):
        below = access.visible(user, Unit.objects.filter(code=code), picker.beyond_verb).first()
        beyond = picker.beyond(below) if below is not None else None
    return find(
        noun, user, text, verb, most=SHOWN + 1, narrow=lambda rows: picker.narrow(rows, query), beyond=beyond
    )


def _note(request: HttpRequest, noun: Noun, row: Any) -> str:
    sample = ["演示"] if row.is_sample else []
    return " · ".join([note_of(request.user, row), *noun.chosen_by.marks(row), *sample])


@require_safe
def read_day(request: HttpRequest) -> HttpResponse:
    """Answer with the day that was typed (``near`` has the year that is meant), or say why it is none."""
    near = typed_day_or(cleaned(request.GET.get("near", "")), address_of(request).today)
    try:
        day = typed_day(cleaned(request.GET.get("q", "")), near)
    except ValidationError as error:
        answer = JsonResponse({"says": error.message})
        # It repeats what was typed: no tag may stand in it, whatever a browser takes it for.
        answer.content = answer.content.replace(b"<", b"\\u003c")
        return answer
    return JsonResponse({"day": day.isoformat() if day else ""})
