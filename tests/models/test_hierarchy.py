"""What is remembered of the hierarchy, when, and what "everything" is."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from registry.models import Unit
from registry.models.hierarchy import Moves, Span, UnitHierarchy, everything, move_days, remembering
from registry.operations import units
from tests.factories import ACTOR, make_unit
from tests.operations.checks import day

pytestmark = pytest.mark.django_db


def span(unit: Unit) -> Span:
    unit.refresh_from_db()
    return Span(unit.tree_id, unit.lft, unit.rght)


def move(unit: Unit, superior: Unit, on: int) -> None:
    units.move_unit(actor=ACTOR, unit=unit, superior=superior, on=day(on), reason="测试")


def test_one_query_for_all_the_days_of_a_request() -> None:
    top = make_unit("top")
    a, b = make_unit("a", top), make_unit("b", top)
    child = make_unit("child", a)
    move(child, b, 5)
    for unit in (a, b, child):
        unit.refresh_from_db()
    with remembering(), CaptureQueriesContext(connection) as queries:
        Moves.after(day(0))
        before, after = UnitHierarchy.on(day(4)), UnitHierarchy.on(day(5))
        assert move_days(day(0), day(9)) == [day(5)]
        with remembering():  # inside another one nothing is forgotten
            UnitHierarchy.on(day(3))
    assert len(queries) == 1
    assert (before.superior_id(child), after.superior_id(child)) == (a.pk, b.pk)
    # An earlier day needs more of them than was read.
    with remembering(), CaptureQueriesContext(connection) as queries:
        UnitHierarchy.on(day(4))
        UnitHierarchy.on(day(1))
    assert len(queries) == 2


def test_nothing_is_remembered_from_one_request_to_the_next() -> None:
    top = make_unit("top")
    a, b = make_unit("a", top), make_unit("b", top)
    child = make_unit("child", a)
    with remembering():
        assert UnitHierarchy.on(day(4)).is_todays
        assert everything([span(top)])
    move(child, b, 5)
    make_unit("other")
    with remembering():
        assert UnitHierarchy.on(day(4)).superior_id(Unit.objects.get(code="child")) == a.pk
        assert not everything([span(top)])


def test_everything_is_every_tree_from_its_root() -> None:
    top = make_unit("top")
    child = make_unit("child", top)
    assert everything([span(top)])
    assert not everything([span(child)])
    assert not everything([])
    other = make_unit("other")
    assert not everything([span(top)])
    assert everything([span(other), span(top)])
    whole = span(top)
    assert not everything([span(other), whole._replace(hi=whole.hi - 1)])


def test_the_path_on_a_day_before_moves() -> None:
    """Out of something that moved itself: each hop is followed, and each costs one query."""
    top = make_unit("top")
    a, b = make_unit("a", top), make_unit("b", top)
    c = make_unit("c", a)
    d = make_unit("d", c)
    move(c, b, 5)
    move(d, top, 7)

    def path(number: int) -> list[str]:
        return [unit.code for unit in UnitHierarchy.on(day(number)).path(Unit.objects.get(code="d"))]

    assert path(4) == ["top", "a", "c", "d"]
    assert path(6) == ["top", "b", "c", "d"]
    assert path(7) == ["top", "d"]
