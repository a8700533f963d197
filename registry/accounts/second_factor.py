"""The second step of a login: a code from an authenticator (TOTP), or one of the recovery codes."""

from __future__ import annotations

import math
import secrets

from django.utils import timezone
from django.utils.crypto import salted_hmac
from django_otp import verify_token
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from registry import audit
from registry.audit import Actor
from registry.models import User
from registry.operations.base import need_oneself, operation
from registry.refusals import refuse

CODES = 10
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"


def is_on(user: User) -> bool:
    """Whether the user's login asks for a second step."""
    return bool(TOTPDevice.objects.filter(user=user, confirmed=True).exists())


def codes_left(user: User) -> int:
    """Return how many recovery codes were not used yet."""
    return sum(device.token_set.count() for device in StaticDevice.objects.filter(user=user))


def new_key() -> str:
    """Return a random key for an authenticator, as hexadecimal digits."""
    return secrets.token_hex(20)


def authenticator(user: User, key: str) -> TOTPDevice:
    """Return the (unsaved) authenticator with ``key``; it knows its ``config_url``."""
    return TOTPDevice(user=user, key=key, name="authenticator", confirmed=True)


@operation
def turn_on(*, actor: Actor, user: User, key: str, code: str) -> list[str]:
    """Ask for a code at each login from now on; return the recovery codes. Raises ``OperationRefused``."""
    need_oneself(actor, "turn_on_second_factor", user)
    User.objects.select_for_update().get(pk=user.pk)
    if is_on(user):
        raise refuse(None, "二次验证已经启用。")
    TOTPDevice.objects.filter(user=user).delete()
    device = authenticator(user, key)
    device.save()
    if not device.verify_token(code):
        raise refuse("code", "验证码不正确。请核对手机时间,并输入当前显示的六位数字。")
    codes = _write_codes(user)
    audit.record(actor, "turn_on_second_factor", user, after={"second_factor": True})
    return codes


@operation
def turn_off(*, actor: Actor, user: User) -> None:
    """Ask for the password only from now on."""
    need_oneself(actor, "turn_off_second_factor", user)
    if not is_on(user):
        raise refuse(None, "二次验证没有启用。")
    forget(user)
    audit.record(
        actor,
        "turn_off_second_factor",
        user,
        before={"second_factor": True},
        after={"second_factor": False},
    )


@operation
def renew_codes(*, actor: Actor, user: User) -> list[str]:
    """Make new recovery codes; the old ones open nothing any more."""
    need_oneself(actor, "renew_recovery_codes", user)
    if not is_on(user):
        raise refuse(None, "二次验证没有启用。")
    codes = _write_codes(user)
    audit.record(actor, "renew_recovery_codes", user, after={"codes": CODES})
    return codes


def forget(user: User) -> bool:
    """Remove authenticator and recovery codes of the user; return whether there were any."""
    removed, _models = TOTPDevice.objects.filter(user=user).delete()
    StaticDevice.objects.filter(user=user).delete()
    return bool(removed)


def _write_codes(user: User) -> list[str]:
    StaticDevice.objects.filter(user=user).delete()
    device = StaticDevice.objects.create(user=user, name="recovery", confirmed=True)
    codes = ["".join(secrets.choice(_LETTERS) for _number in range(10)) for _code in range(CODES)]
    for code in codes:
        device.token_set.create(token=_hidden(code))
    return codes


def _hidden(code: str) -> str:
    """Return what the database keeps of a recovery code: with it alone nobody comes in."""
    return salted_hmac("registry.recovery-code", code, algorithm="sha256").hexdigest()[:16]


def verify(user: User, code: str) -> str:
    """Try a code of the second step: return which kind it was, or "" when it opens nothing.

    Wrong codes make the next try wait, twice as long each time (django-otp); a code opens once.
    """
    said = "".join(code.split()).replace("-", "").lower()
    if said.isdigit():
        return "authenticator" if _opens(user, TOTPDevice, said) else ""
    return "recovery" if _opens(user, StaticDevice, _hidden(said)) else ""


def _opens(user: User, model: type[TOTPDevice] | type[StaticDevice], token: str) -> bool:
    devices = model.objects.filter(user=user, confirmed=True)
    return any(verify_token(user, device.persistent_id, token) for device in devices)


def seconds_to_wait(user: User) -> int:
    """Return for how long codes are refused after wrong ones."""
    longest = 0.0
    for model in (TOTPDevice, StaticDevice):
        for device in model.objects.filter(user=user, confirmed=True):
            allowed, why = device.verify_is_allowed()
            if not allowed:
                longest = max(longest, (why["locked_until"] - timezone.now()).total_seconds())
    return math.ceil(longest)
