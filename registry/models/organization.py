"""Organizations: Party organizations and formations, a forest of small trees, and their dated hosts."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import F, FilteredRelation, Q
from mptt.models import MPTTModel, TreeForeignKey

from registry.models.addresses import page_address
from registry.models.approvable import Approvable
from registry.models.base import Link, ends_not_before_start, on_day, one_each_day
from registry.models.kinds import (
    FORMATION_KINDS,
    PARTY_KINDS,
    PENDING_STATES,
    OrganizationKind,
    WorkflowState,
)
from registry.models.ordering import OrderKey, name_key
from registry.models.term import OrganizationTerm, found_by
from registry.models.text import NameField
from registry.models.unit import MAX_DEPTH, Unit, code_validator


class OrganizationQuerySet(models.QuerySet["Organization"]):
    """Queries of organizations."""

    def as_of(self, day: date) -> OrganizationQuerySet:
        """Organizations that stand on ``day``, whatever their workflow state."""
        return self.filter(on_day(day, "established_on", "dissolved_on"))

    def approved(self) -> OrganizationQuerySet:
        """Organizations that are approved: only these count."""
        return self.filter(state=WorkflowState.APPROVED)

    def hosted_on(self, day: date) -> OrganizationQuerySet:
        """Join each organization's placement of ``day`` as ``host`` (``host__unit`` is its unit then)."""
        return self.annotate(
            host=FilteredRelation("placements", condition=on_day(day, prefix="placements__"))
        ).filter(host__isnull=False)

    def with_host_facts(self) -> OrganizationQuerySet:
        """Add code, names and place of the ``host`` that is joined: ``host_code``, ``host_name``, …"""
        names = ("code", "name", "short_name", "tree_id", "lft")
        return self.annotate(**{f"host_{name}": F(f"host__unit__{name}") for name in names})

    def matching(self, text: str) -> OrganizationQuerySet:
        """Organizations found by part of a name, alias or title, its pinyin, a code or document number."""
        return self.filter(found_by(OrganizationTerm, text, "organization", "pk"))


OrganizationManager = models.Manager.from_queryset(OrganizationQuerySet)


class Organization(MPTTModel, Approvable):
    """A Party organization or a formation.

    Kind, honour title and Party superior are three separate facts. ``unit`` is today's host;
    ``OrganizationPlacement`` holds every day's. ``is_temporary`` is for Party organizations only: a
    formation is never a "temporary branch".
    """

    code = models.CharField("组织代码", max_length=120, unique=True, validators=[code_validator])
    name = NameField("组织名称", max_length=120)
    order_key = OrderKey(name_key, "name")
    aliases = NameField("别名", max_length=300, blank=True, help_text="多个别名用分号隔开")
    kind = models.CharField("组织类型", max_length=20, choices=OrganizationKind.choices)
    is_temporary = models.BooleanField("临时党组织", default=False)
    honour_title = NameField("荣誉命名", max_length=60, blank=True)
    parent = TreeForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="children",
        verbose_name="上级组织",
    )
    parent_inferred = models.BooleanField("上级组织系推定", default=False)
    unit = Link(Unit, "所在单位", related_name="organizations")
    campaign = Link("registry.Campaign", "专项任务", null=True, related_name="organizations")
    task_body = Link("self", "依托的专班或工作组", null=True, related_name="task_organizations")
    established_on = models.DateField("成立日期")
    dissolved_on = models.DateField("撤销日期", null=True, blank=True)
    dissolution_number = models.CharField("撤销文号", max_length=80, blank=True)
    source = Link("registry.Source", "来源", null=True, related_name="+")
    note = models.CharField("备注", max_length=300, blank=True)

    if TYPE_CHECKING:  # made by MPTT
        lft: int
        rght: int
        tree_id: int
        level: int

    objects = OrganizationManager()  # type: ignore[assignment,misc]

    class Meta:
        verbose_name = "组织"
        indexes = [
            models.Index(fields=["tree_id", "lft"], name="organization_interval"),
            # With the key, by which those of one day are ordered: the newest ten are then ten look-ups.
            models.Index(fields=["established_on", "id"], name="organization_established"),
            models.Index(fields=["dissolved_on", "id"], name="organization_dissolved"),
            models.Index(
                fields=["established_on"], name="organization_pending", condition=Q(state__in=PENDING_STATES)
            ),
        ]
        constraints = [
            ends_not_before_start("organization_dissolved_after", "established_on", "dissolved_on"),
            models.CheckConstraint(
                condition=Q(parent__isnull=True) | ~Q(parent=F("id")), name="organization_not_its_own_parent"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=PARTY_KINDS) | Q(kind__in=FORMATION_KINDS, is_temporary=False),
                name="organization_formation_not_temporary",
                violation_error_message="先锋岗、先锋队、突击队、专班等不是临时党组织。",
            ),
            models.CheckConstraint(
                condition=Q(state__in=WorkflowState.values), name="organization_state_known"
            ),
            models.CheckConstraint(condition=Q(level__lt=MAX_DEPTH), name="organization_depth_bounded"),
        ]

    def __str__(self) -> str:
        return self.name

    @classmethod
    def changed_by_two(cls, rows: Iterable[Any]) -> list[Any]:
        """Return all of them."""
        return list(rows)

    @property
    def is_party_organization(self) -> bool:
        """Whether this is a Party organization, not a formation."""
        return self.kind in PARTY_KINDS

    @property
    def kind_label(self) -> str:
        """The kind, with 临时 when it is temporary: 临时党支部."""
        label = str(OrganizationKind(self.kind).label)
        return f"临时{label}" if self.is_temporary else label

    def stands_on(self, day: date) -> bool:
        """Whether it exists on ``day``, by its dates alone."""
        return self.established_on <= day and (self.dissolved_on is None or self.dissolved_on > day)

    def get_absolute_url(self) -> str:
        """The organization's page."""
        return page_address("organization", self.code)


class OrganizationPlacement(models.Model):
    """The host unit of ``organization`` from one day to another.

    The first begins on the establishment; the last stays open, also after the dissolution.
    """

    organization = Link(Organization, related_name="placements")
    unit = Link(Unit, related_name="organization_placements")
    started_on = models.DateField("开始")
    ended_on = models.DateField("结束", null=True, blank=True)

    class Meta:
        verbose_name = "组织所在单位"
        indexes = [
            models.Index(fields=["unit", "started_on"], name="orgplacement_unit_started"),
            models.Index(fields=["ended_on"], name="orgplacement_ended", condition=Q(ended_on__isnull=False)),
        ]
        constraints = one_each_day("orgplacement", "organization")

    def __str__(self) -> str:
        return f"{self.organization_id}@{self.unit_id} {self.started_on}..{self.ended_on}"


class CoveredUnit(models.Model):
    """A unit that a joint branch (联合党支部) covers beside its host unit, from one day to another.

    The last of a unit stays open, also after the dissolution. Nothing is counted by it: an organization
    counts at its host unit alone.
    """

    organization = Link(Organization, related_name="covered_units")
    unit = Link(Unit, related_name="covered_by")
    started_on = models.DateField("开始")
    ended_on = models.DateField("结束", null=True, blank=True)

    class Meta:
        verbose_name = "联合党支部覆盖的单位"
        constraints = one_each_day("coveredunit", "organization", "unit")

    def __str__(self) -> str:
        return f"{self.organization_id}+{self.unit_id} {self.started_on}..{self.ended_on}"
