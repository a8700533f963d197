"""Verbs for many: the number of queries does not grow with the rows, and one wrong row stops them all."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from registry.counting.totals.check import differences
from registry.models import Assignment, AuditEntry, Organization, Person, Unit
from registry.operations import assignments, organizations, people, units
from registry.refusals import OperationRefused
from registry.trees.check import check_all
from tests.factories import ACTOR, DAY, make_organization, make_person, make_unit

pytestmark = pytest.mark.django_db


class Office:
    """A bureau with an organization; its verbs do something to ``number`` rows called after ``prefix``."""

    def __init__(self) -> None:
        self.bureau = make_unit("ju")
        self.branch = make_organization(self.bureau, code="zhibu")

    def do_everything(self, prefix: str, number: int) -> dict[str, int]:
        """Do each verb to so many rows; return the number of queries of each."""
        told: dict[str, int] = {}

        def count(verb: str, **given: object) -> object:
            with CaptureQueriesContext(connection) as caught:
                done = getattr(module_of(verb), verb)(actor=ACTOR, **given)
            told[verb] = len(caught)
            return done

        bureau = Unit.objects.get(pk=self.bureau.pk)
        codes = [f"{prefix}{n}" for n in range(number)]
        new = [Unit(code=code, name=code, kind="station", parent=bureau) for code in codes]
        count("add_units", units=new)
        committee = Organization(
            code=f"{prefix}wei",
            name="党委",
            kind="committee",
            unit=new[0],
            established_on=DAY,
            state="approved",
        )
        below = [
            Organization(
                code=code,
                name=code,
                kind="branch",
                is_temporary=True,
                unit=unit,
                parent=committee,
                established_on=DAY,
                state="approved",
            )
            for code, unit in zip(codes, new, strict=True)
        ]
        count("establish_organizations", organizations=[committee, *below])
        persons = [
            Person(number=code, name="某", category="officer", political_status="masses", home_unit=unit)
            for code, unit in zip(codes, new, strict=True)
        ]
        count("add_people", people=persons)
        placed = [
            Assignment(person=person, organization=self.branch, started_on=DAY, role="member")
            for person in persons
        ]
        count("place_people", assignments=placed)
        count("change_roles", changes=[(row, "secretary", DAY + timedelta(1)) for row in placed])
        standing = list(Assignment.objects.filter(person__in=persons, ended_on__isnull=True))
        count("end_assignments", ends=[(row, DAY + timedelta(2)) for row in standing])
        count("edit_people", changes=[(person, {"category": "auxiliary"}) for person in persons])
        count(
            "change_political_statuses",
            changes=[(person, "full_member", timezone.localdate()) for person in persons],
        )
        count("transfer_people", moves=[(person, bureau, committee) for person in persons], on=DAY)
        return told


def module_of(verb: str) -> object:
    return next(module for module in (units, organizations, people, assignments) if hasattr(module, verb))


def test_as_many_queries_for_eight_as_for_two() -> None:
    office = Office()
    office.do_everything("a", 2)
    # In the official order, so that the second and the third time nothing there has to make room.
    assert office.do_everything("b", 2) == office.do_everything("c", 8)
    assert list(check_all()) == []
    assert differences() == []
    assert AuditEntry.objects.filter(verb="transfer_person").count() == 12
    assert Assignment.objects.filter(role="secretary", ended_on=DAY + timedelta(2)).count() == 12


def test_one_that_cannot_be_stops_them_all() -> None:
    office = Office()
    person = make_person("甲", office.bureau, number="1")
    twice = [Person(number="2", name="乙", category="officer", home_unit=office.bureau) for _ in range(2)]
    with pytest.raises(OperationRefused) as told:
        people.add_people(actor=ACTOR, people=twice)
    assert list(told.value.message_dict) == ["number"]
    unknown = [
        Person(number="3", name="丙", category="officer", home_unit=office.bureau),
        Person(number="4", name="丁", category="robot", home_unit=office.bureau),
    ]
    with pytest.raises(OperationRefused) as told:
        people.add_people(actor=ACTOR, people=unknown)
    assert list(told.value.message_dict) == ["category"]
    with pytest.raises(OperationRefused, match="同一时间"):
        assignments.place_people(
            actor=ACTOR,
            assignments=[
                Assignment(person=person, organization=office.branch, started_on=day, role="member")
                for day in (DAY, DAY + timedelta(1))
            ],
        )
    assert (Person.objects.count(), Assignment.objects.count()) == (1, 0)
