"""Nobody waits for a lock for ever, nor makes others wait by waiting: on real connections to PostgreSQL."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection, connections, transaction

from registry import locks
from registry.counting.totals.check import differences
from registry.models import Assignment, AuditEntry, Organization, Person, TotalChange, Unit
from registry.operations import assignments, organizations, units
from registry.operations.base import operation
from registry.trees.check import check_all
from tests.factories import ACTOR, DAY, make_organization, make_person, make_unit
from tests.test_concurrency import at_once

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

AT_ONCE = 1.0
"""Seconds for which nobody waits for a lock who has nothing to do with who holds it."""


@contextmanager
def meanwhile(*works: Callable[[], Any], undo: bool = False) -> Iterator[list[Any]]:
    """Let each work go on in a transaction of its own while the block runs; it ends after the block.

    Yields when each has done its work and holds what it holds.
    """
    done = [threading.Event() for _ in works]
    end, results = threading.Event(), []

    def run(place: int) -> None:
        try:
            with transaction.atomic():
                works[place]()
                done[place].set()
                end.wait(timeout=60)
                if undo:
                    raise RuntimeError("undone")
        except Exception as error:
            results.append(error)
            done[place].set()
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(place,), daemon=True) for place in range(len(works))]
    for thread in threads:
        thread.start()
    assert all(each.wait(timeout=60) for each in done)
    try:
        yield results
    finally:
        end.set()
        for thread in threads:
            thread.join(timeout=60)


@contextmanager
def waiting(work: Callable[[], Any]) -> Iterator[list[Any]]:
    """Run a work that must wait while the block runs; what came of it is in the list after the block."""
    result: list[Any] = []

    def run() -> None:
        try:
            result.append(work())
        except Exception as error:
            result.append(error)
        finally:
            connections.close_all()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    time.sleep(0.2)
    try:
        yield result
    finally:
        thread.join(timeout=60)
        assert not thread.is_alive()


def hold(work: Callable[[], Any], wait: float) -> None:
    """Do the work in a transaction that goes on for a while."""
    with transaction.atomic():
        work()
        time.sleep(wait)


@contextmanager
def rolled_back(work: Callable[[], Any]) -> Iterator[None]:
    """Let a work be under way while the block runs, and come to nothing."""

    with meanwhile(work, undo=True) as results:
        yield
    assert [str(each) for each in results] == ["undone"]


@contextmanager
def impatient() -> Iterator[None]:
    """Let the statements of the block fail that wait for a lock."""
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '100ms'")
        yield
        cursor.execute("RESET lock_timeout")


def until_busy(work: Callable[[], Any]) -> float:
    """The seconds after which a work was told that it cannot have its locks."""
    began = time.monotonic()
    with pytest.raises(locks.Busy):
        work()
    return time.monotonic() - began


def everything() -> list[int]:
    return [
        model._base_manager.count() for model in (Unit, Organization, Assignment, AuditEntry, TotalChange)
    ]


@contextmanager
def nothing_changes() -> Iterator[None]:
    before = everything()
    yield
    assert everything() == before
    assert list(check_all()) == []
    assert differences() == []


def move(unit: Unit, superior: Unit) -> Callable[[], Any]:
    return lambda: units.move_unit(actor=ACTOR, unit=unit, superior=superior, on=DAY, reason="测试")


def test_who_waits_for_all_that_count_keeps_none_of_them_waiting(settings: Any) -> None:
    """A unit moves while somebody registers for long: who registers meanwhile does not queue behind it."""
    settings.LOCK_WAIT_SECONDS = 2
    top = make_unit("top")
    first, second = make_unit("first", top), make_unit("second", top)
    with (
        meanwhile(lambda: make_organization(first)),
        waiting(move(second, first)) as moved,
    ):
        for _ in range(5):
            with locks.patient(AT_ONCE):
                make_organization(second)
            time.sleep(0.2)
    assert isinstance(moved[0], locks.Busy), moved
    second.refresh_from_db()
    assert second.parent == top
    assert list(check_all()) == []
    assert differences() == []


def test_who_waits_for_all_that_count_gets_its_turn() -> None:
    top = make_unit("top")
    first, second = make_unit("first", top), make_unit("second", top)
    with waiting(lambda: hold(lambda: make_organization(first), 0.7)), waiting(move(second, first)) as moved:
        assert moved == []
    assert isinstance(moved[0], Unit), moved
    second.refresh_from_db()
    assert second.parent == first


def test_what_many_share_is_waited_for_in_turns(settings: Any) -> None:
    settings.LOCK_WAIT_SECONDS = 1
    unit = make_unit()
    shared: dict[Callable[[], None], Callable[[], None]] = {
        lambda: locks.retire_units([unit]): lambda: locks.use_units([unit]),
        lambda: locks.retire_campaigns([unit]): lambda: locks.use_campaigns([unit]),  # type: ignore[list-item]
        locks.lock_whole_forest: lambda: locks.lock_organization_trees([]),
        locks.lock_hierarchy: lambda: locks.lock_hierarchy(shared=True),
    }
    for alone, together in shared.items():
        with meanwhile(together), waiting(lambda alone=alone: hold(alone, 0)) as waited:
            for _ in range(4):
                with locks.patient(AT_ONCE / 2):
                    hold(together, 0.1)
        assert isinstance(waited[0], locks.Busy), waited


def test_a_wait_past_the_limit_is_told_and_changes_nothing(settings: Any) -> None:
    """For a tree, for somebody, for a unit that others place at, and for a row that anybody writes."""
    settings.LOCK_WAIT_SECONDS = 0.5
    unit, other, empty = (make_unit(code) for code in ("unit", "other", "empty"))
    tree, somebody = make_organization(unit, "general_branch"), make_person("张三", unit)

    def work_on() -> None:
        make_organization(empty)
        assignments.assign_person(actor=ACTOR, organization=tree, person=somebody, started_on=DAY)

    @operation
    def annotate() -> None:
        Person.objects.filter(pk=somebody.pk).update(note="别人写过")

    with nothing_changes(), rolled_back(work_on):
        for work in (
            lambda: make_organization(unit, parent=tree),
            lambda: make_organization(other, members=[organizations.Member(somebody)]),
            lambda: units.close_unit(actor=ACTOR, unit=empty, on=DAY, reason="撤"),
        ):
            assert 0.4 < until_busy(work) < 3
        with impatient():
            until_busy(annotate)


def test_all_waits_of_an_operation_have_one_limit(settings: Any) -> None:
    settings.LOCK_WAIT_SECONDS = 0.8
    unit = make_unit()
    first, second = make_organization(unit), make_organization(unit)

    @operation
    def both() -> None:
        locks.lock_organization_trees([first])
        locks.lock_organization_trees([second])

    with (
        meanwhile(lambda: locks.lock_organization_trees([second])),
        waiting(lambda: hold(lambda: locks.lock_organization_trees([first]), 0.7)),
    ):
        assert until_busy(both) < 1.2


def test_who_has_time_waits_longer(settings: Any) -> None:
    """As the worker has. What stands within the block waits no longer than the block."""
    settings.LOCK_WAIT_SECONDS = 0.2
    unit = make_unit()
    tree = make_organization(unit, "committee", is_temporary=False)
    with (
        waiting(lambda: hold(lambda: locks.lock_organization_trees([tree]), 0.7)),
        locks.patient(20),
        locks.patient(0.1),
    ):
        make_organization(unit, parent=tree)
    assert Organization.objects.count() == 2


def test_a_root_is_locked_where_its_tree_went() -> None:
    """Who waits for a tree whose root goes below another one meanwhile is told, and begins again."""
    unit = make_unit()
    root, other = (make_organization(unit, "committee", is_temporary=False) for _ in range(2))
    branch = make_organization(unit, parent=root)
    held, met = threading.Event(), threading.Event()

    def mover() -> None:
        with transaction.atomic():
            organizations.move_organization(actor=ACTOR, organization=root, parent=other, reason="测试")
            held.set()
            met.wait(timeout=30)

    def waiter() -> str:
        held.wait(timeout=30)
        threading.Timer(0.4, met.set).start()
        with transaction.atomic(), pytest.raises(locks.TreeChanged):
            locks.lock_organization_trees([branch])
        organizations.dissolve_organization(actor=ACTOR, organization=branch, on=DAY, reason="测试")
        return "dissolved"

    assert at_once([mover, waiter]) == [None, "dissolved"]
    assert list(check_all()) == []
