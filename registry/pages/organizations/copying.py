"""Copying an organization: the register form of a unit, filled in from one that is there."""

from __future__ import annotations

import re
from datetime import date
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from registry import access
from registry.models import Assignment, Organization, Person, Unit
from registry.models.kinds import PARTY_KINDS
from registry.pages.organizations.forms import free_name
from registry.rules import covering
from registry.web.address import Address, address_of
from registry.web.changes import change, changes_something, posted
from registry.web.fields import PickerField, ScopedForm

_NUMBER = re.compile("^第[一二三四五六七八九十百]+")
"""The number of an organization at its unit: 第二."""


class CopyForm(ScopedForm):
    """Where to, and whether with the people."""

    unit = PickerField("unit", label="复制到单位", verb="establish_organization")
    with_members = forms.BooleanField(label="带上现在的成员和职责", required=False)


@changes_something
def copy(request: HttpRequest, code: str) -> HttpResponse:
    """Ask where to, and go on to the register form there."""
    source = access.get_organization(request.user, code)
    access.need_somewhere(request.user, "establish_organization")
    request.current_unit = source.unit.code  # type: ignore[attr-defined]
    address = address_of(request)
    url = address.url(source.get_absolute_url())
    may_here = access.may(request.user, "establish_organization", source)
    initial = {"unit": source.unit if may_here else None, "with_members": True}
    form = CopyForm(posted(request), user=request.user, initial=initial)
    return change(
        request,
        form,
        lambda: form.cleaned_data,
        back=lambda sent: HttpResponseRedirect(_register_url(address, source, sent)),
        template="pages/people/form.html",
        context={
            "title": "复制组织",
            "subtitle": source.name,
            "sample": source.is_sample,
            "crumbs": [{"name": source.name, "url": url}, {"name": "复制组织"}],
            "cancel_url": url,
            "submit_label": "填入登记表",
            "sentences": ["按这个组织填好登记表,可以修改;登记后才成立,原来的组织不变。"],
        },
    )


def _register_url(address: Address, source: Organization, sent: dict[str, Any]) -> str:
    url = address.url(reverse("organization_register", args=[sent["unit"].code]), basis=None, since=None)
    asked = urlencode({"copy": source.code, **({"members": "1"} if sent["with_members"] else {})})
    return f"{url}{'&' if '?' in url else '?'}{asked}"


def copied(request: HttpRequest, unit: Unit, day: date) -> dict[str, Any]:
    """Return what the register form of ``unit`` begins with when the address names one to copy."""
    code = request.GET.get("copy", "")
    if not code:
        return {}
    source = access.get_organization(request.user, code)
    found: dict[str, Any] = {
        "kind": source.kind,
        "is_standing": source.kind in PARTY_KINDS and not source.is_temporary,
        "name": _copied_name(source, unit),
    }
    if source.campaign is not None and not source.campaign.is_over_on(day):
        found["campaign"] = source.campaign.code
    if source.unit_id == unit.pk:
        covered = covering.covered_on([source], day).get(source.pk, [])
        may_cover = access.spans(request.user, "establish_organization")
        found |= {
            "parent": source.parent,
            "task_body": source.task_body,
            "covered": [each for each in covered if access.inside(each, may_cover)],
        }
    if request.GET.get("members"):
        found["members"] = members_on(source, day)
    return {name: value for name, value in found.items() if value}


def _copied_name(source: Organization, unit: Unit) -> str:
    """Return the name with the other unit's, numbered where that unit has it already."""
    name = source.name.replace(source.unit.label, unit.label)
    if not name.startswith(unit.label):
        return name
    return free_name(unit, _NUMBER.sub("", name.removeprefix(unit.label)))


def members_on(organization: Organization, day: date) -> list[tuple[Person, str]]:
    """Return who is in the organization on the day, each with the role."""
    rows = Assignment.objects.as_of(day).filter(organization=organization)
    return [(row.person, row.role) for row in rows.select_related("person").order_by("pk")]
