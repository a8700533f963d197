"""Who may come in at all, when a login has to wait (django-axes), and what is then said."""

from __future__ import annotations

import math
from datetime import timedelta
from ipaddress import ip_address
from typing import Any

from axes.handlers.database import AxesDatabaseHandler
from axes.helpers import get_client_username
from django.conf import settings
from django.contrib import auth
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import AnonymousUser
from django.db.models import Max, QuerySet, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from registry.accounts import devices
from registry.accounts.forms import LoginForm, lock_message
from registry.models import User
from registry.models.prepared import Values, read_objects


class LoginHandler(AxesDatabaseHandler):  # type: ignore[misc]
    """Counts wrong passwords; after so many (LOGIN_FAILURES) the next try waits, twice as long each time.

    A browser in which somebody has logged in before (``registry.accounts.devices``) has a counter of its own
    for that account: nobody keeps its user out from elsewhere. All others are counted in three ways: one
    account at one address, since that is one person who mistypes or guesses; one account from anywhere,
    against guessing from many machines; one address whatever the account, against trying one password
    everywhere. The last not when all requests come from this machine, since then a proxy was not named in
    TRUSTED_PROXIES.
    """

    def get_failures(self, request: Any, credentials: dict[str, Any] | None = None) -> int:
        """Return what the limit is while the next try has to wait, else nothing."""
        request.login_wait = self.seconds_to_wait(request, credentials)
        return int(settings.AXES_FAILURE_LIMIT) if request.login_wait else 0

    def seconds_to_wait(self, request: Any, credentials: dict[str, Any] | None = None) -> int:
        """Return for how long this browser does not try this account again."""
        self._name_browser(request, credentials)
        limits, tries = settings.LOGIN_FAILURES, self.get_user_attempts(request, credentials)
        found = {
            way: rows.filter(user_agent=request.axes_user_agent)
            for way, rows in zip(("both", "account", "address"), tries, strict=True)
        }
        if request.axes_user_agent != _UNKNOWN:
            return _wait(found["account"], limits["both"])
        if _is_this_machine(request.axes_ip_address):
            del found["address"]
        return max(_wait(rows, limits[way]) for way, rows in found.items())

    def user_login_failed(
        self, sender: Any, credentials: dict[str, Any], request: Any = None, **more: Any
    ) -> None:
        """Count a wrong password for the browser."""
        if request is not None:
            self._name_browser(request, credentials)
        super().user_login_failed(sender, credentials, request, **more)

    def reset_user_attempts(self, request: Any, credentials: dict[str, Any] | None = None) -> int:
        """Forget the failures of this browser, or of unknown ones at this address: nobody else's."""
        self._name_browser(request, credentials)
        both, account, _address = self.filter_user_attempts(request, credentials)
        rows = both if request.axes_user_agent == _UNKNOWN else account
        number, _models = rows.filter(user_agent=request.axes_user_agent).delete()
        return int(number)

    def _name_browser(self, request: Any, credentials: dict[str, Any] | None) -> None:
        """Name the browser by its mark for the account, as anybody can send any user agent."""
        mark = devices.mark_of(request, get_client_username(request, credentials))
        request.axes_user_agent = f"device:{mark}" if mark else _UNKNOWN


_UNKNOWN = "unknown"


def _wait(tries: QuerySet[Any], free: int) -> int:
    """Return the seconds to wait after these failures: a minute, then twice as long each time."""
    counted = tries.aggregate(number=Sum("failures_since_start"), last=Max("attempt_time"))
    over = (counted["number"] or 0) - free
    if over < 0:
        return 0
    wait = min(settings.LOGIN_FIRST_WAIT * 2 ** min(over, 10), settings.LOGIN_LOCK)
    left: timedelta = counted["last"] + wait - timezone.now()
    return max(0, math.ceil(left.total_seconds()))


class Backend(ModelBackend):
    """Django's own, but the demo's users are nobody without DEBUG: their passwords are public."""

    def user_can_authenticate(self, user: User | AnonymousUser | None) -> bool:
        """Whether the user may come in, and go on with a session."""
        if getattr(user, "is_sample", False) and not settings.DEBUG:
            return False
        return super().user_can_authenticate(user)

    def get_user(self, user_id: int) -> User | None:
        """Return the user of a session: every request asks, by a statement made once."""
        found: list[User] = read_objects(_with_key, [user_id], planned_once=True)
        return found[0] if found and self.user_can_authenticate(found[0]) else None


def _with_key(values: Values) -> QuerySet[User]:
    return User.objects.filter(pk=values[0])


def _is_this_machine(address: str | None) -> bool:
    try:
        return address is None or ip_address(address).is_loopback
    except ValueError:
        return True


def locked_out(request: HttpRequest, response: HttpResponse, credentials: Any) -> HttpResponse:
    """Answer a login that has to wait with the login page that says so; a session that guessed ends."""
    if request.user.is_authenticated:
        auth.logout(request)
    form = LoginForm(request, initial={"username": (credentials or {}).get("username") or ""})
    return login_page(
        request,
        form,
        goal=request.POST.get("next", ""),
        packed=request.POST.get("kept", ""),
        locked=lock_message(request.login_wait),  # type: ignore[attr-defined]
        status=429,
    )


def login_page(
    request: HttpRequest, form: LoginForm, *, goal: str, packed: str, locked: str = "", status: int = 200
) -> HttpResponse:
    """Show the login page; ``packed`` is what was filled in when the login ended (``web.kept``)."""
    context = {"form": form, "next": goal, "kept": packed, "locked": locked}
    return render(request, "accounts/login.html", context, status=status)
