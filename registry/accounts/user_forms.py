"""Forms about users: find, add, grant, end a grant, disable, enable, set a one-time password."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.db.models import QuerySet
from django.utils import timezone

from registry.models import GrantRole, User
from registry.web.fields import DayField, PickerField, ReasonForm, ScopedForm, reason_field, text_of

STATES = (
    ("", "全部"),
    ("valid", "有效授权"),
    ("none", "无有效授权"),
    ("disabled", "已停用"),
)


class GrantForm(ScopedForm):
    """A role at a unit, from a day to another."""

    unit = PickerField(
        "unit",
        label="单位",
        verb="grant_role",
        help_text="授权对该单位及其全部下级单位有效。",
        rows=lambda units: units.filter(closed_on__isnull=True),
    )
    role = forms.ChoiceField(
        label="角色",
        choices=[("", "请选择"), *GrantRole.choices],
        help_text=(
            "查看:只看;录入:登记和修改;审批:批准下级提交;管理员:以上全部并可授权;审计:查操作记录。"
            "审批、管理员、审计由两人办理:另一位管理员确认后生效,上级单位的管理员可直接授予。"
        ),
    )
    started_on = DayField(label="开始日期")
    ended_on = DayField(label="到期日期", required=False, help_text="自该日起失效;留空为长期。")

    may_be_future = ("started_on", "ended_on")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["initial"] = {"started_on": timezone.localdate(), **(kwargs.get("initial") or {})}
        super().__init__(*args, **kwargs)


class AddUserForm(GrantForm):
    """A new user with a first grant."""

    username = forms.CharField(
        label="用户名",
        max_length=User._meta.get_field("username").max_length,
        help_text="登录用,字母、数字和 @ . + - _。",
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )
    display_name = text_of(
        User, "display_name", required=True, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )

    field_order = ("username", "display_name", "unit", "role", "started_on", "ended_on")


class EditUserForm(ScopedForm):
    """Correct the account name, the name, or the person behind it."""

    username = AddUserForm.base_fields["username"]
    display_name = AddUserForm.base_fields["display_name"]
    person = PickerField(
        "person", label="对应人员", required=False, help_text="该用户本人在人员中的登记;没有就留空。"
    )
    reason = reason_field("修改原因", required=True)

    held = ("username", "display_name", "person")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast(PickerField, self.fields["person"]).keep(self.row.person)

    def arguments(self) -> dict[str, Any]:
        """Return the facts as changes."""
        sent = super().arguments()
        return {"changes": {name: sent.pop(name) for name in self.held}, **sent}


class SlipsForm(ScopedForm):
    """Whose slips with one-time passwords are printed."""

    users = forms.ModelMultipleChoiceField(
        User.objects.none(),
        label="用户",
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "请勾选用户。", "invalid_choice": "所选用户已有变化,请重新勾选。"},
    )

    def __init__(self, *args: Any, rows: QuerySet[User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast(forms.ModelMultipleChoiceField, self.fields["users"]).queryset = rows  # type: ignore[type-arg]


class EnableForm(ScopedForm):
    """Why, if there is something to say."""

    reason = reason_field()


class OneTimePasswordForm(ReasonForm):
    """Why, and whether the second step goes too."""

    without_second_factor = forms.BooleanField(
        label="同时停用二次验证", required=False, help_text="用户的手机和备用码都丢失时勾选。"
    )
