"""Forms about one's own account: log in, change the password, the second step."""

from __future__ import annotations

import math
from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError

from registry.accounts.passwords import LONGEST, why_not_usable
from registry.models import User
from registry.web.fields import ScopedForm


def lock_message(seconds: int) -> str:
    """Say that a login has to wait, and what to do."""
    wait = f"{math.ceil(seconds / 10) * 10} 秒" if seconds <= 90 else f"{math.ceil(seconds / 60)} 分钟"
    return (
        f"登录失败次数过多,请 {wait}后再试;再错等待更久。在登录过的电脑上不受别处输错的影响。"
        "忘记密码请联系本单位管理员重新设置。"
    )


def _password(label: str, autocomplete: str) -> forms.CharField:
    widget = forms.PasswordInput(attrs={"autocomplete": autocomplete, "maxlength": LONGEST})
    return forms.CharField(label=label, strip=False, max_length=LONGEST, widget=widget)


class LoginForm(AuthenticationForm):
    """User name and password."""

    error_messages = {
        "invalid_login": "用户名或密码不正确,请注意大小写。连续输错多次,须等待一段时间。",
        "inactive": "该账号已停用,请联系本单位管理员。",
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"].widget.attrs["maxlength"] = LONGEST
        self.fields["password"].validators.append(_not_endless)

    def confirm_login_allowed(self, user: User) -> None:
        """Refuse a password set by a manager that was used already, or not in time."""
        super().confirm_login_allowed(user)
        if why := why_not_usable(user):
            raise ValidationError(why, code="one_time_over")


def _not_endless(value: str) -> None:
    if len(value) > LONGEST:
        raise ValidationError(f"密码最长 {LONGEST} 个字符。")


class CodeForm(ScopedForm):
    """A code of the second step."""

    code = forms.CharField(
        label="验证码",
        max_length=20,
        help_text="验证器应用当前显示的六位数字。",
        widget=forms.TextInput(
            attrs={
                "autocomplete": "one-time-code",
                "inputmode": "text",
                "autofocus": True,
                "spellcheck": "false",
            }
        ),
    )


class MailForm(ScopedForm):
    """Whether one is sent a line when something waits, and where to."""

    email = forms.EmailField(label="邮箱地址", required=False, max_length=254)
    wants_mail = forms.BooleanField(label="有待办时发邮件提醒,每天最多一次", required=False)

    held = ("email", "wants_mail")


class PasswordForm(ScopedForm):
    """One's own password, once more: before something that guards the account is changed."""

    password = _password("当前密码", "current-password")


class ChangePasswordForm(ScopedForm):
    """The present password, and the new one twice."""

    old_password = _password("当前密码", "current-password")
    new_password = _password("新密码", "new-password")
    again = _password("再输一次新密码", "new-password")

    def clean(self) -> dict[str, Any]:
        """Both new ones must be the same."""
        data = super().clean() or {}
        if "again" in data and "new_password" in data and data["again"] != data["new_password"]:
            self.add_error("again", "两次输入的新密码不一致。")
        return data
