"""A limit to a user's wrong guesses at what must be known and not be found out by trying.

They are counted where wrong passwords are (django-axes' table, which clears itself), so for all workers
together, and for the same time (``LOGIN_LOCK``). The same wrong guess counts once: who corrects a form sends
it again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from axes.models import AccessAttempt
from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac

from registry.models import User

_LOCK = 0x6755_6573
"""The first half of the key of PostgreSQL's advisory locks; the second is the user's."""


@dataclass
class Judged:
    """What became of guesses: by guess whether it is right, None where it was not even compared."""

    answers: dict[str, bool | None] = field(default_factory=dict)
    new: dict[bool, list[str]] = field(default_factory=lambda: {True: [], False: []})
    """The marks of the right and of the wrong ones that were not asked about lately."""
    is_locked: bool = False
    """Whether the last wrong one that is allowed is among them."""


def judge(
    user: User, what: str, limit: int, guesses: Mapping[str, bool], *, notes_right: bool = True
) -> Judged:
    """Return which of the ``guesses`` (whether each is right) ``user`` is told, and count the wrong ones.

    ``what`` names the kind of guesses, of which ``limit`` may be wrong. Only a keyed hash of a guess is
    kept, of a right one too unless it tells nothing (``notes_right``). Guesses of one user are judged one
    after the other, so that many requests at once get no more answers.
    """
    known = _recent(user, what)
    is_new = notes_right and not known.keys() >= {_mark(what, guess) for guess in guesses}
    if all(guesses.values()) and not is_new and sum(known.values()) < limit:
        return Judged(dict(guesses))
    with transaction.atomic():
        _lock(user)
        known = _recent(user, what)
        judged = _compared(known, what, limit, guesses, notes_right=notes_right)
        AccessAttempt.objects.bulk_create(
            AccessAttempt(
                username=_name(user, what),
                user_agent=mark,
                path_info=what,
                failures_since_start=int(not is_right),
            )
            for is_right, marks in judged.new.items()
            for mark in marks
        )
    return judged


def _compared(
    known: Mapping[str, bool], what: str, limit: int, guesses: Mapping[str, bool], *, notes_right: bool
) -> Judged:
    judged, wrong = Judged(), sum(known.values())
    for guess, is_right in guesses.items():
        if wrong >= limit:
            judged.answers[guess] = None
            continue
        judged.answers[guess] = is_right
        mark = _mark(what, guess)
        if mark in known or (is_right and not notes_right):
            continue
        judged.new[is_right].append(mark)
        wrong += not is_right
        judged.is_locked = wrong >= limit
    return judged


def _mark(what: str, guess: str) -> str:
    return salted_hmac(what, guess).hexdigest()


def _recent(user: User, what: str) -> dict[str, bool]:
    """Return the recent guesses, each by its mark with whether it was wrong."""
    since = timezone.now() - settings.LOGIN_LOCK
    rows = AccessAttempt.objects.filter(username=_name(user, what), path_info=what, attempt_time__gte=since)
    return {
        mark: wrong > 0 for mark, wrong in rows.order_by().values_list("user_agent", "failures_since_start")
    }


def _name(user: User, what: str) -> str:
    return f"{what}:{user.pk}"


def _lock(user: User) -> None:
    """Let no other request of the user count; on SQLite the transaction is the only one that writes."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_LOCK, user.pk])
