"""One rule, every door: what one page warns of, the other pages and an import say in the same words."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from registry.imports.models import Import
from registry.models import Assignment, Organization, Person, Role, Unit
from tests.factories import assign, make_organization, make_person, make_unit, make_user
from tests.imports.test_operations import book

pytestmark = pytest.mark.django_db
EXPECTED = [
    "书记 乙(000123)在 2020-02-05 的政治面貌是“群众”,不是正式党员。",
    "“支部”已有书记 甲。",
]


@pytest.fixture
def unit() -> Unit:
    return make_unit("unit")


@pytest.fixture
def clerk(client: Client, unit: Unit) -> Client:
    client.force_login(make_user("clerk", unit=unit, role="clerk"))
    return client


@pytest.fixture
def branch(unit: Unit) -> Organization:
    """A temporary branch with a secretary."""
    row = make_organization(unit, code="zhibu", name="支部")
    assign(row, make_person("甲", unit), role="secretary")
    return row


@pytest.fixture
def person(unit: Unit) -> Person:
    """Somebody who is no Party member."""
    return make_person("乙", unit, number="000123", political_status="masses")


def secretaries(branch: Organization) -> int:
    return Assignment.objects.filter(organization=branch, role=Role.SECRETARY).count()


def confirmed(client: Client, url: str, sent: dict[str, Any], branch: Organization) -> None:
    """The page warns once in the expected words, and saves when that is confirmed."""
    response = client.post(url, sent)
    assert response.context["warnings"] == EXPECTED
    assert secretaries(branch) == 1
    response = client.post(url, {**sent, "confirmed": response.context["confirmed"]})
    assert response.status_code == 302
    assert secretaries(branch) == 2


def test_the_page_that_adds_members(clerk: Client, branch: Organization, person: Person) -> None:
    url = reverse("organization_members_add", args=[branch.code])
    sent = {"members": person.number, "members_role": "secretary", "started_on": "2020-02-05"}
    confirmed(clerk, url, sent, branch)


def test_the_page_that_places_one_person(clerk: Client, branch: Organization, person: Person) -> None:
    sent = {"organization": branch.code, "role": "secretary", "started_on": "2020-02-05"}
    confirmed(clerk, reverse("person_assign", args=[person.number]), sent, branch)


def test_the_page_that_changes_a_role(clerk: Client, branch: Organization, person: Person) -> None:
    member = assign(branch, person)
    sent = {"role": "secretary", "on": "2020-02-05", "version": member.version}
    confirmed(clerk, reverse("assignment_role", args=[member.pk]), sent, branch)


def test_the_page_that_registers_an_organization(clerk: Client, unit: Unit, person: Person) -> None:
    other = make_person("甲", unit)
    sent = {
        "kind": "branch",
        "name": "支部",
        "code": "new",
        "established_on": "2020-02-05",
        "secretary": person.number,
        "members": [other.number],
        "members_role": ["secretary"],
    }
    response = clerk.post(reverse("organization_register", args=[unit.code]), sent)
    assert response.context["warnings"] == [
        EXPECTED[0],
        "“支部”同时编入了多名书记:乙、甲。",
        "编入的正式党员只有 1 人,不足 3 人。",
    ]


def test_the_preview_of_an_import(client: Client, unit: Unit, branch: Organization, person: Person) -> None:
    client.force_login(make_user("manager", unit=unit))
    content = book(编入=[("zhibu", "000123", "乙", "书记", "2020-02-05")])
    client.post(reverse("imports"), {"file": SimpleUploadedFile("名册.xlsx", content)})
    page = client.get(Import.objects.latest("pk").get_absolute_url()).content.decode()
    for message in EXPECTED:
        assert message in page
