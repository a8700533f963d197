"""The record of operations (操作记录) and its seals."""

from __future__ import annotations

from typing import Any, NoReturn

from django.db import models

from registry.models.base import Link
from registry.models.unit import Unit
from registry.models.user import User


class AppendOnlyError(Exception):
    """An entry of the record was to be changed or removed."""


class AppendOnlyQuerySet(models.QuerySet[Any]):
    """Rows that can only be added and read. The database's triggers enforce the same."""

    def update(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse."""
        raise AppendOnlyError("the record is append-only")

    delete = bulk_update = update


class AppendOnly(models.Model):
    """A row that is written once."""

    objects = AppendOnlyQuerySet.as_manager()

    class Meta:
        abstract = True
        base_manager_name = "objects"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Write a new row; refuse to change one."""
        if not self._state.adding or kwargs.get("force_update"):
            raise AppendOnlyError("the record is append-only")
        super().save(*args, **{**kwargs, "force_insert": True})

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Refuse."""
        raise AppendOnlyError("the record is append-only")


class AuditEntry(AppendOnly):
    """One operation or event: who, when, from where, what, before and after, and why.

    An event without a row (a login, an export) has no ``noun`` and no ``object_id``. ``other_unit`` is the
    unit that it concerns as well: somebody of that one was placed at ``unit``. ``undoes`` is the entry whose
    change this one undoes. What one act did to many rows has an entry for each: all but the first are
    ``part_of`` that one. ``rows`` is what was written (``registry.models.journal``), to be taken back; it
    never holds what the noun masks.
    """

    at = models.DateTimeField("时间", auto_now_add=True)
    user = Link(User, "操作人", null=True, related_name="+")
    actor = models.CharField("操作人姓名", max_length=80)
    address = models.CharField("地址", max_length=45, blank=True)
    request_number = models.CharField("请求编号", max_length=40, blank=True)
    verb = models.CharField("操作", max_length=40)
    noun = models.CharField("对象类型", max_length=20, blank=True)
    object_id = models.BigIntegerField("对象", null=True)
    object_name = models.CharField("对象名称", max_length=200)
    # A unit that was added by an act that was taken back is gone; what was recorded of it stays.
    unit = Link(Unit, "单位", null=True, related_name="+", db_constraint=False, on_delete=models.DO_NOTHING)
    other_unit = Link(
        Unit, "另一单位", null=True, related_name="+", db_constraint=False, on_delete=models.DO_NOTHING
    )
    effective_on = models.DateField("生效日期", null=True, blank=True)
    before = models.JSONField("变动前", default=dict)
    after = models.JSONField("变动后", default=dict)
    reason = models.CharField("原因", max_length=300, blank=True)
    undoes = Link("self", "还原的记录", null=True, related_name="undone_by")
    part_of = Link("self", "所属操作", null=True, related_name="parts")
    rows = models.JSONField("写入的行", default=list)

    class Meta(AppendOnly.Meta):
        verbose_name = "操作记录"
        ordering = ["-at", "-pk"]
        indexes = [
            models.Index(fields=["noun", "object_id", "at"], name="auditentry_object"),
            models.Index(fields=["at"], name="auditentry_at"),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.actor} {self.verb} {self.object_name}"


class AuditSeal(AppendOnly):
    """A batch of entries with a hash over them and the previous seal (see ``registry.audit.seals``)."""

    number = models.PositiveBigIntegerField("封存编号", unique=True)
    made_at = models.DateTimeField("封存时间")
    count = models.PositiveIntegerField("条数")
    previous = models.CharField("前一封存的校验值", max_length=64)
    digest = models.CharField("校验值", max_length=64)
    key = models.CharField("密钥的名称", max_length=12)
    keyed = models.CharField("带密钥的校验值", max_length=64)

    class Meta(AppendOnly.Meta):
        verbose_name = "记录封存"
        ordering = ["number"]

    def __str__(self) -> str:
        return f"{self.number} {self.digest[:12]}"


class SealedEntry(AppendOnly):
    """An entry's seal, its place in it, and the entry's own hash when it was sealed."""

    entry = models.OneToOneField(
        AuditEntry, on_delete=models.PROTECT, related_name="sealed", verbose_name="记录"
    )
    seal = Link(AuditSeal, "封存", related_name="entries")
    place = models.PositiveIntegerField("次序")
    digest = models.CharField("校验值", max_length=64)

    class Meta(AppendOnly.Meta):
        verbose_name = "已封存的记录"
        constraints = [models.UniqueConstraint(fields=["seal", "place"], name="sealedentry_place")]

    def __str__(self) -> str:
        return f"{self.seal_id}/{self.place} {self.digest[:12]}"


class AuditProof(AppendOnly):
    """What a check of the record has proven, and when (``registry.audit.proving``)."""

    at = models.DateTimeField("校验时间", auto_now_add=True)
    seals = models.PositiveBigIntegerField("封存数")
    entries = models.PositiveBigIntegerField("记录条数")
    faults = models.PositiveBigIntegerField("问题数")
    number = models.PositiveBigIntegerField("证明到的封存", null=True)
    digest = models.CharField("它的校验值", max_length=64, blank=True)
    key = models.CharField("密钥的名称", max_length=12, blank=True)
    since_number = models.PositiveBigIntegerField("自此封存起可证明", null=True)
    since = models.DateTimeField("自此时起可证明", null=True)
    copied = models.PositiveBigIntegerField("库外另存核对到的封存", null=True)

    class Meta(AppendOnly.Meta):
        verbose_name = "记录的校验"
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.number}"
