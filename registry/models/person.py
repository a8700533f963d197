"""People, their dated political status and home, and their assignments to organizations."""

from __future__ import annotations

import secrets
from datetime import date

from django.db import models
from django.db.models import F, FilteredRelation, Q

from registry.models.addresses import page_address
from registry.models.base import Link, Registered, ends_not_before_start, on_day, one_each_day
from registry.models.kinds import Leaving, PersonCategory, PoliticalStatus, Role
from registry.models.ordering import OrderKey, person_key
from registry.models.organization import Organization
from registry.models.text import NumberField, NumberKey, PersonNameField, PhoneField
from registry.models.unit import Unit

BEGINNING = date(1900, 1, 1)
"""Where a person's first status and home begin: nobody knows since when they held."""


class PersonQuerySet(models.QuerySet["Person"]):
    """Queries of people."""

    def unmerged(self) -> PersonQuerySet:
        """All but entries that were joined to another one of the same person."""
        return self.filter(merged_into__isnull=True)

    def serving_on(self, day: date) -> PersonQuerySet:
        """Those whose service had not ended by ``day``."""
        return self.unmerged().filter(Q(left_on__isnull=True) | Q(left_on__gt=day))

    def with_status_on(self, day: date) -> PersonQuerySet:
        """Join each person's political status of ``day`` as ``standing`` (``standing__status``)."""
        return self.annotate(
            standing=FilteredRelation("statuses", condition=on_day(day, prefix="statuses__"))
        )


def new_key() -> str:
    """Return a random key that says nothing about the person."""
    return f"p-{secrets.token_hex(6)}"


class Person(Registered):
    """An officer, auxiliary or civilian.

    ``home_unit`` and ``home_branch`` are the formal membership, which an assignment never changes. ``key``
    names the person in addresses where the number is masked. ``political_status`` and the home are the
    newest; ``StatusPeriod`` and ``PersonPlacement`` hold every day's. Whose service ended has ``left_on``. An
    entry that was joined to another one of the same person leads there by ``merged_into`` and counts nowhere.
    """

    number = NumberField("警号", max_length=30, unique=True)
    number_key = NumberKey()
    key = models.CharField(max_length=20, unique=True, default=new_key, editable=False)
    name = PersonNameField("姓名", max_length=40)
    order_key = OrderKey(person_key, "name")
    category = models.CharField("人员类别", max_length=12, choices=PersonCategory.choices)
    political_status = models.CharField(
        "政治面貌", max_length=20, choices=PoliticalStatus.choices, default=PoliticalStatus.UNKNOWN
    )
    joined_on = models.DateField("入党日期", null=True, blank=True)
    confirmed_on = models.DateField("转正日期", null=True, blank=True)
    home_unit = Link(Unit, "所属单位", related_name="people")
    home_branch = Link(Organization, "组织关系所在支部", null=True, related_name="formal_members")
    title = models.CharField("职务", max_length=60, blank=True)
    phone = PhoneField("联系电话", max_length=30, blank=True)
    source = Link("registry.Source", "来源", null=True, related_name="+")
    note = models.CharField("备注", max_length=300, blank=True)
    left_on = models.DateField("离职日期", null=True, blank=True, editable=False)
    leaving = models.CharField("离职类别", max_length=12, choices=Leaving.choices, blank=True, editable=False)
    left_why = models.CharField("离职原因", max_length=300, blank=True, editable=False)
    merged_into = Link("self", "已并入", null=True, related_name="merged", editable=False)

    objects = PersonQuerySet.as_manager()

    class Meta:
        verbose_name = "人员"
        indexes = [
            models.Index(fields=["name", "home_unit"], name="person_name_home"),
            models.Index(fields=["order_key", "id"], name="person_order"),
            models.Index(fields=["number_key"], name="person_number_key"),
            models.Index(fields=["political_status", "category"], name="person_status"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(left_on__isnull=True, leaving="") | Q(left_on__isnull=False, leaving__in=Leaving),
                name="person_leaving_known",
            ),
            models.CheckConstraint(
                condition=Q(merged_into__isnull=True) | ~Q(merged_into=F("id")),
                name="person_not_merged_into_self",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """The person's page, by the key: it names no number. Pages use ``web.links.person_url``."""
        return page_address("person", self.key)


class StatusPeriod(models.Model):
    """A person's political status from one day to another.

    The first begins on ``BEGINNING``. Membership of the Party begins with the day of joining, if it is known.
    """

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="statuses")
    status = models.CharField("政治面貌", max_length=20, choices=PoliticalStatus.choices)
    started_on = models.DateField("开始")
    ended_on = models.DateField("结束", null=True, blank=True)

    class Meta:
        verbose_name = "政治面貌变化"
        indexes = [
            models.Index(fields=["started_on"], name="statusperiod_started"),
            # The check of probations that last too long: nearly everybody was once a probationary member.
            models.Index(
                fields=["ended_on"],
                name="statusperiod_probation",
                condition=Q(status=PoliticalStatus.PROBATIONARY_MEMBER),
            ),
        ]
        constraints = one_each_day("statusperiod", "person")

    def __str__(self) -> str:
        return f"{self.person_id} {self.status} {self.started_on}..{self.ended_on}"


class PersonPlacement(models.Model):
    """A person's home unit and home branch from one day to another.

    The first begins on ``BEGINNING``. The last is open, or ends with the service.
    """

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="homes")
    unit = Link(Unit, "所属单位", related_name="+")
    branch = Link(Organization, "组织关系所在支部", null=True, related_name="homes")
    started_on = models.DateField("开始")
    ended_on = models.DateField("结束", null=True, blank=True)

    class Meta:
        verbose_name = "所属单位和组织关系"
        indexes = [
            models.Index(fields=["unit", "started_on"], name="personplacement_unit_started"),
            models.Index(fields=["branch", "started_on"], name="personplacement_branch_started"),
            models.Index(
                fields=["ended_on"], name="personplacement_ended", condition=Q(ended_on__isnull=False)
            ),
            models.Index(fields=["started_on"], name="personplacement_started"),
        ]
        constraints = one_each_day("personplacement", "person")

    def __str__(self) -> str:
        return f"{self.person_id}@{self.unit_id} {self.started_on}..{self.ended_on}"


class AssignmentQuerySet(models.QuerySet["Assignment"]):
    """Queries of assignments."""

    def as_of(self, day: date) -> AssignmentQuerySet:
        """Assignments that hold on ``day``."""
        return self.valid().filter(on_day(day))

    def valid(self) -> AssignmentQuerySet:
        """All but those withdrawn as entered by mistake."""
        return self.filter(is_withdrawn=False)


class Assignment(Registered):
    """One person in one organization (编入), from one day to another; several at a time are normal."""

    person = Link(Person, "人员", related_name="assignments")
    organization = Link(Organization, "组织", related_name="assignments")
    role = models.CharField("职责", max_length=32, choices=Role.choices, default=Role.MEMBER)
    started_on = models.DateField("编入日期")
    ended_on = models.DateField("结束日期", null=True, blank=True)
    document_number = models.CharField("任命文号", max_length=80, blank=True)
    is_withdrawn = models.BooleanField("误录撤回", default=False)

    objects = AssignmentQuerySet.as_manager()

    class Meta:
        verbose_name = "编入"
        indexes = [models.Index(fields=["started_on"], name="assignment_started")]
        constraints = [
            ends_not_before_start("assignment_ends_after_start"),
            models.CheckConstraint(condition=Q(role__in=Role.values), name="assignment_role_known"),
            models.UniqueConstraint(
                fields=["person", "organization"],
                condition=Q(ended_on__isnull=True, is_withdrawn=False),
                name="assignment_one_open",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person_id}@{self.organization_id} {self.role} {self.started_on}..{self.ended_on}"
