"""Units: the public-security organs in one tall tree, and their dated superiors."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING

from django.core.validators import MaxValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q
from mptt.models import MPTTModel, TreeForeignKey

from registry.models.addresses import page_address
from registry.models.base import Link, OneOf, Registered, ends_not_before_start, in_spans, one_each_day
from registry.models.kinds import UnitKind
from registry.models.ordering import OrderKey, unit_key
from registry.models.term import UnitTerm, found_by
from registry.models.text import NameField

if TYPE_CHECKING:
    from registry.models.hierarchy import Span

code_validator = RegexValidator(
    r"^[a-z0-9]+(-[a-z0-9]+)*$", "代码只能用小写字母、数字和连字符,例如 dezhou-shi-gonganju。"
)

MAX_DEPTH = 16
"""How deep either tree may be; the SQLite guard against cycles walks this many levels."""


class UnitQuerySet(models.QuerySet["Unit"]):
    """Queries of units."""

    def as_of(self, day: date) -> UnitQuerySet:
        """Units that are open on ``day``."""
        return self.filter(
            Q(opened_on__isnull=True) | Q(opened_on__lte=day),
            Q(closed_on__isnull=True) | Q(closed_on__gt=day),
        )

    def in_spans(self, spans: list[Span]) -> UnitQuerySet:
        """Units inside the given intervals (see ``registry.models.hierarchy``)."""
        from registry.models.hierarchy import everything

        return self if everything(spans) else self.filter(in_spans(spans))

    def in_subtree(self, unit: Unit, day: date | None = None) -> UnitQuerySet:
        """``unit`` and all below it, in the hierarchy of ``day`` (today's when left out)."""
        from registry.models.hierarchy import UnitHierarchy

        if day is None:
            return self.filter(tree_id=unit.tree_id, lft__range=(unit.lft, unit.rght))
        return self.in_spans(UnitHierarchy.on(day).spans(unit))

    def matching(self, text: str) -> UnitQuerySet:
        """Units found by ``text``: part of a name, short name or alias, their pinyin, a code."""
        return self.filter(found_by(UnitTerm, text, "unit", "pk"))


UnitManager = models.Manager.from_queryset(UnitQuerySet)


class Unit(MPTTModel, Registered):
    """A public-security organ. ``parent`` is today's superior; ``UnitPlacement`` holds every day's."""

    code = models.CharField("单位代码", max_length=80, unique=True, validators=[code_validator])
    name = NameField("单位名称", max_length=100)
    short_name = NameField("简称", max_length=60, blank=True)
    aliases = NameField("别名", max_length=300, blank=True, help_text="多个别名用分号隔开")
    kind = models.CharField("单位类型", max_length=20, choices=UnitKind.choices)
    region_code = models.CharField("行政区划代码", max_length=6, blank=True, help_text="GB/T 2260")
    sequence = models.PositiveIntegerField(
        "序号", null=True, blank=True, validators=[MaxValueValidator(999_999)]
    )
    order_key = OrderKey(unit_key, "kind", "sequence", "region_code", "name")
    parent = TreeForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="children",
        verbose_name="上级单位",
    )
    opened_on = models.DateField("设立日期", null=True, blank=True)
    closed_on = models.DateField("撤并日期", null=True, blank=True)
    # nearly always empty: its index is unit_merged_into
    merged_into = Link("self", "并入单位", null=True, related_name="absorbed", db_index=False)
    mention = models.CharField("出处", max_length=20, blank=True)
    note = models.CharField("备注", max_length=300, blank=True)

    # As MPTT makes it, but without an index of its own: a renumbering would write it for every row.
    tree_id = models.PositiveIntegerField(editable=False)

    if TYPE_CHECKING:  # made by MPTT
        lft: int
        rght: int
        level: int

    objects = UnitManager()  # type: ignore[assignment,misc]

    class Meta:
        verbose_name = "单位"
        indexes = [
            models.Index(fields=["tree_id", "lft"], name="unit_interval"),
            models.Index(
                fields=["merged_into"], name="unit_merged_into", condition=Q(merged_into__isnull=False)
            ),
            models.Index(fields=["opened_on"], name="unit_opened", condition=Q(opened_on__isnull=False)),
            models.Index(fields=["closed_on"], name="unit_closed", condition=Q(closed_on__isnull=False)),
        ]
        constraints = [
            ends_not_before_start("unit_closed_after_opened", "opened_on", "closed_on"),
            models.CheckConstraint(
                condition=Q(parent__isnull=True) | ~Q(parent=F("id")), name="unit_not_its_own_parent"
            ),
            models.CheckConstraint(condition=Q(kind__in=UnitKind.values), name="unit_kind_known"),
            models.CheckConstraint(condition=Q(level__lt=MAX_DEPTH), name="unit_depth_bounded"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def label(self) -> str:
        """The short name if there is one: what trees and tables show."""
        return self.short_name or self.name

    def is_open_on(self, day: date) -> bool:
        """Whether the unit exists on ``day``."""
        return (self.opened_on is None or self.opened_on <= day) and (
            self.closed_on is None or self.closed_on > day
        )

    def get_absolute_url(self) -> str:
        """The unit's page."""
        return page_address("unit", self.code)


class UnitPlacement(models.Model):
    """The superior of ``unit`` from one day to another.

    The first placement has no start: it holds from the beginning.
    """

    unit = Link(Unit, related_name="placements")
    superior = Link(Unit, null=True, related_name="subordinate_placements")
    started_on = models.DateField("开始", null=True, blank=True)
    ended_on = models.DateField("结束", null=True, blank=True)

    class Meta:
        verbose_name = "单位隶属"
        indexes = [models.Index(fields=["started_on"], name="unitplacement_started")]
        constraints = [
            *one_each_day("unitplacement", "unit"),
            models.CheckConstraint(
                condition=Q(superior__isnull=True) | ~Q(superior=F("unit")), name="unitplacement_not_itself"
            ),
            models.UniqueConstraint(
                fields=["unit"], condition=Q(started_on__isnull=True), name="unitplacement_one_first"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.unit_id}@{self.superior_id} {self.started_on}..{self.ended_on}"


MANY = 5_000
"""In so many units most rows stand: each row's unit is read, rather than the rows looked up by unit."""


def at_units(spans: Iterable[Span], *columns: str) -> Q:
    """Return the condition that a row's unit, in one of its ``columns``, is inside one of the intervals.

    By the keys of the units, so that the index of each column finds its rows: with the units joined every
    row of a long table would be looked at, and what else is asked about it worked out.
    """
    spans = list(spans)
    if sum(span.hi - span.lo for span in spans) // 2 > MANY:
        return reduce(or_, (in_spans(spans, f"{column}__") for column in columns))
    units = Unit.objects.filter(in_spans(spans)).order_by().values("pk")
    return reduce(or_, (Q(OneOf(F(column), units)) for column in columns))
