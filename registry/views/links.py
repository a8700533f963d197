"""Links from the numbers of a page to the rows behind them."""

from __future__ import annotations

from django.urls import reverse

from registry import access
from registry.counting.metrics import METRICS, OrganizationMetric, PeopleMetric
from registry.models import Person, Unit
from registry.views.address import Address

_PENDING = "pending"


def rows_page(slug: str) -> str:
    """Return the name of the page that lists the rows behind a metric."""
    metric = METRICS[slug]
    if isinstance(metric, OrganizationMetric):
        return "organizations"
    return "people" if isinstance(metric, PeopleMetric) and metric.distinct else "assignments"


def rows_behind(
    address: Address,
    unit: Unit,
    slug: str,
    *,
    own: bool = False,
    pending: bool = False,
    **changes: str | None,
) -> str:
    """Return the address of the rows behind ``slug`` at ``unit`` on the page's question.

    ``own``: those at the unit itself only; ``pending``: the unapproved ones; ``changes`` as in
    ``Address.query``.
    """
    return address.url(
        reverse(rows_page(slug)),
        unit=unit.code,
        metric=slug,
        own="1" if own else None,
        state=_PENDING if pending else None,
        **changes,
    )


def person_url(user: access.AnyUser, person: Person, address: Address, name: str = "person") -> str:
    """Return the address of a person's page (or what is done there): by the number only for who sees it.

    ``person.home_unit`` is asked for: lists select it along.
    """
    return address.url(reverse(name, args=[access.handle(user, person)]))
