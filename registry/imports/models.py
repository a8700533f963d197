"""Imports: a workbook that somebody handed in, what was found in it line by line, and how far it is."""

from __future__ import annotations

from datetime import timedelta

from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property

from registry.importers.verdicts import Verdict
from registry.models.audit import AuditEntry
from registry.models.user import User
from registry.work.queue import Standing, standing


class ImportState(models.TextChoices):
    """How far an import is. Nothing is in the registry before it is ``written``; then everything is."""

    UPLOADED = "uploaded", "等待核对"
    CHECKING = "checking", "正在核对"
    CHECKED = "checked", "已核对"
    CONFIRMED = "confirmed", "等待写入"
    WRITING = "writing", "正在写入"
    WRITTEN = "written", "已写入"
    CANCELLED = "cancelled", "已取消"
    FAILED = "failed", "失败"
    UNDO_ASKED = "undo_asked", "等待撤回"
    UNDOING = "undoing", "正在撤回"
    TAKEN_BACK = "taken_back", "已撤回"


UNDO_STATES: tuple[str, ...] = (ImportState.UNDO_ASKED.value, ImportState.UNDOING.value)
"""A written import that is being taken back."""
WAITING_STATES: tuple[str, ...] = (
    ImportState.UPLOADED.value,
    ImportState.CONFIRMED.value,
    ImportState.UNDO_ASKED.value,
)
WORKING_STATES: tuple[str, ...] = (
    ImportState.CHECKING.value,
    ImportState.WRITING.value,
    ImportState.UNDOING.value,
)
OPEN_STATES: tuple[str, ...] = (
    ImportState.UPLOADED.value,
    ImportState.CHECKING.value,
    ImportState.CHECKED.value,
    ImportState.CONFIRMED.value,
)
"""What may still be cancelled."""

SILENT_AFTER = timedelta(seconds=45)
"""A small import is done in its request; without a sign of life for so long it was interrupted."""


class Import(models.Model):
    """One workbook handed in by one user. The file itself is an ``ImportFile``."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="imports", verbose_name="导入人")
    file_name = models.CharField("文件", max_length=200)
    sha256 = models.CharField("校验值", max_length=64)
    size = models.PositiveBigIntegerField("字节数")
    state = models.CharField("状态", max_length=12, choices=ImportState.choices, default=ImportState.UPLOADED)
    attempt = models.CharField(max_length=32, blank=True, editable=False)
    """Who works on it now: nobody else may finish what they began."""
    job = models.UUIDField(null=True, editable=False)
    """The key of the task under which it waits for a worker; none: it is small, and done in its request."""
    done = models.PositiveIntegerField("已处理行数", default=0)
    total = models.PositiveIntegerField("总行数", default=0)
    counts = models.JSONField("各类行数", default=dict)
    """Noun -> verdict -> number of lines."""
    notices = models.JSONField("提示", default=list)
    """What the reader of the workbook should know: sheets that were left out, hidden rows."""
    noticed = models.PositiveIntegerField("有提示的行数", default=0)
    touches = models.JSONField(default=dict, editable=False)
    """The codes of the units and organizations whose locks the writing takes; None: too many to name."""
    needs_reason = models.BooleanField("须说明原因", default=False)
    is_partial = models.BooleanField("只写入正确的行", default=False)
    mark = models.CharField("核对结果的校验值", max_length=64, blank=True)
    reason = models.CharField("说明", max_length=200, blank=True)
    address = models.CharField("地址", max_length=45, blank=True)
    request_number = models.CharField("请求编号", max_length=40, blank=True)
    message = models.CharField("结果说明", max_length=1000, blank=True)
    entry_id = models.BigIntegerField("写入的记录", null=True, editable=False)
    """The key of the first entry that the writing recorded: taking it back takes all of it back."""
    undo_reason = models.CharField("撤回原因", max_length=200, blank=True)
    undo_message = models.CharField("未能撤回的说明", max_length=1000, blank=True)
    scope = models.JSONField("上传时的范围", null=True, default=list, editable=False)
    """The keys of the units where its user could enter data when it was handed in; None: everywhere."""
    created_at = models.DateTimeField("上传时间", default=timezone.now)
    asked_at = models.DateTimeField("提交处理时间", default=timezone.now)
    """Since when it waits: for its check, then for its writing."""
    seen_at = models.DateTimeField("最近处理时间", null=True, blank=True)
    finished_at = models.DateTimeField("结束时间", null=True, blank=True)

    class Meta:
        verbose_name = "导入"
        ordering = ["-created_at", "-pk"]
        indexes = [models.Index(fields=["user", "-created_at"], name="import_of_user")]

    def __str__(self) -> str:
        return self.file_name

    def get_absolute_url(self) -> str:
        """The import's page."""
        return reverse("import", args=[self.pk])

    def number(self, verdict: str) -> int:
        """How many lines got a verdict."""
        return sum(int(by_verdict.get(verdict, 0)) for by_verdict in self.counts.values())

    @property
    def changes_something(self) -> bool:
        """Whether writing it would change anything."""
        return bool(self.number(Verdict.NEW) or self.number(Verdict.CHANGED))

    @property
    def may_be_written(self) -> bool:
        """Whether all is right, so that it can be written."""
        return self.state == ImportState.CHECKED and not self.number(Verdict.WRONG) and self.changes_something

    @property
    def may_be_written_in_part(self) -> bool:
        """Whether some lines are wrong and the right ones can be written without them."""
        return (
            self.state == ImportState.CHECKED and bool(self.number(Verdict.WRONG)) and self.changes_something
        )

    @cached_property
    def entry(self) -> AuditEntry | None:
        """The first entry that the writing recorded."""
        return AuditEntry.objects.filter(pk=self.entry_id).first() if self.entry_id else None

    @cached_property
    def is_taken_back(self) -> bool:
        """Whether what was written was taken back, from here or from the pages of the record."""
        if self.entry_id is None or self.state in UNDO_STATES:
            return False
        return (
            self.state == ImportState.TAKEN_BACK or AuditEntry.objects.filter(undoes=self.entry_id).exists()
        )

    @property
    def may_be_taken_back(self) -> bool:
        """Whether it is written and nobody is taking it back."""
        is_stuck = self.state in UNDO_STATES and self.is_silent
        return (self.state == ImportState.WRITTEN or is_stuck) and not self.is_taken_back

    @property
    def is_under_way(self) -> bool:
        """Whether it waits for a worker or has one: the page asks again."""
        return self.state in (*WAITING_STATES, *WORKING_STATES)

    @cached_property
    def standing(self) -> Standing:
        """How it stands with the task under which it waits."""
        return standing(self.job)

    @cached_property
    def is_silent(self) -> bool:
        """Whether nobody works on it or will, as its process was ended. It can be tried again."""
        if not self.is_under_way:
            return False
        if self.job is None:
            return timezone.now() - (self.seen_at or self.asked_at) > SILENT_AFTER
        # A worker may have ended it since it was read here.
        return self.standing.is_lost and Import.objects.filter(pk=self.pk, state=self.state).exists()

    @property
    def is_unclaimed(self) -> bool:
        """Whether it waits and no worker lives; one that is started takes it."""
        return self.is_under_way and self.standing.is_queued and not self.standing.has_worker

    @property
    def share(self) -> float:
        """How far the work is, 0 to 1."""
        return min(1.0, self.done / self.total) if self.total else 0.0


class ImportFile(models.Model):
    """The workbook as it was handed in. In the database: no address leads to it, and a worker on another
    machine has it too."""

    # Named otherwise than the key word that it would shadow.
    of = models.OneToOneField(Import, on_delete=models.CASCADE, primary_key=True, related_name="file")
    content = models.BinaryField("内容")

    class Meta:
        verbose_name = "导入文件"

    def __str__(self) -> str:
        return f"{self.of_id}"


class ImportLine(models.Model):
    """What one line of the workbook would do."""

    of = models.ForeignKey(Import, on_delete=models.CASCADE, related_name="lines")
    place = models.PositiveIntegerField("次序")
    sheet = models.CharField("工作表", max_length=100)
    number = models.PositiveIntegerField("行号")
    noun = models.CharField("类别", max_length=60)
    verdict = models.CharField("核对结果", max_length=10, choices=Verdict.choices)
    key = models.CharField("代码或警号", max_length=200)
    summary = models.CharField("内容", max_length=300)
    changes = models.JSONField("变动", default=list)
    """[{slug, label, old, new, note}]"""
    problems = models.JSONField("问题", default=list)
    """[{slug, address, message}]"""
    notices = models.JSONField("提示", default=list)
    """What should be looked at before writing, as the problems; it makes no line wrong."""

    class Meta:
        verbose_name = "导入行"
        indexes = [models.Index(fields=["of", "place"], name="importline_place")]

    def __str__(self) -> str:
        return f"{self.sheet}!{self.number} {self.verdict}"
