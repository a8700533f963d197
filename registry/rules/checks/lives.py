"""Checks of a temporary organization's life: who approved it, how long it stands, what it may not do."""

from __future__ import annotations

from datetime import date

from django.db.models import Case, Exists, F, OuterRef, Q, Value, When

from registry.models import BEGINNING, PersonPlacement, PoliticalStatus, WorkflowState
from registry.models.base import ends_after
from registry.models.kinds import BRANCH_KINDS, PARTY_BODIES, PARTY_KINDS
from registry.rules.checks import editions
from registry.rules.checks.check import Check, Found, Level
from registry.rules.checks.members import FULL, Rows, having
from registry.rules.checks.months import last_day_over


def _not_approved(rows: Rows, day: date) -> Found:
    """Find what is approved without a document or by nobody; what waits for its approval has none yet.

    Where the approving organization is not registered it is the superior on the Party line.
    """
    rows = rows.filter(is_temporary=True, kind__in=PARTY_BODIES, state=WorkflowState.APPROVED)
    unwritten, nobody = Q(approval_number=""), Q(approving_organization=None, parent=None)
    lacking = Case(
        When(unwritten & nobody, then=Value("批复文号和批准的党组织")),
        When(unwritten, then=Value("批复文号")),
        default=Value("批准的党组织"),
    )
    return Found(rows.filter(unwritten | nobody), {"lacking": lacking})


def _long(rows: Rows, day: date, *, months: int, least: int) -> Found:
    rows = rows.filter(
        is_temporary=True, kind__in=BRANCH_KINDS, established_on__lte=last_day_over(day, months)
    )
    return Found(rows.filter(having(day, FULL, least)), {"since": F("established_on")})


def _outlives(rows: Rows, day: date) -> Found:
    rows = rows.filter(is_temporary=True, kind__in=PARTY_KINDS)
    over = Q(campaign__ended_on__lte=day) | Q(task_body__dissolved_on__lte=day)
    return Found(rows.filter(over))


def _admitted(rows: Rows, day: date) -> Found:
    """Find who became a probationary member while placed here, and in no home branch that could admit."""
    status = "assignments__person__statuses__"
    became = F(f"{status}started_on")
    rows = rows.filter(
        ends_after(became, "assignments__ended_on"),
        is_temporary=True,
        kind__in=PARTY_KINDS,
        assignments__is_withdrawn=False,
        assignments__started_on__lte=became,
        assignments__person__merged_into__isnull=True,
        **{
            f"{status}status": PoliticalStatus.PROBATIONARY_MEMBER,
            f"{status}started_on__gt": BEGINNING,
            f"{status}started_on__lte": day,
        },
    )
    rows = rows.annotate(about=F("assignments__person"), happened_on=became)
    home = PersonPlacement.objects.filter(
        ends_after(OuterRef("happened_on")),
        person=OuterRef("about"),
        branch__isnull=False,
        started_on__lte=OuterRef("happened_on"),
    )
    return Found(rows.exclude(Exists(home)), {"became": F("happened_on")}, "about", "happened_on")


CHECKS = (
    Check(
        "temp_branch_approved",
        "临时党组织的批准",
        Level.VIOLATION,
        "临时党组织经上级党组织批准成立,有批准的党组织和批复文号;党员不转接组织关系。",
        editions.branches(),
        find=_not_approved,
        message="没有登记{lacking}。",
    ),
    Check(
        "temp_no_admission",
        "临时党组织不发展党员",
        Level.WARNING,
        "临时党组织除另有规定外,不接收预备党员,也不审批;接受申请、培养积极分子不在此限。",
        editions.no_admission("第二十二条"),
        find=_admitted,
        message=(
            "在临时党组织期间于 {became:%Y-%m-%d} 成为预备党员,当日没有登记组织关系所在支部;"
            "由原支部接收的请登记组织关系,依据文件由临时党组织接收的请办理例外。"
        ),
    ),
    Check(
        "temp_over_six_months",
        "临时党支部超过六个月",
        Level.HINT,
        "任务超过 6 个月、符合条件的,宜成立常设党支部。",
        editions.branches(),
        thresholds={"months": 6, "least": 3},
        find=_long,
        message="成立于 {since:%Y-%m-%d},已超过 {months} 个月,正式党员不少于 {least} 人,宜成立常设党支部。",
    ),
    Check(
        "temp_branch_lapses",
        "临时党组织随任务撤销",
        Level.VIOLATION,
        "任务机构撤销后,临时党组织自然撤销。",
        editions.branches(),
        find=_outlives,
        message="所属专项任务或依托的专班、工作组已结束,请办理撤销。",
    ),
)
