"""Pickers: what they find, in which order, in whose scope."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from registry.models import Organization, Unit
from registry.operations import organizations, units
from tests.factories import ACTOR, DAY, make_organization, make_person, make_unit, make_user

pytestmark = [pytest.mark.look, pytest.mark.django_db]


@pytest.fixture
def bureau() -> Unit:
    return make_unit("dezhou", name="德州市公安局", short_name="德州市局", aliases="德州公安; 市局")


def ask(client: Client, name: str, **query: str) -> str:
    answer = client.get(reverse(name), query)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def test_units_by_name_short_name_alias_and_code(client: Client, bureau: Unit) -> None:
    client.force_login(make_user(unit=bureau))
    for text in ("德州市公安", "市局", "德州公安", "dezh", "DEZHOU"):
        said = ask(client, "pick_units", q=text)
        assert 'data-value="dezhou" data-label="德州市公安局" data-note=""' in said, text
    assert "没有找到“青岛”" in ask(client, "pick_units", q="青岛")
    assert ask(client, "pick_units", q="  ") == ""


def test_the_field_of_the_picker_itself_is_read(client: Client, bureau: Unit) -> None:
    client.force_login(make_user(unit=bureau))
    assert "dezhou" in ask(client, "pick_units", superior_text="德州")


def test_out_of_scope_is_not_found(client: Client, bureau: Unit) -> None:
    other = make_unit("jinan", name="济南市公安局")
    make_organization(other, code="jinan-zhibu", name="济南临时党支部")
    make_person("李四", other, number="370100001")
    for user in (make_user(unit=bureau), make_user()):
        client.force_login(user)
        assert "pick-option" not in ask(client, "pick_units", q="jinan")
        assert "pick-option" not in ask(client, "pick_organizations", q="济南临时")
        assert "pick-option" not in ask(client, "pick_people", q="李四")
        assert "pick-option" not in ask(client, "pick_people", q="370100001")


def test_the_best_hit_comes_first_and_twenty_are_shown(client: Client, bureau: Unit) -> None:
    for number in range(21):
        make_unit(f"a-{number:02}", bureau, name=f"{number}号站,属德州市公安局")
    make_unit("z", bureau, name="德州市公安局运河分局")
    client.force_login(make_user(unit=bureau))
    said = ask(client, "pick_units", q="德州市公安局")
    assert said.count("pick-option") == 20
    assert said.index('data-value="dezhou"') < said.index('data-value="z"') < said.index('data-value="a-00"')
    assert "还有更多" in said


def test_units_where_the_user_may_act_only(client: Client, bureau: Unit) -> None:
    below = make_unit("below", bureau, name="德城分局")
    shut = make_unit("shut", below, name="德城旧所")
    units.close_unit(actor=ACTOR, unit=shut, on=DAY, reason="并所")
    user = make_user(unit=bureau, role="viewer")
    user.grants.create(unit=below, role="clerk", started_on=DAY)
    client.force_login(user)
    assert "2020-02-01 撤并" in ask(client, "pick_units", q="德城旧所")
    said = ask(client, "pick_units", q="德", verb="add_person")
    assert 'data-value="below"' in said
    assert 'data-value="dezhou"' not in said
    assert 'data-value="shut"' not in said
    assert "pick-option" not in ask(client, "pick_units", q="德", verb="edit_unit")
    assert "pick-option" not in ask(client, "pick_units", q="德", verb="nonsense")


def test_organizations_that_may_stand_above_a_kind(client: Client, bureau: Unit) -> None:
    committee = make_organization(bureau, "committee", code="weiyuan", name="市局临时党委")
    make_organization(bureau, "branch", code="zhibu", name="市局临时党支部", parent=committee)
    ended = make_organization(bureau, "committee", code="jiu", name="市局临时旧党委")
    organizations.dissolve_organization(actor=ACTOR, organization=ended, on=date(2020, 3, 1), reason="测试")
    withdrawn = make_organization(bureau, "committee", code="wu", name="市局临时误录党委")
    organizations.withdraw_organization(
        actor=ACTOR, organization=Organization.objects.get(pk=withdrawn.pk), reason="误录"
    )
    client.force_login(make_user(unit=bureau))
    said = ask(client, "pick_organizations", q="市局临时", kind="branch")
    assert 'data-value="weiyuan"' in said
    assert "临时党委 · 德州市局" in said
    for code in ("zhibu", "jiu", "wu"):
        assert f'data-value="{code}"' not in said
    on_the_day = ask(client, "pick_organizations", q="市局临时", kind="branch", as_of="2020-02-10")
    assert 'data-value="jiu"' in on_the_day
    every = ask(client, "pick_organizations", q="市局临时")
    assert 'data-value="zhibu"' in every
    assert "2020-03-01 撤销" in every
    assert 'data-value="wu"' not in every


def test_people_by_name_and_number_with_what_tells_them_apart(client: Client, bureau: Unit) -> None:
    make_person("王建国", bureau, number="000123")
    sample = make_person("王建军", bureau, number="000124", political_status="masses")
    type(sample).objects.filter(pk=sample.pk).update(is_sample=True)
    client.force_login(make_user(unit=bureau))
    said = ask(client, "pick_people", q="王建")
    assert 'data-note="000123 · 正式党员 · 德州市局"' in said
    assert 'data-note="000124 · 群众 · 德州市局 · 演示"' in said
    assert said.count("pick-option") == 2
    assert ask(client, "pick_people", q="000124").count("pick-option") == 1


def test_a_person_placed_twice_is_found_once(client: Client, bureau: Unit) -> None:
    from tests.factories import assign

    person = make_person("赵六", make_unit("far"), number="9")
    for code in ("one", "two"):
        assign(make_organization(bureau, code=code), person)
    client.force_login(make_user(unit=bureau))
    assert ask(client, "pick_people", q="赵六").count("pick-option") == 1


@pytest.mark.parametrize("text", ["%", "_", "\x00", "'", "x" * 5000, "<b>"])
def test_odd_text_is_only_text(client: Client, bureau: Unit, text: str) -> None:
    client.force_login(make_user(unit=bureau))
    for name in ("pick_units", "pick_organizations", "pick_people"):
        said = ask(client, name, q=text)
        assert "pick-option" not in said
        assert "<b>" not in said


def test_the_queries_do_not_grow_with_the_hits(client: Client, bureau: Unit) -> None:
    client.force_login(make_user(unit=bureau))

    def queries(name: str) -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            ask(client, name, q="甲")
        return len(captured)

    def add(mark: str) -> None:
        unit = make_unit(f"u-{mark}", bureau, name=f"甲{mark}分局")
        make_organization(unit, name=f"甲{mark}支部")
        make_person(f"甲{mark}", unit)

    names = ("pick_units", "pick_organizations", "pick_people")
    add("1")
    one = [queries(name) for name in names]
    add("2")
    add("3")
    assert [queries(name) for name in names] == one


def test_reading_only_and_for_those_who_are_logged_in(client: Client, bureau: Unit) -> None:
    assert client.get(reverse("pick_units")).status_code == 302
    client.force_login(make_user(unit=bureau))
    assert client.post(reverse("pick_units")).status_code == 405
