"""What is done with users: add, grant, end a grant, disable, enable, set passwords, end sessions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from axes.models import AccessAttempt
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone

from registry import audit
from registry.accounts import passwords, second_factor
from registry.accounts.grants import (
    give,
    guarded_units,
    locked,
    need_right_over,
    need_two,
    not_oneself,
    reason_given,
    unit_of,
)
from registry.audit import Actor
from registry.locks import lock_unit_tree
from registry.models import GrantRole, Person, Session, Unit, User
from registry.models.text import look_of, validate_letters
from registry.operations.base import need_oneself, need_right, operation, validated
from registry.operations.compliance import load_holidays
from registry.operations.units import add_unit
from registry.refusals import refuse
from registry.rules import separation
from registry.rules.findings import refuse_if
from registry.search.index import batches

MOST_SLIPS = 40
"""The most one-time passwords that are made at once: hashing each takes a while."""


@operation
def add_user(
    *,
    actor: Actor,
    username: str,
    display_name: str,
    unit: Unit,
    role: str,
    started_on: date,
    ended_on: date | None = None,
    password: str = "",
    proposed_by: User | None = None,
) -> tuple[User, str]:
    """Make a user with a first grant; return it with its one-time password. Raises ``OperationRefused``."""
    need_right(actor, "add_user", unit)
    user, password = _with_password(_new_user(username, display_name), password)
    after = audit.fields_of(user, ["username", "display_name"])
    audit.record(actor, "add_user", user, unit=unit, after=after)
    give(actor, user, unit, role, started_on, ended_on, proposed_by)
    return user, password


@operation
def set_up(
    *,
    actor: Actor,
    username: str,
    display_name: str,
    unit: Mapping[str, Any] | None = None,
    password: str = "",
) -> tuple[User, str]:
    """Set up an empty registry: its first unit (these facts) and its manager, or only an administrator.

    The administrator (a superuser) then makes the first unit on a page. Returns the user with its one-time
    password, which is ``password`` when given. Raises ``OperationRefused`` when somebody has begun already.
    """
    lock_unit_tree()
    need_right(actor, "set_up", None)
    begun_refused()
    if unit is not None:
        root = add_unit(actor=actor, superior=None, **unit)
        user, password = add_user(
            actor=actor,
            username=username,
            display_name=display_name,
            unit=root,
            role=GrantRole.MANAGER.value,
            started_on=timezone.localdate(),
            password=password,
        )
    else:
        user, password = _administrator(username, display_name, password)
    load_holidays(actor=actor)
    after = {"username": user.username, "is_superuser": user.is_superuser}
    audit.record(actor, "set_up", user, unit=unit_of(user), after=after)
    return user, password


def _administrator(username: str, display_name: str, password: str) -> tuple[User, str]:
    new = _new_user(username, display_name)
    new.is_staff = new.is_superuser = True
    return _with_password(new, password)


@operation
def add_administrator(*, actor: Actor, username: str, display_name: str, password: str) -> User:
    """Make one more administrator, whose password opens the registry once: on the server only."""
    need_right(actor, "add_administrator", None)
    user, _password = _administrator(username, display_name, password)
    after = {"username": user.username, "is_superuser": True}
    audit.record(actor, "add_administrator", user, after=after)
    return user


@dataclass(frozen=True)
class NewUser:
    """Somebody who will log in, with a grant from today."""

    username: str
    display_name: str
    unit: Unit
    role: str
    ended_on: date | None = None
    person: Person | None = None


@operation
def add_users(*, actor: Actor, users: Sequence[NewUser], reason: str = "") -> list[User]:
    """Make many users without a password; a user who is named again or exists is given one more grant.

    They log in when they have a one-time password (``set_one_time_passwords``).
    """
    need_right(actor, "add_user", *(new.unit for new in users))
    today = timezone.localdate()
    there = {user.username.lower(): user for user in users_called(new.username for new in users)}
    made: list[User] = []
    for new in users:
        user = there.get(User.normalize_username(new.username).lower())
        if user is None:
            user = _new_user(new.username, new.display_name)
            user.set_unusable_password()
            user.person, user.must_change_password = new.person, True
            user.save(force_insert=True)
            there[user.username.lower()] = user
            made.append(user)
            after = audit.fields_of(user, ["username", "display_name", "person"])
            audit.record(actor, "add_user", user, unit=new.unit, after=after, reason=reason)
        elif user not in made:
            not_oneself(actor, user, "不能给自己授权。")
            need_right_over(actor, "grant_role", user, new.unit)
        give(actor, user, new.unit, new.role, today, new.ended_on)
    return made


def users_called(usernames: Iterable[str]) -> Iterator[User]:
    """Yield the existing users with these names, in upper or lower case."""
    for some in batches({User.normalize_username(name).lower() for name in usernames}, 500):
        yield from User.objects.annotate(lower=Lower("username")).filter(lower__in=some)


@operation
def edit_user(
    *,
    actor: Actor,
    user: User,
    changes: Mapping[str, Any],
    reason: str,
    proposed_by: User | None = None,
) -> User:
    """Correct a user's account name, name, or the person behind it. Managers may correct their own."""
    user = locked(user)
    need_right(actor, "edit_user")
    if actor.user is None or actor.user.pk != user.pk:
        need_right_over(actor, "edit_user", user)
    reason_given(reason)
    wanted = {name: value for name, value in changes.items() if getattr(user, name) != value}
    if not wanted:
        return user
    before = audit.fields_of(user, list(wanted))
    for name, value in wanted.items():
        setattr(user, name, value)
    validated(user, exclude=("password",), unique=False)
    _name_free(user)
    user.save(update_fields=list(wanted))
    audit.record(actor, "edit_user", user, unit=unit_of(user), before=before, after=wanted, reason=reason)
    if "person" in wanted:
        refuse_if(separation.refusals_of(user), role="person")
    if actor.user is None or actor.user.pk != user.pk:
        need_two(actor, "edit_user", guarded_units(user), proposed_by)
    return user


def begun_refused() -> None:
    """Refuse when the registry has a unit already, or somebody who can make one."""
    if (unit := Unit.objects.order_by("pk").first()) is not None:
        raise refuse(
            None, f"登记系统已经建立,已有单位“{unit.name}”。添加管理员请用 manage.py grant 或用户页面。"
        )
    managing = Q(is_superuser=True, is_active=True) | Q(grants__role=GrantRole.MANAGER)
    if (user := User.objects.filter(managing).order_by("pk").first()) is not None:
        raise refuse(None, f"已有管理员“{user.username}”,请用该账号登录,在页面上登记首个单位。")


def _with_password(user: User, password: str = "") -> tuple[User, str]:
    """Save a new user with a one-time password: the one given, or a generated one."""
    password = password or passwords.one_time_password()
    passwords.check(password, user, field="password")
    user.set_password(password)
    user.must_change_password = True
    user.save(force_insert=True)
    return user, password


@operation
def open_login(
    *,
    actor: Actor,
    username: str,
    password: str,
    display_name: str,
    unit: Unit,
    role: str,
    is_superuser: bool = False,
) -> User:
    """Make one of the demo's users, whose password is printed: in DEBUG only. Raises ``OperationRefused``."""
    if not settings.DEBUG:
        raise refuse(None, "演示账号只能在 DEBUG 打开时建立。")
    need_right(actor, "open_login", None)
    user = _new_user(username, display_name)
    user.is_staff = user.is_superuser = is_superuser
    user.is_sample = True
    user.set_password(password)
    user.save(force_insert=True)
    audit.record(
        actor,
        "open_login",
        user,
        unit=unit,
        after={"username": username, "is_superuser": is_superuser},
    )
    give(actor, user, unit, role, timezone.localdate(), None)
    return user


def _new_user(username: str, display_name: str) -> User:
    name = User.normalize_username(username)
    user = User(username=name, display_name=display_name, password="!")
    validated(user)
    _name_free(user)
    return user


def _name_free(user: User) -> None:
    """Refuse the name of another account, one that looks like it, and letters that look like others."""
    try:
        validate_letters(user.username)
    except ValidationError as error:
        raise refuse("username", " ".join(error.messages)) from error
    others = User.objects.exclude(pk=user.pk)
    if others.filter(username__iexact=user.username).exists():
        raise refuse("username", f"已有名为“{user.username}”的用户,请换一个。")
    if others.filter(username__iregex=f"^{look_of(user.username)}$").exists():
        message = f"“{user.username}”和已有的一个用户名看起来一样(如 0 和 o、1 和 l),请换一个。"
        raise refuse("username", message)


@operation
def disable_user(*, actor: Actor, user: User, reason: str, proposed_by: User | None = None) -> User:
    """Let a user in no more and end the sessions; the password stays for when it is enabled again."""
    user = _other(actor, "disable_user", user, "不能停用自己的账号。")
    reason_given(reason)
    if not user.is_active:
        raise refuse(None, "该用户已经停用。")
    forget_sessions(user=user)
    _set_active(actor, "disable_user", user, reason, is_active=False)
    need_two(actor, "disable_user", guarded_units(user), proposed_by)
    return user


@operation
def enable_user(*, actor: Actor, user: User, reason: str = "", proposed_by: User | None = None) -> User:
    """Let a disabled user in again."""
    user = _other(actor, "enable_user", user, "不能启用自己的账号。")
    if user.is_active:
        raise refuse(None, "该用户没有停用。")
    _set_active(actor, "enable_user", user, reason, is_active=True)
    need_two(actor, "enable_user", guarded_units(user), proposed_by)
    return user


def _other(actor: Actor, verb: str, user: User, message: str) -> User:
    """Return the user's row, locked; refuse unless the actor may do it, and it is not the actor's own."""
    user = locked(user)
    not_oneself(actor, user, message)
    need_right_over(actor, verb, user)
    return user


def _set_active(actor: Actor, verb: str, user: User, reason: str, *, is_active: bool) -> None:
    user.is_active = is_active
    user.save(update_fields=["is_active"])
    audit.record(
        actor,
        verb,
        user,
        unit=unit_of(user),
        before={"is_active": not is_active},
        after={"is_active": is_active},
        reason=reason,
    )


@operation
def set_one_time_password(
    *,
    actor: Actor,
    user: User,
    reason: str = "",
    without_second_factor: bool = False,
    password: str = "",
    proposed_by: User | None = None,
) -> str:
    """Set and return a password that opens the registry once, to set another: a random one if none is given.

    It ends the user's sessions, and the lock after wrong passwords.
    """
    user = _other(actor, "set_one_time_password", user, "自己的密码请在“我的账号”中修改。")
    password = password or passwords.one_time_password()
    passwords.replace(user, password, one_time=True)
    removed = without_second_factor and second_factor.forget(user)
    forget_sessions(user=user)
    AccessAttempt.objects.filter(username=user.username).delete()
    audit.record(
        actor,
        "set_one_time_password",
        user,
        unit=unit_of(user),
        after={"must_change_password": True, **({"second_factor": False} if removed else {})},
        reason=reason,
    )
    need_two(actor, "set_one_time_password", guarded_units(user), proposed_by)
    return password


@operation
def set_one_time_passwords(*, actor: Actor, users: Sequence[User]) -> list[tuple[User, str]]:
    """Give many users a one-time password each, to print slips; return them with it."""
    if len(users) > MOST_SLIPS:
        raise refuse("users", f"一次最多印发 {MOST_SLIPS} 张密码条,请分批办理。")
    reason = "印发密码条"
    return [(user, set_one_time_password(actor=actor, user=user, reason=reason)) for user in users]


@operation
def change_password(*, actor: Actor, user: User, password: str) -> User:
    """Set one's own password, under the rules. All other sessions end, since they hang on the old one."""
    user = locked(user)
    need_oneself(actor, "change_password", user)
    if passwords.changes_too_often(user) and not passwords.is_due(user):
        raise refuse(
            "new_password",
            f"{passwords.REMEMBERED_DAYS} 天内已修改密码 {passwords.MOST_CHANGES} 次,不能再改。"
            "怀疑密码泄露的,请联系本单位管理员设一次性密码。",
        )
    passwords.check(password, user)
    passwords.replace(user, password, one_time=False)
    audit.record(actor, "change_password", user, unit=unit_of(user))
    return user


@operation
def spend_one_time_password(*, user: User) -> bool:
    """Mark a one-time password as used by this login; return False if another login used it first.

    The login is what is recorded.
    """
    rows = User.objects.filter(pk=user.pk, must_change_password=True, one_time_is_spent=False)
    return rows.update(one_time_is_spent=True) == 1


@operation
def forget_sessions(*, user: User, keep: str | None = None) -> None:
    """Drop the sessions of ``user`` but the one with key ``keep``: part of what is recorded already."""
    Session.objects.filter(user=user).exclude(session_key=keep or "").delete()


@operation
def forget_ended_sessions(*, user: User) -> None:
    """Drop the sessions of ``user`` that ended by themselves."""
    Session.objects.filter(user=user, expire_date__lte=timezone.now()).delete()


@operation
def end_sessions(*, actor: Actor, user: User, keep: str = "") -> int:
    """End the sessions of ``user`` but the one with the key ``keep``; return how many there were."""
    need_oneself(actor, "end_sessions", user)
    others = Session.objects.filter(user=user, expire_date__gt=timezone.now()).exclude(session_key=keep)
    number = others.count()
    forget_sessions(user=user, keep=keep)
    audit.record(actor, "end_sessions", user, unit=unit_of(user), after={"sessions": number})
    return number


@operation
def skip_start(*, actor: Actor, user: User) -> User:
    """Show a user the usual home, though the first steps of the registry are not all done."""
    user = locked(user)
    need_oneself(actor, "skip_start", user)
    user.skips_start = True
    user.save(update_fields=["skips_start"])
    audit.record(actor, "skip_start", user, unit=unit_of(user), after={"skips_start": True})
    return user


@operation
def choose_columns(*, actor: Actor, user: User, of: str, columns: Sequence[str]) -> User:
    """Keep which columns a user sees of a list; none: all again."""
    user = locked(user)
    need_oneself(actor, "choose_columns", user)
    user.list_columns = {**user.list_columns, of: list(columns)}
    user.save(update_fields=["list_columns"])
    audit.record(actor, "choose_columns", user, unit=unit_of(user), after={"columns": list(columns)})
    return user


@operation
def choose_mail(*, actor: Actor, user: User, email: str, wants_mail: bool) -> User:
    """Keep whether a user is sent a line when something waits, and where to."""
    user = locked(user)
    need_oneself(actor, "choose_mail", user)
    if wants_mail and not email:
        raise refuse("email", "请填写邮箱地址。")
    user.email, user.wants_mail = email, wants_mail
    user.save(update_fields=["email", "wants_mail"])
    audit.record(actor, "choose_mail", user, unit=unit_of(user), after={"wants_mail": wants_mail})
    return user


@operation
def close_login(*, actor: Actor, user: User, reason: str) -> User:
    """Let nobody in by this login any more; what it did stays in the record."""
    need_right(actor, "close_login", None)
    user.set_unusable_password()
    user.is_active = False
    user.save(update_fields=["password", "is_active"])
    forget_sessions(user=user)
    audit.record(
        actor, "close_login", user, before={"is_active": True}, after={"is_active": False}, reason=reason
    )
    return user
