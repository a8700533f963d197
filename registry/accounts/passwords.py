"""What a password must be: the rules of our own among AUTH_PASSWORD_VALIDATORS, and one-time ones."""

from __future__ import annotations

import secrets
from datetime import timedelta

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
"""How many passwords, with the present one, are not taken again."""

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
    """At least three of: small letters, capitals, digits, other characters; and not endlessly long."""

    def __init__(self, least: int = 3) -> None:
        self.least = least

    def validate(self, password: str, user: User | None = None) -> None:
        """Raise ``ValidationError`` when the password has too few kinds of characters."""
        if len(password) > LONGEST:
            raise ValidationError(f"密码最长 {LONGEST} 个字符。", code="password_too_long")
        kinds = (
            any(sign.islower() for sign in password),
            any(sign.isupper() for sign in password),
            any(sign.isdigit() for sign in password),
            any(not sign.isalnum() for sign in password),
        )
        if sum(kinds) < self.least:
            raise ValidationError(self.get_help_text(), code="password_too_simple")

    def get_help_text(self) -> str:
        """Say the rule."""
        return f"密码须包含大写字母、小写字母、数字、符号四类中的至少 {self.least} 类。"


class NotRecent:
    """None of the last passwords of the same user."""

    def validate(self, password: str, user: User | None = None) -> None:
        """Raise ``ValidationError`` when the user had this password lately."""
        if user is None or user.pk is None:
            return
        before = user.old_passwords.order_by("-ended_at", "-pk").values_list("password", flat=True)
        if any(check_password(password, held) for held in (user.password, *before[: REMEMBERED - 1]) if held):
            raise ValidationError(self.get_help_text(), code="password_recent")

    def get_help_text(self) -> str:
        """Say the rule."""
        return f"不能使用最近 {REMEMBERED} 次用过的密码。"


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
        kept = user.old_passwords.order_by("-ended_at", "-pk").values("pk")[: REMEMBERED - 1]
        user.old_passwords.exclude(pk__in=list(kept.values_list("pk", flat=True))).delete()
    user.set_password(password)
    user.must_change_password = one_time
    user.password_changed_at = timezone.now()
    user.save(update_fields=["password", "must_change_password", "password_changed_at"])
    password_changed(password, user)


def one_time_password() -> str:
    """Return a random password that satisfies the rules and can be read out on the telephone."""
    chosen = [secrets.choice(kind) for kind in _KINDS]
    chosen += [secrets.choice("".join(_KINDS[:3])) for _number in range(10)]
    secrets.SystemRandom().shuffle(chosen)
    return "".join(chosen)


def is_due(user: User | AnonymousUser) -> bool:
    """Whether the user must set a new password before anything else."""
    if not isinstance(user, User):
        return False
    if user.must_change_password:
        return True
    days: int = settings.PASSWORD_DAYS
    return days > 0 and user.password_changed_at < timezone.now() - timedelta(days=days)


def is_one_time_and_over(user: User) -> bool:
    """Whether the user's password was set by a manager and not used in time."""
    since = timezone.now() - timedelta(days=ONE_TIME_DAYS)
    return user.must_change_password and user.password_changed_at < since
