"""Users, their grants, and the old passwords that they may not use again."""

from __future__ import annotations

from datetime import date

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils import timezone

from registry.models.base import Link, ends_not_before_start, on_day
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
    wants_mail = models.BooleanField("待办邮件提醒", default=False, editable=False)
    mailed_on = models.DateField("最近邮件提醒", null=True, editable=False)
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
    delegated_from = models.ForeignKey(
        "self", on_delete=models.CASCADE, null=True, related_name="delegations", verbose_name="委托自"
    )
    """The grant of an approver who is absent: this one holds no longer than that."""

    class Meta:
        verbose_name = "授权"
        constraints = [ends_not_before_start("grant_ends_after_start")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.role}@{self.unit_id}"


def held_on(day: date) -> models.Q:
    """Return the condition of the grants that hold on ``day``: a delegation only with what it is from."""
    source = on_day(day, prefix="delegated_from__") & models.Q(delegated_from__user__is_active=True)
    return on_day(day) & (models.Q(delegated_from=None) | source)


class Proposal(models.Model):
    """Something that one manager proposed to do with a user, and that another one confirms."""

    WAITING, CONFIRMED, DROPPED = "", "confirmed", "dropped"

    verb = models.CharField("事项", max_length=60)
    user = models.ForeignKey(
        User, on_delete=models.CASCADE, null=True, related_name="proposals", verbose_name="用户"
    )
    """Nobody yet where a user would be added."""
    unit = Link(Unit, "单位", related_name="proposals")
    facts = models.JSONField("内容", default=dict)
    """What the operation takes (registry.accounts.proposals)."""
    first_half = models.CharField("前半段密码", max_length=20, blank=True)
    """Half of a one-time password, which alone opens nothing; the other half is made by the confirming."""
    proposed_by = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+", verbose_name="提出人")
    proposed_at = models.DateTimeField("提出时间", default=timezone.now)
    until = models.DateTimeField("有效期至")
    outcome = models.CharField("结果", max_length=10, blank=True, default=WAITING)
    decided_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, related_name="+", verbose_name="办理人"
    )
    decided_at = models.DateTimeField("办理时间", null=True)

    class Meta:
        verbose_name = "待确认事项"
        indexes = [
            models.Index(fields=["unit", "until"], name="proposal_waiting", condition=models.Q(outcome=""))
        ]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"
