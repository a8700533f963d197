"""The members of a standing Party organization by their formal membership (组织关系), on a day."""

from __future__ import annotations

from dataclasses import dataclass, replace

from django.db.models import F
from django.http import HttpRequest
from django.urls import reverse

from registry.counting.basis import counted_rows
from registry.counting.metrics import METRICS
from registry.models import Organization, Person, PoliticalStatus
from registry.web.address import address_of

SHOWN = 50
"""The most people on the organization's page, enough for a whole branch; the list behind it has pages."""


@dataclass(frozen=True)
class FormalMembers:
    """The number of formal members, the first of them, and the list and the file of all."""

    number: int
    people: list[Person]
    url: str

    @property
    def left_out(self) -> int:
        """How many are not shown on the page."""
        return self.number - len(self.people)


def formal_members(request: HttpRequest, organization: Organization) -> FormalMembers | None:
    """Return who is a member of the Party at the organization on the day; None where nobody can be."""
    if organization.is_temporary or not organization.is_party_organization:
        return None
    address, metric = address_of(request), METRICS["formal_members"]
    question = replace(address.question.current(), campaign=None)
    rows = counted_rows(metric, question, organization).filter(branch=organization).values("person_id")
    people = Person.objects.filter(pk__in=rows)
    shown = people.with_status_on(question.as_of).annotate(status_then=F("standing__status"))
    found = list(shown.select_related("home_unit").order_by("order_key", "pk")[:SHOWN])
    for person in found:
        person.status_label = PoliticalStatus(person.status_then).label  # type: ignore[attr-defined]
    return FormalMembers(
        people.count(),
        found,
        address.url(
            reverse("people"), metric=metric.slug, branch=organization.code, campaign=None, basis=None
        ),
    )
