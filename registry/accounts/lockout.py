"""Who may come in at all, when a login is locked (django-axes), and what is then said."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

from axes.handlers.database import AxesDatabaseHandler
from django.conf import settings
from django.contrib import auth
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import AnonymousUser
from django.db.models import Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from registry.accounts.forms import LoginForm, lock_message
from registry.models import User


class LoginHandler(AxesDatabaseHandler):  # type: ignore[misc]
    """Counts wrong passwords in three ways, each with a limit of its own (LOGIN_FAILURES).

    One account at one address: few, since that is one person who mistypes or guesses. One account from
    anywhere: more, against guessing from many machines. One address whatever the account: many, against
    trying one password everywhere; not counted when all requests come from this machine, since then
    a proxy was not named in TRUSTED_PROXIES.
    """

    def get_failures(self, request: Any, credentials: dict[str, Any] | None = None) -> int:
        """Return the failures, on the scale of the limit for one account at one address."""
        counted = {
            way: attempts.aggregate(number=Sum("failures_since_start"))["number"] or 0
            for way, attempts in zip(
                ("both", "account", "address"), self.get_user_attempts(request, credentials), strict=True
            )
        }
        if _is_this_machine(request.axes_ip_address):
            counted["address"] = 0
        limits = settings.LOGIN_FAILURES
        return max(number * limits["both"] // limits[way] for way, number in counted.items())

    def reset_user_attempts(self, request: Any, credentials: dict[str, Any] | None = None) -> int:
        """Forget the failures of one account at one address only: logging in oneself clears nobody else's."""
        first = self.filter_user_attempts(request, credentials)[0]
        number, _models = first.delete()
        return int(number)


class Backend(ModelBackend):
    """Django's own, but the demo's users are nobody without DEBUG: their passwords are public."""

    def user_can_authenticate(self, user: User | AnonymousUser | None) -> bool:
        """Whether the user may come in, and go on with a session."""
        if getattr(user, "is_sample", False) and not settings.DEBUG:
            return False
        return super().user_can_authenticate(user)


def _is_this_machine(address: str | None) -> bool:
    try:
        return address is None or ip_address(address).is_loopback
    except ValueError:
        return True


def locked_out(request: HttpRequest, response: HttpResponse, credentials: Any) -> HttpResponse:
    """Answer a locked login with the login page that says so; a session that guessed ends."""
    if request.user.is_authenticated:
        auth.logout(request)
    form = LoginForm(request, initial={"username": (credentials or {}).get("username") or ""})
    return login_page(
        request,
        form,
        goal=request.POST.get("next", ""),
        packed=request.POST.get("kept", ""),
        locked=lock_message(),
        status=429,
    )


def login_page(
    request: HttpRequest, form: LoginForm, *, goal: str, packed: str, locked: str = "", status: int = 200
) -> HttpResponse:
    """Show the login page; ``packed`` is what was filled in when the login ended (``web.kept``)."""
    context = {"form": form, "next": goal, "kept": packed, "locked": locked}
    return render(request, "accounts/login.html", context, status=status)
