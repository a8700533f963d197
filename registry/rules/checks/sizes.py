"""Checks of how many members a Party organization has, and which kind that asks for."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db.models import (
    Case,
    CharField,
    Count,
    Exists,
    F,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Coalesce

from registry.models import CoveredUnit, OrganizationKind
from registry.models.base import on_day
from registry.models.kinds import BRANCH_KINDS
from registry.rules.checks import editions
from registry.rules.checks.check import Check, Find, Found, Judge, Level
from registry.rules.checks.members import FULL, MEMBERS, Rows, at_home, having, number, placed
from registry.rules.checks.planned import JOIN_NEIGHBOURS, NAME_NEIGHBOURS, Planned

K = OrganizationKind


def _few_full_members(is_temporary: bool) -> Find:
    def find(rows: Rows, day: date, *, least: int) -> Found:
        rows = rows.filter(kind__in=BRANCH_KINDS, is_temporary=is_temporary)
        facts = {"full": number(day, FULL), "advice": _advice(day)}
        return Found(rows.exclude(having(day, FULL, least)), facts)

    return find


def _covered(day: date) -> QuerySet[CoveredUnit]:
    """Return the units that a joint branch covers on the day beside its host unit."""
    return CoveredUnit.objects.filter(on_day(day), organization=OuterRef("pk"))


def _advice(day: date) -> Case:
    """Say what a branch with few full members should do, until it is a joint one that covers others."""
    is_joint = Q(kind=K.JOINT_BRANCH)
    return Case(
        When(is_joint & Exists(_covered(day)), then=Value("")),
        When(is_joint, then=Value(NAME_NEIGHBOURS)),
        default=Value(JOIN_NEIGHBOURS),
        output_field=CharField(),
    )


def _would_have_few(is_temporary: bool) -> Judge:
    def judge(planned: Planned, *, least: int) -> bool:
        return planned.is_branch and planned.is_temporary == is_temporary and planned.full < least

    return judge


def _too_many(rows: Rows, day: date, *, most: int) -> Found:
    rows = rows.filter(kind__in=BRANCH_KINDS)
    return Found(rows.filter(having(day, MEMBERS, most + 1)), {"members": number(day, MEMBERS)})


def _would_have_too_many(planned: Planned, *, most: int) -> bool:
    return planned.is_branch and planned.members > most


def _small_general_branch(is_temporary: bool) -> Find:
    def find(rows: Rows, day: date, *, least: int) -> Found:
        rows = rows.filter(kind=K.GENERAL_BRANCH, is_temporary=is_temporary, approval_number="")
        members = _below(day, is_temporary)
        return Found(rows.annotate(below=members).filter(below__lt=least), {"members": members})

    return find


def _should_be_committee(rows: Rows, day: date, *, least: int) -> Found:
    members = _below(day, is_temporary=False)
    rows = rows.filter(kind=K.GENERAL_BRANCH, is_temporary=False)
    return Found(rows.annotate(below=members).filter(below__gte=least), {"members": members})


def _below(day: date, is_temporary: bool) -> Any:
    """Return the number of members of an organization with all below it on the Party line."""
    if is_temporary:
        people, key = placed(day, MEMBERS).filter(organization__is_temporary=True), "organization"
    else:
        people, key = at_home(day, MEMBERS), "branch"
    below = {
        f"{key}__tree_id": OuterRef("tree_id"),
        f"{key}__lft__gte": OuterRef("lft"),
        f"{key}__lft__lte": OuterRef("rght"),
    }
    return _distinct(people.filter(**below), f"{key}__tree_id", "person")


def _many_units(rows: Rows, day: date, *, most: int) -> Found:
    homes = on_day(day, prefix="person__homes__")
    guests = placed(day, MEMBERS).filter(homes, organization=OuterRef("pk"))
    formal = at_home(day, MEMBERS).filter(branch=OuterRef("pk"))
    units = _distinct(guests, "organization", "person__homes__unit")
    own = _distinct(formal, "branch", "unit")
    others = _distinct(_covered(day), "organization", "unit")
    rows = rows.filter(kind=K.JOINT_BRANCH).annotate(guests_of=units, own_of=own, others=others)
    is_named = Q(others__gt=0)
    by_people = Q(is_temporary=True, guests_of__gt=most) | Q(is_temporary=False, own_of__gt=most)
    many = Q(others__gte=most) | (~is_named & by_people)
    facts = {
        "units": Case(
            When(is_named, then=F("others") + 1),
            When(is_temporary=True, then=F("guests_of")),
            default=F("own_of"),
        ),
        "how": Case(When(is_named, then=Value("覆盖")), default=Value("党员来自"), output_field=CharField()),
    }
    return Found(rows.filter(many), facts)


def _distinct(rows: QuerySet[Any], key: str, what: str) -> Any:
    """Return the number of distinct ``what`` of the rows of one organization."""
    number = rows.values(key).annotate(number=Count(what, distinct=True)).values("number")
    return Coalesce(Subquery(number, output_field=IntegerField()), Value(0))


def _small_group(rows: Rows, day: date, *, least: int, full: int) -> Found:
    rows = rows.filter(kind=K.GROUP)
    enough = having(day, MEMBERS, least) & having(day, FULL, full)
    return Found(rows.exclude(enough), {"members": number(day, MEMBERS), "of_full": number(day, FULL)})


def _would_be_small_group(planned: Planned, *, least: int, full: int) -> bool:
    return planned.is_group and (planned.members < least or planned.full < full)


CHECKS = (
    Check(
        "branch_min_full_members",
        "常设党支部正式党员人数",
        Level.VIOLATION,
        "党支部有正式党员 3 人以上;不足的,与邻近单位成立联合党支部。",
        editions.branches("第四条"),
        thresholds={"least": 3},
        find=_few_full_members(False),
        judge=_would_have_few(False),
        message="正式党员只有 {full} 人,不足 {least} 人{advice}。",
    ),
    Check(
        "temp_branch_min_full_members",
        "临时党支部正式党员人数",
        Level.HINT,
        "临时党支部一般也有正式党员 3 人以上。",
        editions.UNWRITTEN,
        thresholds={"least": 3},
        find=_few_full_members(True),
        judge=_would_have_few(True),
        message="编入的正式党员只有 {full} 人,不足 {least} 人。",
        row="branch_min_full_members",
    ),
    Check(
        "branch_max_members",
        "党支部党员人数",
        Level.WARNING,
        "党支部党员一般不超过 50 人。",
        editions.branches("第四条"),
        thresholds={"most": 50},
        find=_too_many,
        judge=_would_have_too_many,
        message="党员 {members} 人,超过 {most} 人,应调整为党总支或分设党支部。",
    ),
    Check(
        "joint_branch",
        "联合党支部覆盖的单位",
        Level.HINT,
        "联合党支部覆盖的单位一般不超过 5 个。",
        editions.branches(),
        thresholds={"most": 5},
        find=_many_units,
        message="{how} {units} 个单位,超过 {most} 个。",
    ),
    Check(
        "general_branch_size",
        "常设党总支党员人数",
        Level.WARNING,
        "党员 50 人以上、100 人以下的设党总支;不足 50 人的须经上级批准(有批复文号)。",
        editions.organs("第五至七条"),
        thresholds={"least": 50},
        find=_small_general_branch(False),
        message="连同下级党员共 {members} 人,不足 {least} 人,也没有登记批复文号。",
    ),
    Check(
        "temp_general_branch_size",
        "临时党总支党员人数",
        Level.HINT,
        "临时党总支一般有党员 50 人以上;不足的须经上级批准(有批复文号)。",
        editions.UNWRITTEN,
        thresholds={"least": 50},
        find=_small_general_branch(True),
        message="连同下级编入党员共 {members} 人,不足 {least} 人,也没有登记批复文号。",
        row="general_branch_size",
    ),
    Check(
        "committee_org_size",
        "应设党委的党总支",
        Level.WARNING,
        "党员 100 人以上的设党委。",
        editions.organs("第五至七条"),
        thresholds={"least": 100},
        find=_should_be_committee,
        message="连同下级党员共 {members} 人,达到 {least} 人,应设党委。",
    ),
    Check(
        "group_min",
        "党小组人数",
        Level.HINT,
        "党小组一般有党员 3 人以上,其中正式党员 1 人以上。",
        editions.UNWRITTEN,
        thresholds={"least": 3, "full": 1},
        find=_small_group,
        judge=_would_be_small_group,
        message=(
            "党员 {members} 人,其中正式党员 {of_full} 人;一般须 {least} 人以上,其中正式党员 {full} 人以上。"
        ),
    ),
)
