"""Every metric by its slug: the registry's own and those that capabilities hand up.

An ``AppConfig`` hands metrics up as ``metrics = ("dotted.path.TUPLE", ...)``. Of those that users make the
tuple holds the families, and a function beside it reads the metrics from the database, by slug
(``models/versions.py`` keeps them). It is called only where somebody asks for one of them. Nobody chooses or
compares ``unlisted_metrics``: totals are kept of them for a page's own use.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from django.apps import apps
from django.db.models import Q
from django.utils.module_loading import import_string

from registry.counting.metric import CountSource, Family, Metric
from registry.models import Assignment, Organization, PersonPlacement
from registry.models.kinds import (
    FORMATION_KINDS,
    MEMBER_STATUSES,
    OFFICE_KINDS,
    PARTY_BODIES,
    PARTY_KINDS,
    TEAM_KINDS,
    OrganizationKind,
    PersonCategory,
)

K = OrganizationKind

ORGANIZATIONS = CountSource(
    Organization,
    starts="established_on",
    ends="dissolved_on",
    host="placements",
    state="state",
    campaign="campaign",
    organization="",
)

FRONTLINE = Q(organization__kind__in=FORMATION_KINDS) | Q(
    organization__kind__in=PARTY_KINDS, organization__is_temporary=True
)
"""An assignment in a temporary Party organization or in a formation."""

PLACED = CountSource(
    Assignment,
    starts="started_on",
    ends="ended_on",
    host="organization__placements",
    where=Q(is_withdrawn=False) & FRONTLINE,
    state="organization__state",
    owner="person",
    campaign="organization__campaign",
    organization="organization__",
    dated="person__statuses",
    home="person__homes",
)
"""Who is placed at the frontline."""

FORMAL = CountSource(
    PersonPlacement,
    starts="started_on",
    ends="ended_on",
    unit="unit",
    where=Q(person__merged_into__isnull=True),
    owner="person",
    organization="branch__",
    dated="person__statuses",
)
"""Formal membership, at the home unit of the day, on the Party line at the home branch."""


@dataclass(frozen=True, eq=False)
class OrganizationMetric(Metric):
    """A number of organizations: those of ``kinds``, temporary or standing (None: no matter)."""

    kinds: tuple[str, ...] = field(kw_only=True)
    is_temporary: bool | None = field(default=None, kw_only=True)
    source: CountSource = field(default=ORGANIZATIONS, kw_only=True)
    page: str = field(default="organizations", kw_only=True)
    group: str = field(default="组织", kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        condition = Q(kind__in=self.kinds)
        if self.is_temporary is not None:
            condition &= Q(is_temporary=self.is_temporary)
        object.__setattr__(self, "condition", condition)

    def includes(self, kind: str, is_temporary: bool) -> bool:
        """Whether an organization of this kind is counted."""
        return kind in self.kinds and self.is_temporary in (None, is_temporary)


@dataclass(frozen=True, eq=False)
class PeopleMetric(Metric):
    """A number of people at the frontline or at home (人数, distinct persons), or of assignments (人次)."""

    source: CountSource = field(default=PLACED, kw_only=True)
    distinct: bool = field(default=True, kw_only=True)
    measure: str = field(default="人", kw_only=True)
    page: str = field(default="people", kw_only=True)
    group: str = field(default="人员", kw_only=True)


def _of(
    slug: str,
    label: str,
    *kinds: str,
    temporary: bool | None = None,
    measure: str = "个",
    parts: tuple[str, ...] = (),
) -> OrganizationMetric:
    return OrganizationMetric(
        slug, label, kinds=tuple(map(str, kinds)), is_temporary=temporary, measure=measure, parts=parts
    )


ORGANIZATION_METRICS: tuple[OrganizationMetric, ...] = (
    _of("temporary_committees", "临时党委", K.COMMITTEE, temporary=True),
    _of("temporary_general_branches", "临时党总支", K.GENERAL_BRANCH, temporary=True),
    _of("temporary_branches", "临时党支部", K.BRANCH, temporary=True),
    _of("temporary_joint_branches", "临时联合党支部", K.JOINT_BRANCH, temporary=True),
    _of(
        "temporary_party_orgs",
        "临时党组织",
        *PARTY_BODIES,
        temporary=True,
        parts=(
            "temporary_committees",
            "temporary_general_branches",
            "temporary_branches",
            "temporary_joint_branches",
        ),
    ),
    _of("temporary_groups", "临时党小组", K.GROUP, temporary=True),
    _of("standing_party_orgs", "常设党组织", *PARTY_BODIES, temporary=False),
    _of("pioneer_posts", "党员先锋岗", K.PIONEER_POST),
    _of("pioneer_teams", "党员先锋队", K.PIONEER_TEAM, measure="支"),
    _of("commando_teams", "突击队", K.COMMANDO_TEAM, measure="支"),
    _of(
        "pioneer_and_commando_teams",
        "先锋队和突击队",
        *TEAM_KINDS,
        measure="支",
        parts=("pioneer_teams", "commando_teams"),
    ),
    _of("task_forces", "专班", K.TASK_FORCE),
    _of("work_groups", "工作组", K.WORK_GROUP),
    _of("leading_groups", "领导小组", K.LEADING_GROUP),
)

PEOPLE_METRICS: tuple[PeopleMetric, ...] = (
    PeopleMetric("team_members", "先锋队、突击队队员", Q(organization__kind__in=TEAM_KINDS)),
    PeopleMetric("frontline_people", "一线人员"),
    PeopleMetric("frontline_assignments", "一线编入", distinct=False, measure="人次", page="assignments"),
    PeopleMetric("frontline_party_members", "一线党员", standing=Q(status__in=MEMBER_STATUSES)),
    PeopleMetric("frontline_auxiliaries", "一线辅警", Q(person__category=PersonCategory.AUXILIARY.value)),
    PeopleMetric(
        "frontline_reinforcements",
        "机关下沉人员",
        home=Q(kind__in=OFFICE_KINDS),
        hosted=~Q(kind__in=OFFICE_KINDS),
    ),
    PeopleMetric("formal_members", "党员(组织关系)", standing=Q(status__in=MEMBER_STATUSES), source=FORMAL),
)

STANDING_METRICS: tuple[OrganizationMetric, ...] = tuple(
    _of(f"standing_{kind}", f"常设{kind.label}", kind, temporary=False) for kind in map(K, PARTY_KINDS)
)
"""The standing Party organizations by kind."""
OF_ONE_KIND: dict[tuple[str, bool], OrganizationMetric] = {
    (kind, bool(metric.is_temporary)): metric
    for metric in (*ORGANIZATION_METRICS, *STANDING_METRICS)
    if not metric.parts and len(metric.kinds) == 1
    for kind in metric.kinds
}
"""The metric that counts the organizations of one kind alone, by kind and whether they are temporary."""
IN_STANDING = replace(PLACED, where=Q(is_withdrawn=False) & ~FRONTLINE, dated="")
"""Who is placed in a standing Party organization."""
IN_STANDING_METRIC = PeopleMetric(
    "standing_assignments", "常设党组织编入", source=IN_STANDING, distinct=False, measure="人次"
)


UNLISTED: tuple[Metric, ...] = (*STANDING_METRICS, IN_STANDING_METRIC)


CHARTED = (
    "temporary_party_orgs",
    "temporary_branches",
    "pioneer_posts",
    "pioneer_and_commando_teams",
    "frontline_people",
)
"""The metrics that charts over time offer first; the first of them unless the address asks for another."""


class _BySlug(Mapping[str, Metric]):
    """Every metric by its slug. To go through them is to go through those declared in the code, in order."""

    def __getitem__(self, slug: str) -> Metric:
        return made_metrics()[slug] if "." in slug else _handed_up().declared[slug]

    def __iter__(self) -> Iterator[str]:
        return iter(_handed_up().declared)

    def __len__(self) -> int:
        return len(_handed_up().declared)


METRICS = _BySlug()


def made_metrics() -> Mapping[str, Metric]:
    """Return the metrics that users have made, by slug: one small query, of a page that reads no more."""
    found = [each() for each in _handed_up().made]
    return found[0] if len(found) == 1 else {slug: metric for each in found for slug, metric in each.items()}


def every_metric() -> tuple[Metric, ...]:
    """Return every metric, those of the code and those that users have made."""
    handed_up = _handed_up()
    return (*handed_up.declared.values(), *handed_up.unlisted, *made_metrics().values())


def kept_metrics() -> tuple[Metric, ...]:
    """Return what totals are kept of: every metric but sums of others, of what users made the families."""
    return _handed_up().kept


@dataclass(frozen=True)
class _HandedUp:
    """The metrics that the apps list on their ``AppConfig``."""

    declared: dict[str, Metric]
    unlisted: tuple[Metric, ...]
    made: tuple[Callable[[], Mapping[str, Metric]], ...]
    kept: tuple[Metric, ...]


@cache
def _handed_up() -> _HandedUp:
    declared: dict[str, Metric] = {}
    families: dict[Metric, None] = {}
    made = []
    for found in _named_by("metrics"):
        if callable(found):
            made.append(found)
            continue
        for metric in found:
            if isinstance(metric, Family):
                families[metric] = None
            elif declared.setdefault(metric.slug, metric) is not metric or "." in metric.slug:
                raise ValueError(f"two metrics are called {metric.slug}, or it has a dot")
    unlisted = tuple(metric for found in _named_by("unlisted_metrics") for metric in found)
    kept = (*(metric for metric in declared.values() if not metric.parts), *unlisted, *families)
    return _HandedUp(declared, unlisted, tuple(made), kept)


def _named_by(name: str) -> Iterator[Any]:
    for config in apps.get_app_configs():
        yield from map(import_string, getattr(config, name, ()))


def measured(metric: Metric) -> str:
    """Return how the metric's number is to be read: 个, 支, 人数 or 人次."""
    return "人数" if metric.distinct and metric.measure == "人" else metric.measure
