"""Users for the bench: they log in by the form with a random password."""

from __future__ import annotations

import secrets

from django.contrib.auth.hashers import make_password
from django.utils import timezone

from benchmarks.sites import ACTOR
from registry.accounts.operations import add_user
from registry.models import Unit, User


def make_users(places: list[tuple[Unit, str]]) -> tuple[list[User], str]:
    """Make a user with a role at each (unit, role); return them with the password of all.

    A first password must be changed at the first login, so it is replaced here; all share one hash, since
    fifty hashes take longer than what is measured.
    """
    password, mark = f"Bench-{secrets.token_hex(12)}", secrets.token_hex(3)
    users = [
        add_user(
            actor=ACTOR,
            username=f"bench-{mark}-{number}",
            display_name=f"测试{number}",
            unit=unit,
            role=role,
            started_on=timezone.localdate(),
        )[0]
        for number, (unit, role) in enumerate(places)
    ]
    made = User.objects.filter(pk__in=[user.pk for user in users]).order_by("pk")
    made.update(password=make_password(password), must_change_password=False)
    return list(made.all()), password
