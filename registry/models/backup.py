"""The backups that were made, and which of them were proven: so that a page can say when the last was."""

from __future__ import annotations

from django.db import models


class Backup(models.Model):
    """A backup that was written whole (``registry.operating``); it does not hold its own row."""

    name = models.CharField("名称", max_length=60)
    folder = models.CharField("所在文件夹", max_length=300)
    taken_at = models.DateTimeField("取数时间")
    """What was saved by then is in it."""
    size = models.PositiveBigIntegerField("字节数")
    files = models.PositiveIntegerField("照片和附件")
    proven_at = models.DateTimeField("校验时间", null=True)
    """When it was restored elsewhere and every check was clean; empty: never tried, or not clean."""
    faults = models.TextField("校验发现的问题", blank=True)

    class Meta:
        verbose_name = "备份"
        ordering = ["-taken_at", "-pk"]

    def __str__(self) -> str:
        return self.name
