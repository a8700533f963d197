"""The members of a standing Party organization by their formal membership (组织关系), on a day."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import F, QuerySet
from django.http import HttpRequest
from django.urls import reverse

from registry.counting.basis import Question, counted_rows
from registry.counting.metrics import METRICS
from registry.models import Organization, Person
from registry.models.hierarchy import as_values, from_values
from registry.models.prepared import Values, read_first
from registry.web.address import address_of

FORMAL = METRICS["formal_members"]
SHOWN = 50
"""The most people on the organization's page, enough for a whole branch; the list behind it has pages."""


@dataclass(frozen=True)
class FormalMembers:
    """The number of formal members, the first of them, and the list and the file of all."""

    number: int
    people: list[Any]
    url: str

    @property
    def left_out(self) -> int:
        """How many are not shown on the page."""
        return self.number - len(self.people)


def formal_members(request: HttpRequest, organization: Organization) -> FormalMembers | None:
    """Return who is a member of the Party at the organization on the day; None where nobody can be."""
    if organization.is_temporary or not organization.is_party_organization:
        return None
    address = address_of(request)
    ends, intervals = as_values(address.question.scope)
    found, number = read_first(_people, SHOWN, [address.as_of, organization.pk, *ends], intervals)
    url = address.url(
        reverse("people"), metric=FORMAL.slug, branch=organization.code, campaign=None, basis=None
    )
    return FormalMembers(number, found, url)


def _people(values: Values, intervals: int | None) -> QuerySet[Person]:
    day, branch, *ends = values
    rows = counted_rows(FORMAL, Question(day), from_values(ends, intervals)).filter(branch=branch)
    people = Person.objects.filter(pk__in=rows.order_by().values("person_id")).with_status_on(day)
    people = people.annotate(status_then=F("standing__status")).select_related("home_unit")
    return people.order_by("order_key", "pk")
