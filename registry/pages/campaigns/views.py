"""The list of campaigns, and a campaign's page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from registry import access
from registry.closings.page import panel_of
from registry.pages.campaigns import page
from registry.pages.campaigns.tables import CampaignTable
from registry.pages.organizations.page import state_tag
from registry.pages.panels import panels_of
from registry.web import history
from registry.web.address import address_of
from registry.web.links import row_url
from registry.web.tables import show


@require_safe
def campaigns(request: HttpRequest) -> HttpResponse:
    """The campaigns that the user's units take part in."""
    return show(CampaignTable(request), subtitle="本单位、上级和下级单位牵头的任务")


@require_safe
def campaign(request: HttpRequest, code: str) -> HttpResponse:
    """A campaign: what counts in it, by kind and by unit, its organizations, and what was done with it."""
    found = access.get_row(request.user, "campaign", code)
    address = address_of(request)
    within = page.address_within(address, found)
    scope, day = access.spans(request.user), address.as_of
    tone, state = page.state_tag(found, day)
    organizations, number = page.newest(request.user, within)
    panel = panel_of(request.user, found, address)
    closing = panel.closing if panel else None
    verb, back = page.reopening(closing)
    is_lead_seen = found.lead_unit is None or access.inside(found.lead_unit, scope)
    return render(
        request,
        "pages/campaigns/campaign.html",
        {
            "campaign": found,
            "tone": tone,
            "state": state,
            "subtitle": page.subtitle(found, day),
            "facts": page.facts(found, address, scope),
            "standing": page.standing(request.user, within),
            "organizations": [
                (row, page.organization_url(request.user, row, address), *state_tag(row, day))
                for row in organizations
            ],
            "number": number,
            "is_over": found.is_over_on(day),
            "organizations_url": page.list_url(within, "organizations"),
            "day": day,
            "crumbs": [
                {"name": "专项任务", "url": address.url(reverse("campaigns"))},
                {"name": found.name},
            ],
            "actions": page.actions(request.user, found, address, closing),
            "closing_panel": panel,
            "panels": panels_of(request, found),
            "reopen_url": row_url(request.user, found, address, back)
            if access.may(request.user, verb, found)
            else "",
            # Who did it at a unit that the user does not see is not the user's to know.
            "shows_record": is_lead_seen,
            **(history.of_page(request.user, found, address) if is_lead_seen else {}),
        },
    )
