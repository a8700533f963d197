"""Opinions and receipts of the demo, all invented."""

from __future__ import annotations

from django.db.models import Q

from registry.audit import Actor
from registry.demo.opening import OPENING
from registry.models import Assignment, Campaign, Organization
from registry.models.kinds import LEADING_ROLES
from registry.service import served
from registry.service.operations import sign_receipts, write_opinions
from registry.service.rules import Writing

ON = OPENING.day
"""The organizations that write ended up to this day, on which the home branches sign."""
ORGANIZATIONS = 24
"""So many of those that ended write opinions: the first by their codes."""
_TEXTS = (
    "服从临时党支部安排,坚守卡点 {days} 天,带头承担夜间值守,发挥了先锋模范作用。",
    "{days} 天里工作细致耐心,入户登记无差错,群众反映好。",
    "主动请战,圆满完成 {days} 天的防控任务,团结同志,纪律性强。",
)
_LEADING = "作为{role},{days} 天里组织得力,关心队员,按时召开支部会议,出色完成任务。"


def load_service(actor: Actor, campaign: Campaign) -> None:
    """Write the opinions of some organizations, of two in three members; sign for half of these people."""
    ended = Organization.objects.filter(
        campaign=campaign, is_temporary=True, state="approved", dissolved_on__lte=ON
    ).order_by("code")
    judged = []
    for organization in ended[:ORGANIZATIONS]:
        members = served.owed(campaign, ON, Q(organization=organization)).select_related("person")
        rows = [row for at, row in enumerate(members.order_by("person__number")) if at % 3 != 2]
        writings = [Writing(row.person, _text(row, at)) for at, row in enumerate(rows)]
        write_opinions(actor=actor, organization=organization, writings=writings, is_sample=True)
        judged += [row.person_id for row in rows]
    over = served.people(campaign, ON).filter(served.NOT_SIGNED, pk__in=judged).order_by("number")
    half = list(over)[::2]
    if half:
        sign_receipts(actor=actor, campaign=campaign, people=half, on=ON, is_sample=True)


def _text(row: Assignment, at: int) -> str:
    days = ((row.ended_on or ON) - row.started_on).days
    if row.role in LEADING_ROLES:
        return _LEADING.format(role=row.get_role_display(), days=days)
    return _TEXTS[at % len(_TEXTS)].format(days=days)
