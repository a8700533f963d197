"""Borrowed people (借调): who knows number and name may place them; both sides see it; nobody guesses."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from axes.models import AccessAttempt
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from registry import access
from registry.audit import Actor
from registry.models import AuditEntry
from registry.operations import assignments, organizations
from registry.operations.organizations import Member
from registry.rules.borrowing import ELSEWHERE, TOO_MANY, UNNAMED, WRONG, Claim, borrowed, find_people, taken
from tests.factories import ACTOR, DAY, make_person, make_user
from tests.world import World

pytestmark = pytest.mark.django_db

LOCKED = TOO_MANY.format(minutes=15)


def answers(user, *pairs: tuple[str, str]) -> list[str]:
    """What the rule says of each pair: the person's name, or why not."""
    found = borrowed(user, [Claim.of(*pair) for pair in pairs])
    return [
        found.people[claim].name if claim in found.people else found.problems[claim]
        for claim in (Claim.of(*pair) for pair in pairs)
    ]


def test_number_and_name_must_both_agree_and_a_wrong_pair_does_not_say_which_is_wrong(world: World) -> None:
    clerk = make_user(unit=world.left, role="clerk")
    assert answers(
        clerk,
        ("001004", "李四"),  # of the right bureau
        ("001004", "李五"),  # the number is there
        ("999999", "李四"),  # the number is not
        ("00100", "李四"),  # not whole
        ("1004", "李四"),
        ("001004", "李"),
    ) == ["李四", WRONG, WRONG, WRONG, WRONG, WRONG]


def test_width_spaces_and_dots_are_no_difference(world: World) -> None:
    make_person("买买提·艾力", world.right, number="AB-1")
    clerk = make_user(unit=world.left, role="clerk")
    assert answers(clerk, ("AB-1", "买买提•艾力"), (" 001004\u200b", "李 四")) == ["买买提·艾力", "李四"]


@pytest.mark.parametrize(
    ("role", "may"),
    [("clerk", True), ("manager", True), ("viewer", False), ("approver", False), ("auditor", False)],
)
def test_only_who_may_place_people_finds_anybody(world: World, role: str, may: bool) -> None:
    assert answers(make_user(unit=world.left, role=role), ("001004", "李四")) == ["李四" if may else WRONG]


def test_a_number_without_a_name_is_no_claim(world: World) -> None:
    found = borrowed(make_user(unit=world.left, role="clerk"), [Claim("001004", ""), Claim("", "李四")])
    assert (found.people, found.problems) == ({}, {})
    assert not AccessAttempt.objects.exists()


def test_guesses_are_counted_and_the_right_one_is_not_found_any_more(world: World, settings) -> None:
    settings.PLACING_FAILURES = 3
    clerk, other = make_user(unit=world.left, role="clerk"), make_user(unit=world.left, role="clerk")
    wrong = [(f"00000{n}", "李四") for n in range(3)]
    assert answers(clerk, *wrong[:2], ("001004", "李四")) == [WRONG, WRONG, "李四"]
    assert answers(clerk, *wrong[:2], ("001004", "李四")) == [
        WRONG,
        WRONG,
        "李四",
    ]  # the same ones count once
    assert answers(clerk, *wrong, ("001004", "李四")) == [WRONG, WRONG, WRONG, LOCKED]
    assert answers(clerk, ("001004", "李四")) == [LOCKED]
    assert answers(other, ("001004", "李四")) == ["李四"]  # each user by themselves
    looked = AuditEntry.objects.filter(verb="look_up_numbers", user=clerk).order_by("pk")
    assert [(row.unit, row.after) for row in looked] == [
        (world.left, {"found": 1, "not_found": 2}),
        (world.left, {"not_found": 1}),  # what is asked again is not recorded again
    ]
    entry = AuditEntry.objects.get(verb="borrowing_locked")
    assert (entry.user, entry.unit, entry.object_name) == (clerk, world.left, clerk.username)
    # What was guessed is kept nowhere; and it ends by itself.
    kept = " ".join(str(vars(row)) for row in AccessAttempt.objects.all())
    assert "李四" not in kept
    assert "000001" not in kept
    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(minutes=16))
    assert answers(clerk, ("001004", "李四")) == ["李四"]


def test_guessing_neither_locks_a_login_nor_the_other_way_round(world: World, client, settings) -> None:
    settings.PLACING_FAILURES = 1
    clerk = make_user("clerk", world.left, "clerk")
    login, words = reverse("login"), {"password": "correct horse battery"}
    for _ in range(3):
        client.post(login, {"username": f"numbers:{clerk.pk}", "password": "x"})
    assert answers(clerk, ("001004", "李四"), ("1", "李四")) == ["李四", WRONG]
    assert answers(clerk, ("001004", "李四")) == [LOCKED]
    assert client.post(login, {"username": "clerk", **words}).status_code == 302


def test_whose_number_is_registered_elsewhere(world: World) -> None:
    clerk = make_user(unit=world.left, role="clerk")
    # 001001 is at home here, 001003 a guest here; 001004 was in 左局临时党支部 once.
    assert reasons(clerk, "001001 赵一", "001003 某", "001004 某", "999999 某") == {
        "001003": ELSEWHERE,
        "001004": ELSEWHERE,
    }
    # But for zeros it is somebody's with the same name, and that is all that is said.
    assert reasons(clerk, "1004 某") == {}
    assert reasons(clerk, "1004 李四") == {"1004": ELSEWHERE}
    assert reasons(make_user(unit=world.top, role="clerk"), "001004 某", "1004 李四") == {}


def reasons(user, *pairs: str) -> dict[str, str]:
    return taken(user, [Claim.of(*pair.split()) for pair in pairs])


def test_numbers_that_are_taken_elsewhere_count_with_all_other_guesses(world: World, settings) -> None:
    settings.PLACING_FAILURES = 3
    clerk = make_user(unit=world.left, role="clerk")
    assert answers(clerk, ("001004", "李五"), ("999999", "李四")) == [WRONG, WRONG]
    assert reasons(clerk, "777777 某", "888888 某") == {}  # free numbers tell nothing
    # The third wrong one is the last: of what follows nothing is said, be it taken or free.
    assert reasons(clerk, "777777 某", "001004 某", "001003 某", "888888 某") == {
        "001004": ELSEWHERE,
        "001003": LOCKED,
        "888888": LOCKED,
    }
    assert answers(clerk, ("001004", "李四")) == [LOCKED]
    looked = AuditEntry.objects.filter(verb="look_up_numbers", user=clerk).order_by("pk")
    assert [row.after for row in looked] == [{"not_found": 2}, {"not_found": 1}]
    assert AuditEntry.objects.filter(verb="borrowing_locked", user=clerk).count() == 1


def test_names_are_not_found_by_a_number_with_other_zeros(world: World, settings) -> None:
    settings.PLACING_FAILURES = 3
    clerk = make_user(unit=world.left, role="clerk")
    assert [reasons(clerk, f"1004 李{name}") for name in "一二三四"] == [{}, {}, {}, {"1004": LOCKED}]


def test_a_guest_is_known_by_number_and_name_only(world: World) -> None:
    clerk = make_user(unit=world.left, role="clerk")  # 001003 is a guest here, masked
    found = find_people(clerk, [Claim("001003", ""), Claim("001003", "孙四"), Claim("001003", "孙三")])
    assert found.problems == {Claim("001003", ""): UNNAMED, Claim("001003", "孙四"): WRONG}
    assert [person.name for person in found.people.values()] == ["孙三"]


def test_no_such_number_and_another_name_take_as_much_work(world: World) -> None:
    clerk = make_user(unit=world.left, role="clerk")
    access.top_units(clerk)
    asked = []
    for pair in (("001004", "李五"), ("999999", "李四")):
        with CaptureQueriesContext(connection) as queries:
            assert answers(clerk, pair) == [WRONG]
        asked.append([re.sub(r"SAVEPOINT.*| (WHERE|VALUES) .*", "", each["sql"]) for each in queries])
    assert asked[0] == asked[1]


def test_both_sides_read_of_a_placement_in_their_records(world: World) -> None:
    stranger = make_person("周五", world.right)
    here = {role: make_user(unit=world.left, role=role) for role in ("clerk", "manager")}
    there, station = make_user(unit=world.right), make_user(unit=world.station)
    placed = assignments.assign_person(
        actor=Actor(user=here["clerk"], name="左局录入"),
        person=stranger, organization=world.branch, started_on=DAY,
    )  # fmt: skip
    entry = AuditEntry.objects.latest("pk")
    assert (entry.verb, entry.unit, entry.other_unit) == ("assign_person", world.left, world.right)
    for reader, reads in ((here["manager"], True), (there, True), (station, False)):
        assert access.record_seen(reader).filter(pk=entry.pk).exists() == reads
    assignments.end_assignment(actor=ACTOR, assignment=placed, on=DAY)
    assert access.record_seen(there).latest("pk").verb == "end_assignment"
    # Somebody of the unit itself concerns no other.
    assignments.assign_person(actor=ACTOR, person=world.full, organization=world.general, started_on=DAY)
    assert AuditEntry.objects.latest("pk").other_unit is None


def test_a_founding_names_the_borrowed_members_in_both_records(world: World) -> None:
    stranger = make_person("周五", world.right)
    organizations.establish_organization(
        actor=ACTOR, unit=world.left, kind="branch", code="new", name="新支部", is_temporary=True,
        established_on=DAY, state="approved", members=[Member(world.full, "secretary"), Member(stranger)],
    )  # fmt: skip
    entries = AuditEntry.objects.order_by("-pk").values_list("verb", "object_name", "other_unit__code")[:2]
    assert sorted(entries) == [
        ("assign_person", "周五 · 新支部", "right"),
        ("establish_organization", "新支部", None),
    ]


def test_a_transfer_of_an_organization_stands_in_the_record_of_the_unit_it_left(world: World) -> None:
    organizations.transfer_organization(
        actor=ACTOR, organization=world.commando, unit=world.right, on=DAY.replace(day=5), reason="转"
    )
    assert access.record_seen(make_user(unit=world.left)).latest("pk").verb == "transfer_organization"
