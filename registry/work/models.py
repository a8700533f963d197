"""The workers that are at work: a row each, which says when it was last heard of."""

from __future__ import annotations

from django.db import models
from django.utils import timezone


class Worker(models.Model):
    """One running ``manage.py work``. Who is not heard of for a while is gone (``registry.work.beats``)."""

    name = models.CharField("编号", max_length=64, primary_key=True)
    host = models.CharField("服务器", max_length=100)
    process = models.PositiveIntegerField("进程号")
    started_at = models.DateTimeField("启动时间", default=timezone.now)
    seen_at = models.DateTimeField("最近活动", default=timezone.now)

    class Meta:
        verbose_name = "后台处理程序"
        ordering = ["started_at"]

    def __str__(self) -> str:
        return f"{self.host}:{self.process}"
