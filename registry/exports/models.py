"""Exports that a worker makes: what was asked for, how far it is, and the file in parts."""

from __future__ import annotations

from datetime import timedelta

from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property

from registry.models.user import User
from registry.work.queue import Standing, standing


class ExportState(models.TextChoices):
    """How far an export is."""

    WAITING = "waiting", "等待生成"
    MAKING = "making", "正在生成"
    READY = "ready", "可以下载"
    FAILED = "failed", "没有生成"
    CANCELLED = "cancelled", "已取消"
    EXPIRED = "expired", "已过期"


UNDER_WAY: tuple[str, ...] = (ExportState.WAITING.value, ExportState.MAKING.value)
KEPT_FOR = timedelta(hours=24)
"""So long the file can be fetched."""


class Export(models.Model):
    """One list, print or sheet that somebody asked for and that takes long."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="exports", verbose_name="导出人")
    title = models.CharField("内容", max_length=200)
    path = models.TextField("地址", editable=False)
    """The address that was asked, with its parameters."""
    data = models.JSONField(default=list, editable=False)
    """The fields that were sent there: [[name, value]]."""
    back = models.TextField("来源页", blank=True, editable=False)
    """The page from which it was asked for."""
    state = models.CharField("状态", max_length=10, choices=ExportState.choices, default=ExportState.WAITING)
    attempt = models.CharField(max_length=32, blank=True, editable=False)
    """Who makes it now: nobody else may finish what they began."""
    job = models.UUIDField(null=True, editable=False)
    """The key of the task under which it waits."""
    rows = models.PositiveIntegerField("行数", default=0)
    """How many are written so far."""
    total = models.PositiveIntegerField("总行数", default=0)
    """About how many there will be; 0: unknown."""
    rights = models.JSONField(default=list, editable=False)
    """The grants with which it was made; with others it is not handed out."""
    is_print = models.BooleanField("打印", default=False)
    file_name = models.CharField("文件", max_length=200, blank=True)
    content_type = models.CharField(max_length=100, blank=True, editable=False)
    size = models.PositiveBigIntegerField("字节数", default=0)
    told = models.JSONField(default=dict, editable=False)
    """What the record will hold of it when it is fetched."""
    message = models.CharField("说明", max_length=500, blank=True)
    address = models.CharField("地址", max_length=45, blank=True)
    request_number = models.CharField("请求编号", max_length=40, blank=True)
    created_at = models.DateTimeField("提交时间", default=timezone.now)
    finished_at = models.DateTimeField("生成时间", null=True, blank=True)
    expires_at = models.DateTimeField("保留到", null=True, blank=True)

    class Meta:
        verbose_name = "导出文件"
        ordering = ["-created_at", "-pk"]
        indexes = [models.Index(fields=["user", "-created_at"], name="export_of_user")]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        """The export's page."""
        return reverse("export", args=[self.pk])

    @property
    def is_under_way(self) -> bool:
        """Whether it waits for a worker or has one: the page asks again."""
        return self.state in UNDER_WAY and not self.is_lost

    @property
    def is_ready(self) -> bool:
        """Whether it can be fetched."""
        return self.state == ExportState.READY and not self.is_past

    @property
    def is_past(self) -> bool:
        """Whether its time is over."""
        return self.expires_at is not None and self.expires_at <= timezone.now()

    @cached_property
    def standing(self) -> Standing:
        """How it stands with the task under which it waits."""
        return standing(self.job)

    @cached_property
    def is_lost(self) -> bool:
        """Whether no worker makes it or will: it can be asked for again."""
        if self.state not in UNDER_WAY or not self.standing.is_lost:
            return False
        # A worker may have ended it since it was read here.
        return Export.objects.filter(pk=self.pk, state=self.state).exists()

    @property
    def share(self) -> float:
        """How far it is, 0 to 1."""
        return min(1.0, self.rows / self.total) if self.total else 0.0


class ExportPart(models.Model):
    """A part of the file. In the database, as uploads are: no address leads to it, any worker can make it."""

    of = models.ForeignKey(Export, on_delete=models.CASCADE, related_name="parts")
    place = models.PositiveIntegerField("次序")
    attempt = models.CharField(max_length=32, editable=False)
    content = models.BinaryField("内容")

    class Meta:
        verbose_name = "导出文件的一段"
        constraints = [
            models.UniqueConstraint(fields=["of", "attempt", "place"], name="export_part_once"),
        ]

    def __str__(self) -> str:
        return f"{self.of_id}:{self.place}"
