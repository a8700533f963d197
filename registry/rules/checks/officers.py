"""Checks of who leads a Party organization."""

from __future__ import annotations

from datetime import date

from django.db.models import Exists, F, OuterRef, Q

from registry.models import Assignment, OrganizationKind, Role, StatusPeriod
from registry.models.base import ends_after, on_day
from registry.models.kinds import BRANCH_KINDS, PARTY_BODIES
from registry.rules.checks import editions
from registry.rules.checks.check import Check, Found, Level
from registry.rules.checks.members import FULL, Rows, having, held, holding, number
from registry.rules.checks.planned import Planned

SECRETARY: tuple[str, ...] = (Role.SECRETARY.value,)
SEATS: tuple[str, ...] = (
    Role.ORGANIZATION_COMMITTEE_MEMBER.value,
    Role.PUBLICITY_COMMITTEE_MEMBER.value,
    Role.DISCIPLINE_COMMITTEE_MEMBER.value,
)
OFFICERS: tuple[str, ...] = (*SECRETARY, Role.DEPUTY_SECRETARY.value, *SEATS)
GROUP_LEADERS: tuple[str, ...] = (Role.LEADER.value, *SECRETARY)
"""A Party group is led by its leader (组长), whom some sheets call its secretary."""


def _no_secretary(rows: Rows, day: date) -> Found:
    rows = _bodies(rows)
    return Found(rows.exclude(holding(day, SECRETARY)))


def _would_have_none(planned: Planned) -> bool:
    return planned.is_temporary_body and not planned.holding(SECRETARY)


def _no_full_member(rows: Rows, day: date) -> Found:
    full = StatusPeriod.objects.filter(on_day(day), person=OuterRef("about"), status__in=FULL)
    return Found(_secretaries(_bodies(rows), day).exclude(Exists(full)), person="about")


def _ends_before(rows: Rows, day: date) -> Found:
    follower = Assignment.objects.valid().filter(
        ends_after(OuterRef("stops")),
        organization=OuterRef("pk"),
        role=Role.SECRETARY,
        started_on__lte=OuterRef("stops"),
    )
    rows = _secretaries(_bodies(rows), day).annotate(stops=F("assignments__ended_on"))
    rows = rows.filter(ends_after(F("stops"), "dissolved_on"), stops__isnull=False).exclude(Exists(follower))
    return Found(rows, {"ended_on": F("stops")}, person="about")


def _committee(rows: Rows, day: date, *, full: int, least: int, most: int) -> Found:
    """Judge where somebody of the committee is registered: elsewhere nothing is known of it.

    A temporary branch may have a committee with fewer members, too: those who approve it appoint it. What is
    quick to ask comes first: whether there are that many members is then seldom asked.
    """
    rows = rows.filter(holding(day, OFFICERS), kind__in=BRANCH_KINDS)
    large = having(day, FULL, full)
    odd = ~holding(day, OFFICERS, least) | holding(day, OFFICERS, most + 1)
    wrong = odd & large | Q(is_temporary=False) & holding(day, SEATS) & ~large
    return Found(rows.filter(wrong), {"of_full": number(day, FULL), "officers": held(day, OFFICERS)})


def _would_be_committee(planned: Planned, *, full: int, least: int, most: int) -> bool:
    if not planned.is_branch:
        return False
    if planned.full < full:
        return not planned.is_temporary and planned.holding(SEATS) > 0
    officers = planned.holding(OFFICERS)
    return 0 < officers < least or officers > most


def _no_leader(rows: Rows, day: date) -> Found:
    rows = rows.filter(kind=OrganizationKind.GROUP)
    return Found(rows.exclude(holding(day, GROUP_LEADERS)))


def _would_have_no_leader(planned: Planned) -> bool:
    return planned.is_group and not planned.holding(GROUP_LEADERS)


def _bodies(rows: Rows) -> Rows:
    return rows.filter(is_temporary=True, kind__in=PARTY_BODIES)


def _secretaries(rows: Rows, day: date) -> Rows:
    """Join the secretaries of the day, each a row with the person's key as ``about``."""
    joined = rows.filter(
        on_day(day, prefix="assignments__"),
        assignments__role=Role.SECRETARY,
        assignments__is_withdrawn=False,
    )
    return joined.annotate(about=F("assignments__person"))


CHECKS = (
    Check(
        "temp_branch_appointed",
        "临时党组织的书记",
        Level.VIOLATION,
        "临时党组织的书记、副书记、委员由批准它的党组织指定,不选举;须有书记。",
        editions.branches(),
        find=_no_secretary,
        judge=_would_have_none,
        message="没有指定书记。",
    ),
    Check(
        "temp_secretary_full_member",
        "临时党组织的书记为正式党员",
        Level.VIOLATION,
        "指定的书记须是正式党员。",
        editions.branches(),
        find=_no_full_member,
        message="书记当日不是正式党员。",
        row="temp_branch_appointed",
    ),
    Check(
        "temp_secretary_stays",
        "临时党组织的书记任期",
        Level.VIOLATION,
        "指定的书记任职至组织撤销;提前结束的须有人接任。",
        editions.branches(),
        find=_ends_before,
        message="书记的任职于 {ended_on:%Y-%m-%d} 结束,组织仍在,没有人接任。",
        row="temp_branch_appointed",
    ),
    Check(
        "committee_size",
        "支部委员会人数",
        Level.WARNING,
        "有正式党员 7 人以上的党支部设支委会,由 3 至 5 人组成,最多 7 人;"
        "不足 7 人的常设党支部设书记,必要时设副书记。",
        editions.organs("第五至七条"),
        thresholds={"full": 7, "least": 3, "most": 7},
        find=_committee,
        judge=_would_be_committee,
        message=(
            "正式党员 {of_full} 人,书记、副书记、委员共 {officers} 人:"
            "正式党员 {full} 人以上的设支委会 {least} 至 {most} 人,不足的只设书记,必要时设副书记。"
        ),
    ),
    Check(
        "group_leader",
        "党小组组长",
        Level.WARNING,
        "党小组设组长。",
        editions.branches("第十三条"),
        find=_no_leader,
        judge=_would_have_no_leader,
        message="没有指定组长。",
    ),
)
