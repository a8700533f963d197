"""The door through which a page leaves a long export to the worker (``registry.web.exports.later``)."""

from __future__ import annotations

from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render

from registry.exports import operations
from registry.exports.making import make_task
from registry.exports.models import Export
from registry.models import User
from registry.refusals import OperationRefused
from registry.web.address import actor_of, address_of, back_of
from registry.work import queue

NOT_KEPT = ("csrfmiddlewaretoken", "back")


def ask(request: HttpRequest, title: str, total: int = 0) -> HttpResponse:
    """Leave what the request asks for to the worker, and lead to its page; 429 when the user has too much."""
    assert isinstance(request.user, User)
    sent = [[name, value] for name, values in request.POST.lists() for value in values]
    try:
        with transaction.atomic():
            export = operations.ask_export(
                actor=actor_of(request),
                user=request.user,
                title=title,
                path=request.get_full_path(),
                data=[each for each in sent if each[0] not in NOT_KEPT],
                back=back_of(request) if "back" in request.POST else "",
                total=total,
            )
            Export.objects.filter(pk=export.pk).update(job=queue.put(make_task, export.pk, user=request.user))
    except OperationRefused as refusal:
        context = {"title": title, "said": " ".join(refusal.messages), "back": back_of(request)}
        return render(request, "exports/refused.html", context, status=429)
    return HttpResponseRedirect(address_of(request).url(export.get_absolute_url()))
