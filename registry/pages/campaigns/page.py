"""What a campaign's page shows: facts, what still stands by unit, what counts by kind, its organizations."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from django.db.models import F
from django.urls import reverse
from django.utils.safestring import SafeString

from registry import access
from registry.closings.models import Closing
from registry.counting.basis import Question, organization_rows
from registry.counting.metric import APPROVED_OR_PENDING
from registry.counting.metrics import METRICS, ORGANIZATION_METRICS
from registry.counting.rollup import Line, count_place, count_units, rollup
from registry.models import Basis, Campaign, Organization, Unit
from registry.models.hierarchy import Span, UnitHierarchy
from registry.web.address import Address
from registry.web.links import PENDING, RowLinks, buttons, linked, rows_page

SHOWN = 10
BY_UNIT = {
    "temporary_party_orgs": ("临时党组织", "n"),
    "temporary_groups": ("党小组", "n drop"),
    "pioneer_posts": ("先锋岗", "n drop-2"),
    "pioneer_and_commando_teams": ("先锋、突击队", "n drop"),
    "task_forces": ("专班", "n drop"),
    "frontline_people": ("一线人数", "n"),
}
"""What is shown of each unit: the head and the class of its cells (static/css/tables.css)."""
PEOPLE = "frontline_people"
ORGANIZED = [metric.slug for metric in ORGANIZATION_METRICS if not metric.parts]
"""Every organization is of one of them."""


def state_tag(campaign: Campaign, day: date) -> tuple[str, str]:
    """Return tone and words for whether a campaign goes on, on the day."""
    if campaign.started_on > day:
        return "info", "当日未启动"
    return ("plain", "已结束") if campaign.is_over_on(day) else ("ok", "进行中")


def address_within(address: Address, campaign: Campaign, day: date | None = None) -> Address:
    """Return the address that asks about the campaign, 现有 on the day."""
    question = replace(address.question.current(), campaign=campaign)
    return replace(address, question=question.on(day) if day else question)


def list_url(address: Address, name: str, **changes: str | None) -> str:
    """Return the address of a list of what is in the campaign of ``address``."""
    return address.url(reverse(name), **changes)


def places(user: access.AnyUser, question: Question) -> list[Span]:
    """Return the intervals of the user's units on the day."""
    shape = UnitHierarchy.on(question.as_of)
    return [span for top in access.top_units(user) for span in shape.spans(top)]


def subtitle(campaign: Campaign, day: date) -> str:
    """Return the grey line: when it started, and when it ended or which of its days this is."""
    said = f"{campaign.started_on} 启动"
    if campaign.ended_on is not None and campaign.ended_on <= day:
        return f"{said},{campaign.ended_on} 结束"
    return f"{said},第 {(day - campaign.started_on).days + 1} 日" if day >= campaign.started_on else said


def facts(campaign: Campaign, address: Address, scope: list[Span]) -> list[tuple[str, str | SafeString]]:
    """Return label and value of what is registered of the campaign itself."""
    lead = linked(address, campaign.lead_unit, scope) if campaign.lead_unit else "未指定"
    return [
        ("任务名称", campaign.name),
        ("牵头单位", lead),
        ("启动日期", campaign.started_on.isoformat()),
        ("结束日期", campaign.ended_on.isoformat() if campaign.ended_on else "进行中"),
        ("任务代码", campaign.code),
    ]


@dataclass(frozen=True)
class KindLine:
    """How many there are of one metric: now, ever, not approved, each with its rows."""

    label: str
    measure: str
    now: int
    now_url: str
    ever: int
    ever_url: str
    pending: int
    pending_url: str


@dataclass(frozen=True)
class UnitLine:
    """What stands at one unit with all below it."""

    name: str
    url: str
    numbers: list[tuple[int, str, str]]
    """Each number with its rows, and the class of its cell."""
    pending: int
    pending_url: str
    waiting: int
    """How many people are in organizations that are not approved."""
    waiting_url: str


@dataclass(frozen=True)
class Standing:
    """What counts in the campaign in the user's scope."""

    kinds: list[KindLine]
    units: list[UnitLine]

    @property
    def heads(self) -> list[tuple[str, str]]:
        """The heads of the numbers of a unit, each with the class of its cell."""
        return list(BY_UNIT.values())


def standing(user: access.AnyUser, address: Address) -> Standing:
    """Count what is in the campaign of the address: by kind, and by the units below the user's own."""
    question, tops = address.question, access.top_units(user)
    here = places(user, question)
    total = count_place(here, question)
    counted = count_units(tops, question)
    lines = [(top, counted[top.pk]) for top in tops if not counted[top.pk].is_zero]
    units = _units(address, lines)
    if len(lines) == 1:  # where anything goes on at one of them only, by the units below it
        found = rollup(lines[0][0], question)
        own = _units(address, [(found.unit, found.own)], own=True)
        units = own + _units(address, [(line.unit, line) for line in found.children])
    ever = count_place(here, replace(question, basis=Basis.CUMULATIVE.value))
    return Standing(_kinds(address, total, ever), units)


def _kinds(address: Address, now: Line, ever: Line) -> list[KindLine]:
    def url(slug: str, **changes: str) -> str:
        return address.url(reverse(rows_page(slug)), metric=slug, **changes)

    return [
        KindLine(
            metric.label,
            metric.measure,
            now.counts[slug],
            url(slug),
            ever.counts[slug],
            url(slug, basis=Basis.CUMULATIVE.value),
            now.pending[slug],
            url(slug, state=PENDING) if now.pending[slug] else "",
        )
        for slug, metric in METRICS.items()
        if ever.counts[slug] or now.pending[slug]
    ]


def _units(address: Address, lines: list[tuple[Unit, Line]], *, own: bool = False) -> list[UnitLine]:
    """Return the units where something is, with the way to its rows."""
    links = RowLinks(address)
    return [
        UnitLine(
            f"{unit.label}本级" if own else unit.label,
            links.page(unit),
            [
                (line.counts[slug], links.url(unit, slug, own=own), css)
                for slug, (_head, css) in BY_UNIT.items()
            ],
            sum(line.pending[slug] for slug in ORGANIZED),
            address.url(reverse("organizations"), unit=unit.code, state=PENDING, own="1" if own else None),
            line.pending[PEOPLE],
            links.url(unit, PEOPLE, own=own, pending=True),
        )
        for unit, line in lines
        if any(line.counts[slug] or line.pending[slug] for slug in BY_UNIT)
    ]


def newest(user: access.AnyUser, address: Address) -> tuple[list[Any], int]:
    """Return the newest organizations of the campaign up to the day, also unapproved, and how many stand."""
    question, here = address.question, places(user, address.question)
    ever = replace(question, basis=Basis.CUMULATIVE.value)
    rows = organization_rows(None, ever, here, APPROVED_OR_PENDING)
    shown = (
        rows.select_related("unit")
        .annotate(host_name=F("host__unit__name"))
        .order_by("-established_on", "-pk")[:SHOWN]
    )
    return list(shown), organization_rows(None, question, here).count()


def organization_url(user: access.AnyUser, organization: Organization, address: Address) -> str:
    """Return the page of an organization, "" where it stands out of scope today."""
    is_seen = access.inside(organization.unit, access.spans(user))
    return address.url(organization.get_absolute_url()) if is_seen else ""


def reopening(closing: Closing | None) -> tuple[str, str]:
    """Return the verb and the page that reopen the campaign: with all that was closed, while that may be."""
    if closing is not None and closing.may_be_reopened:
        return "reopen_closing", "campaign_close_reopen"
    return "reopen_campaign", "campaign_reopen"


def actions(
    user: access.AnyUser, campaign: Campaign, address: Address, closing: Closing | None
) -> list[dict[str, Any]]:
    """Return the buttons by rights and state."""
    wanted = [("edit_campaign", "campaign_edit", "修改")]
    if closing is None or not closing.is_under_way:
        close = "close_campaign", "campaign_close", "结束任务…"
        wanted.append((*reopening(closing), "恢复任务…") if campaign.ended_on else close)
    changes = buttons(user, campaign, address, *wanted)
    return [{"label": "打印", "tone": "print"}, *changes]
