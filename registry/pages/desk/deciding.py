"""What waits for the user's decision: one line each with its checks, and one of them with its difference."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from types import SimpleNamespace
from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from registry import access
from registry.counting.basis import assignments
from registry.counting.metrics import FRONTLINE
from registry.models import Assignment, Organization
from registry.models.kinds import LEADING_ROLES, MEMBER_STATUSES, ROLE_ORDER
from registry.operations import seen
from registry.pages.desk.waiting import TO_DECIDE
from registry.pages.units.events import metric_of
from registry.rules import covering
from registry.rules.checks import CHECKS, Breach, Level, breaches
from registry.rules.waiting import overdue_by
from registry.web.address import Address, address_of
from registry.web.deciding import DecideManyForm

MOST = 50
"""So many are on the desk at once, the oldest; the others follow when these are done."""
_SEEN_TO = ("temp_branch_approved",)
"""What the approval itself mends."""
_TONES = {Level.VIOLATION: "bad", Level.WARNING: "warn", Level.HINT: "plain"}


@dataclass(frozen=True)
class Item:
    """One organization that waits for a decision."""

    organization: Organization
    mark: str
    """The key and the mark of what the page shows (``web.ticked``)."""
    url: str
    """The desk with this one opened."""
    now: datetime
    late: int
    """By how many days it is overdue since its founding."""
    checks: list[Breach] = field(default_factory=list)
    is_open: bool = False

    @property
    def since(self) -> datetime:
        """When it was submitted; what a command wrote was never submitted by anybody."""
        return self.organization.submitted_at or self.organization.created_at

    @property
    def waited(self) -> str:
        """For how long it waits, in words."""
        hours = int((self.now - self.since).total_seconds() // 3600)
        return f"{hours // 24} 日" if hours >= 24 else f"{hours} 小时" if hours else "刚提交"

    @property
    def is_late(self) -> bool:
        """Whether it waits, or stands without an approval, for longer than the bureau's limit."""
        return self.late > 0 or (self.now - self.since).days > settings.APPROVAL_DAYS

    @property
    def lines(self) -> list[tuple[str, str, str, str]]:
        """What the checks say: tone, word, message, citation."""
        return [
            (_TONES[each.check.level], each.check.level.label, each.message, each.edition.citation)
            for each in self.checks
        ]

    @property
    def worst(self) -> tuple[str, str, str]:
        """Tone, word and name of the worst check."""
        if not self.checks:
            return "ok", "通过", ""
        first = self.checks[0].check
        return _TONES[first.level], first.level.label, first.label


def panel(request: HttpRequest) -> dict[str, Any]:
    """Return what the desk shows of what waits for a decision; nothing for who decides nothing."""
    if not access.may_somewhere(request.user, TO_DECIDE.verb):
        return {}
    rows = TO_DECIDE.of(request.user).order_by("submitted_at", "pk")
    shown = list(rows.select_related("unit", "parent", "campaign", "submitted_by")[:MOST])
    if not shown:
        return {}
    address = address_of(request)
    number = len(shown) if len(shown) < MOST else rows.count()
    items = _items(request, address, shown)
    opened = next(item for item in items if item.is_open)
    place = items.index(opened)
    following = items[place + 1] if place + 1 < len(items) else items[place - 1] if place else None
    return {
        "items": items,
        "number": number,
        "more": number - len(items),
        "opened": opened,
        "place": place + 1,
        "following": following,
        "differences": differences(opened.organization),
        "effect": effect(opened.organization, address),
        "form": DecideManyForm(user=request.user, row=SimpleNamespace(rows=shown), auto_id="decide_%s"),
        "limit": settings.APPROVAL_DAYS,
    }


def _items(request: HttpRequest, address: Address, shown: list[Organization]) -> list[Item]:
    now, asked = timezone.now(), request.GET.get("item", "")
    opened = next((row.pk for row in shown if str(row.pk) == asked), shown[0].pk)
    # The next one is fetched by itself: of the others only the page says what the checks found.
    is_part = "HX-Request" in request.headers
    found = checks([row for row in shown if not is_part or row.pk == opened], address.as_of)
    marks = seen.short_marks(shown, seen.MEMBERS)
    desk = reverse("desk")
    return [
        Item(
            row,
            f"{row.pk}:{mark}",
            address.url(desk, item=str(row.pk)),
            now,
            overdue_by(row, address.as_of),
            found[row.pk],
            row.pk == opened,
        )
        for row, mark in zip(shown, marks, strict=True)
    ]


def checks(organizations: Sequence[Organization], day: date) -> dict[int, list[Breach]]:
    """Return what the checks say of each, the worst first, but for what the approval itself mends."""
    slugs = [check.slug for check in CHECKS if check.slug not in _SEEN_TO]
    rows = Organization.objects.filter(pk__in=[row.pk for row in organizations])
    found: dict[int, list[Breach]] = defaultdict(list)
    for breach in breaches(rows, day, slugs=slugs):
        if breach.excepted is None:
            found[breach.organization_id].append(breach)
    order = list(Level)
    for each in found.values():
        each.sort(key=lambda breach: order.index(breach.check.level))
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
