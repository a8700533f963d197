"""The tree: from the top unit to the member, a level at a time."""

from __future__ import annotations

import re
from datetime import date
from html import unescape

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from registry.models import Organization, Person, Unit, UnitPlacement
from registry.operations import organizations, units
from tests.factories import (
    ACTOR,
    assign,
    make_campaign,
    make_organization,
    make_person,
    make_unit,
    make_user,
)

pytestmark = [pytest.mark.look, pytest.mark.django_db]

LATER = "2020-02-20"


@pytest.fixture
def department() -> Unit:
    return make_unit("shandong", name="山东省公安厅", kind="department")


@pytest.fixture
def bureau(department: Unit) -> Unit:
    return make_unit("dezhou", department, name="德州市公安局", short_name="德州市局")


@pytest.fixture
def decheng(bureau: Unit) -> Unit:
    return make_unit("decheng", bureau, name="德城分局", short_name="德城分局")


def ask(client: Client, name: str, *args: str, **query: str) -> str:
    answer = client.get(reverse(name, args=args), {"as_of": LATER, **query})
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def nodes(page: str) -> list[str]:
    """The words of each node, without those of the nodes below it."""
    page = page.partition('<template id="tree-failed"')[0]
    return words(re.findall(r'<li role="treeitem".*?(?:</a>|</button> </li>)', page))


def words(rows: list[str]) -> list[str]:
    """The texts of rows, without their markup."""
    return [unescape(" ".join(re.sub(r"<[^>]+>", " ", row).split())) for row in rows]


def opened(page: str) -> dict[str, str]:
    """The nodes that open, each with "true" or "false" as it comes; "" where nothing is below."""
    states = re.findall(r'<li role="treeitem"(?: aria-expanded="(\w+)")?', page)
    return dict(zip(nodes(page), states, strict=True))


def test_beside_the_page_open_down_to_its_unit(
    client: Client, department: Unit, bureau: Unit, decheng: Unit
) -> None:
    station = make_unit("station", decheng, name="建设街派出所")
    make_unit("jinan", department, name="济南市公安局")
    make_organization(station)
    client.force_login(make_user(unit=department))
    page = ask(client, "tree_side", unit="decheng")
    assert nodes(page) == [
        "山东省公安厅 1",
        "德州市局 1",
        "德城分局 1",
        "建设街派出所 1",
        "济南市公安局 0",
    ]
    assert page.count('aria-current="page"') == 1
    current = page.partition('aria-current="page"')[2]
    assert nodes(f'<li role="treeitem"{current}')[0] == "德城分局 1"
    states = opened(page)
    assert (states["德城分局 1"], states["建设街派出所 1"], states["济南市公安局 0"]) == ("true", "false", "")
    assert f"{reverse('tree_unit', args=['station'])}?as_of={LATER}" in page
    assert f"{reverse('unit', args=['decheng'])}?as_of={LATER}" in page
    assert 'title="德州市公安局"' in page


def test_without_a_unit_the_top_is_open(
    client: Client, department: Unit, bureau: Unit, decheng: Unit
) -> None:
    client.force_login(make_user(unit=department))
    for query in ({}, {"unit": ""}, {"unit": "no-such"}, {"unit": "\x00"}):
        assert nodes(ask(client, "tree_side", **query)) == ["山东省公安厅 0", "德州市局 0"]


def test_units_then_organizations_then_people(client: Client, bureau: Unit, decheng: Unit) -> None:
    committee = make_organization(bureau, "committee", code="weiyuan", name="市局临时党委")
    branch = make_organization(bureau, "branch", code="zhibu", name="市局临时党支部", parent=committee)
    make_organization(decheng, "branch", name="德城临时党支部", parent=committee)
    group = make_organization(bureau, "group", name="临时党小组", parent=branch)
    make_organization(bureau, "pioneer_post", name="先锋岗", parent=branch, state="draft")
    make_organization(bureau, "commando_team", name="突击队")
    assign(group, make_person("组员"))
    for name, role, number in (("丙", "member", "3"), ("乙", "member", "2"), ("甲", "secretary", "9")):
        assign(branch, make_person(name, bureau, number=number), role=role)
    client.force_login(make_user(unit=bureau))
    assert nodes(ask(client, "tree_unit", "dezhou")) == ["德城分局 1", "市局临时党委", "突击队"]
    assert nodes(ask(client, "tree_organization", "weiyuan")) == ["市局临时党支部"]
    page = ask(client, "tree_organization", "zhibu")
    assert nodes(page) == ["临时党小组", "先锋岗 草稿", "甲 书记", "丙", "乙"]
    assert "glyph-formation" in page
    assert f"{reverse('person', args=['9'])}?as_of={LATER}" in page
    # What opens, and what does not.
    assert page.count('aria-expanded="false"') == 1
    wide = ask(client, "tree_organization", "weiyuan", wide="1")
    assert nodes(wide) == ["市局临时党支部 3 人"]
    assert "wide=1" in wide
    assert nodes(ask(client, "tree_unit", "dezhou", wide="1"))[0] == "德城分局 1"


def test_beside_the_page_names_leave_out_the_unit_above_them(
    client: Client, bureau: Unit, decheng: Unit
) -> None:
    station = make_unit("station", decheng, name="建设街派出所", short_name="建设街所")
    for code, name in (
        ("z-1", "建设街派出所临时党支部"),
        ("z-2", "建设街所先锋队员支部"),
        ("z-3", "建设街派出所党"),
        ("z-4", "赴建设街派出所支部"),
        ("z-5", "德城分局建设街所先锋支部"),
    ):
        make_organization(station, code=code, name=name)
    client.force_login(make_user(unit=bureau))
    assert nodes(ask(client, "tree_unit", "station")) == [
        "先锋支部",
        "赴建设街派出所支部",
        "建设街派出所党",
        "临时党支部",
        "先锋队员支部",
    ]
    assert 'title="建设街派出所临时党支部(临时党支部)"' in ask(client, "tree_unit", "station")
    assert "建设街派出所临时党支部" in nodes(ask(client, "tree_unit", "station", wide="1"))


def test_an_organization_whose_superior_has_ended_stands_at_its_unit(client: Client, bureau: Unit) -> None:
    committee = make_organization(bureau, "committee", code="weiyuan", name="临时党委")
    branch = make_organization(bureau, "branch", name="支部", parent=committee)
    Organization.objects.filter(pk=committee.pk).update(dissolved_on=date(2020, 2, 10))
    client.force_login(make_user(unit=bureau))
    assert branch
    assert nodes(ask(client, "tree_unit", "dezhou", as_of="2020-02-09")) == ["临时党委"]
    assert nodes(ask(client, "tree_unit", "dezhou", as_of="2020-02-10")) == ["支部"]
    assert nodes(ask(client, "tree_organization", "weiyuan", as_of="2020-02-10")) == []


def test_the_day_and_the_campaign_decide(
    client: Client, department: Unit, bureau: Unit, decheng: Unit
) -> None:
    campaign = make_campaign()
    make_organization(decheng, name="战疫支部", campaign=campaign)
    make_organization(decheng, name="别的支部")
    ended = make_organization(decheng, name="旧支部")
    organizations.dissolve_organization(actor=ACTOR, organization=ended, on=date(2020, 2, 10), reason="测试")
    person = make_person("甲")
    assign(Organization.objects.get(name="战疫支部"), person, ended_on=date(2020, 2, 15))
    other = make_unit("jinan", department, name="济南市公安局")
    units.move_unit(
        actor=ACTOR, unit=Unit.objects.get(pk=decheng.pk), superior=other, on=date(2020, 2, 18), reason="划转"
    )
    client.force_login(make_user(unit=department))
    assert nodes(ask(client, "tree_unit", "shandong", as_of="2020-02-09")) == ["德州市局 3", "济南市公安局 0"]
    assert nodes(ask(client, "tree_unit", "shandong")) == ["德州市局 0", "济南市公安局 2"]
    assert nodes(ask(client, "tree_unit", "jinan", as_of="2020-02-17")) == []
    assert nodes(ask(client, "tree_unit", "decheng", campaign="yiqing")) == ["战疫支部"]
    side = ask(client, "tree_side", unit="decheng", as_of="2020-02-17", campaign="yiqing")
    assert nodes(side)[:4] == ["山东省公安厅 1", "德州市局 1", "德城分局 1", "战疫支部"]
    assert nodes(ask(client, "tree_side", unit="decheng"))[:4] == [
        "山东省公安厅 2",
        "德州市局 0",
        "济南市公安局 2",
        "德城分局 2",
    ]
    code = Organization.objects.get(name="战疫支部").code
    assert nodes(ask(client, "tree_organization", code, as_of="2020-02-14")) == ["甲"]
    assert nodes(ask(client, "tree_organization", code)) == []

    # Who has the former superior only: an earlier day does not widen what is seen.
    client.force_login(make_user(unit=bureau))
    page = ask(client, "tree_unit", "dezhou", as_of="2020-02-17")
    assert nodes(page) == []
    # Who has the unit only, on a day when it stood elsewhere.
    client.force_login(make_user(unit=decheng))
    assert nodes(ask(client, "tree_side", unit="decheng", as_of="2020-02-17"))[0] == "德城分局 2"


def test_a_thousand_children_come_in_steps(client: Client, bureau: Unit) -> None:
    children = [
        Unit(
            code=f"c-{number:04}",
            name=f"{number}号所",
            kind="station",
            parent=bureau,
            tree_id=bureau.tree_id,
            level=bureau.level + 1,
            lft=bureau.lft + 1 + 2 * number,
            rght=bureau.lft + 2 + 2 * number,
        )
        for number in range(1000)
    ]
    Unit.objects.bulk_create(children)
    Unit.objects.filter(pk=bureau.pk).update(rght=bureau.lft + 2001)
    Unit.objects.filter(pk=bureau.parent_id).update(rght=bureau.lft + 2002)
    UnitPlacement.objects.bulk_create(UnitPlacement(unit=child, superior=bureau) for child in children)
    make_organization(bureau, name="市局临时党支部")
    make_organization(Unit.objects.get(code="c-0999"), name="末所支部")
    client.force_login(make_user(unit=Unit.objects.get(pk=bureau.pk)))

    def queries(**query: str) -> tuple[int, list[str], str]:
        with CaptureQueriesContext(connection) as captured:
            page = ask(client, "tree_unit", "dezhou", **query)
        return len(captured), nodes(page), page

    first, shown, page = queries()
    assert len(shown) == 201
    assert shown[-1] == "更多(还有 801 个)"
    assert "from=200" in page
    last, shown, page = queries(**{"from": "800"})
    assert len(shown) == 201
    assert shown[199] == "999号所 1"
    assert shown[200] == "更多(还有 1 个)"
    assert first == last
    assert queries(**{"from": "1000"})[1] == ["市局临时党支部"]
    assert queries(**{"from": "-1"})[1][0] == "0号所 0"
    assert queries(**{"from": "99999999999999999999"})[1][0] == "0号所 0"
    # Beside the page of one of the last, the steps up to it are there.
    side = nodes(ask(client, "tree_side", unit="c-0999"))
    assert "999号所 1" in side
    assert "末所支部" in side
    assert "更多(还有 1 个)" in side
    assert len(nodes(ask(client, "tree_side"))) == 1 + 201


def test_the_whole_screen_keeps_the_choice_of_day_and_campaign(client: Client, bureau: Unit) -> None:
    client.force_login(make_user(unit=bureau))
    assert 'name="as_of"' in client.get("/tree/").content.decode()


def marked(page: str) -> list[str]:
    """The nodes that are marked as the open one."""
    return words(re.findall(r'<li role="treeitem"[^>]*aria-current="page">.*?</a>', page))


@pytest.mark.parametrize("name", ["tree", "tree_side"])
def test_the_open_organization_is_marked_also_below_another(
    client: Client, department: Unit, bureau: Unit, name: str
) -> None:
    branch = make_organization(bureau, code="zhibu", name="市局临时党支部")
    make_organization(bureau, code="xiaozu", name="市局第一党小组", kind="group", parent=branch)
    client.force_login(make_user(unit=department))
    asked = {"unit": "dezhou", "organization": "xiaozu"}
    assert [row.split()[0] for row in marked(ask(client, name, **asked))] == ["市局第一党小组"]
    # Not there yet on that day: its unit is marked.
    assert [row.split()[0] for row in marked(ask(client, name, **asked, as_of="2020-01-01"))] == ["德州市局"]
    page = client.get("/organizations/xiaozu/").content.decode()
    assert "/tree/side/?unit=dezhou&amp;organization=xiaozu" in page
    assert "/tree/?unit=dezhou&amp;organization=xiaozu" in page


def test_the_whole_screen(client: Client, department: Unit, bureau: Unit, decheng: Unit) -> None:
    branch = make_organization(decheng, name="德城临时党支部")
    assign(branch, make_person("甲"))
    client.force_login(make_user(unit=department))
    page = ask(client, "tree")
    assert "tree-wide" in page
    assert nodes(page) == ["山东省公安厅 一线 1 人 1", "德州市局 一线 1 人 1"]
    assert "wide=1" in page
    page = ask(client, "tree", unit="decheng")
    assert nodes(page)[-2:] == ["德城分局 一线 1 人 1", "德城临时党支部 1 人"]
    assert 'id="tree"' not in page  # no second tree beside it
    assert marked(page) == ["德城分局 一线 1 人 1"]
    page = ask(client, "tree", unit_text="德城")
    assert nodes(page)[-1] == "德城临时党支部 1 人"
    for query in ({"unit": "no-such"}, {"unit_text": "没有的"}):
        page = ask(client, "tree", **query)
        assert "没有找到单位" in page
        assert len(nodes(page)) == 2
    client.force_login(make_user())
    page = ask(client, "tree")
    assert "请联系上级机关党委的管理员" in page
    assert nodes(page) == []


def test_out_of_scope_is_not_found(client: Client, department: Unit, bureau: Unit) -> None:
    branch = make_organization(bureau, name="德州临时党支部")
    other = make_unit("jinan", department, name="济南市公安局")
    for user in (make_user(unit=other), make_user()):
        client.force_login(user)
        for url in (
            reverse("tree_unit", args=["dezhou"]),
            reverse("tree_organization", args=[branch.code]),
        ):
            assert client.get(url).status_code == 404
        for name in ("tree_side", "tree"):
            page = client.get(reverse(name), {"unit": "dezhou"}).content.decode()
            assert "德州" not in page
            assert "山东" not in page
    client.logout()
    assert client.get(reverse("tree_side")).status_code == 302
    client.force_login(make_user(unit=bureau))
    assert client.post(reverse("tree_side")).status_code == 405


def test_sample_rows_are_marked(client: Client, bureau: Unit, decheng: Unit) -> None:
    branch = make_organization(bureau, code="zhibu")
    assign(branch, make_person("甲"))
    Organization.objects.update(is_sample=True)
    Unit.objects.filter(code="decheng").update(is_sample=True)
    Person.objects.update(is_sample=True)
    client.force_login(make_user(unit=bureau))
    assert ask(client, "tree_unit", "dezhou").count("tag sample") == 2
    assert ask(client, "tree_organization", "zhibu").count("tag sample") == 1


def test_the_same_queries_with_one_child_and_with_three(client: Client, bureau: Unit) -> None:
    client.force_login(make_user(unit=bureau))
    root = make_organization(bureau, "committee", code="weiyuan")

    def add(mark: str) -> None:
        child = make_unit(f"u-{mark}", bureau)
        assign(make_organization(child), make_person(unit=child))
        branch = make_organization(bureau, parent=Organization.objects.get(pk=root.pk))
        assign(branch, make_person(unit=child), role="secretary")
        assign(root, make_person(unit=child))
        make_organization(bureau, "pioneer_post", parent=Organization.objects.get(pk=branch.pk))
        assign(make_organization(bureau, "commando_team"), make_person(unit=child))

    def queries() -> list[int]:
        found = []
        for name, args, query in (
            ("tree_side", [], {"unit": "u-1"}),
            ("tree_side", [], {}),
            ("tree", [], {"unit": "u-1"}),
            ("tree_unit", ["dezhou"], {}),
            ("tree_organization", ["weiyuan"], {}),
        ):
            with CaptureQueriesContext(connection) as captured:
                ask(client, name, *args, **query)
            found.append(len(captured))
        return found

    add("1")
    one = queries()
    add("2")
    add("3")
    assert queries() == one
    assert max(one) <= 30


def test_a_unit_that_is_not_there_on_the_day_is_said_so(client: Client, bureau: Unit, decheng: Unit) -> None:
    make_unit("late", decheng, name="新设派出所", opened_on=date(2020, 3, 1))
    client.force_login(make_user(unit=bureau))
    for code, name in (("late", "新设派出所"),):
        page = ask(client, "tree", unit=code, as_of="2020-02-10")
        assert f"“{name}”在 2020-02-10 还没有设立或已经撤并" in page
        assert name not in nodes(page)
        assert "德城分局" in " ".join(nodes(page))
        assert ask(client, "tree_side", unit=code, as_of="2020-02-10")
    assert "还没有设立" not in ask(client, "tree", unit="late", as_of="2020-03-10")
    units.close_unit(actor=ACTOR, unit=Unit.objects.get(code="late"), on=date(2020, 3, 5), reason="撤并")
    assert "已经撤并" in ask(client, "tree", unit="late", as_of="2020-03-10")
