"""Logins: open one with its grant, close one to its password."""

from __future__ import annotations

from datetime import date

from registry import audit
from registry.audit import Actor
from registry.models import Grant, GrantRole, Unit, User
from registry.operations.base import operation, refuse, validated


@operation
def open_login(
    *,
    actor: Actor,
    username: str,
    password: str,
    display_name: str,
    unit: Unit,
    role: str,
    started_on: date,
    is_superuser: bool = False,
) -> User:
    """Make a user with one grant: ``role`` at ``unit`` and all below it. Raises ``OperationRefused``."""
    if role not in GrantRole.values:
        raise refuse("role", "请选择角色。")
    user = User(
        username=username, display_name=display_name, is_staff=is_superuser, is_superuser=is_superuser
    )
    user.set_password(password)
    validated(user)
    user.save(force_insert=True)
    Grant.objects.create(user=user, unit=unit, role=role, started_on=started_on)
    audit.record(
        actor,
        "open_login",
        user,
        unit=unit,
        after={"username": username, "role": role, "unit": unit, "is_superuser": is_superuser},
        effective_on=started_on,
    )
    return user


@operation
def close_login(*, actor: Actor, user: User, reason: str) -> User:
    """Let nobody in by this login any more; what it did stays in the record."""
    user.set_unusable_password()
    user.is_active = False
    user.save(update_fields=["password", "is_active"])
    audit.record(
        actor, "close_login", user, before={"is_active": True}, after={"is_active": False}, reason=reason
    )
    return user
