"""Each check: what just passes and what just fails, in its number and in its day."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from registry.models import (
    Assignment,
    CoveredUnit,
    Organization,
    OrganizationKind,
    PersonPlacement,
    Role,
    Unit,
)
from registry.models.kinds import PARTY_KINDS
from registry.rules.checks import CHECKS
from tests.factories import make_campaign, make_organization, make_unit
from tests.rules.checks.building import DAY, found, people, statuses

pytestmark = pytest.mark.django_db
LATER = date(2020, 3, 1)


@pytest.fixture
def unit() -> Unit:
    return make_unit(name="德城分局")


def standing(unit: Unit, kind: str = "branch", since: date = DAY, **facts: object) -> Organization:
    return make_organization(unit, kind, is_temporary=False, established_on=since, **facts)


@pytest.mark.parametrize(("number", "is_breach"), [(3, False), (2, True), (0, True)])
def test_a_standing_branch_has_three_full_members(unit: Unit, number: int, is_breach: bool) -> None:
    branch = standing(unit)
    people(number, unit, home=branch)
    people(5, unit, "probationary_member", home=branch)
    people(5, unit, placed=branch)
    said = f"正式党员只有 {number} 人,不足 3 人,应与邻近单位成立联合党支部。"
    assert found("branch_min_full_members", branch, LATER) == [said] * is_breach
    assert found("temp_branch_min_full_members", branch, LATER) == []


@pytest.mark.parametrize(("number", "is_breach"), [(3, False), (2, True)])
def test_of_a_temporary_branch_the_placed_full_members_are_counted(
    unit: Unit, number: int, is_breach: bool
) -> None:
    branch = make_organization(unit)
    people(number, unit, placed=branch)
    people(5, unit, "probationary_member", placed=branch)
    said = f"编入的正式党员只有 {number} 人,不足 3 人。"
    assert found("temp_branch_min_full_members", branch, LATER) == [said] * is_breach
    assert found("branch_min_full_members", branch, LATER) == []


def test_people_count_from_their_first_day_until_the_day_before_their_last(unit: Unit) -> None:
    branch = make_organization(unit)
    people(2, unit, placed=branch)
    people(1, unit, placed=branch, start=date(2020, 2, 10), end=date(2020, 2, 20))
    days = {9: 1, 10: 0, 19: 0, 20: 1}
    slug = "temp_branch_min_full_members"
    assert {day: len(found(slug, branch, date(2020, 2, day))) for day in days} == days


@pytest.mark.parametrize("is_temporary", [True, False])
@pytest.mark.parametrize(("number", "is_breach"), [(50, False), (51, True)])
def test_a_branch_has_at_most_fifty_members(
    unit: Unit, number: int, is_breach: bool, is_temporary: bool
) -> None:
    branch = make_organization(unit, is_temporary=is_temporary)
    where = {"placed": branch} if is_temporary else {"home": branch}
    people(number - 1, unit, **where)
    people(1, unit, "probationary_member", **where)
    people(3, unit, "activist", **where)
    said = f"党员 {number} 人,超过 50 人,应调整为党总支或分设党支部。"
    assert found("branch_max_members", branch, LATER) == [said] * is_breach


@pytest.mark.parametrize(("number", "is_breach"), [(5, False), (6, True)])
@pytest.mark.parametrize("is_temporary", [True, False])
def test_a_joint_branch_covers_at_most_five_units(
    unit: Unit, number: int, is_breach: bool, is_temporary: bool
) -> None:
    branch = make_organization(unit, "joint_branch", is_temporary=is_temporary)
    for _ in range(number):
        people(2, make_unit("", unit), **({"placed": branch} if is_temporary else {"home": branch}))
    assert found("joint_branch", branch, LATER) == ["党员来自 6 个单位,超过 5 个。"] * is_breach


@pytest.mark.parametrize(("number", "is_breach"), [(4, False), (5, True)])
def test_the_units_that_a_joint_branch_names_count_instead_of_its_members_homes(
    unit: Unit, number: int, is_breach: bool
) -> None:
    """With its own; what was named under another number of the bureau stays to be found."""
    branch = make_organization(unit, "joint_branch", is_temporary=True)
    for _ in range(6):
        people(1, make_unit("", unit), placed=branch)
    for _ in range(number):
        CoveredUnit.objects.create(organization=branch, unit=make_unit("", unit), started_on=DAY)
    assert found("joint_branch", branch, LATER) == ["覆盖 6 个单位,超过 5 个。"] * is_breach


def test_a_joint_branch_is_not_told_to_become_one(unit: Unit) -> None:
    branch = make_organization(unit, "joint_branch", is_temporary=False)
    few = "正式党员只有 0 人,不足 3 人"
    assert found("branch_min_full_members", branch, LATER) == [f"{few},应登记所覆盖的邻近单位。"]
    CoveredUnit.objects.create(organization=branch, unit=make_unit("", unit), started_on=DAY)
    assert found("branch_min_full_members", branch, LATER) == [f"{few}。"]


@pytest.mark.parametrize(
    ("number", "approval", "few", "many"),
    [(50, "", 0, 0), (49, "", 1, 0), (49, "德公党〔2020〕1号", 0, 0), (99, "", 0, 0), (100, "", 0, 1)],
)
def test_a_standing_general_branch_has_fifty_to_a_hundred_members_with_all_below_it(
    unit: Unit, number: int, approval: str, few: int, many: int
) -> None:
    general = standing(unit, "general_branch", approval_number=approval)
    people(2, unit, home=general)
    people(number - 2, unit, home=standing(unit, parent=general))
    people(60, unit, home=standing(unit))
    assert len(found("general_branch_size", general, LATER)) == few
    assert len(found("committee_org_size", general, LATER)) == many
    assert found("temp_general_branch_size", general, LATER) == []


@pytest.mark.parametrize(("number", "is_breach"), [(50, False), (49, True)])
def test_a_temporary_general_branch_counts_the_people_placed_below_it_once(
    unit: Unit, number: int, is_breach: bool
) -> None:
    general = make_organization(unit, "general_branch")
    branch = make_organization(unit, parent=general)
    placed = people(number, unit, placed=branch)
    Assignment.objects.create(person=placed[0], organization=general, role="secretary", started_on=DAY)
    assert len(found("temp_general_branch_size", general, LATER)) == is_breach
    assert found("general_branch_size", general, LATER) == []


@pytest.mark.parametrize(
    ("full", "probationary", "is_breach"), [(1, 2, False), (0, 3, True), (1, 1, True), (3, 0, False)]
)
def test_a_group_has_three_members_of_whom_one_is_full(
    unit: Unit, full: int, probationary: int, is_breach: bool
) -> None:
    group = make_organization(unit, "group")
    people(full, unit, placed=group)
    people(probationary, unit, "probationary_member", placed=group)
    people(2, unit, "masses", placed=group)
    assert len(found("group_min", group, LATER)) == is_breach


@pytest.mark.parametrize(
    ("role", "kind", "is_breach"),
    [("secretary", "group", False), ("leader", "group", False), ("deputy_leader", "group", True)],
)
def test_a_group_has_a_leader(unit: Unit, role: str, kind: str, is_breach: bool) -> None:
    group = make_organization(unit, kind)
    people(1, unit, placed=group, role=role)
    assert found("group_leader", group, LATER) == ["没有指定组长。"] * is_breach


HEAD, SEAT = "secretary", "organization_committee_member"


@pytest.mark.parametrize(
    ("full", "roles", "of_standing", "of_temporary"),
    [
        (7, [HEAD, "deputy_secretary", SEAT], False, False),
        (7, [HEAD, "deputy_secretary"], True, True),
        (6, [HEAD, "deputy_secretary"], False, False),
        (6, [HEAD, "publicity_committee_member"], True, False),
        (9, [HEAD, *[SEAT] * 6], False, False),
        (9, [HEAD, *[SEAT] * 7], True, True),
        (7, [], False, False),
    ],
)
def test_a_committee_has_three_to_seven_from_seven_full_members_on(
    unit: Unit, full: int, roles: list[str], of_standing: bool, of_temporary: bool
) -> None:
    """Where nobody of the committee is registered, nothing is known of it; with fewer members only a
    standing branch has none, since that of a temporary one is appointed."""
    for is_temporary, is_breach in ((True, of_temporary), (False, of_standing)):
        branch = make_organization(unit, is_temporary=is_temporary)
        for role in [*roles, *["member"] * (full - len(roles))]:
            people(1, unit, placed=branch, role=role, home=None if is_temporary else branch)
        assert len(found("committee_size", branch, LATER)) == is_breach


def test_a_temporary_organization_has_approver_and_document_once_it_is_approved(unit: Unit) -> None:
    """The approver is the organization that is registered so, or else the superior."""
    slug, number = "temp_branch_approved", {"approval_number": "德公党〔2020〕1号"}
    committee = standing(unit, "committee")
    assert found(slug, make_organization(unit, parent=committee, **number), LATER) == []
    assert found(slug, make_organization(unit, parent=committee), LATER) == ["没有登记批复文号。"]
    alone = make_organization(unit, **number)
    assert found(slug, alone, LATER) == ["没有登记批准的党组织。"]
    assert found(slug, make_organization(unit), LATER) == ["没有登记批复文号和批准的党组织。"]
    Organization.objects.filter(pk=alone.pk).update(approving_organization=committee)
    assert found(slug, alone, LATER) == []
    assert found(slug, make_organization(unit, state="submitted"), LATER) == []
    assert found(slug, standing(unit), LATER) == []
    assert found(slug, make_organization(unit, "group"), LATER) == []


def test_a_temporary_organization_has_a_secretary_every_day(unit: Unit) -> None:
    branch = make_organization(unit)
    people(1, unit, placed=branch, role="secretary", start=date(2020, 2, 3), end=date(2020, 2, 9))
    days = {2: ["没有指定书记。"], 3: [], 8: [], 9: ["没有指定书记。"]}
    assert {day: found("temp_branch_appointed", branch, date(2020, 2, day)) for day in days} == days
    assert found("temp_branch_appointed", standing(unit), LATER) == []


@pytest.mark.parametrize("kind", PARTY_KINDS)
def test_every_kind_but_the_group_has_a_secretary(unit: Unit, kind: str) -> None:
    organization = make_organization(unit, kind, is_temporary=True)
    is_breach = kind != OrganizationKind.GROUP
    assert len(found("temp_branch_appointed", organization, LATER)) == is_breach


def test_the_secretary_is_a_full_member_on_the_day(unit: Unit) -> None:
    branch = make_organization(unit)
    [head] = people(1, unit, placed=branch, role="secretary")
    statuses(head, ("probationary_member", date(2019, 2, 10)), ("full_member", date(2020, 2, 10)))
    slug, said = "temp_secretary_full_member", ["书记当日不是正式党员。"]
    assert found(slug, branch, date(2020, 2, 9)) == said
    assert found(slug, branch, date(2020, 2, 10)) == []


def test_who_leaves_before_the_organization_ends_is_followed_by_another(unit: Unit) -> None:
    branch, ended_on = make_organization(unit), date(2020, 2, 20)
    people(1, unit, placed=branch, role="secretary", end=ended_on)
    slug, said = "temp_secretary_stays", ["书记的任职于 2020-02-20 结束,组织仍在,没有人接任。"]
    assert found(slug, branch, ended_on - timedelta(days=1)) == said
    assert found(slug, branch, ended_on) == [], "from then on it is that there is none"
    people(1, unit, placed=branch, role="secretary", start=ended_on + timedelta(days=1))
    assert found(slug, branch, DAY) == said, "a day is left without"
    people(1, unit, placed=branch, role="secretary", start=ended_on)
    assert found(slug, branch, DAY) == []


def test_who_stays_to_the_end_of_the_organization_needs_nobody_to_follow(unit: Unit) -> None:
    branch = make_organization(unit, dissolved_on=date(2020, 4, 1))
    people(1, unit, placed=branch, role="secretary", end=date(2020, 4, 1))
    assert found("temp_secretary_stays", branch, LATER) == []


@pytest.mark.parametrize(
    ("since", "day", "is_breach"),
    [
        (date(2020, 2, 3), date(2020, 8, 3), False),
        (date(2020, 2, 3), date(2020, 8, 4), True),
        (date(2020, 8, 31), date(2021, 2, 28), False),
        (date(2020, 8, 31), date(2021, 3, 1), True),
    ],
)
def test_a_task_of_more_than_six_months_should_get_a_standing_branch(
    unit: Unit, since: date, day: date, is_breach: bool
) -> None:
    branch = make_organization(unit, established_on=since)
    people(3, unit, placed=branch, start=since)
    few = make_organization(unit, established_on=since)
    assert len(found("temp_over_six_months", branch, day)) == is_breach
    assert found("temp_over_six_months", few, day) == [], "it does not qualify"


def test_it_lapses_with_its_campaign_and_with_its_task_force(unit: Unit) -> None:
    slug, said = "temp_branch_lapses", ["所属专项任务或依托的专班、工作组已结束,请办理撤销。"]
    last, end = date(2020, 3, 9), date(2020, 3, 10)
    branch = make_organization(unit, campaign=make_campaign())
    make_campaign("other", ended_on=end)
    assert found(slug, branch, end) == []
    branch.campaign.__class__.objects.filter(pk=branch.campaign_id).update(ended_on=end)
    force = make_organization(unit, "task_force", dissolved_on=end)
    leaning = make_organization(unit, task_body=force)
    for organization in (branch, leaning):
        assert found(slug, organization, last) == []
        assert found(slug, organization, end) == said
    team = make_organization(unit, "commando_team", task_body=force)
    assert found(slug, team, end) == [], "a formation is no Party organization"


@pytest.mark.parametrize(
    ("became", "count"),
    [
        (date(2020, 1, 31), 0),
        (date(2020, 2, 1), 1),
        (date(2020, 2, 19), 1),
        (date(2020, 2, 20), 0),
    ],
)
def test_a_temporary_organization_admits_nobody_while_placed_in_it(
    unit: Unit, became: date, count: int
) -> None:
    branch = make_organization(unit)
    [rising] = people(1, unit, placed=branch, end=date(2020, 2, 20))
    statuses(rising, ("activist", date(2019, 1, 1)), ("probationary_member", became))
    assert len(found("temp_no_admission", branch, LATER)) == count
    assert found("temp_no_admission", branch, became - timedelta(days=1)) == []


def test_who_has_a_home_branch_was_admitted_there_and_applicants_are_right(unit: Unit) -> None:
    slug, became = "temp_no_admission", date(2020, 2, 5)
    branch, home = make_organization(unit), standing(unit)
    [rising, applicant] = [
        *people(1, unit, placed=branch, home=home),
        *people(1, unit, placed=branch),
    ]
    statuses(rising, ("probationary_member", became))
    statuses(applicant, ("applicant", became), ("activist", date(2020, 2, 6)))
    assert found(slug, branch, LATER) == []
    PersonPlacement.objects.filter(person=rising).update(started_on=became)
    assert found(slug, branch, LATER) == [], "with the day itself"
    PersonPlacement.objects.filter(person=rising).update(started_on=date(2020, 2, 6))
    assert len(found(slug, branch, LATER)) == 1, "the home came afterwards"


@pytest.mark.parametrize(
    ("day", "due", "over"),
    [
        (date(2021, 2, 5), 0, 0),
        (date(2021, 2, 6), 1, 0),
        (date(2022, 2, 5), 1, 0),
        (date(2022, 2, 6), 0, 1),
    ],
)
def test_the_probation_is_a_year_and_extended_by_one_at_most(
    unit: Unit, day: date, due: int, over: int
) -> None:
    home = standing(unit)
    [rising] = people(1, unit, home=home)
    statuses(rising, ("probationary_member", date(2020, 2, 5)))
    assert len(found("join_probation_due", home, day)) == due
    assert len(found("join_probation", home, day)) == over


@pytest.mark.parametrize(
    ("joined", "full", "count"),
    [
        (date(2019, 2, 5), date(2020, 2, 5), 0),
        (date(2019, 2, 5), date(2020, 2, 4), 1),
        (date(2020, 2, 29), date(2021, 2, 28), 0),
        (date(2020, 2, 29), date(2021, 2, 27), 1),
        (date(2019, 12, 31), date(2020, 12, 30), 1),
    ],
)
def test_who_is_full_before_the_year_is_over_is_found(
    unit: Unit, joined: date, full: date, count: int
) -> None:
    home = standing(unit)
    [member] = people(1, unit, home=home)
    statuses(member, ("probationary_member", joined), ("full_member", full))
    said = [f"{joined} 起为预备党员,{full} 转正,预备期不满 12 个月。"]
    assert found("join_probation_short", home, full) == said * count
    assert found("join_probation_short", home, full - timedelta(days=1)) == []


def test_every_check_is_tried_here() -> None:
    with open(__file__, encoding="utf-8") as page:
        tried = page.read()
    assert [check.slug for check in CHECKS if f'"{check.slug}"' not in tried] == []


def test_roles_of_a_committee_are_known() -> None:
    assert len(Role) == 8, "a new role: does it sit on the committee (officers.SEATS)?"
