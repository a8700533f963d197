"""Pressing twice does it once: each form carries a hidden key, kept together with what the form did.

The key is written first within the transaction of the act, so a second press waits for the first one and then
finds what came of it. The page of a fault asks by the key whether the act was committed.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from django.contrib import messages
from django.db import connection
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import mark_safe

from registry.models import SentForm
from registry.operations.base import operation
from registry.refusals import OperationRefused
from registry.web import kept

FIELD = kept.FORM_KEY
_LONGEST = 40
_NOT_CONTENT = (FIELD, "csrfmiddlewaretoken")
ALREADY = "这张表单已经办理过,没有重复办理。"
DIFFERENT = "这张表单已经办理过;现在填写的内容与当时不同,没有保存。确实要再办理一次的,请核对后再按一次。"

T = TypeVar("T")


class AlreadySent(Exception):
    """The same form was carried out meanwhile, by another press."""


@dataclass
class Outcome:
    """Where an act leads, and what is said of it."""

    address: str = ""
    said: str = ""
    level: int = messages.SUCCESS


def key_of(request: HttpRequest) -> str:
    """Return the key for a form of this page: the one that came with it unless it is used, or a new one."""
    if getattr(request, "form_key_is_used", False):
        return secrets.token_urlsafe(18)
    sent = getattr(request, "kept_form_key", "") or request.POST.get(FIELD, "")
    return str(sent)[:_LONGEST] or secrets.token_urlsafe(18)


def _stored_key(request: HttpRequest, key: str) -> str:
    """Return the key as it is stored: it holds for the address that the form was sent to."""
    return hashlib.sha256(f"{request.path}\n{key}".encode()).hexdigest()


def _content(request: HttpRequest) -> str:
    """Return a mark of what the form sent."""
    sent = [(name, values) for name, values in request.POST.lists() if name not in _NOT_CONTENT]
    files = [(name, [(file.name, file.size) for file in each]) for name, each in request.FILES.lists()]
    return hashlib.sha256(repr((sorted(sent), sorted(files))).encode()).hexdigest()


def found(request: HttpRequest, key: str = "") -> SentForm | None:
    """Return the form that was carried out with the key that the request carries."""
    key = key or request.POST.get(FIELD, "")[:_LONGEST]
    if not key or not request.user.is_authenticated:
        return None
    return SentForm.objects.filter(user_id=request.user.pk, key=_stored_key(request, key)).first()


def once(request: HttpRequest, act: Callable[[Outcome], T], outcome: Outcome) -> T:
    """Do ``act``, which fills in the outcome, in one transaction with the key of the form.

    Raises ``AlreadySent`` when another press did it meanwhile. A form without a key is just done. What is
    refused leaves the key free, and what the act wrote of the refusal itself (a wrong password) stays.
    """
    key, user = request.POST.get(FIELD, "")[:_LONGEST], request.user
    if not key or not user.is_authenticated:
        return act(outcome)
    stored = _stored_key(request, key)

    @operation
    def together() -> T | OperationRefused:
        if not _claim(user.pk, stored, _content(request)):
            raise AlreadySent
        own = SentForm.objects.filter(user_id=user.pk, key=stored)
        request.form_key_is_used = True  # type: ignore[attr-defined]  # the answer may hold another form
        try:
            result = act(outcome)
        except OperationRefused as refusal:
            own.delete()
            request.form_key_is_used = False  # type: ignore[attr-defined]
            return refusal
        own.update(address=outcome.address, said=outcome.said)
        return result

    done = together()
    if isinstance(done, OperationRefused):
        raise done
    return done


def _claim(user: int, key: str, content: str) -> bool:
    """Write the key; False where it is there. Waits for another press that is under way."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {SentForm._meta.db_table} (user_id, key, content, address, said, at) "
            "VALUES (%s, %s, %s, '', '', %s) ON CONFLICT DO NOTHING",
            [user, key, content, timezone.now()],
        )
        return bool(cursor.rowcount)


def posted(request: HttpRequest) -> QueryDict | None:
    """Return the data of the form: what was sent, or was filled in when the login ended; else None.

    What was carried out before the login ended is not filled in again: the page says so instead.
    """
    if request.method == "POST":
        return request.POST
    if (back := kept.take_back(request)) is None:
        return None
    data, said = back
    key = data.get(FIELD, "")
    if sent := found(request, key):
        link = format_html(' <a href="{}">查看结果</a>', sent.address) if sent.address else ""
        messages.info(request, format_html("{}{}{}", ALREADY, mark_safe(sent.said), link))
        return None
    request.kept_form_key = key  # type: ignore[attr-defined]
    messages.warning(request, said)
    return data


def lead_to(request: HttpRequest, sent: SentForm) -> HttpResponse:
    """Lead to what came of a form that was carried out, and say so."""
    said = mark_safe(sent.said)  # escaped when it was written
    messages.info(request, format_html("{}{}", ALREADY, said))
    return HttpResponseRedirect(sent.address or reverse("home"))


class OnceMiddleware:
    """Answers a form that was carried out already with what came of it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_view: object) -> HttpResponse | None:
        """Look the key up before the page is asked, which may not know its row any more."""
        if request.method != "POST" or (sent := found(request)) is None:
            return None
        if sent.content == _content(request):
            return lead_to(request, sent)
        if packed := kept.pack(request, but=(FIELD,)):
            kept.keep(request, packed, said=DIFFERENT)
        else:
            messages.warning(request, DIFFERENT)
        return HttpResponseRedirect(request.get_full_path())

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answer a press that waited for another one of the same form."""
        sent = found(request) if isinstance(exception, AlreadySent) else None
        return lead_to(request, sent) if sent is not None else None
