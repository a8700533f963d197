"""Statements that are put together once: other values give other rows, a sum with a value is refused."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection

from registry.models import Organization, Unit
from registry.models.prepared import read_by_keys, read_objects, read_rows, statement_of
from tests.factories import make_organization, make_unit

pytestmark = pytest.mark.django_db
MADE: list[Any] = []


def founded(values: Any, *fields: str) -> Any:
    """Return what was founded at a unit up to a day."""
    MADE.append(values)
    day, unit = values
    return (
        Organization.objects.filter(established_on__lte=day, unit_id=unit)
        .order_by("code")
        .values_list(*fields)
    )


def with_units(values: Any) -> Any:
    return Organization.objects.filter(unit_id=values[0]).select_related("unit").order_by("code")


def a_day_later(values: Any) -> Any:
    return Organization.objects.filter(established_on=values[0] + timedelta(days=1)).values_list("pk")


def one_of_none(values: Any) -> Any:
    return Unit.objects.filter(pk__in=[]).values_list("pk")


@pytest.fixture
def top() -> Unit:
    """A unit with an organization of the 2nd and one of the 20th of February."""
    top = make_unit("top")
    for day in (2, 20):
        make_organization(top, code=f"of-{day}", established_on=date(2020, 2, day))
    return top


def test_other_values_give_other_rows_of_a_statement_that_is_put_together_once(top: Unit) -> None:
    MADE.clear()
    at = {
        day: read_rows(founded, [date(2020, 2, day), top.pk], "code", "established_on") for day in (1, 10, 28)
    }
    assert at == {
        1: [],
        10: [("of-2", date(2020, 2, 2))],
        28: [("of-2", date(2020, 2, 2)), ("of-20", date(2020, 2, 20))],
    }
    assert len(MADE) == 1


def test_another_shape_is_another_statement(top: Unit) -> None:
    assert read_rows(founded, [date(2020, 2, 10), top.pk], "code") == [("of-2",)]
    assert read_rows(founded, [date(2020, 2, 10), top.pk], "name", "code")[0][1] == "of-2"


def test_objects_come_with_those_selected_along(top: Unit, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        found = read_objects(with_units, [top.pk])
        assert [(each.code, each.unit.code, each.established_on.day) for each in found] == [
            ("of-2", "top", 2),
            ("of-20", "top", 20),
        ]


@pytest.mark.postgres
def test_one_plan_serves_all_values_and_a_session_that_knows_it_from_before(
    top: Unit, django_assert_num_queries: Any
) -> None:
    def read(day: int) -> list[str]:
        return [
            code for (code,) in read_rows(founded, [date(2020, 2, day), top.pk], "code", planned_once=True)
        ]

    with django_assert_num_queries(3):
        assert [read(day) for day in (1, 10, 28)] == [[], ["of-2"], ["of-2", "of-20"]]
    with connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM pg_prepared_statements WHERE name LIKE 'founded%'")
        assert cursor.fetchone() == (1,)
    delattr(connection, "registry_planned")  # as where a pool hands out the session to another process
    assert read(10) == ["of-2"]
    assert read_objects(with_units, [top.pk], planned_once=True)[1].code == "of-20"


def test_a_sum_with_a_value_is_refused_since_it_would_be_that_of_the_first(top: Unit) -> None:
    with pytest.raises(TypeError, match="a sum with a value"):
        read_rows(a_day_later, [date(2020, 2, 1)])


def test_a_query_without_rows_asks_nothing(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        assert read_rows(one_of_none, [1]) == []
    assert statement_of(one_of_none, [1]) is None


def test_few_keys_and_many_are_two_statements(top: Unit, django_assert_num_queries: Any) -> None:
    pks = {each.code: each.pk for each in Organization.objects.all()}
    with django_assert_num_queries(2):
        few = read_by_keys(Organization.objects.all, (), [pks["of-2"]])
        many = read_by_keys(Organization.objects.all, (), [*range(900_000, 900_060), *pks.values()])
        none = read_by_keys(Organization.objects.all, (), [])
    assert [each.code for each in few] == ["of-2"]
    assert {each.code for each in many} == set(pks)
    assert none == []
