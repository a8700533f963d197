"""Any small registry: numbers are those of the lists, few and many find the same, and plain Python agrees."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

import pytest
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.models import (
    Assignment,
    Organization,
    OrganizationKind,
    PersonPlacement,
    StatusPeriod,
    Unit,
)
from registry.models.kinds import BRANCH_KINDS, PARTY_BODIES
from registry.rules.checks import CHECKS, asking, breaches, count_breaches, organizations_at
from registry.rules.checks.asking import Settings
from tests.factories import make_organization, make_unit
from tests.rules.checks.building import DAY, people, planned, statuses

pytestmark = pytest.mark.django_db
DAYS = st.integers(0, 40).map(lambda days: DAY + timedelta(days=days))
KINDS = ("branch", "joint_branch", "group", "general_branch", "committee")
ROLES = ("secretary", "deputy_secretary", "organization_committee_member", "leader", "member")
STATUSES = ("full_member", "probationary_member", "activist")

groups = st.tuples(
    st.sampled_from(ROLES), st.sampled_from(STATUSES), st.integers(1, 4), DAYS, st.none() | DAYS
)
organizations = st.tuples(
    st.integers(0, 2), st.sampled_from(KINDS), st.booleans(), st.booleans(), st.lists(groups, max_size=4)
)


def built(plan: list[tuple]) -> Unit:
    """Make the registry of a plan: two units below one, organizations with groups of people."""
    top = make_unit("top")
    hosts = [top, make_unit("left", top), make_unit("right", top)]
    for at, kind, is_temporary, has_document, some in plan:
        organization = make_organization(
            hosts[at],
            kind,
            is_temporary=is_temporary,
            approval_number="1号" if has_document else "",
        )
        for role, status, number, start, end in some:
            made = people(
                number,
                hosts[at],
                status,
                placed=organization,
                home=None if is_temporary else organization,
                role=role,
                start=min(start, end or start),
                end=max(start, end) if end else None,
            )
            if status == "probationary_member" and not is_temporary:
                statuses(made[0], (status, start - timedelta(days=200)), ("full_member", start))
    return Unit.objects.get(pk=top.pk)


@settings(max_examples=3)
@given(st.lists(organizations, min_size=1, max_size=5), DAYS)
def test_numbers_lists_and_plain_python_agree(plan: list[tuple], day: date) -> None:
    with transaction.atomic():
        _agree(built(plan), day)
        transaction.set_rollback(True)


def _agree(top: Unit, day: date) -> None:
    rows = organizations_at(top, day)
    listed = Counter((each.check.slug, each.organization_id) for each in breaches(rows, day))
    counted = count_breaches(top, day)
    by_slug = Counter(slug for slug, _ in listed.elements())
    assert {slug: number.breaches for slug, number in counted.numbers.items()} == {
        slug: by_slug[slug] for slug in counted.numbers
    }
    for slug, number in counted.numbers.items():
        parts = sum(line.numbers[slug].breaches for line in counted.children)
        assert number.breaches == counted.own[slug].breaches + parts

    for limit in ("KEPT", "FEW"):  # the same by a statement that is not kept, and by one for many
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(asking, limit, 0)
            assert Counter((each.check.slug, each.organization_id) for each in breaches(rows, day)) == listed
            assert count_breaches(top, day) == counted

    _agrees_with_plain_python(listed, day)
    _judges_agree(listed, day)


def _agrees_with_plain_python(listed: Counter, day: date) -> None:
    """Judge four checks row by row."""
    for row in Organization.objects.all():
        placed = [each for each in Assignment.objects.filter(organization=row) if _holds(each, day)]
        homes = [each for each in PersonPlacement.objects.filter(branch=row) if _holds(each, day)]
        members = placed if row.is_temporary or row.kind == OrganizationKind.GROUP else homes
        full = sum(_status(each.person_id, day) == "full_member" for each in members)
        heads = [each for each in placed if each.role == "secretary"]
        is_body = row.is_temporary and row.kind in PARTY_BODIES
        is_branch = row.kind in BRANCH_KINDS
        expected = {
            "branch_min_full_members": int(is_branch and not row.is_temporary and full < 3),
            "temp_branch_min_full_members": int(is_branch and row.is_temporary and full < 3),
            "temp_branch_appointed": int(is_body and not heads),
            "temp_branch_approved": int(is_body),
            "temp_secretary_full_member": is_body
            * sum(_status(each.person_id, day) != "full_member" for each in heads),
        }
        assert {slug: listed[slug, row.pk] for slug in expected} == expected


def _judges_agree(listed: Counter, day: date) -> None:
    """What a form would say of a temporary organization or group with these people is what is found."""
    asked = [each for each in Settings.read().asked_on(day) if each.check.judge is not None]
    for row in Organization.objects.all():
        if not row.is_temporary and row.kind != OrganizationKind.GROUP:
            continue
        for each in asked:
            assert each.is_breached_by(planned(row, day)) == bool(listed[each.slug, row.pk]), each.slug


def _holds(row: Assignment | PersonPlacement | StatusPeriod, day: date) -> bool:
    return row.started_on <= day and (row.ended_on is None or row.ended_on > day)


def _status(person: int, day: date) -> str:
    return next(each.status for each in StatusPeriod.objects.filter(person=person) if _holds(each, day))


def test_every_check_has_a_judge_or_is_about_what_a_form_does_not_know() -> None:
    late = {check.slug for check in CHECKS if check.judge is None}
    assert late == {
        *("temp_branch_approved", "temp_branch_lapses", "temp_over_six_months", "temp_no_admission"),
        *("temp_secretary_full_member", "temp_secretary_stays", "joint_branch"),
        *("general_branch_size", "temp_general_branch_size", "committee_org_size"),
        *("join_probation", "join_probation_short", "join_probation_due"),
    }
