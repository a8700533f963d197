"""The card of an organization: what breaks the rules there, how to mend it, and what is excepted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from registry import access
from registry.compliance.found import nothing_wrong
from registry.compliance.tables import ListedException
from registry.models import Organization, Person, RuleException, WorkflowState
from registry.rules.checks import Breach, breaches
from registry.web.address import Address, address_of
from registry.web.levels import TONES
from registry.web.links import person_url, row_url

Way = tuple[str, str, str]
"""A way to mend something: the verb, the name of its page, the words."""

_PLACE: Way = ("assign_person", "organization_members_add", "编入人员")
_APPOINT: Way = ("assign_person", "organization_members_add", "指定书记")
_LEAD: Way = ("assign_person", "organization_members_add", "指定组长")
_ROLES: Way = ("change_role", "organization", "调整职务")
_NUMBER: Way = ("edit_organization", "organization_correct", "登记批复文号")
_KIND: Way = ("edit_organization", "organization_correct", "更正类型")
_COVER: Way = ("cover_units", "organization_cover", "变更覆盖单位")
_DISSOLVE: Way = ("dissolve_organization", "organization_dissolve", "撤销组织")
_FOUND: Way = ("establish_organization", "organization_copy", "另行成立")
_HOME: Way = ("transfer_person", "person_transfer", "登记组织关系")
_STATUS: Way = ("change_political_status", "person_status", "登记转正")

WAYS: dict[str, tuple[Way, ...]] = {
    "branch_min_full_members": (_KIND,),
    "temp_branch_min_full_members": (_PLACE,),
    "branch_max_members": (_KIND, _FOUND),
    "joint_branch": (_COVER, _KIND),
    "temp_branch_approved": (_NUMBER,),
    "temp_branch_appointed": (_APPOINT,),
    "temp_secretary_full_member": (_APPOINT, _ROLES),
    "temp_secretary_stays": (_APPOINT,),
    "temp_no_admission": (_HOME,),
    "temp_over_six_months": (_FOUND,),
    "temp_branch_lapses": (_DISSOLVE,),
    "committee_size": (_PLACE, _ROLES),
    "general_branch_size": (_NUMBER, _KIND),
    "temp_general_branch_size": (_NUMBER, _KIND),
    "committee_org_size": (_KIND,),
    "group_leader": (_LEAD,),
    "group_min": (_PLACE,),
    "join_probation": (_STATUS,),
    "join_probation_due": (_STATUS,),
    "join_probation_short": (_STATUS,),
}
"""By what page each rule is satisfied again; of a person, where the page is one of a person."""


@dataclass(frozen=True)
class ShownBreach:
    """One breach of the organization, with the ways to mend it."""

    breach: Breach
    tone: str
    person: Person | None
    person_url: str
    ways: list[dict[str, str]]
    except_url: str


def organization_panel(request: HttpRequest, organization: Organization) -> tuple[str, dict[str, Any]] | None:
    """Return the card as it stands before the page has asked for what is in it: no query here.

    The rules are about Party organizations, so a formation has none.
    """
    if not organization.is_party_organization or organization.state == WorkflowState.WITHDRAWN:
        return None
    url = address_of(request).url(reverse("organization_compliance", args=[organization.code]))
    return "compliance/_card_panel.html", {"url": url}


@require_safe
def card(request: HttpRequest, code: str) -> HttpResponse:
    """Answer the page of an organization with its card; a browser without scripts with a page of its own."""
    organization = access.get_organization(request.user, code)
    request.current_unit = organization.unit.code  # type: ignore[attr-defined]
    request.current_organization = organization.code  # type: ignore[attr-defined]
    is_part = bool(request.headers.get("HX-Request"))
    context = {"panel": _card(request, organization), "organization": organization}
    if not is_part:
        page = address_of(request).url(organization.get_absolute_url())
        context["crumbs"] = [{"name": organization.name, "url": page}, {"name": "规范检查", "url": ""}]
    template = "compliance/_card.html" if is_part else "compliance/organization.html"
    return render(request, template, context)


def _card(request: HttpRequest, organization: Organization) -> dict[str, Any]:
    """Return what is wrong on the day of the page, and what was ever excepted."""
    address, user = address_of(request), request.user
    rows = Organization.objects.filter(pk=organization.pk)
    found = breaches(rows, address.as_of) if organization.stands_on(address.as_of) else []
    excepted = RuleException.objects.filter(organization=organization).select_related("granted_by")
    wanted = {each.person_id for each in found} - {None}
    people = Person.objects.select_related("home_unit").in_bulk(wanted) if wanted else {}
    may_except = access.may(user, "grant_exception", organization)
    may_end = access.may(user, "end_exception", organization)
    lines = [
        _shown(request, address, organization, each, people.get(each.person_id or 0), may_except)
        for each in found
    ]
    return {
        "day": address.as_of,
        "breaches": [line for line in lines if line.breach.excepted is None],
        "exceptions": [
            ListedException(address, each, may_end) for each in excepted.order_by("-started_on", "-pk")
        ],
        "nothing_wrong": nothing_wrong(address.as_of),
    }


def _shown(
    request: HttpRequest,
    address: Address,
    organization: Organization,
    breach: Breach,
    person: Person | None,
    may_except: bool,
) -> ShownBreach:
    user, slug = request.user, breach.check.slug
    is_seen = person is not None and access.may(user, access.SEE, person)
    ways = []
    for verb, page, label in WAYS.get(slug, ()):
        row: Any = person if page.startswith("person_") else organization
        if row is not None and access.may(user, verb, row):
            ways.append({"label": label, "url": row_url(user, row, address, page)})
    url = address.url(reverse("exception_grant", args=[organization.code]), rule=slug)
    return ShownBreach(
        breach,
        TONES[breach.check.level],
        person,
        person_url(user, person, address) if person is not None and is_seen else "",
        ways,
        url if may_except and breach.excepted is None else "",
    )
