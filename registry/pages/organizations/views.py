"""Organizations: the ledger with its drill-down, and an organization's page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from registry import access
from registry.models import Basis, WorkflowState
from registry.models.hierarchy import Span
from registry.pages.organizations import page as organization_page
from registry.pages.organizations import party_line
from registry.pages.organizations.formal import formal_members
from registry.pages.organizations.members import MemberTable
from registry.pages.organizations.tables import OrganizationTable
from registry.pages.panels import panels_of
from registry.web import history
from registry.web.address import address_of
from registry.web.approvers import who_approves
from registry.web.lists import export_url
from registry.web.tables import show


@require_safe
def ledger(request: HttpRequest) -> HttpResponse:
    """The organizations behind a number (``metric``), or all in scope, by the question of the address."""
    return show(OrganizationTable(request), "pages/organizations/ledger.html")


@require_safe
def organization(request: HttpRequest, code: str) -> HttpResponse:
    """An organization: facts, Party line, members now and before, what happened and who did it."""
    found = access.get_organization(request.user, code)
    request.current_unit = found.unit.code  # type: ignore[attr-defined]
    request.current_organization = found.code  # type: ignore[attr-defined]
    address = address_of(request)
    scope: list[Span] = access.spans(request.user)
    placements = organization_page.placements_of(found)
    members = MemberTable(request, found)
    tone, state = organization_page.state_tag(found, address.as_of)
    return render(
        request,
        "pages/organizations/organization.html",
        {
            "organization": found,
            "tone": tone,
            "state": state,
            "approvers": who_approves(request.user, [found] * (found.state == WorkflowState.SUBMITTED)),
            "notice": organization_page.notice(found, request.user, address.as_of),
            "facts": organization_page.facts(found, placements, scope, address),
            "picture": party_line.picture(found, address, scope),
            "line_counts": organization_page.line_counts(found, address),
            "basis": Basis(address.question.basis).label,
            "formal": formal_members(request, found),
            "panels": panels_of(request, found),
            **members.context(),
            "members_export_url": export_url(request, "members_export", found.code),
            "timeline": organization_page.timeline(found, placements, members),
            **history.of_page(request.user, found, address, names="person"),
            "actions": organization_page.actions(request.user, found, address),
            "crumbs": [
                {"name": "组织台账", "url": address.url(reverse("organizations"))},
                {"name": found.unit.label, "url": address.url(found.unit.get_absolute_url())},
                {"name": found.name},
            ],
            "day": address.as_of,
        },
    )
