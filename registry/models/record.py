"""The record of everything that was done, and the users who did it."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils.translation import gettext_lazy as _

from registry.models.base import ends_not_before_start
from registry.models.kinds import GrantRole
from registry.models.unit import Unit


class User(AbstractUser):
    """Somebody who logs in."""

    display_name = models.CharField(_("姓名"), max_length=40, blank=True)

    class Meta:
        verbose_name = _("用户")
        verbose_name_plural = _("用户")

    def __str__(self) -> str:
        return self.display_name or self.username


class Grant(models.Model):
    """What a user may do at a unit and all below it, from one day to another."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="grants", verbose_name=_("用户"))
    unit = models.ForeignKey(Unit, on_delete=models.PROTECT, related_name="grants", verbose_name=_("单位"))
    role = models.CharField(_("角色"), max_length=12, choices=GrantRole.choices)
    started_on = models.DateField(_("开始日期"))
    ended_on = models.DateField(_("结束日期"), null=True, blank=True)

    class Meta:
        verbose_name = _("授权")
        verbose_name_plural = _("授权")
        constraints = [ends_not_before_start("grant_ends_after_start")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.role}@{self.unit_id}"


class AuditEntry(models.Model):
    """One operation: who, when, from where, what, before and after, and why."""

    at = models.DateTimeField(_("时间"), auto_now_add=True)
    user = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("操作人")
    )
    actor = models.CharField(_("操作人姓名"), max_length=80)
    address = models.CharField(_("地址"), max_length=45, blank=True)
    request_number = models.CharField(_("请求编号"), max_length=40, blank=True)
    verb = models.CharField(_("操作"), max_length=40)
    noun = models.CharField(_("对象类型"), max_length=20)
    object_id = models.BigIntegerField(_("对象"), null=True)
    object_name = models.CharField(_("对象名称"), max_length=200)
    unit = models.ForeignKey(
        Unit, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("单位")
    )
    effective_on = models.DateField(_("生效日期"), null=True, blank=True)
    before = models.JSONField(_("变动前"), default=dict)
    after = models.JSONField(_("变动后"), default=dict)
    reason = models.CharField(_("原因"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("操作记录")
        verbose_name_plural = _("操作记录")
        ordering = ["-at", "-pk"]
        indexes = [models.Index(fields=["noun", "object_id", "at"], name="auditentry_object")]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.actor} {self.verb} {self.object_name}"
