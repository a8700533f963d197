"""Forms that were sent and carried out, so that pressing twice does it once (``registry.web.once``)."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from registry.models.user import User


class SentForm(models.Model):
    """A form that a user sent, by the key that was hidden in it; written together with what it did."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+", verbose_name="用户")
    key = models.CharField("表单编号", max_length=64)
    content = models.CharField("内容摘要", max_length=64)
    address = models.TextField("结果页", blank=True)
    said = models.TextField("结果", blank=True)
    at = models.DateTimeField("办理时间", default=timezone.now, db_index=True)

    class Meta:
        verbose_name = "已办理的表单"
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="sentform_once")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.key}"
