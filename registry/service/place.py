"""The campaign and the place of the service pages' addresses."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from django.http import Http404, HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse

from registry import access
from registry.models import Campaign, Unit
from registry.models.hierarchy import Span
from registry.web.address import Address, address_of, campaigns_of
from registry.web.lists import with_query


def campaign_of(request: HttpRequest) -> Campaign:
    """Return the campaign of the address. Raises ``Http404`` when it names none that the user sees."""
    campaign = address_of(request).question.campaign
    if campaign is None:
        raise Http404("没有选定专项任务,或不在您的管理范围内。请在页面上方选定。")
    return campaign


def of_campaign(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Lead an address that names no campaign to the newest one; one that is not seen does not exist."""

    @functools.wraps(view)
    def run(request: HttpRequest, *args: Any, **named: Any) -> HttpResponseBase:
        known = campaigns_of(request)
        if request.method in ("GET", "HEAD") and known and not request.GET.get("campaign"):
            return HttpResponseRedirect(with_query(request, campaign=known[0].code))
        campaign_of(request)
        return view(request, *args, **named)

    return run


def spans_of(user: access.AnyUser, unit: Unit | None) -> list[Span]:
    """Return the intervals of a unit with all below it; without one those of the user's scope. Today's."""
    return [Span(unit.tree_id, unit.lft, unit.rght)] if unit is not None else access.spans(user)


def crumbs(address: Address, *more: tuple[str, str]) -> list[dict[str, str]]:
    """Return the way to a page of service records: over the campaign."""
    campaign = address.question.campaign
    assert campaign is not None
    way = [
        ("专项任务", reverse("campaigns")),
        (campaign.name, campaign.get_absolute_url()),
        ("服务记录", reverse("service")),
    ]
    steps = [{"name": name, "url": address.url(path)} for name, path in way]
    steps += [{"name": name, "url": url} for name, url in more]
    steps[-1]["url"] = ""
    return steps
