"""Many writers at once on real connections to PostgreSQL: nothing lost, no deadlock told, valid trees."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection, connections, transaction
from django.db.models import Count

from registry import locks
from registry.counting.totals.check import differences
from registry.logbooks.models import Entry
from registry.logbooks.operations.entries import add_entry
from registry.logbooks.operations.logbooks import copy_shipped
from registry.models import Assignment, AuditEntry, Organization, Person, Unit, User
from registry.operations import assignments, organizations, units
from registry.operations.base import operation
from registry.refusals import OperationRefused
from registry.rules.borrowing import TOO_MANY, WRONG, Claim, borrowed
from registry.trees.check import check_all
from tests.counting.recount import Ledger
from tests.factories import ACTOR, DAY, make_organization, make_person, make_unit, make_user

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

WRITERS = 8
STEPS = 30


def at_once(jobs: list[Callable[[], Any]]) -> list[Any]:
    """Run the jobs together, each on a connection of its own; the result of each or what it raised."""
    results: list[Any] = [None] * len(jobs)
    ready = threading.Barrier(len(jobs))

    def run(place: int) -> None:
        try:
            connection.ensure_connection()
            ready.wait(timeout=30)
            results[place] = jobs[place]()
        except Exception as error:
            results[place] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(place,), daemon=True) for place in range(len(jobs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=120)
        assert not thread.is_alive(), "a writer hangs"
    return results


class Writer:
    """Does random things to whatever is there and keeps account of what was done."""

    VERBS = ("found", "move", "dissolve", "assign", "transfer", "move_unit", "merge_unit", "add_unit")
    WEIGHTS = (6, 5, 2, 6, 4, 2, 0.3, 1)

    def __init__(self, number: int) -> None:
        self.number = number
        self.pick = random.Random(number)
        self.done: Counter[str] = Counter()
        self.founded: list[str] = []
        self.assigned: list[int] = []
        self.dissolved: list[int] = []

    def any(self, model: type[Any]) -> Any:
        return self.pick.choice(list(model.objects.order_by("pk")))

    def day(self) -> date:
        return DAY + timedelta(days=self.pick.randint(0, 10))

    def run(self) -> Writer:
        verbs: Iterator[str] = iter(self.pick.choices(self.VERBS, self.WEIGHTS, k=STEPS))
        for place, verb in enumerate(verbs):
            try:
                getattr(self, verb)(place)
            except OperationRefused:
                self.done["refused"] += 1
        return self

    def found(self, place: int) -> None:
        parent = None if self.pick.random() < 0.2 else self.any(Organization)
        code = f"w{self.number}-{place}"
        organizations.establish_organization(
            actor=ACTOR,
            unit=self.any(Unit),
            kind=self.pick.choice(["general_branch", "branch", "branch", "group"]),
            name=code,
            code=code,
            is_temporary=True,
            established_on=self.day(),
            state="approved",
            parent=parent,
            members=[organizations.Member(self.any(Person))],
        )
        self.done["establish_organization"] += 1
        self.founded.append(code)

    def move(self, place: int) -> None:
        parent = None if self.pick.random() < 0.2 else self.any(Organization)
        organizations.move_organization(
            actor=ACTOR, organization=self.any(Organization), parent=parent, reason="测试"
        )
        self.done["move_organization"] += 1

    def dissolve(self, place: int) -> None:
        made = organizations.dissolve_organization(
            actor=ACTOR, organization=self.any(Organization), on=DAY + timedelta(days=12), reason="测试"
        )
        self.dissolved += [each.pk for each in made.organizations]
        self.done["dissolve_organization"] += len(made.organizations)

    def assign(self, place: int) -> None:
        made = assignments.assign_person(
            actor=ACTOR, organization=self.any(Organization), person=self.any(Person), started_on=self.day()
        )
        self.assigned.append(made.pk)
        self.done["assign_person"] += 1

    def transfer(self, place: int) -> None:
        organizations.transfer_organization(
            actor=ACTOR,
            organization=self.any(Organization),
            unit=self.any(Unit),
            on=DAY + timedelta(days=self.pick.randint(5, 11)),
            reason="测试",
        )
        self.done["transfer_organization"] += 1

    def add_unit(self, place: int) -> None:
        make_unit(f"w{self.number}-{place}", self.any(Unit))
        self.done["add_unit"] += 1

    def move_unit(self, place: int) -> None:
        units.move_unit(
            actor=ACTOR,
            unit=self.any(Unit),
            superior=self.any(Unit),
            on=DAY + timedelta(days=place),
            reason="测试",
        )
        self.done["move_unit"] += 1

    def merge_unit(self, place: int) -> None:
        units.merge_unit(
            actor=ACTOR,
            unit=self.any(Unit),
            into=self.any(Unit),
            on=DAY + timedelta(days=40),
            reason="合并",
        )
        self.done["merge_unit"] += 1


def test_eight_writers_lose_nothing() -> None:
    top = make_unit("top")
    places = [make_unit(f"p{number}", top) for number in range(3)]
    places += [make_unit(f"q{number}", places[number % 3]) for number in range(4)]
    for number in range(12):
        make_person(f"人{number}", top)
    for number, unit in enumerate(places[:4]):
        committee = make_organization(unit, "committee", code=f"c{number}", is_temporary=False)
        general = make_organization(unit, "general_branch", code=f"g{number}", parent=committee)
        make_organization(unit, "branch", code=f"b{number}", parent=general)
    there, recorded = Organization.objects.count(), _recorded()

    writers = at_once([Writer(number).run for number in range(WRITERS)])

    assert [each for each in writers if isinstance(each, Exception)] == []
    done = sum((writer.done for writer in writers), Counter())
    refused = done.pop("refused", 0)
    assert sum(done.values()) > refused / 8, "nearly everything was refused: the test tests little"
    assert _recorded() - recorded == done
    founded = [code for writer in writers for code in writer.founded]
    assert Organization.objects.filter(code__in=founded).count() == len(founded)
    assert Organization.objects.count() == there + len(founded)
    assigned = [pk for writer in writers for pk in writer.assigned]
    assert Assignment.objects.filter(pk__in=assigned).count() == len(assigned)
    dissolved = [pk for writer in writers for pk in writer.dissolved]
    assert len(dissolved) == len(set(dissolved)), "dissolved twice"
    assert set(Organization.objects.filter(dissolved_on__isnull=False).values_list("pk", flat=True)) == set(
        dissolved
    )
    assert Ledger().faults() == []


def test_eight_writers_of_the_unit_tree() -> None:
    """Units alone, which all share one tall tree."""

    class UnitWriter(Writer):
        VERBS = ("add_unit", "move_unit")
        WEIGHTS = (1, 2)

        def move_unit(self, place: int) -> None:
            units.move_unit(actor=ACTOR, unit=self.any(Unit), superior=self.any(Unit), on=DAY, reason="测试")
            self.done["move_unit"] += 1

    top = make_unit("top")
    for number in range(4):
        make_unit(f"q{number}", make_unit(f"p{number}", top))
    there = Unit.objects.count()
    writers = at_once([UnitWriter(number).run for number in range(WRITERS)])
    assert [each for each in writers if isinstance(each, Exception)] == []
    done = sum((writer.done for writer in writers), Counter())
    assert done["move_unit"] > WRITERS
    assert Unit.objects.count() == there + done["add_unit"]
    assert Ledger().faults() == []


def _recorded() -> Counter[str]:
    # Borrowed members of a founding have entries of their own, which are parts of its.
    acts = AuditEntry.objects.exclude(verb="assign_person", part_of__isnull=False)
    return Counter(acts.values_list("verb", flat=True))


def test_one_of_two_wins_when_both_assign_the_same_person() -> None:
    unit = make_unit()
    for _ in range(5):
        person, organization = make_person("李四", unit), make_organization(unit)
        results = at_once(
            [
                lambda person=person, organization=organization: assignments.assign_person(
                    actor=ACTOR, organization=organization, person=person, started_on=DAY
                )
            ]
            * 2
        )
        (won,) = (each for each in results if isinstance(each, Assignment))
        (lost,) = (each for each in results if isinstance(each, OperationRefused))
        assert "李四" in lost.messages[0]
        assert "同一时间已在" in lost.messages[0]
        assert list(Assignment.objects.filter(person=person)) == [won]


def test_one_of_two_wins_where_a_logbook_has_one_live_entry_of_each() -> None:
    unit = make_unit()
    branch = make_organization(unit)
    (book,) = copy_shipped(actor=ACTOR, unit=unit, codes=["brand"], started_on=DAY)
    enter = partial(add_entry, actor=ACTOR, logbook=book, unit=unit, happened_on=DAY, organization=branch)
    results = at_once([partial(enter, values={"name": name}) for name in ("红帆", "蓝盾")])
    (won,) = (each for each in results if isinstance(each, Entry))
    (lost,) = (each for each in results if isinstance(each, OperationRefused))
    assert f"已有 {DAY} 登记的“{won}”" in lost.messages[0]


def test_roots_founded_at_once_get_trees_of_their_own() -> None:
    unit = make_unit()
    made = at_once([lambda: make_organization(unit)] * 6)
    assert len({each.tree_id for each in made}) == 6
    assert Ledger().faults() == []


def test_who_makes_a_tree_waits_for_nobody_who_makes_another() -> None:
    """Founded or cut loose while another new tree is not committed yet: each has a number of its own."""
    unit = make_unit()
    committee = make_organization(unit, "committee", is_temporary=False)
    branch = make_organization(unit, parent=committee)
    founded, others = threading.Event(), threading.Barrier(3)

    def first() -> Organization:
        with transaction.atomic():
            made = make_organization(unit)
            founded.set()
            others.wait(timeout=20)  # the other two have committed by then
        return made

    def second() -> Organization:
        founded.wait(timeout=20)
        made = make_organization(unit)
        others.wait(timeout=20)
        return made

    def third() -> Organization:
        founded.wait(timeout=20)
        moved = organizations.move_organization(actor=ACTOR, organization=branch, parent=None, reason="测试")
        others.wait(timeout=20)
        return moved

    made = at_once([first, second, third])
    assert [each for each in made if isinstance(each, Exception)] == []
    assert len({committee.tree_id, *(each.tree_id for each in made)}) == 4
    assert Ledger().faults() == []


def test_eight_found_across_the_country_at_once() -> None:
    """Roots, and branches below the same few committees: all there with their people, in sound trees."""
    top = make_unit("top")
    places = [make_unit(f"city-{number}", top) for number in range(4)]
    committees = [make_organization(unit, "committee", is_temporary=False) for unit in places]
    there = Organization.objects.count()
    crowd = [make_person(f"人{number}", top) for number in range(20)]

    def found(number: int) -> list[str]:
        pick = random.Random(number)
        codes = [f"w{number}-{step}" for step in range(12)]
        for step, code in enumerate(codes):
            members = [organizations.Member(person) for person in pick.sample(crowd, 5)]
            parent = None if step % 3 == 0 else committees[(number + step) % 4]
            make_organization(pick.choice(places), code=code, parent=parent, members=members)
        return codes

    codes = at_once([lambda number=number: found(number) for number in range(WRITERS)])
    assert [each for each in codes if isinstance(each, Exception)] == []
    founded = Organization.objects.filter(code__in=[code for each in codes for code in each])
    assert founded.count() == Organization.objects.count() - there == WRITERS * 12
    assert set(founded.annotate(people=Count("assignments")).values_list("people", flat=True)) == {5}
    assert founded.filter(parent=None).values("tree_id").distinct().count() == WRITERS * 4
    assert [str(fault) for fault in check_all()] == []
    assert differences() == []


def test_one_code_is_given_once() -> None:
    unit = make_unit()
    results = at_once([lambda: make_organization(unit, code="one-and-only")] * 4)
    refused = [each for each in results if isinstance(each, OperationRefused)]
    assert len(refused) == 3
    assert all("code" in each.message_dict for each in refused)
    assert Organization.objects.filter(code="one-and-only").count() == 1


def test_nothing_is_established_at_a_unit_that_is_closed_at_once() -> None:
    ends = set()
    for number in range(8):
        unit = make_unit(f"closing-{number}")
        established, closed = at_once(
            [
                lambda unit=unit: make_organization(unit),
                lambda unit=unit: units.close_unit(actor=ACTOR, unit=unit, on=DAY, reason="撤"),
            ]
        )
        is_established, is_closed = isinstance(established, Organization), isinstance(closed, Unit)
        assert is_established != is_closed, (established, closed)
        lost = closed if is_established else established
        assert isinstance(lost, OperationRefused)
        ends.add(is_established)
    assert Ledger().faults() == []


def test_a_merger_takes_over_what_is_there_when_it_has_the_locks() -> None:
    """An organization that is transferred away while the merger waits for it stays where it went."""
    unit, into, elsewhere = make_unit("unit"), make_unit("into"), make_unit("elsewhere")
    for _ in range(6):
        organization = make_organization(unit)
        moved, merged = at_once(
            [
                lambda organization=organization: organizations.transfer_organization(
                    actor=ACTOR,
                    organization=organization,
                    unit=elsewhere,
                    on=DAY + timedelta(days=2),
                    reason="测试",
                ),
                lambda unit=unit: units.merge_unit(
                    actor=ACTOR, unit=unit, into=into, on=DAY + timedelta(days=3), reason="并"
                ),
            ]
        )
        assert isinstance(merged, Unit), merged
        organization.refresh_from_db()
        if isinstance(moved, Organization):
            assert organization.unit_id == elsewhere.pk
        else:
            # The transfer of an earlier day comes after the merger: it is too late.
            assert isinstance(moved, OperationRefused)
            assert organization.unit_id == into.pk
        unit = make_unit()
    assert Ledger().faults() == []


def test_a_deadlock_is_tried_again() -> None:
    """Two transactions take two rows in opposite order: PostgreSQL ends one, the operation repeats it."""
    first, second = make_unit("first"), make_unit("second")
    met = threading.Barrier(2)
    attempts: Counter[int] = Counter()

    def writer(number: int, order: tuple[Unit, Unit]) -> Callable[[], str]:
        @operation
        def write() -> str:
            attempts[number] += 1
            Unit.objects.filter(pk=order[0].pk).update(note=f"{number}")
            if attempts[number] == 1:
                met.wait(timeout=30)
            Unit.objects.filter(pk=order[1].pk).update(note=f"{number}")
            return "done"

        return write

    assert at_once([writer(1, (first, second)), writer(2, (second, first))]) == ["done", "done"]
    assert sum(attempts.values()) == 3


def test_a_row_that_went_to_another_tree_meanwhile_is_told() -> None:
    """Whoever waits for a tree's lock learns that the row has left the tree, and starts again."""
    unit = make_unit()
    first, second = (make_organization(unit, "committee", is_temporary=False) for _ in range(2))
    branch = make_organization(unit, parent=first)
    held, waiting = threading.Event(), threading.Event()

    def mover() -> str:
        with transaction.atomic():
            locks.lock_organization_trees([branch, second])
            held.set()
            waiting.wait(timeout=30)
            organizations.move_organization(actor=ACTOR, organization=branch, parent=second, reason="测试")
        return "moved"

    def waiter() -> str:
        held.wait(timeout=30)
        threading.Timer(0.5, waiting.set).start()
        with transaction.atomic(), pytest.raises(locks.TreeChanged):
            locks.lock_organization_trees([branch])
        return "told"

    assert at_once([mover, waiter]) == ["moved", "told"]


def test_many_requests_at_once_get_no_more_guesses(settings: Any) -> None:
    """Guesses are counted in the database, one request of a user after the other."""
    settings.PLACING_FAILURES = 6
    clerk = make_user("clerk", make_unit("left"), "clerk")

    def ask(place: int) -> list[str]:
        claims = [Claim(f"{place}{n}", "某人") for n in range(5)]
        return list(borrowed(User.objects.get(pk=clerk.pk), claims).problems.values())

    said = Counter(
        each for answers in at_once([lambda at=at: ask(at) for at in range(4)]) for each in answers
    )
    assert said == {WRONG: 6, TOO_MANY.format(minutes=15): 14}
    entries = AuditEntry.objects.filter(verb="look_up_numbers")
    assert sum(entry.after["not_found"] for entry in entries) == 6
    assert AuditEntry.objects.filter(verb="borrowing_locked").count() == 1
