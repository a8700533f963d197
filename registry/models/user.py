"""Users, their grants, and the old passwords that they may not use again."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils import timezone

from registry.models.base import Link, ends_not_before_start
from registry.models.kinds import GrantRole
from registry.models.text import PersonNameField
from registry.models.unit import Unit


class User(AbstractUser):
    """A person who logs in."""

    display_name = PersonNameField("姓名", max_length=40, blank=True)
    must_change_password = models.BooleanField(
        "须修改密码",
        default=False,
        help_text="密码由管理员设置,只能用来登录一次并修改密码。",
    )
    one_time_is_spent = models.BooleanField(
        "一次性密码已用", default=False, editable=False, help_text="已用它登录过,不能再次登录。"
    )
    password_changed_at = models.DateTimeField("密码设置时间", default=timezone.now)
    person = Link("registry.Person", "对应人员", null=True, related_name="users")
    skips_start = models.BooleanField("跳过开始使用", default=False, editable=False)
    list_columns = models.JSONField("所选的列", default=dict, editable=False)
    """The names of the columns that the user chose, by list (registry.web.tables)."""
    is_sample = models.BooleanField(
        "演示账号", default=False, editable=False, help_text="密码是公开的,DEBUG 关闭时不能登录。"
    )

    class Meta:
        verbose_name = "用户"

    def __str__(self) -> str:
        return self.display_name or self.username


class OldPassword(models.Model):
    """The hash of an old password, so that the user does not take it again soon."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="old_passwords")
    password = models.CharField(max_length=128)
    ended_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = "曾用密码"
        indexes = [models.Index(fields=["user", "-ended_at"], name="oldpassword_of_user")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.ended_at:%Y-%m-%d}"


class Grant(models.Model):
    """A role of a user at a unit and all below it, from one day to another."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="grants", verbose_name="用户")
    unit = Link(Unit, "单位", related_name="grants")
    role = models.CharField("角色", max_length=12, choices=GrantRole.choices)
    started_on = models.DateField("开始日期")
    ended_on = models.DateField("结束日期", null=True, blank=True)

    class Meta:
        verbose_name = "授权"
        constraints = [ends_not_before_start("grant_ends_after_start")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.role}@{self.unit_id}"
