"""A line by mail when something waits, once a day at most: only with a mail server, and for who wants it.

The worker sends it. It names nobody and nothing, since mail leaves the registry: only how much waits.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import timedelta
from smtplib import SMTPException
from typing import Any

from django.conf import settings
from django.core.mail import get_connection
from django.core.mail.message import EmailMessage
from django.utils import timezone

from registry.models import Grant, User
from registry.models.user import held_on
from registry.web import desk
from registry.web.context import TITLE
from registry.work.queue import Chore

logger = logging.getLogger(__name__)

EVERY = timedelta(minutes=10)


def is_on() -> bool:
    """Whether there is a mail server."""
    return bool(settings.EMAIL_HOST)


def wanting() -> Iterable[User]:
    """Return who wants a line, was not sent one today, and holds something."""
    today = timezone.localdate()
    rows = User.objects.filter(is_active=True, wants_mail=True).exclude(email="")
    rows = rows.exclude(mailed_on=today)
    return rows.filter(pk__in=Grant.objects.filter(held_on(today)).values("user")).order_by("pk")


def send() -> int:
    """Send a line to everybody for whom something waits; return how many. What fails is tried again."""
    if not is_on():
        return 0
    sent = 0
    try:
        with get_connection() as connection:
            for user in wanting():
                number, reminded = desk.number(user), desk.reminded(user)
                if not number and not reminded:
                    continue
                # First: two workers that do it at once send one mail, not two.
                today = timezone.localdate()
                if not User.objects.filter(pk=user.pk).exclude(mailed_on=today).update(mailed_on=today):
                    continue
                try:
                    message(user, number, reminded, connection).send()
                except (OSError, SMTPException):
                    User.objects.filter(pk=user.pk).update(mailed_on=user.mailed_on)
                    raise
                sent += 1
    except (OSError, SMTPException) as error:
        logger.warning("mail could not be sent, trying again later: %s", error)
    return sent


def message(user: User, number: int, reminded: int, connection: Any) -> EmailMessage:
    """Return the line for a user: what waits, and what somebody reminded of."""
    said = [f"{number:,} 件待办"] * bool(number) + [f"{reminded:,} 件被催办"] * bool(reminded)
    return EmailMessage(
        f"{TITLE}:{','.join(said)}",
        f"您有 {',另有 '.join(said)},请登录系统到“待办”办理。\n每天最多发一次;可以在“我的账号”中关闭。\n",
        to=[user.email],
        connection=connection,
    )


CHORES = (Chore("mail of the desk", EVERY, send),)
