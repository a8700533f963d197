"""Browsers that are known: somebody has logged in there before. They carry a signed mark for each account.

A mark opens nothing. It only gives the browser a counter of wrong passwords of its own
(``registry.accounts.lockout``), so that who guesses from elsewhere does not keep the user out.
"""

from __future__ import annotations

import secrets

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse

from registry.models import User

DAYS = 180
MOST = 8
"""So many accounts one browser knows; the oldest is forgotten."""
_SALT = "registry.device"
_SECONDS = DAYS * 24 * 3600


def remember(request: HttpRequest, response: HttpResponse, user: User) -> None:
    """Remember the browser as a known one of the account that has just logged in."""
    marks = _marks(request)
    mark = marks.pop(str(user.pk), "") or secrets.token_urlsafe(12)
    kept = dict([*marks.items(), (str(user.pk), mark)][-MOST:])
    response.set_cookie(
        settings.DEVICE_COOKIE_NAME,
        signing.dumps(kept, salt=_SALT),
        max_age=_SECONDS,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def mark_of(request: HttpRequest, username: str | None) -> str:
    """Return the browser's mark for an account; "" where the account has never come in."""
    marks = _marks(request)
    if not marks or not username or "\0" in username:
        return ""
    user = User.objects.filter(username=username).only("pk").first()
    return marks.get(str(user.pk), "") if user is not None else ""


def _marks(request: HttpRequest) -> dict[str, str]:
    """Return the marks of the cookie by account; nothing from one that we did not sign, or that is old."""
    try:
        found = signing.loads(
            request.COOKIES.get(settings.DEVICE_COOKIE_NAME, ""), salt=_SALT, max_age=_SECONDS
        )
    except signing.BadSignature:
        return {}
    return found if isinstance(found, dict) else {}
