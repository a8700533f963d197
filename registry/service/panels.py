"""What is handed up to the pages of others: a closing, the desk, the pages of rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, F, Q, QuerySet, Value
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from registry import access
from registry.models import Campaign, Organization, Person, Unit
from registry.rules.campaigns import Due
from registry.service import reminders, served
from registry.service.pages import people_campaigns
from registry.service.rules import judges
from registry.web.address import address_of, campaigns_of
from registry.web.desk import MOST
from registry.web.links import PanelLine, person_url


def list_url(name: str, campaign: Campaign, **query: str) -> str:
    """Return the address of a list of the campaign's service records."""
    return f"{reverse(name)}?{urlencode({'campaign': campaign.code, **query})}"


def lines_of(campaign: Campaign, day: date, user: access.AnyUser) -> list[PanelLine]:
    """Return how it stands with opinions and receipts in the user's scope, each number with its list."""
    spans = access.spans(user)
    # Who has no branch is sent to the home unit, as in the list.
    branch = Coalesce("home_branch_id", F("home_unit_id") * Value(-1))
    people = served.people(campaign, day, served.at_home(spans)).order_by()
    numbers = people.aggregate(
        records=Count("pk"),
        branches=Count(branch, distinct=True),
        signed=Count("pk", filter=Q(is_signed=True)),
        waiting=Count("pk", filter=served.NOT_SIGNED),
    )
    numbers |= {"missing": served.opinions_by_unit(campaign, day, spans, [])[0]["waiting"]}
    return [
        PanelLine(label, numbers[name], list_url(page, campaign, **query, as_of=day.isoformat()))
        for label, name, page, query in _LINES
    ]


_LINES: tuple[tuple[str, str, str, dict[str, str]], ...] = (
    ("服务记录", "records", "service_people", {}),
    ("收到记录的支部", "branches", "service_branches", {}),
    ("未写鉴定", "missing", "service_opinions", {"state": "missing"}),
    ("已签收", "signed", "service_people", {"state": "signed"}),
    ("未签收", "waiting", "service_people", {"state": "waiting"}),
)

LONG_AGO = timedelta(days=30)
"""A reminder whose day is over for so long is not said in the mail any more."""

MISSING = Due(
    slug="opinions",
    label="未写鉴定",
    measure="人次",
    blocks=False,
    how="结束后到支部签收前还可以写。",
    rows=lambda campaign, ending: served.owed(campaign, timezone.localdate()).filter(served.NOT_WRITTEN),
    unit_path="organization__unit",
    url=lambda campaign: list_url("service_opinions", campaign, state="missing"),
)
"""What the closing of a campaign says of the opinions that are not written: it goes on without them."""


def waiting_receipts(user: access.AnyUser) -> list[PanelLine]:
    """Return for the desk of whom may sign: how many records of ended service wait, by campaign."""
    spans, today = access.spans(user, "sign_receipt"), timezone.localdate()
    lines = _by_campaign(
        user,
        "服务记录待签收",
        "service_people",
        "waiting",
        lambda campaign: served.people(campaign, today, served.at_home(spans)).filter(served.NOT_SIGNED),
        verb="sign_receipt",
    )
    if not lines:
        return []
    known = reminders.by_campaign(reminders.reaching(spans))
    return [
        line._replace(said=reminders.said(found), by=found[0].due_on)
        if (found := known.get(campaign.pk))
        else line
        for campaign, line in lines
    ]


def reminded(user: access.AnyUser) -> int:
    """Return how many records somebody reminded the user of still wait, for the mail of the day."""
    spans = access.spans(user, "sign_receipt")
    since = timezone.localdate() - LONG_AGO
    if not spans or not reminders.reaching(spans).filter(due_on__gte=since).exists():
        return 0
    return sum(line.number for line in waiting_receipts(user) if line.by is not None and line.by >= since)


def waiting_opinions(user: access.AnyUser) -> list[PanelLine]:
    """Return for the desk of whom may write: how many opinions on ended service wait, by campaign."""
    spans, today = access.spans(user, "write_opinion"), timezone.localdate()

    def waiting(campaign: Campaign) -> QuerySet[Any]:
        rows = served.owed(campaign, today, served.at(spans)).filter(served.NOT_WRITTEN)
        return rows if campaign.is_over_on(today) else rows.filter(ended_on__lte=today)

    lines = _by_campaign(user, "鉴定待写", "service_opinions", "ended", waiting, verb="write_opinion")
    return [line for _campaign, line in lines]


def _by_campaign(
    user: access.AnyUser,
    words: str,
    name: str,
    state: str,
    waiting: Callable[[Campaign], QuerySet[Any]],
    *,
    verb: str,
) -> list[tuple[Campaign, PanelLine]]:
    """Return a line for each campaign in which something waits for who may do the verb somewhere."""
    if not access.may_somewhere(user, verb):
        return []
    at = timezone.localdate().isoformat()
    counted = [
        (campaign, waiting(campaign).order_by().values("pk")[:MOST].count())
        for campaign in access.visible(user, Campaign.objects.all())
    ]
    return [
        (
            campaign,
            PanelLine(f"{words}:{campaign.name}", number, list_url(name, campaign, as_of=at, state=state)),
        )
        for campaign, number in counted
        if number
    ]


# --- On the pages of rows (registry.pages.panels) ---------------------------------------------------

Panel = tuple[str, dict[str, Any]] | None


def of_campaign(request: HttpRequest, campaign: Campaign) -> Panel:
    """Return the ways from a campaign's page to its service records; once it is over, how they stand."""
    address = address_of(request)
    pages = (
        ("service", "总表"),
        ("service_people", "服务记录"),
        ("service_branches", "按支部签收"),
        ("service_opinions", "表现鉴定"),
    )
    links = [(words, address.url(reverse(name), campaign=campaign.code)) for name, words in pages]
    day = address.as_of
    if not campaign.is_over_on(day):
        return "service/_ways.html", {"links": links}
    spans = access.spans(request.user)
    unit = reminding_unit(request.user, campaign)
    path = reverse("service_remind", args=[unit.code]) if unit is not None else ""
    return "service/_ways.html", {
        "links": links,
        "lines": lines_of(campaign, day, request.user),
        "reminders": list(reminders.reaching(spans).filter(campaign=campaign)),
        "remind_url": address.url(path, campaign=campaign.code) if path else "",
    }


def reminding_unit(user: access.AnyUser, campaign: Campaign) -> Unit | None:
    """Return the unit that the user reminds with all below it: that which leads, else the only own one."""
    lead = campaign.lead_unit
    if lead is not None and access.may(user, "remind_receipts", lead):
        return lead
    return access.only_unit(user, "remind_receipts")


def of_unit(request: HttpRequest, unit: Unit) -> Panel:
    """Return the way from a unit's page to the service records of its people, where there is a campaign."""
    address = address_of(request)
    campaign = address.question.campaign or next(iter(campaigns_of(request)), None)
    if campaign is None:
        return None
    pages = (("service_people", "人员的服务记录"), ("service_opinions", "组织写的表现鉴定"))
    links = [
        (words, address.url(reverse(name), campaign=campaign.code, unit=unit.code)) for name, words in pages
    ]
    return "service/_ways.html", {"links": links}


def of_organization(request: HttpRequest, organization: Organization) -> Panel:
    """Return how many opinions a temporary Party organization has written: one query."""
    campaign = organization.campaign
    if campaign is None or not judges(organization):
        return None
    address = address_of(request)
    rows = served.owed(campaign, timezone.localdate(), Q(organization=organization))
    numbers = rows.aggregate(
        every=Count("pk"),
        written=Count("pk", filter=Q(is_written=True)),
        waiting=Count("pk", filter=served.NOT_WRITTEN),
    )
    if not numbers["every"]:
        return None
    may_write = access.may(request.user, "write_opinion", organization)
    path = reverse("organization_opinions", args=[organization.code])
    listed = address.url(reverse("service_opinions"), campaign=campaign.code, organization=organization.code)
    return "service/_written.html", {
        **numbers,
        "url": listed,
        "writing_url": address.url(path) if may_write else "",
    }


def of_person(request: HttpRequest, person: Person) -> Panel:
    """Return the campaigns in which somebody served, each with the page of the record: one query."""
    address, links = address_of(request), []
    for campaign in people_campaigns(person, request.user):
        within = replace(address, question=replace(address.question, campaign=campaign))
        links.append((campaign, person_url(request.user, person, within, "person_service")))
    return ("service/_records.html", {"links": links}) if links else None
