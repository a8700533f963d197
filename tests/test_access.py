"""Who sees what: one policy, from the grants of today."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import Http404
from django.utils import timezone

from registry import access
from registry.models import Grant, Organization, Person, Unit, User
from registry.operations import assignments, units
from tests.factories import ACTOR, assign, make_organization, make_person, make_unit, make_user

pytestmark = pytest.mark.django_db


def seen(user: User, model: type[Unit] | type[Organization] | type[Person]) -> set[str]:
    rows = access.visible(user, model.objects.all())
    return {getattr(row, "code", "") or row.number for row in rows}


@pytest.fixture
def tree() -> dict[str, Unit]:
    """Two counties with a station each, under one city."""
    city = make_unit("city")
    made = {"city": city}
    for county in ("east", "west"):
        made[county] = make_unit(county, city)
        made[f"{county}-station"] = make_unit(f"{county}-station", made[county])
    return made


def test_a_grant_holds_for_the_unit_and_all_below(tree: dict[str, Unit]) -> None:
    user = make_user(unit=tree["east"], role="viewer")
    for code in ("city", "east-station", "west-station"):
        make_organization(tree[code], code=f"at-{code}")
    assert seen(user, Unit) == {"east", "east-station"}
    assert seen(user, Organization) == {"at-east-station"}
    assert access.get_unit(user, "east-station") == tree["east-station"]
    for code in ("city", "west", "west-station", "nowhere"):
        with pytest.raises(Http404):
            access.get_unit(user, code)
    with pytest.raises(Http404):
        access.get_organization(user, "at-west-station")


@pytest.mark.parametrize(
    ("role", "enters", "approves", "manages"),
    [
        ("viewer", False, False, False),
        ("auditor", False, False, False),
        ("clerk", True, False, False),
        ("approver", False, True, False),
        ("manager", True, True, True),
    ],
)
def test_what_each_role_may(
    tree: dict[str, Unit], role: str, enters: bool, approves: bool, manages: bool
) -> None:
    user, unit = make_user(unit=tree["east"], role=role), Unit.objects.get(code="east-station")
    assert access.may(user, "see", unit)
    assert access.may(user, "add_person", unit) == enters
    assert access.may(user, "approve_organization", unit) == approves
    assert access.may(user, "edit_unit", unit) == manages
    outside = Unit.objects.get(code="west")
    for verb in ("see", "add_person", "approve_organization", "edit_unit"):
        assert not access.may(user, verb, outside)


def test_a_grant_holds_on_its_days_only(tree: dict[str, Unit]) -> None:
    today = timezone.localdate()
    for days, is_seen in ((0, False), (1, True)):
        user = make_user()
        Grant.objects.create(
            user=user,
            unit=tree["east"],
            role="viewer",
            started_on=date(2020, 1, 1),
            ended_on=today + timedelta(days=days),
        )
        assert bool(access.top_units(user)) == is_seen


def test_nobody_and_everybody(tree: dict[str, Unit]) -> None:
    assert access.top_units(AnonymousUser()) == []
    assert seen(make_user(), Unit) == set()
    assert seen(make_user(unit=tree["city"], is_active=False), Unit) == set()
    assert seen(make_user(is_superuser=True), Unit) == set(tree)


def test_of_several_grants_the_highest(tree: dict[str, Unit]) -> None:
    user = make_user(unit=tree["east"])
    for code in ("city", "west-station"):
        Grant.objects.create(user=user, unit=tree[code], role="viewer", started_on=date(2020, 1, 1))
    assert [unit.code for unit in access.top_units(user)] == ["city"]
    assert [unit.code for unit in access.top_units(user, "edit_unit")] == ["east"]


def test_a_moved_unit_goes_into_the_scope_of_its_new_superior(tree: dict[str, Unit]) -> None:
    user = make_user(unit=tree["east"])
    units.move_unit(
        actor=ACTOR, unit=tree["east-station"], superior=tree["west"], on=date(2020, 2, 1), reason="测试"
    )
    assert seen(user, Unit) == {"east"}


def test_a_person_is_seen_at_home_and_where_placed(tree: dict[str, Unit]) -> None:
    make_person(unit=tree["east"], number="at-home")
    placed = make_person(unit=tree["west"], number="placed")
    mistake = make_person(unit=tree["west"], number="mistake")
    make_person(unit=tree["west"], number="elsewhere")
    user = make_user(unit=tree["east"])
    for person in (placed, mistake):
        for _ in range(2):  # listed once all the same
            last = assign(make_organization(tree["east-station"]), person)
            if person == mistake:
                assignments.withdraw_assignment(actor=ACTOR, assignment=last, reason="误录")
    assert seen(user, Person) == {"at-home", "placed"}
    assert access.visible(user, Person.objects.all()).count() == 2
    with pytest.raises(Http404):
        access.get_person(user, "mistake")
