"""What a password must be: the rules of our own among AUTH_PASSWORD_VALIDATORS, and one-time ones."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.hashers import check_password
from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.password_validation import (
    CommonPasswordValidator,
    MinimumLengthValidator,
    UserAttributeSimilarityValidator,
    password_changed,
    validate_password,
)
from django.core.exceptions import ValidationError
from django.utils import timezone

from registry.models import OldPassword, User
from registry.refusals import OperationRefused

LONGEST = 128
REMEMBERED = 5
"""How many passwords, with the present one, are not taken again, however old they are."""
REMEMBERED_DAYS = 180
"""Passwords that ended within so many days are not taken again, so quick changes bring none back."""
MOST_CHANGES = 12
"""So many passwords of that time are remembered: comparing with each takes a while."""

ONE_TIME_DAYS = 3
"""A password set by a manager opens the registry for so long."""

# Without what is easily mistaken for something else when it is read out: 0 O 1 l I.
_KINDS = ("abcdefghijkmnpqrstuvwxyz", "ABCDEFGHJKLMNPQRSTUVWXYZ", "23456789", "-+=@#%")


class LongEnough(MinimumLengthValidator):
    """Django's rule, said in Chinese (its own translation lacks the sentence)."""

    def get_error_message(self) -> str:
        """Say what is wrong."""
        return self.get_help_text()

    def get_help_text(self) -> str:
        """Say the rule."""
        return f"密码至少 {self.min_length} 个字符。"


class NotLikeTheUser(UserAttributeSimilarityValidator):
    """Django's rule, said in Chinese."""

    def get_error_message(self) -> str:
        """Say what is wrong, with Django's placeholder for the attribute."""
        return "密码与用户名或姓名太相近。"

    def get_help_text(self) -> str:
        """Say the rule."""
        return "密码不能与用户名、姓名相近。"


class NotCommon(CommonPasswordValidator):
    """Django's rule and list, said in Chinese."""

    def get_error_message(self) -> str:
        """Say what is wrong."""
        return "这个密码太常见,容易被猜到。"

    def get_help_text(self) -> str:
        """Say the rule."""
        return "密码不能是常见密码。"


class CharacterKinds:
    """At least three of: small letters, capitals, digits, other characters; and not endlessly long.

    A sentence of ``phrase`` Chinese characters needs nothing else.
    """

    def __init__(self, least: int = 3, phrase: int = 10) -> None:
        self.least, self.phrase = least, phrase

    def validate(self, password: str, user: User | None = None) -> None:
        """Raise ``ValidationError`` when the password has too few kinds of characters."""
        if len(password) > LONGEST:
            raise ValidationError(f"密码最长 {LONGEST} 个字符。", code="password_too_long")
        kinds = (
            any(sign.islower() for sign in password),
            any(sign.isupper() for sign in password),
            any(sign.isdigit() for sign in password),
            any(not sign.isalnum() for sign in password),
            any(_is_chinese(sign) for sign in password),
        )
        if sum(kinds) < self.least and sum(map(_is_chinese, password)) < self.phrase:
            raise ValidationError(self.get_help_text(), code="password_too_simple")

    def get_help_text(self) -> str:
        """Say the rule."""
        return (
            f"密码须包含大写字母、小写字母、数字、符号、汉字中的至少 {self.least} 类,"
            f"或有至少 {self.phrase} 个汉字。"
        )


def _is_chinese(sign: str) -> bool:
    return sign.isalpha() and not sign.isupper() and not sign.islower()


class NotRecent:
    """None of the passwords that the same user had lately."""

    def validate(self, password: str, user: User | None = None) -> None:
        """Raise ``ValidationError`` when the user had this password lately."""
        if user is None or user.pk is None:
            return
        before = user.old_passwords.values_list("password", flat=True)
        if any(check_password(password, held) for held in (user.password, *before) if held):
            raise ValidationError(self.get_help_text(), code="password_recent")

    def get_help_text(self) -> str:
        """Say the rule."""
        return f"不能使用最近 {REMEMBERED} 次或 {REMEMBERED_DAYS} 天内用过的密码,请换一个新的。"


def check(password: str, user: User, field: str = "new_password") -> None:
    """Refuse a password that breaks a rule, naming every rule that it breaks."""
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise OperationRefused({field: error.messages}) from None


def replace(user: User, password: str, *, one_time: bool) -> None:
    """Write a new password to the user's row; the old one is remembered. For operations only."""
    if user.has_usable_password():
        OldPassword.objects.create(user=user, password=user.password)
        newest = user.old_passwords.order_by("-ended_at", "-pk").values_list("pk", flat=True)
        recent = newest.filter(ended_at__gte=_remembered_since())[:MOST_CHANGES]
        user.old_passwords.exclude(pk__in={*newest[: REMEMBERED - 1], *recent}).delete()
    user.set_password(password)
    user.must_change_password, user.one_time_is_spent = one_time, False
    user.password_changed_at = timezone.now()
    user.save(update_fields=["password", "must_change_password", "one_time_is_spent", "password_changed_at"])
    password_changed(password, user)


def changes_too_often(user: User) -> bool:
    """Whether the user changed the password so often that one more would make an old one forgotten."""
    return user.old_passwords.filter(ended_at__gte=_remembered_since()).count() >= MOST_CHANGES


def _remembered_since() -> datetime:
    return timezone.now() - timedelta(days=REMEMBERED_DAYS)


def one_time_password() -> str:
    """Return a random password that satisfies the rules and can be read out on the telephone."""
    chosen = [secrets.choice(kind) for kind in _KINDS]
    chosen += [secrets.choice("".join(_KINDS[:3])) for _number in range(10)]
    secrets.SystemRandom().shuffle(chosen)
    return "".join(chosen)


def half() -> str:
    """Return the random first half of a one-time password that two managers hand over."""
    return "".join(secrets.choice("".join(_KINDS[:3])) for _number in range(8))


def is_due(user: User | AnonymousUser) -> bool:
    """Whether the user must set a new password before anything else."""
    if not isinstance(user, User):
        return False
    if user.must_change_password:
        return True
    days: int = settings.PASSWORD_DAYS
    return days > 0 and user.password_changed_at < timezone.now() - timedelta(days=days)


ONE_TIME_SPENT = "一次性密码已经用过一次,不能再用。请联系本单位管理员重新设置。"


def why_not_usable(user: User) -> str:
    """Return why a password that was set by a manager opens nothing any more; "" when it does."""
    if not user.must_change_password:
        return ""
    if user.one_time_is_spent:
        return ONE_TIME_SPENT
    if user.password_changed_at < timezone.now() - timedelta(days=ONE_TIME_DAYS):
        return f"一次性密码已超过 {ONE_TIME_DAYS} 天,不能再用。请联系本单位管理员重新设置。"
    return ""
