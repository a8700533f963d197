"""Photos and files: one row each; what they hold is on disk (``registry.files.disk``)."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any

from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property

from registry.models.base import Link
from registry.models.user import User

UNCLAIMED_FOR = timedelta(days=1)
"""So long an upload waits for the form that it belongs to."""
SENT_FOR = timedelta(days=30)
"""So long it waits since it was sent with a form that was not saved: the change may wait for its approval."""
REMOVED_FOR = timedelta(days=30)
"""So long what was removed can be restored."""


def new_key() -> str:
    """Return a name on disk that says nothing."""
    return secrets.token_hex(16)


class FileKind(models.TextChoices):
    """How a file is treated: a photo is drawn anew in three sizes, anything else is only handed out."""

    PHOTO = "photo", "照片"
    FILE = "file", "附件"


class StoredFiles(models.QuerySet["StoredFile"]):
    """Files, asked for by what they belong to."""

    def claimed(self) -> StoredFiles:
        """Those that belong to a row and were not removed."""
        return self.filter(removed_at=None).exclude(owner_noun="")

    def held_by(self, noun: str, pks: Any, field: str | None = None) -> StoredFiles:
        """Those that rows of a noun hold (keys, or a query of them), in ``field`` or in any."""
        held = self.claimed().filter(owner_noun=noun, owner_id__in=pks)
        return held if field is None else held.filter(field=field)

    def unclaimed_by(self, user: User) -> StoredFiles:
        """Those that ``user`` uploaded and that belong to nothing yet."""
        return self.filter(owner_noun="", removed_at=None, uploaded_by=user)


class StoredFile(models.Model):
    """A photo or a file. It belongs to nothing until the form that it was uploaded for is saved."""

    key = models.CharField("盘上名称", max_length=32, default=new_key, unique=True, editable=False)
    kind = models.CharField("种类", max_length=5, choices=FileKind.choices)
    name = models.CharField("原文件名", max_length=120)
    content_type = models.CharField("类型", max_length=100, editable=False)
    size = models.PositiveIntegerField("字节数")
    """Of the largest size that is kept."""
    width = models.PositiveIntegerField("宽", default=0)
    height = models.PositiveIntegerField("高", default=0)
    sha256 = models.CharField("校验值", max_length=64, editable=False)
    """Of the largest size that is kept: what is on disk can be compared with it."""
    caption = models.CharField("说明", max_length=200, blank=True)
    uploaded_by = Link(User, "上传人", null=True, related_name="+")
    uploaded_at = models.DateTimeField("上传时间", default=timezone.now)
    sent_at = models.DateTimeField("随表单提交时间", null=True, editable=False)
    owner_noun = models.CharField("所属类别", max_length=30, blank=True, editable=False)
    """The key of the noun (``registry.files.owners``); empty: it belongs to nothing yet."""
    owner_id = models.BigIntegerField("所属条目", null=True, editable=False)
    field = models.CharField("所属字段", max_length=40, blank=True, editable=False)
    place = models.PositiveIntegerField("次序", default=0, editable=False)
    removed_at = models.DateTimeField("删除时间", null=True, editable=False)

    objects = StoredFiles.as_manager()

    class Meta:
        verbose_name = "照片或附件"
        ordering = ["place", "pk"]
        indexes = [
            models.Index(fields=["owner_noun", "owner_id"], name="storedfile_of_row"),
            models.Index(
                fields=["uploaded_by", "uploaded_at"], condition=Q(owner_noun=""), name="storedfile_unclaimed"
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(owner_noun="", owner_id=None) | (~Q(owner_noun="") & Q(owner_id__isnull=False)),
                name="storedfile_owner_whole",
            )
        ]

    def __str__(self) -> str:
        return self.caption or self.name

    def get_absolute_url(self) -> str:
        """The page about it."""
        return reverse("file", args=[self.pk])

    @property
    def is_photo(self) -> bool:
        """Whether it is a photo, which is kept in three sizes."""
        return self.kind == FileKind.PHOTO

    @property
    def is_claimed(self) -> bool:
        """Whether it belongs to a row."""
        return bool(self.owner_noun)

    @cached_property
    def thumb_url(self) -> str:
        """The address of a photo as it stands in a grid."""
        return reverse("file_shown", args=[self.pk, "thumb"])

    @cached_property
    def middle_url(self) -> str:
        """The address of a photo as it fits on a screen."""
        return reverse("file_shown", args=[self.pk, "middle"])

    @cached_property
    def full_url(self) -> str:
        """The address of the file, or of the largest size of a photo."""
        return reverse("file_shown", args=[self.pk, "full"])
