"""Search: what is found, how much is shown, in whose scope."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from registry.models import Organization, Unit
from registry.operations import organizations
from tests.factories import ACTOR, make_organization, make_person, make_unit, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def bureau() -> Unit:
    return make_unit("dezhou", name="德州市公安局", short_name="德州市局", aliases="德州公安")


def ask(client: Client, q: str, **query: str) -> str:
    answer = client.get(reverse("search"), {"q": q, **query})
    assert answer.status_code == 200
    page = answer.content.decode()
    return page[page.index("<h1>") :]


def test_units_organizations_and_people_in_groups(client: Client, bureau: Unit) -> None:
    make_organization(
        bureau, name="德州临时党支部", code="dz-1", aliases="前线支部", approval_number="德公党〔2020〕7号"
    )
    make_person("德胜利", bureau, number="371400123")
    client.force_login(make_user(unit=bureau))
    page = ask(client, "德", as_of="2020-02-20")
    assert page.index('id="units"') < page.index('id="organizations"') < page.index('id="people"')
    for name, argument in (("unit", "dezhou"), ("organization", "dz-1"), ("person", "371400123")):
        assert f"{reverse(name, args=[argument])}?as_of=2020-02-20" in page
    for name in ("organizations", "people"):
        assert f"{reverse(name)}?as_of=2020-02-20&amp;q=%E5%BE%B7" in page
    assert 'id="units"' in ask(client, "德州公安")
    assert 'id="units"' in ask(client, "dezhou")
    assert 'id="organizations"' in ask(client, "前线支部")
    assert 'id="organizations"' in ask(client, "〔2020〕7")
    assert 'id="people"' in ask(client, "3714001")


def test_what_is_found_says_what_has_become_of_it(client: Client, bureau: Unit) -> None:
    ended = make_organization(bureau, name="抗疫支部一")
    organizations.dissolve_organization(actor=ACTOR, organization=ended, on=date(2020, 3, 1), reason="测试")
    make_organization(bureau, name="抗疫支部二", state="submitted")
    sample = make_organization(bureau, name="抗疫支部三")
    Organization.objects.filter(pk=sample.pk).update(is_sample=True)
    client.force_login(make_user(unit=bureau))
    page = ask(client, "抗疫")
    for word in ("2020-03-01 撤销", "已提交", "现有"):
        assert page.count(word) == 1
    assert page.count("tag sample") == 1


def test_nothing_found_and_nothing_asked(client: Client, bureau: Unit) -> None:
    client.force_login(make_user(unit=bureau))
    assert "没有与“青岛<”相符" in ask(client, "青岛<").replace("&lt;", "<")
    assert "输入其中一部分即可" in ask(client, "  ")
    for text in ("%", "\x00", "'", "x" * 3000):
        assert "相符" in ask(client, text) or "输入其中" in ask(client, text)


def test_twenty_of_each_and_the_way_to_all(client: Client, bureau: Unit) -> None:
    for number in range(55):
        make_unit(f"s-{number:02}", bureau, name=f"{number}号派出所")
    for number in range(21):
        make_organization(bureau, name=f"派出所{number}号支部", code=f"z-{number:02}")
        make_person(f"派出所{number}", bureau)
    client.force_login(make_user(unit=bureau))
    page = ask(client, "派出所")
    assert page.count("<tbody") == 3
    assert page.count("<tr") == 3 + 3 * 20
    assert page.count("还有更多") == 2
    assert "only=units" in page
    page = ask(client, "派出所", only="units")
    assert page.count("<tr") == 1 + 50
    assert '<b class="num">55</b>' in page
    assert ask(client, "派出所", only="units", page="2").count("<tr") == 1 + 5


def test_out_of_scope_is_not_found(client: Client, bureau: Unit) -> None:
    other = make_unit("jinan", name="济南市公安局")
    make_organization(other, name="济南临时党支部")
    make_person("济南人", other)
    for user in (make_user(unit=bureau), make_user()):
        client.force_login(user)
        page = ask(client, "济南")
        assert "相符" in page
        assert "<table" not in page
    client.logout()
    assert client.get(reverse("search"), {"q": "济南"}).status_code == 302


def test_the_same_queries_with_one_hit_and_with_three(client: Client, bureau: Unit) -> None:
    client.force_login(make_user(unit=bureau))

    def add(mark: str) -> None:
        unit = make_unit(f"u-{mark}", bureau, name=f"甲{mark}分局")
        make_organization(unit, name=f"甲{mark}支部")
        make_person(f"甲{mark}", unit)

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            ask(client, "甲")
        return len(captured)

    add("1")
    one = queries()
    add("2")
    add("3")
    assert queries() == one
