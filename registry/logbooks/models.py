"""Logbooks, the entries in them, and what is worked out of each entry to count, filter and sort."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import models
from django.db.models import F, Q
from django.urls import reverse

from registry.logbooks.design import About, Design, Group, Way, read
from registry.models import Campaign, Organization, Person, Source, Unit, User
from registry.models.approvable import Approvable
from registry.models.base import Link, Registered, ends_not_before_start
from registry.models.kinds import PENDING_STATES, WorkflowState
from registry.models.term import Term


class Logbook(Registered):
    """A kind of what happens at the posts (台账), used at its unit and at all below it, while it is in use.

    ``shipped`` names the one of the product of which it is a copy. ``is_walled``: what its entries say is for
    their helper and the approver alone. Not ``needs_approval``: an entry counts as soon as it is entered, and
    a superior may send it back.
    """

    code = models.SlugField("代码", max_length=40, unique=True)
    name = models.CharField("名称", max_length=40)
    unit = Link(Unit, "单位", related_name="logbooks")
    group = models.CharField("类别", max_length=20, choices=Group.choices, default=Group.OTHER)
    about = models.CharField("登记对象", max_length=20, choices=About.choices, default=About.UNIT)
    purpose = models.CharField("用途", max_length=200, blank=True)
    is_walled = models.BooleanField("限阅", default=False)
    needs_approval = models.BooleanField("批准后计数", default=True)
    started_on = models.DateField("启用日期", null=True, blank=True)
    ended_on = models.DateField("停用日期", null=True, blank=True)
    shipped = models.CharField("照自带台账", max_length=40, blank=True)
    design = models.JSONField("字段、步骤和计数", default=dict)
    edition = models.PositiveIntegerField("版次", default=1, editable=False)
    handed = models.ManyToManyField(Unit, verbose_name="使用单位", through="HandedDown", related_name="+")
    """Those below that use it, each with all below it; none: all below."""

    class Meta:
        verbose_name = "台账"
        ordering = ["name", "pk"]
        constraints = [ends_not_before_start("logbook_dates_in_order")]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """The list of its entries."""
        return reverse("logbook", args=[self.code])

    @property
    def made(self) -> Design:
        """Its design, read."""
        return read(self.design)


class HandedDown(models.Model):
    """A unit to which a logbook of a unit above is handed down, where not all below that one use it."""

    logbook = models.ForeignKey(Logbook, on_delete=models.CASCADE, related_name="+")
    unit = Link(Unit, "使用单位", related_name="+")

    class Meta:
        verbose_name = "台账的使用单位"
        constraints = [models.UniqueConstraint(fields=["logbook", "unit"], name="handeddown_once")]

    def __str__(self) -> str:
        return f"{self.logbook} · {self.unit}"


class AddedFields(Registered):
    """Fields that a unit below a logbook's own added to it, for itself and all below it."""

    unit = Link(Unit, "单位", related_name="+")
    """First, since the right to take such an act back is that at the unit."""
    logbook = Link(Logbook, "台账", related_name="added")
    fields = models.JSONField("字段", default=list)

    class Meta:
        verbose_name = "本级补充字段"
        constraints = [models.UniqueConstraint(fields=["logbook", "unit"], name="addedfields_once")]

    def __str__(self) -> str:
        return f"{self.logbook} · {self.unit}"


class LogbookItem(models.Model):
    """A field or counter of a logbook, by a number that the rows of ``EntryFact`` carry.

    ``slug`` is that of the metric where it counts (``log.oath.entries``), else ``oath.medal``; never reused.
    """

    # Nothing built on the logbook: it follows it, and is no part of an act that is taken back.
    logbook = models.ForeignKey(Logbook, on_delete=models.CASCADE, related_name="items", db_constraint=False)
    key = models.CharField("字段或指标", max_length=60)
    slug = models.CharField("指标代码", max_length=100, unique=True)
    way = models.CharField("计数方式", max_length=10, blank=True)
    """``sum``: numbers are added up (an entry is 1); ``people``: owners count once; empty: a value."""

    class Meta:
        verbose_name = "台账的字段和指标"
        constraints = [models.UniqueConstraint(fields=["logbook", "key"], name="logbookitem_once")]

    def __str__(self) -> str:
        return self.slug


SUMMED, OWNERS = "sum", Way.PEOPLE.value
"""How the rows of an item are counted."""


class LoggedPerson(models.Model):
    """Somebody who is named in a logbook: counts once there, however often."""

    logbook = models.ForeignKey(Logbook, on_delete=models.CASCADE, related_name="people")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="logged")

    class Meta:
        verbose_name = "台账里的人员"
        constraints = [models.UniqueConstraint(fields=["logbook", "person"], name="loggedperson_once")]

    def __str__(self) -> str:
        return f"{self.person} · {self.logbook}"


class Entry(Approvable):
    """One row of a logbook (条目): what happened at a unit on a day, which decide where and when it counts.

    ``values`` are those of the fields, checked by the design; people stand in ``EntryPerson``. ``edition`` is
    that of the design by which it was last written. ``sealed`` holds the values of a walled logbook.
    """

    code = models.CharField("条目编号", max_length=20, unique=True, editable=False)
    # Each is the beginning of an index below: no other one is kept for the key alone.
    logbook = Link(Logbook, "台账", related_name="entries", db_index=False)
    edition = models.PositiveIntegerField("版次", default=1, editable=False)
    unit = Link(Unit, "单位", related_name="entries", db_index=False)
    organization = Link(Organization, "组织", null=True, related_name="entries")
    person = Link(Person, "人员", null=True, related_name="entries")
    campaign = Link(Campaign, "专项任务", null=True, related_name="entries")
    source = Link(Source, "来源", null=True, related_name="entries", db_index=False)
    happened_on = models.DateField("日期")
    title = models.CharField("摘要", max_length=80, blank=True, editable=False)
    values = models.JSONField("内容", default=dict)
    sealed = models.BinaryField("限阅内容", null=True, blank=True, editable=False)
    step = models.CharField("步骤", max_length=30, blank=True)
    helper = Link(User, "经办人", null=True, related_name="+", db_index=False)

    class Meta:
        verbose_name = "条目"
        ordering = ["-happened_on", "-pk"]
        indexes = [
            models.Index(fields=["logbook", "-happened_on", "-id"], name="entry_newest"),
            models.Index(fields=["unit", "logbook", "-happened_on"], name="entry_at_unit"),
            models.Index(fields=["unit"], name="entry_pending", condition=Q(state__in=PENDING_STATES)),
            models.Index(
                fields=["logbook", "submitted_at"],
                name="entry_waiting",
                condition=Q(state=WorkflowState.SUBMITTED),
            ),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=WorkflowState.values), name="entry_state_known")
        ]

    def __str__(self) -> str:
        return self.title or f"{self.logbook.name} {self.happened_on}"

    @property
    def name(self) -> str:
        """What the record and links call it."""
        return str(self)

    def get_absolute_url(self) -> str:
        """Its page."""
        return reverse("entry", args=[self.code])

    @classmethod
    def changed_by_two(cls, rows: Iterable[Any]) -> list[Any]:
        """Return those of logbooks whose entries are approved: one query."""
        rows = list(rows)
        books = Logbook.objects.filter(pk__in={row.logbook_id for row in rows}, needs_approval=True)
        wanted = set(books.values_list("pk", flat=True))
        return [row for row in rows if row.logbook_id in wanted]


class EntryPerson(models.Model):
    """Somebody whom a field of an entry names, with the role in it."""

    entry = models.ForeignKey(Entry, on_delete=models.CASCADE, related_name="people", db_index=False)
    field = models.CharField("字段", max_length=30)
    person = Link(Person, "人员", related_name="in_entries")
    role = models.CharField("角色", max_length=30, blank=True)
    place = models.PositiveSmallIntegerField("顺序", default=0)

    class Meta:
        verbose_name = "条目里的人员"
        ordering = ["entry", "field", "place", "pk"]
        constraints = [models.UniqueConstraint(fields=["entry", "field", "person"], name="entryperson_once")]

    def __str__(self) -> str:
        return f"{self.person}"


class EntryStep(models.Model):
    """A step that an entry has come to: when, by whose decision, with which document."""

    entry = models.ForeignKey(Entry, on_delete=models.CASCADE, related_name="steps", db_index=False)
    step = models.CharField("步骤", max_length=30)
    reached_on = models.DateField("日期")
    reached_at = models.TimeField("时间", null=True, blank=True)
    decided_by = models.CharField("决定机关或人员", max_length=80, blank=True)
    document_number = models.CharField("文号", max_length=80, blank=True)
    note = models.CharField("说明", max_length=300, blank=True)

    class Meta:
        verbose_name = "条目的步骤"
        ordering = ["entry", "pk"]
        constraints = [models.UniqueConstraint(fields=["entry", "step"], name="entrystep_once")]

    def __str__(self) -> str:
        return f"{self.step} {self.reached_on}"


class EntryFact(models.Model):
    """What is worked out of an entry to count it, and to filter and sort by: made anew when it is written.

    ``number`` is what is added up or compared, ``text`` what is compared as text. It counts from
    ``starts_on`` until ``ends_on``; without the first it is only looked for.
    """

    entry = models.ForeignKey(Entry, on_delete=models.CASCADE, related_name="facts")
    item = models.ForeignKey(LogbookItem, on_delete=models.CASCADE, related_name="+", db_index=False)
    number = models.BigIntegerField("数", null=True)
    text = models.CharField("文", max_length=60, blank=True)
    starts_on = models.DateField(null=True)
    ends_on = models.DateField(null=True)
    owner = models.ForeignKey(LoggedPerson, on_delete=models.CASCADE, null=True, related_name="facts")

    class Meta:
        verbose_name = "条目的数"
        indexes = [
            models.Index(fields=["item", "number", "entry"], name="entryfact_number"),
            models.Index(fields=["item", "text", "entry"], name="entryfact_text", condition=~Q(text="")),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_on__isnull=True) | Q(ends_on__gte=F("starts_on")), name="entryfact_in_order"
            )
        ]

    def __str__(self) -> str:
        return f"{self.item_id}: {self.number} {self.text}"


class LogbookTerm(Term):
    """A search term of a logbook."""

    pk = models.CompositePrimaryKey("rank", "term", "spread", "logbook")
    spread = models.SmallIntegerField()
    logbook = models.ForeignKey(Logbook, on_delete=models.CASCADE, related_name="terms", db_constraint=False)

    def __str__(self) -> str:
        return f"{self.term}"


class EntryTerm(Term):
    """A search term of an entry: of what its title says, and its document numbers."""

    pk = models.CompositePrimaryKey("rank", "term", "spread", "entry")
    spread = models.SmallIntegerField()
    entry: Any = models.ForeignKey(Entry, on_delete=models.CASCADE, related_name="terms", db_constraint=False)

    def __str__(self) -> str:
        return f"{self.term}"
