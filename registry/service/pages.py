"""What the pages of service records show: the overview of a campaign, one person's record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpRequest
from django.urls import reverse

from registry import access, nouns
from registry.models import Campaign, Person, Unit
from registry.models.base import in_spans
from registry.service import served
from registry.service.place import campaign_of, spans_of
from registry.service.records import Record, records_of
from registry.service.served import at_home
from registry.web.address import Address, address_of


def person_of(request: HttpRequest, key: str, verb: str = access.SEE) -> Person:
    """Return a person by key or number, whom the user sees as everywhere, or as one of a branch in scope.

    ``verb``: where the user may do it, at the home unit or that of the home branch.
    """
    user = request.user
    known = access.known_by(user, nouns.of(Person), {"number", "key"}, [key.replace("\x00", "")])
    branch = Person.objects.unmerged().filter(known).filter(at_home(access.spans(user, verb)))
    found = branch.select_related("home_unit", "home_branch__unit").first()
    if found is not None:
        return found
    person = access.get_person(user, key)
    if verb != access.SEE:
        access.need(user, verb, person.home_unit, f"没有警号为“{key}”的人员,或不在您的管理范围内。")
    return person


def record_of(request: HttpRequest, person: Person) -> Record:
    """Return the record of a person in the campaign of the address. Raises ``Http404`` when there is none."""
    campaign = campaign_of(request)
    (record,) = records_of(request.user, campaign, [person], address_of(request).as_of)
    if not record.spells:
        raise Http404(f"{person.name}在“{campaign.name}”中没有服务记录,或不在您的管理范围内。")
    return record


# --- The overview ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Counted:
    """A number and the rows behind it."""

    number: int
    url: str


@dataclass(frozen=True)
class UnitLine:
    """How it stands at one unit with all below it, or at all of them."""

    unit: Unit | None
    name: str
    url: str
    numbers: Sequence[Counted]


COLUMNS = (
    ("opinions", "owed", "应写鉴定", "service_opinions", ""),
    ("opinions", "waiting", "待写", "service_opinions", "missing"),
    ("receipts", "records", "服务记录", "service_people", ""),
    ("receipts", "waiting", "待签收", "service_people", "waiting"),
    ("receipts", "signed", "已签收", "service_people", "signed"),
)
"""Which count, which of its numbers, the head of the column, the list behind it and its filter."""


def _shown_units(user: access.AnyUser, unit: Unit | None) -> tuple[Unit | None, list[Unit]]:
    """Return the unit of the overview, if it is one, and the units below it; else the user's own units."""
    top = unit or access.only_unit(user)
    if top is None:
        return None, access.top_units(user)
    return top, list(Unit.objects.filter(parent=top, closed_on__isnull=True).order_by("lft"))


def overview(
    user: access.AnyUser, address: Address, campaign: Campaign, unit: Unit | None
) -> tuple[Unit | None, list[UnitLine], UnitLine]:
    """Return the unit of the page, if it is one; the lines of the units where anything is; and the sum."""
    day = address.as_of
    top, units = _shown_units(user, unit)
    spans = spans_of(user, top)
    found = {
        "opinions": served.opinions_by_unit(campaign, day, spans, units),
        "receipts": served.receipts_by_unit(campaign, day, spans, units),
    }

    def line(key: int, name: str, at: Unit | None) -> UnitLine:
        code = at.code if at else None
        numbers = [
            Counted(
                found[count][key][which],
                address.url(reverse(page), unit=code, state=state or None),
            )
            for count, which, _head, page, state in COLUMNS
        ]
        return UnitLine(at, name, address.url(reverse("service"), unit=code), numbers)

    lines = [line(each.pk, each.label, each) for each in units]
    total = line(0, "合计", top)
    return top, [each for each in lines if any(count.number for count in each.numbers)], total


def people_campaigns(person: Person, user: access.AnyUser) -> list[Campaign]:
    """Return the campaigns in which somebody served, as far as ``user`` sees that, the newest first."""
    rows: Any = served.counting().filter(person=person, organization__campaign__isnull=False).order_by()
    if not served.seen_at_home(user, person):
        rows = rows.filter(in_spans(access.spans(user), "organization__unit__"))
    seen = access.visible(user, Campaign.objects.filter(pk__in=rows.values("organization__campaign")))
    return list(seen)
