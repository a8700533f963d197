"""After any sequence of operations: the trees are valid and every count equals a brute-force recount.

The steps are plain numbers that hypothesis picks; what they point at is looked up by remainder among what is
there, so that every step means something and failing sequences shrink well. Most operations may be refused:
then nothing may have changed.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any
from unittest import mock

import pytest
from django.apps import apps
from django.db import connection, transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.counting.basis import Question, assignment_rows, organization_rows, people_rows
from registry.counting.metric import APPROVED
from registry.counting.metrics import METRICS, PeopleMetric
from registry.counting.rollup import Line, count_place, count_units, rollup
from registry.counting.series import series_of
from registry.counting.totals.check import differences
from registry.counting.totals.fold import fold_counts
from registry.models import (
    Assignment,
    AuditEntry,
    Campaign,
    Organization,
    OrganizationPlacement,
    Person,
    PersonPlacement,
    StatusPeriod,
    Unit,
    UnitPlacement,
)
from registry.models.base import Registered
from registry.models.hierarchy import Span
from registry.models.kinds import PENDING_STATES
from registry.operations import approving, assignments, leaving, merging, organizations, people, units
from registry.operations.acts import takeable
from registry.operations.take_back import take_back
from registry.refusals import OperationRefused
from tests.counting.recount import Ledger, snapshot
from tests.factories import ACTOR, make_campaign

FIRST = date(2020, 1, 27)
TODAY = FIRST + timedelta(days=12)
KINDS = (
    "branch", "branch", "branch", "general_branch", "general_branch", "committee", "group", "group",
    "commando_team", "pioneer_team", "pioneer_post", "task_force", "work_group", "leading_group",
)  # fmt: skip
STATES = ("approved", "approved", "approved", "approved", "draft", "submitted")
STATUSES = ("full_member", "probationary_member", "activist", "masses")
CATEGORIES = ("officer", "auxiliary", "civilian")
ROLES = ("secretary", "member", "leader")


def day(number: int) -> date:
    """Day 0 to 13; day 13 is tomorrow."""
    return FIRST + timedelta(days=number % 14)


class RandomWorld:
    """What the steps act on. Each verb takes the numbers of its step."""

    def __init__(self) -> None:
        self.campaign = make_campaign()
        top = self.unit(None, 0)
        second = self.unit(None, 0)
        for superior in (top, top, second):
            below = self.unit(superior, 0)
            self.unit(below, 0)
        for number in range(5):
            self.add_person(number, number, number % 2, 0, 0, 0)
        rows = list(Unit.objects.order_by("pk"))
        committee = self.organization(rows[0], "committee", None, 0, is_temporary=False)
        general = self.organization(rows[0], "general_branch", committee, 1, is_temporary=True)
        branch = self.organization(rows[3], "branch", general, 2, is_temporary=True)
        self.organization(rows[3], "group", branch, 2, is_temporary=True)
        team = self.organization(rows[4], "commando_team", None, 2, is_temporary=False)
        persons = list(Person.objects.order_by("pk"))
        for organization in (branch, team):
            assignments.assign_people(
                actor=ACTOR,
                organization=organization,
                members=[(persons[0], "secretary"), (persons[1], "member")],
                started_on=day(2),
            )

    def nothing(self, *numbers: int) -> None:
        """Do nothing."""

    # Looking up

    def pick(self, model: type[Any], number: int) -> Any:
        """A row by remainder, as somebody has it who read it a moment ago."""
        rows = list(model._base_manager.order_by("pk"))
        if not rows:
            raise OperationRefused("无")
        return rows[number % len(rows)]

    def maybe(self, model: type[Any], number: int) -> Any:
        """A row, or None one time in three."""
        return None if number % 3 == 0 else self.pick(model, number // 3)

    def members(self, number: int, many: int) -> list[tuple[Person, str]]:
        rows = list(Person.objects.order_by("pk"))
        found = {rows[(number + step) % len(rows)].pk: step for step in range(many % 4)}
        return [(Person.objects.get(pk=pk), ROLES[step % len(ROLES)]) for pk, step in found.items()]

    def unit(self, superior: Unit | None, opened: int) -> Unit:
        code = f"u{Unit.objects.count()}"
        return units.add_unit(
            actor=ACTOR,
            code=code,
            name=code,
            kind=("bureau", "station")[Unit.objects.count() % 2],
            superior=superior,
            opened_on=day(opened) if opened else None,
        )

    def organization(
        self, unit: Unit, kind: str, parent: Organization | None, on: int, **facts: Any
    ) -> Organization:
        code = f"o{Organization.objects.count()}"
        return organizations.establish_organization(
            actor=ACTOR,
            unit=unit,
            kind=kind,
            name=code,
            code=code,
            established_on=day(on),
            parent=parent,
            **{"state": "approved", **facts},
        )

    # Units

    def add_unit(self, a: int, b: int, c: int, d: int, e: int, f: int) -> None:
        self.unit(self.maybe(Unit, a), b % 8)

    def move_unit(self, a: int, b: int, c: int, d: int, e: int, f: int) -> None:
        units.move_unit(
            actor=ACTOR, unit=self.pick(Unit, a), superior=self.maybe(Unit, b), on=day(c), reason="测试"
        )

    def merge_unit(self, a: int, b: int, c: int, d: int, e: int, f: int) -> None:
        units.merge_unit(
            actor=ACTOR, unit=self.pick(Unit, a), into=self.pick(Unit, b), on=day(c), reason="并"
        )

    def close_unit(self, a: int, b: int, c: int, d: int, e: int, f: int) -> None:
        units.close_unit(actor=ACTOR, unit=self.pick(Unit, a), on=day(c), reason="撤")

    def edit_unit(self, a: int, b: int, c: int, d: int, e: int, f: int) -> None:
        opened = None if b % 3 == 0 else day(c)
        kind = {"kind": ("division", "checkpoint")[d % 2]} if e % 2 else {}
        units.edit_unit(actor=ACTOR, unit=self.pick(Unit, a), changes={"opened_on": opened, **kind})

    # Organizations

    def establish(self, a: int, b: int, c: int, d: int, e: int, f: int) -> None:
        kind = KINDS[a % len(KINDS)]
        party = kind in ("committee", "general_branch", "branch", "group")
        self.organization(
            self.pick(Unit, b),
            kind,
            self.maybe(Organization, d),
            c,
            is_temporary=party and e % 4 != 0,
            state=STATES[f % len(STATES)],
            campaign=self.campaign if e % 2 else None,
            members=[organizations.Member(*each) for each in self.members(f, e)],
        )

    def edit_established(self, a: int, b: int, c: int, d: int, e: int, f: int) -> None:
        self._edit(a, {"established_on": day(c)})

    def edit_dissolved(self, a: int, b: int, c: int, d: int, e: int, f: int) -> None:
        gone = list(Organization.objects.filter(dissolved_on__isnull=False).order_by("pk"))
        if not gone:
            return
        organizations.edit_organization(
            actor=ACTOR,
            organization=gone[a % len(gone)],
            changes={"dissolved_on": day(c) if b % 3 else None},
        )

    def edit_campaign(self, a: int, b: int, c: int, d: int, e: int, f: int) -> None:
        self._edit(a, {"campaign": self.campaign if b % 2 else None})

    def _edit(self, a: int, changes: dict[str, Any]) -> None:
        organizations.edit_organization(actor=ACTOR, organization=self.pick(Organization, a), changes=changes)

    def move_organization(self, a: int, b: int, c: int, d: int, e: int, f: int) -> None:
        organizations.move_organization(
            actor=ACTOR,
            organization=self.pick(Organization, a),
            parent=self.maybe(Organization, b),
            reason="测试",
        )

    def transfer(self, a: int, b: int, c: int, d: int, e: int, f: int) -> None:
        organizations.transfer_organization(
            actor=ACTOR,
            organization=self.pick(Organization, a),
            unit=self.pick(Unit, b),
            on=day(c),
            reason="测试",
        )

    def dissolve(self, a: int, b: int, c: int, d: int, e: int, f: int) -> None:
        organization = self.pick(Organization, a)
        said = organizations.plan_dissolution(actor=ACTOR, organization=organization, on=day(c))
        done = organizations.dissolve_organization(
            actor=ACTOR, organization=organization, on=day(c), reason="测试"
        )
        assert ([each.pk for each in said.organizations], said.assignments) == (
            [each.pk for each in done.organizations],
            done.assignments,
        )

    def withdraw(self, a: int, b: int, c: int, d: int, e: int, f: int) -> None:
        organizations.withdraw_organization(actor=ACTOR, organization=self.pick(Organization, a), reason="误")

    def step_state(self, a: int, b: int, c: int, d: int, e: int, f: int) -> None:
        organization = self.pick(Organization, a)
        verb = b % 3
        if verb == 0:
            approving.submit_organization(actor=ACTOR, organization=organization)
        elif verb == 1:
            approving.approve_organization(actor=ACTOR, organization=organization)
        else:
            approving.return_organization(actor=ACTOR, organization=organization, reason="补")

    # People and assignments

    def add_person(self, a: int, b: int, c: int, d: int, e: int, f: int) -> None:
        number = f"{Person.objects.count():04d}"
        people.add_person(
            actor=ACTOR,
            number=number,
            name=f"人{number}",
            category=CATEGORIES[a % len(CATEGORIES)],
            political_status=STATUSES[b % len(STATUSES)],
            home_unit=self.pick(Unit, c),
        )

    def change_status(self, a: int, b: int, c: int, d: int, e: int, f: int) -> None:
        people.change_political_status(
            actor=ACTOR, person=self.pick(Person, a), status=STATUSES[b % len(STATUSES)], on=day(c)
        )

    def edit_joining(self, a: int, b: int, c: int, d: int, e: int, f: int) -> None:
        changes = {"joined_on": day(c) if b % 4 else None, "confirmed_on": day(d) if e % 3 == 0 else None}
        people.edit_person(actor=ACTOR, person=self.pick(Person, a), changes=changes, reason="查档")

    def end_service(self, a: int, b: int, c: int, d: int, e: int, f: int) -> None:
        leaving.end_service(
            actor=ACTOR, person=self.pick(Person, a), leaving="retired", on=day(c), reason=f"到龄{b}"
        )

    def restore_service(self, a: int, b: int, c: int, d: int, e: int, f: int) -> None:
        left = Person.objects.filter(left_on__isnull=False).order_by("pk").first()
        leaving.restore_service(actor=ACTOR, person=left or self.pick(Person, a), reason="误登")

    def merge_person(self, a: int, b: int, c: int, d: int, e: int, f: int) -> None:
        take = [name for at, name in enumerate(merging.TAKEN) if c >> at % 4 & 1]
        merging.merge_person(
            actor=ACTOR, person=self.pick(Person, a), other=self.pick(Person, b), take=take, reason="重复"
        )

    def transfer_person(self, a: int, b: int, c: int, d: int, e: int, f: int) -> None:
        people.transfer_person(
            actor=ACTOR,
            person=self.pick(Person, a),
            home_unit=self.pick(Unit, b),
            home_branch=self.maybe(Organization, d),
            on=day(c),
            reason="测" if e % 2 else "",
        )

    def assign(self, a: int, b: int, c: int, d: int, e: int, f: int) -> None:
        assignments.assign_people(
            actor=ACTOR,
            organization=self.pick(Organization, a),
            members=self.members(b, d),
            started_on=day(c),
            ended_on=None if e % 3 else day(c + f % 5),
        )

    def change_role(self, a: int, b: int, c: int, d: int, e: int, f: int) -> None:
        assignments.change_role(
            actor=ACTOR, assignment=self.pick(Assignment, a), role=ROLES[b % len(ROLES)], on=day(c)
        )

    def end_assignment(self, a: int, b: int, c: int, d: int, e: int, f: int) -> None:
        assignments.end_assignment(actor=ACTOR, assignment=self.pick(Assignment, a), on=day(c))

    def end_assignments(self, a: int, b: int, c: int, d: int, e: int, f: int) -> None:
        rows = Assignment.objects.filter(organization=self.pick(Organization, a)).order_by("pk")
        assignments.end_assignments(actor=ACTOR, ends=[(row, day(c)) for row in rows])

    def withdraw_assignment(self, a: int, b: int, c: int, d: int, e: int, f: int) -> None:
        assignments.withdraw_assignment(actor=ACTOR, assignment=self.pick(Assignment, a), reason="误")

    def take_back(self, a: int, b: int, c: int, d: int, e: int, f: int) -> None:
        """One of the ten newest acts, or of all (most of which something newer stands on)."""
        entries = list(AuditEntry.objects.filter(pk__in=takeable(AuditEntry.objects.all())).order_by("-pk"))
        entries = entries[: 10 if b % 4 else None]
        if entries:
            take_back(actor=ACTOR, entry=entries[a % len(entries)], reason="误")

    def run(self, step: tuple[str, tuple[int, ...]]) -> None:
        """Take one step; a refusal must have changed nothing."""
        verb, numbers = step
        before = snapshot()
        try:
            getattr(self, verb)(*numbers)
        except OperationRefused:
            assert snapshot() == before, f"{verb} was refused and yet changed something"


VERBS = (
    "add_unit", "move_unit", "move_unit", "move_unit", "merge_unit", "merge_unit", "close_unit", "edit_unit",
    "establish", "establish", "establish", "establish", "edit_established", "edit_dissolved",
    "edit_campaign", "move_organization", "move_organization", "transfer", "transfer", "transfer",
    "dissolve", "dissolve", "withdraw", "step_state",
    "add_person", "change_status", "change_status", "edit_joining", "transfer_person",
    "transfer_person", "end_service", "restore_service", "merge_person",
    "take_back", "take_back", "take_back",
    "assign", "assign", "assign", "change_role", "end_assignment", "end_assignments", "withdraw_assignment",
)  # fmt: skip


def step(seed: int) -> tuple[str, tuple[int, ...]]:
    """A step from one number, for hypothesis alone repeats itself too much to get far. Zero is nothing."""
    if not seed:
        return "nothing", (0,) * 6
    pick = random.Random(seed)
    return pick.choice(VERBS), (
        *(pick.randrange(41) for _ in range(2)),
        pick.randrange(14),
        *(pick.randrange(41) for _ in range(3)),
    )


STEPS = st.lists(st.integers(0, 2**64).map(step), min_size=20, max_size=60)
FEW = 2 if connection.vendor == "postgresql" else 4
"""The sequences of a usual run: each takes ten seconds, on PostgreSQL fifteen."""
LONG = settings.default is not None and settings.default.max_examples > 100


def change_days() -> list[date]:
    """Every day on which something changes, the day before each, and today."""
    found = {TODAY}
    for model, fields in (
        (Unit, ("opened_on", "closed_on")),
        (UnitPlacement, ("started_on",)),
        (Organization, ("established_on", "dissolved_on")),
        (OrganizationPlacement, ("started_on",)),
        (StatusPeriod, ("started_on",)),
        (PersonPlacement, ("started_on", "ended_on")),
        (Assignment, ("started_on", "ended_on")),
        (Person, ("left_on",)),
    ):
        for field in fields:
            for (moment,) in model._base_manager.values_list(field):
                if moment is not None and moment >= FIRST:
                    found |= {moment, moment - timedelta(days=1)}
    return sorted(found)


def questions(moment: date, campaign: Campaign, pick: random.Random) -> list[Question]:
    """Every basis on a day; the periods of one day and of several."""
    since = moment - timedelta(days=pick.randint(1, 6))
    asked = [
        Question(moment, "current"),
        Question(moment, "cumulative"),
        Question(moment, "new"),
        Question(moment, "new", since),
        Question(moment, "ended"),
        Question(moment, "ended", since),
    ]
    return asked + [
        Question(each.as_of, each.basis, each.since, campaign)
        for each in pick.sample(asked, 3 if LONG else 2)
    ]


def length(metric: Any, question: Question, place: Any, states: tuple[str, ...] = APPROVED) -> int:
    """How many rows a number's list has."""
    rows: Callable[..., Any] = organization_rows
    if isinstance(metric, PeopleMetric):
        rows = people_rows if metric.distinct else assignment_rows
    found = list(rows(metric, question, place, states).values_list("pk", flat=True))
    assert len(found) == len(set(found)), "a row is listed twice"
    return len(found)


def check_question(question: Question, ledger: Ledger, rows: list[Unit], pick: random.Random) -> None:
    """Roll-up (total, own, children, pending), drill-down and the Party line against the recount."""
    campaign = question.campaign.pk if question.campaign else None
    ask = (question.basis, question.as_of, question.since, campaign)
    total, own, pending, own_pending = ledger.count(*ask)
    together = count_units(rows, question)
    for unit in rows:
        assert (together[unit.pk].counts, together[unit.pk].pending) == (total[unit.pk], pending[unit.pk])
    for unit in pick.sample(rows, 6 if LONG else 4):
        found = rollup(unit, question)
        assert found.total.counts == total[unit.pk], unit
        assert found.total.pending == pending[unit.pk], unit
        assert (found.own.counts, found.own.pending) == (own[unit.pk], own_pending[unit.pk]), unit
        shown = {line.unit.pk: line for line in found.children}
        for pk in ledger.children(unit.pk, question.as_of):
            line = shown.get(pk, Line())
            assert (line.counts, line.pending) == (total[pk], pending[pk]), (unit, pk)
        assert set(shown) <= ledger.children(unit.pk, question.as_of)
    for metric in pick.sample([*METRICS.values()], 8 if LONG else 4):
        unit = pick.choice(rows)
        slug = metric.slug
        assert length(metric, question, unit) == total[unit.pk][slug]
        alone = [Span(unit.tree_id, unit.lft, unit.lft)]
        assert length(metric, question, alone) == own[unit.pk][slug]
        assert length(metric, question, unit, PENDING_STATES) == pending[unit.pk][slug]
    on_line, _, pending_on_line, _ = ledger.count(*ask, by="party")
    bodies = list(Organization.objects.order_by("pk"))
    for organization in pick.sample(bodies, min(len(bodies), 4 if LONG else 2)):
        counted = count_place(organization, question)
        assert counted.counts == on_line[organization.pk]
        assert counted.pending == pending_on_line[organization.pk]
        metric = pick.choice([*METRICS.values()])
        assert length(metric, question, organization) == on_line[organization.pk][metric.slug]


def check_series(ledger: Ledger, rows: list[Unit], campaign: Campaign, pick: random.Random) -> None:
    """A series says for each day what the recount of that day says."""
    since, until = FIRST - timedelta(days=1), TODAY + timedelta(days=1)
    days = [since + timedelta(days=number) for number in range((until - since).days + 1)]
    for basis in ("current", "cumulative", "new", "ended"):
        with_campaign = pick.choice([None, campaign])
        pk = with_campaign.pk if with_campaign else None
        counted = {moment: ledger.count(basis, moment, None, pk)[0] for moment in days}
        units = pick.sample(rows, 3 if LONG else 2)
        for metric in (
            METRICS["frontline_party_members"],
            *pick.sample([*METRICS.values()], 12 if LONG else 7),
        ):
            found = series_of(units, metric, since, until, Question(TODAY, basis, campaign=with_campaign))
            for unit in units:
                expected = [(moment, counted[moment][unit.pk][metric.slug]) for moment in days]
                assert found[unit.pk] == expected, (unit, metric.slug, basis)


def check_everything(world: RandomWorld, pick: random.Random) -> None:
    """All that must hold after a sequence."""
    ledger = Ledger()
    assert ledger.faults() == []
    rows = list(Unit.objects.order_by("pk"))
    days = change_days()
    for moment in pick.sample(days, min(len(days), 8 if LONG else 4)):
        for question in questions(moment, world.campaign, pick):
            check_question(question, ledger, rows, pick)
    check_series(ledger, rows, world.campaign, pick)
    # The totals hold what the rows say, before they are folded and after.
    assert differences() == []
    fold_counts()
    assert differences() == []
    check_question(Question(days[-1]), ledger, rows, pick)
    check_series(ledger, rows, world.campaign, pick)


@pytest.mark.django_db
@settings(max_examples=settings.default.max_examples if LONG else FEW)
@given(steps=STEPS, seed=st.integers(0, 2**16))
def test_every_count_equals_the_recount_after_any_steps(steps: list[Any], seed: int) -> None:
    with mock.patch("django.utils.timezone.localdate", return_value=TODAY), transaction.atomic():
        world = RandomWorld()
        for step in steps:
            world.run(step)
        check_everything(world, random.Random(seed))
        transaction.set_rollback(True)


def test_every_noun_is_in_the_snapshot() -> None:
    """Otherwise "a refusal changed nothing" would be said of fewer tables than there are."""
    from tests.counting.recount import TABLES

    named = {model.__name__ for model in apps.get_models() if issubclass(model, Registered)} | {
        "UnitPlacement",
        "StatusPeriod",
        "PersonPlacement",
    }
    assert named <= set(TABLES)
