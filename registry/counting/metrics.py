"""What is counted: every metric by its slug, with what it counts and which rows."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q

from registry.models.kinds import (
    FORMATION_KINDS,
    MEMBER_STATUSES,
    PARTY_KINDS,
    TEAM_KINDS,
    OrganizationKind,
    PersonCategory,
)

K = OrganizationKind


@dataclass(frozen=True)
class OrganizationMetric:
    """A number of organizations: those of ``kinds``, temporary or standing (None: no matter)."""

    slug: str
    label: str
    kinds: tuple[str, ...]
    is_temporary: bool | None = None
    measure: str = "个"

    def holds(self, kind: str, is_temporary: bool) -> bool:
        """Whether an organization of this kind is counted."""
        return kind in self.kinds and self.is_temporary in (None, is_temporary)

    @property
    def condition(self) -> Q:
        """The same as a condition on organizations."""
        condition = Q(kind__in=self.kinds)
        return condition if self.is_temporary is None else condition & Q(is_temporary=self.is_temporary)


@dataclass(frozen=True)
class PeopleMetric:
    """A number of people (人数, distinct persons) or of assignments (人次).

    ``condition`` is on frontline assignments; ``standing`` is the political status of the as-of day.
    """

    slug: str
    label: str
    condition: Q
    distinct: bool = True
    measure: str = "人"
    of_members: bool = False
    """Whether ``condition`` is "a Party member on the day", which a series must ask of each day."""


Metric = OrganizationMetric | PeopleMetric

_TEMPORARY_BODIES = (K.COMMITTEE.value, K.GENERAL_BRANCH.value, K.BRANCH.value)

ORGANIZATION_METRICS: tuple[OrganizationMetric, ...] = (
    OrganizationMetric("temporary_committees", "临时党委", (K.COMMITTEE.value,), True),
    OrganizationMetric("temporary_general_branches", "临时党总支", (K.GENERAL_BRANCH.value,), True),
    OrganizationMetric("temporary_branches", "临时党支部", (K.BRANCH.value,), True),
    OrganizationMetric("temporary_party_orgs", "临时党组织", _TEMPORARY_BODIES, True),
    OrganizationMetric("temporary_groups", "临时党小组", (K.GROUP.value,), True),
    OrganizationMetric("standing_party_orgs", "常设党组织", _TEMPORARY_BODIES, False),
    OrganizationMetric("pioneer_posts", "党员先锋岗", (K.PIONEER_POST.value,)),
    OrganizationMetric("pioneer_teams", "党员先锋队", (K.PIONEER_TEAM.value,), measure="支"),
    OrganizationMetric("commando_teams", "突击队", (K.COMMANDO_TEAM.value,), measure="支"),
    OrganizationMetric("pioneer_and_commando_teams", "先锋队和突击队", TEAM_KINDS, measure="支"),
    OrganizationMetric("task_forces", "专班", (K.TASK_FORCE.value,)),
    OrganizationMetric("work_groups", "工作组", (K.WORK_GROUP.value,)),
    OrganizationMetric("leading_groups", "领导小组", (K.LEADING_GROUP.value,)),
)

FRONTLINE = Q(organization__kind__in=FORMATION_KINDS) | Q(
    organization__kind__in=PARTY_KINDS, organization__is_temporary=True
)
"""An assignment in a temporary Party organization or in a formation."""

PEOPLE_METRICS: tuple[PeopleMetric, ...] = (
    PeopleMetric("team_members", "先锋队、突击队队员", Q(organization__kind__in=TEAM_KINDS)),
    PeopleMetric("frontline_people", "一线人员", Q()),
    PeopleMetric("frontline_assignments", "一线编入", Q(), distinct=False, measure="人次"),
    PeopleMetric(
        "frontline_party_members", "一线党员", Q(standing__status__in=MEMBER_STATUSES), of_members=True
    ),
    PeopleMetric("frontline_auxiliaries", "一线辅警", Q(person__category=PersonCategory.AUXILIARY.value)),
)

METRICS: dict[str, Metric] = {
    **{metric.slug: metric for metric in ORGANIZATION_METRICS},
    **{metric.slug: metric for metric in PEOPLE_METRICS},
}
"""Every metric by slug, in the order of display."""


def measured(metric: Metric) -> str:
    """Return how the metric's number is to be read: 个, 支, 人数 or 人次."""
    if isinstance(metric, PeopleMetric):
        return "人数" if metric.distinct else "人次"
    return metric.measure
