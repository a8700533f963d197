"""Rows for tests, made by the operations as the application makes them."""

from __future__ import annotations

import itertools
from datetime import date
from typing import Any

from django.test import Client

from registry.approvals import submissions
from registry.approvals.models import Submission
from registry.audit import Actor
from registry.models import Campaign, Grant, Organization, Person, Unit, User
from registry.operations import assignments, organizations, people, units

ACTOR = Actor.system("测试")
DAY = date(2020, 2, 1)
_numbers = itertools.count(1)
_UP = str.maketrans("01234567", "12345678")


def make_unit(code: str = "", superior: Unit | None = None, **facts: Any) -> Unit:
    """A unit, below ``superior`` when given."""
    code = code or f"unit-{next(_numbers)}"
    superior = Unit.objects.get(pk=superior.pk) if superior else None
    return units.add_unit(
        actor=ACTOR,
        code=code,
        superior=superior,
        **{"name": f"{code}公安局", "kind": "bureau", **facts},
    )


def make_person(name: str = "张三", unit: Unit | None = None, **facts: Any) -> Person:
    """A full member of the Party and officer, unless said otherwise."""
    # Eight figures from 1 to 8: what tests search for by name has a 0 in it, and is found in none of these.
    number = facts.pop("number", f"{next(_numbers):08o}".translate(_UP))
    return people.add_person(
        actor=ACTOR,
        number=number,
        name=name,
        home_unit=unit or make_unit(),
        **{"category": "officer", "political_status": "full_member", **facts},
    )


def make_organization(unit: Unit, kind: str = "branch", **facts: Any) -> Organization:
    """An approved organization at ``unit``: a temporary branch of 1 February 2020, unless said otherwise."""
    code = facts.pop("code", f"organization-{next(_numbers)}")
    temporary = kind in ("committee", "general_branch", "branch", "group")
    return organizations.establish_organization(
        actor=ACTOR,
        unit=unit,
        kind=kind,
        code=code,
        **{
            "name": f"{code}号",
            "is_temporary": temporary,
            "established_on": DAY,
            "state": "approved",
            **facts,
        },
    )


def assign(organization: Organization, person: Person, **facts: Any) -> Any:
    """Place ``person`` in ``organization`` from 1 February 2020, unless said otherwise."""
    return assignments.assign_person(
        actor=ACTOR, organization=organization, person=person, **{"started_on": DAY, **facts}
    )


def make_people(number: int, unit: Unit, name: str = "新") -> list[Person]:
    """So many people of ``unit``, called 新00, 新01 and so on."""
    return [make_person(f"{name}{at:02}", unit) for at in range(number)]


def place_newcomers(
    organization: Organization, number: int, *, name: str = "新", last: str = "member"
) -> None:
    """Place so many new people in ``organization`` by one act, as members; the last in the role ``last``."""
    people = make_people(number, organization.unit, name)
    roles = [*["member"] * (number - 1), last]
    assignments.assign_people(
        actor=ACTOR,
        organization=organization,
        members=list(zip(people, roles, strict=True)),
        started_on=DAY,
    )


def make_campaign(code: str = "yiqing", **facts: Any) -> Campaign:
    """A campaign that goes on."""
    return Campaign.objects.create(
        code=code, **{"name": "疫情防控", "started_on": date(2020, 1, 20), **facts}
    )


def make_user(username: str = "", unit: Unit | None = None, role: str = "manager", **facts: Any) -> User:
    """A user with one grant at ``unit`` (none: no grant, so nothing in scope)."""
    username = username or f"user{next(_numbers)}"
    user = User.objects.create_user(username, password="correct horse battery", **facts)
    if unit is not None:
        Grant.objects.create(user=user, unit=unit, role=role, started_on=date(2020, 1, 1))
    return user


def approve_all(number: str = "") -> None:
    """Approve, as another person and by this document, every change of approved organizations that waits."""
    rows = list(Submission.objects.filter(state="submitted").order_by("pk"))
    assert rows, "nothing waits"
    by = Actor(user=make_user(is_superuser=True), name="审批人")
    submissions.approve_submissions(actor=by, submissions=rows, approval_number=number)


def logged_in(unit: Unit | None, role: str = "manager", **facts: Any) -> Client:
    """A browser of a new user with one grant at ``unit``."""
    client = Client()
    client.force_login(make_user(unit=unit, role=role, **facts))
    return client
