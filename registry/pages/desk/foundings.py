"""Organizations that wait for a decision: what was checked, what is new, what it does to the counts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date

from django.db.models import Exists, OuterRef
from django.urls import reverse

from registry.counting.basis import assignments
from registry.counting.metrics import FRONTLINE
from registry.models import Assignment, Organization
from registry.models.kinds import LEADING_ROLES, MEMBER_STATUSES, ROLE_ORDER
from registry.operations import approving, seen
from registry.pages.desk.waiting import RETURNED, TO_DECIDE
from registry.pages.units.events import metric_of
from registry.rules import covering
from registry.rules.checks import CHECKS, Level, breaches
from registry.rules.waiting import overdue_by
from registry.web.address import Address
from registry.web.desk import Deciding, Said

_SEEN_TO = ("temp_branch_approved",)
"""What the approval itself mends."""
_TONES = {Level.VIOLATION: "bad", Level.WARNING: "warn", Level.HINT: "plain"}


def checks(organizations: Sequence[Organization], day: date) -> dict[int, list[Said]]:
    """Return what the checks say of each, the worst first, but for what the approval itself mends."""
    slugs = [check.slug for check in CHECKS if check.slug not in _SEEN_TO]
    rows = Organization.objects.filter(pk__in=[row.pk for row in organizations])
    found: dict[int, list[Said]] = defaultdict(list)
    order = list(Level)
    for breach in sorted(breaches(rows, day, slugs=slugs), key=lambda each: order.index(each.check.level)):
        if breach.excepted is None:
            level = breach.check.level
            said = Said(
                _TONES[level], level.label, breach.check.label, breach.message, breach.edition.citation
            )
            found[breach.organization_id].append(said)
    return found


def differences(organization: Organization) -> list[tuple[str, str, str]]:
    """Return what founding an organization adds: (label, nothing, what is new)."""
    held = Assignment.objects.valid().filter(organization=organization).select_related("person")
    heads = sorted((row for row in held if row.role in LEADING_ROLES), key=lambda row: ROLE_ORDER[row.role])
    members = sum(row.person.political_status in MEMBER_STATUSES for row in held)
    covered = covering.covered_on([organization], organization.established_on)
    said = [
        ("名称", organization.name),
        ("类型", organization.kind_label),
        ("所在单位", organization.unit.name),
        ("覆盖单位", "、".join(unit.name for unit in covered.get(organization.pk, ()))),
        ("上级组织", organization.parent.name if organization.parent else ""),
        ("专项任务", organization.campaign.name if organization.campaign else ""),
        ("成立日期", organization.established_on.isoformat()),
        ("撤销日期", organization.dissolved_on.isoformat() if organization.dissolved_on else ""),
        ("班子", "、".join(f"{row.get_role_display()} {row.person.name}" for row in heads) or "没有登记"),
        ("人员", f"{len(held)} 人,其中党员 {members} 人" if held else "没有编入人员"),
        ("批复文号", organization.approval_number),
    ]
    return [(label, "", new) for label, new in said if new]


def effect(organization: Organization, address: Address) -> str:
    """Say in a line what approving an organization does to the counts."""
    metric = metric_of(organization.kind, organization.is_temporary)
    since = organization.established_on.isoformat()
    said = [f"{metric.label}自 {since} 起增加 1 {metric.measure}"] if metric is not None else []
    people = _people(organization, address)
    if people is not None:
        new, known = people
        also = f"(另有 {known} 人已在其他组织计入)" if known else ""
        said.append(f"一线人员增加 {new} 人{also}")
    return ",".join(said)


def _people(organization: Organization, address: Address) -> tuple[int, int] | None:
    """Return how many people would be counted newly on the day, and how many are counted already, if any."""
    question = address.question.current().on(max(address.as_of, organization.established_on))
    placed = Assignment.objects.as_of(question.as_of).filter(FRONTLINE, organization=organization)
    already = assignments(question).filter(person=OuterRef("person"))
    rows = placed.annotate(is_known=Exists(already)).values_list("person", "is_known").distinct()
    found = dict(rows.order_by())
    if not found:
        return None
    known = sum(map(bool, found.values()))
    return len(found) - known, known


FOUNDINGS = Deciding(
    TO_DECIDE,
    approving.approve_organizations,
    approving.return_organizations,
    word=lambda organization: "成立",
    checks=checks,
    differences=differences,
    returned=RETURNED,
    mending=lambda organization: (
        ("编入人员", reverse("organization_members_add", args=[organization.code])),
        ("修改", reverse("organization_edit", args=[organization.code])),
        ("再次提交", reverse("organization_submit", args=[organization.code])),
    ),
    note="批准前不计入统计。",
    consequence="新组织批准后按各自的成立日期起计入统计;文号和日期写入每一个组织。",
    effect=effect,
    overdue=overdue_by,
    related=("unit", "parent__unit", "campaign", "submitted_by"),
    beside=(seen.MEMBERS,),
)
"""What the desk lists of organizations that were founded and wait."""
