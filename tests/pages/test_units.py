"""The page of a unit: numbers, their links, changes, rights, scope, queries."""

from __future__ import annotations

import re
from datetime import date
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from registry.counting.basis import (
    APPROVED,
    Question,
    assignment_rows,
    organization_rows,
    people_rows,
)
from registry.counting.metrics import METRICS, OrganizationMetric
from registry.models import Campaign, Figure, Organization, Person, Source, Unit
from registry.models.hierarchy import Span, UnitHierarchy
from registry.models.kinds import PENDING_STATES
from registry.operations import organizations, units
from registry.web import charts
from tests.factories import (
    ACTOR,
    DAY,
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
    return make_unit("dezhou", department, name="德州市公安局", region_code="371400")


@pytest.fixture
def decheng(bureau: Unit) -> Unit:
    return make_unit("decheng", bureau, name="德州市公安局德城分局", short_name="德城分局", kind="sub_bureau")


def read(client: Client, code: str, **query: str) -> str:
    answer = client.get(reverse("unit", args=[code]), query)
    assert answer.status_code == 200, answer.content.decode()
    return " ".join(answer.content.decode().split())


def row_of(page: str, name: str) -> list[str]:
    """The cells of one line of the table of units below, as text."""
    table = page[page.index('id="below"') :]
    for row in re.findall(r"<tr.*?</tr>", table[: table.index("</table>")], re.S):
        cells = [
            " ".join(re.sub(r"<[^>]+>", " ", unescape(cell)).split())
            for cell in re.findall(r'<t[hd](?! class="tick).*?</t[hd]>', row, re.S)
        ]
        if cells[0].startswith(name):
            return cells
    raise AssertionError(f"no line {name}")


def key_figure(page: str, label: str) -> str:
    found = re.search(rf"<dt>{label}</dt>(.*?)</div>", page, re.S)
    assert found, label
    return " ".join(re.sub(r"<[^>]+>", " ", unescape(found[1])).split())


# --- What it shows --------------------------------------------------------------------------------


def test_key_figures_rows_and_totals(client: Client, bureau: Unit, decheng: Unit) -> None:
    branch = make_organization(decheng, name="德城临时党支部")
    make_organization(bureau, "general_branch", name="市局临时党总支")
    make_organization(decheng, "pioneer_post", name="先锋岗一")
    make_organization(decheng, "branch", name="草稿支部", state="draft")
    make_organization(decheng, "group", name="临时党小组")
    team = make_organization(bureau, "commando_team", name="突击队")
    people = [make_person(f"甲{n}", decheng) for n in range(3)]
    helper = make_person("乙", decheng, category="auxiliary", political_status="masses")
    for person in (*people, helper):
        assign(branch, person)
    assign(team, people[0])
    client.force_login(make_user(unit=bureau))
    page = read(client, "dezhou", as_of=LATER)
    assert key_figure(page, "临时党组织") == "2 较 7 日前 持平 由 0 到 2 党总支 1 · 党支部 1 待审批 1"
    assert key_figure(page, "一线人员") == "4 较 7 日前 持平 由 0 到 4 党员 3 (75.0%) · 辅警 1 · 编入 5"
    assert key_figure(page, "先锋队和突击队") == "1 较 7 日前 持平 由 0 到 1 突击队 1 · 队员 1"
    week = ["0", "由 0 到 1"]
    assert row_of(page, "德城分局") == ["德城分局", "1", *week, "1", "1", "1", "0", "0", "4", "75.0%", "1"]
    assert row_of(page, "本单位") == ["本单位", "1", *week, "0", "0", "0", "1", "1", "1", "100.0%", "0"]
    whole = ["2", "0", "由 0 到 2"]
    assert row_of(page, "合计") == ["合计", *whole, "1", "1", "1", "1", "1", "4", "75.0%", "1"]
    assert "同一人编入多个单位" in page
    assert "下辖 <a" in page
    assert "行政区划 371400" in page


def rows_behind(link: str) -> int:
    """Count the rows that the list behind a link shows, with the counting module's own rows."""
    parts = urlsplit(unescape(link))
    query = {key: values[0] for key, values in parse_qs(parts.query).items()}
    day = date.fromisoformat(query.get("as_of", LATER))
    since = date.fromisoformat(query["since"]) if "since" in query else None
    campaign = Campaign.objects.get(code=query["campaign"]) if "campaign" in query else None
    question = Question(day, query.get("basis", "current"), since, campaign)
    unit = Unit.objects.get(code=query["unit"])
    spans = [Span(unit.tree_id, unit.lft, unit.lft)] if "own" in query else UnitHierarchy.on(day).spans(unit)
    metric = METRICS[query["metric"]]
    states = PENDING_STATES if query.get("state") == "pending" else APPROVED
    if isinstance(metric, OrganizationMetric):
        assert parts.path == reverse("organizations")
        return organization_rows(metric, question, spans, states).count()
    if metric.distinct:
        assert parts.path == reverse("people")
        return people_rows(metric, question, spans, states).count()
    assert parts.path == reverse("assignments")
    return assignment_rows(metric, question, spans, states).count()


@pytest.mark.both
@pytest.mark.parametrize(
    "query",
    [
        {"as_of": LATER},
        {"as_of": LATER, "basis": "cumulative"},
        {"as_of": LATER, "basis": "new", "since": "2020-02-01"},
        {"as_of": LATER, "basis": "ended", "since": "2020-02-01"},
        {"as_of": LATER, "campaign": "yiqing"},
        {"as_of": "2020-02-05"},
    ],
)
def test_each_number_is_a_link_to_as_many_rows(
    client: Client, bureau: Unit, decheng: Unit, department: Unit, query: dict[str, str]
) -> None:
    campaign = make_campaign()
    station = make_unit("station", decheng, name="建设街派出所")
    person, other = make_person("甲", decheng), make_person("乙", bureau, category="auxiliary")
    for unit, facts in (
        (bureau, {}),
        (decheng, {"campaign": campaign}),
        (station, {"campaign": campaign}),
        (station, {"state": "submitted"}),
    ):
        for kind in ("branch", "group", "pioneer_post", "commando_team", "pioneer_team", "task_force"):
            made = make_organization(unit, kind, **facts)
            assign(made, person)
            assign(made, other)
    gone = make_organization(station, "branch")
    organizations.dissolve_organization(actor=ACTOR, organization=gone, on=date(2020, 2, 15), reason="测试")
    units.move_unit(
        actor=ACTOR,
        unit=Unit.objects.get(pk=station.pk),
        superior=bureau,
        on=date(2020, 2, 10),
        reason="划转",
    )
    client.force_login(make_user(unit=department))
    page = read(client, "dezhou", **query)
    links = re.findall(
        r'<a (?:class="count" )?href="([^"]*[?;]metric=[^"]*)"'
        r'(?:\s+aria-label="[^"]*")?(?: title="(\d+)")?>([\d.%]+)</a>',
        page,
    )
    links += [
        (link, "", number)
        for link, number in re.findall(r'<a class="tag warn" href="([^"]*)"[^>]*>待审批 (\d+)</a>', page)
    ]
    assert len(links) >= 4
    for link, members, number in links:
        assert rows_behind(link) == int(members or number), link


def test_the_change_over_seven_days(client: Client, bureau: Unit) -> None:
    make_organization(bureau, established_on=date(2020, 2, 10))
    made = make_organization(bureau, established_on=date(2020, 2, 18))
    assert made
    ended = make_organization(bureau, "pioneer_post")
    organizations.dissolve_organization(actor=ACTOR, organization=ended, on=date(2020, 2, 19), reason="测试")
    client.force_login(make_user(unit=bureau))
    page = read(client, "dezhou", as_of=LATER)
    assert key_figure(page, "临时党组织").startswith("2 较 7 日前 ▲ 增加 1")
    assert key_figure(page, "党员先锋岗") == "0 较 7 日前 ▼ 减少 1 由 0 到 0"
    page = read(client, "dezhou", as_of=LATER, basis="cumulative")
    assert key_figure(page, "党员先锋岗") == "1 较 7 日前 持平 由 0 到 1"
    page = read(client, "dezhou", as_of=LATER, basis="new", since="2020-02-14")
    assert key_figure(page, "临时党组织").startswith("1 党支部")


@pytest.mark.both
def test_sorting_by_every_column(client: Client, bureau: Unit) -> None:
    few, many = make_unit("a-few", bureau, name="甲分局"), make_unit("b-many", bureau, name="乙分局")
    for unit, number in ((few, 1), (many, 3)):
        for _ in range(number):
            make_organization(unit, established_on=date(2020, 2, 18))
            make_organization(unit, state="submitted")
            for kind in ("branch", "group", "pioneer_post", "commando_team"):
                place = make_organization(unit, kind)
                assign(
                    place,
                    make_person(unit=unit, political_status="full_member" if unit == many else "masses"),
                )
                assign(place, make_person(unit=unit, category="auxiliary", political_status="masses"))
    client.force_login(make_user(unit=bureau))
    page = read(client, "dezhou", as_of=LATER)
    keys = re.findall(r"sort=(-?[a-z_]+)", page)
    assert {key.removeprefix("-") for key in keys} == {
        "name",
        "temporary_party_orgs",
        "temporary_groups",
        "pioneer_posts",
        "pioneer_and_commando_teams",
        "team_members",
        "frontline_people",
        "frontline_auxiliaries",
        "share",
        "week",
        "pending",
    }
    for key in {key.removeprefix("-") for key in keys}:
        for sort, first, second in ((key, "甲分局", "乙分局"), (f"-{key}", "乙分局", "甲分局")):
            page = read(client, "dezhou", as_of=LATER, sort=sort)
            table = page[page.index('id="below"') :]
            assert table.index(first) < table.index(second) < table.index("本单位") < table.index("合计"), (
                sort
            )
            order = "descending" if sort.startswith("-") else "ascending"
            assert table.count(f'aria-sort="{order}"') == 1
    assert "aria-sort" in read(client, "dezhou", sort="nonsense")


def test_the_address_is_kept_on_links(client: Client, bureau: Unit, decheng: Unit) -> None:
    make_campaign()
    client.force_login(make_user(unit=bureau))
    page = read(client, "dezhou", as_of=LATER, campaign="yiqing", basis="new", since="2020-02-01")
    kept = "campaign=yiqing&amp;as_of=2020-02-20&amp;basis=new&amp;since=2020-02-01"
    assert f"{reverse('unit', args=['decheng'])}?{kept}" in page
    assert f"{reverse('organization_register', args=['dezhou'])}?{kept}" in page
    assert "basis=ended&amp;since=2020-02-01" in page
    assert 'name="since" value="2020-02-01"' in page
    assert (
        f"{reverse('unit', args=['dezhou'])}?campaign=yiqing&amp;as_of=2020-02-20&amp;basis=cumulative"
        in page
    )


def test_a_bad_address_says_so_and_shows_today(client: Client, bureau: Unit) -> None:
    make_organization(bureau)
    client.force_login(make_user(unit=bureau))
    for query in ({"as_of": "2020-02-31"}, {"basis": "most"}, {"as_of": LATER, "since": "x"}):
        page = read(client, "dezhou", **query)
        assert "地址有误" in page
        assert key_figure(page, "临时党组织").startswith("1")
        assert "basis=most" not in page[page.index('class="card kpis') :]


def test_own_organizations_as_a_small_tree(client: Client, bureau: Unit, decheng: Unit) -> None:
    committee = make_organization(bureau, "committee", name="市局临时党委")
    branch = make_organization(bureau, "branch", name="市局临时党支部", parent=committee)
    assign(branch, make_person("副书记甲"), role="deputy_secretary")
    assign(branch, make_person("书记乙"), role="secretary")
    assign(branch, make_person("成员丙"))
    make_organization(decheng, name="德城临时党支部")
    make_organization(bureau, name="未批支部", state="submitted")
    client.force_login(make_user(unit=bureau))
    page = read(client, "dezhou", as_of=LATER)
    own = page[page.index('id="own"') :]
    assert "设在本单位的 3 个" in own
    assert own.index("市局临时党委") < own.index('class="step"') < own.index("市局临时党支部")
    assert "书记乙" in own
    assert "副书记甲" not in own
    assert ">3</a>" in own
    assert "已提交" in own
    assert "德城临时党支部" not in own


def test_recent_changes_newest_first(client: Client, bureau: Unit, decheng: Unit, department: Unit) -> None:
    other = make_unit("jinan", department, name="济南市公安局")
    make_organization(decheng, name="新支部", established_on=date(2020, 2, 18))
    ended = make_organization(bureau, name="旧支部", established_on=date(2020, 1, 2))
    organizations.dissolve_organization(actor=ACTOR, organization=ended, on=date(2020, 2, 19), reason="测试")
    came = make_organization(other, name="来支部", established_on=date(2020, 1, 2))
    left = make_organization(decheng, name="去支部", established_on=date(2020, 1, 2))
    for organization, unit, day in ((came, bureau, 16), (left, other, 17)):
        organizations.transfer_organization(
            actor=ACTOR,
            organization=Organization.objects.get(pk=organization.pk),
            unit=unit,
            on=date(2020, 2, day),
            reason="测试",
        )
    make_organization(other, name="别处支部", established_on=date(2020, 2, 18))
    make_organization(bureau, name="以后支部", established_on=date(2020, 2, 21))
    client.force_login(make_user(unit=bureau))
    page = read(client, "dezhou", as_of=LATER)
    events = page[page.index('id="recent"') :]
    events = events[: events.index("</section>")]
    names = re.findall(r">(.支部)</a>", events)
    assert names == ["旧支部", "新支部", "去支部", "来支部"]
    assert "济南市公安局 转到 德州市公安局" in events
    assert "别处支部" not in page
    assert "以后支部" not in page


def test_reported_figures_beside_the_registered(client: Client, bureau: Unit, decheng: Unit) -> None:
    source = Source.objects.create(number=1, title="战时党建")
    make_organization(decheng)

    def report(code: str, value: str, **facts: object) -> None:
        Figure.objects.create(
            **{
                "code": code,
                "source": source,
                "metric": "temporary_party_orgs",
                "label": f"指标{code}",
                "value": value,
                "number": int(value),
                "qualifier": "exact",
                "unit": bureau,
                "as_of": date(2020, 2, 10),
                **facts,
            }
        )

    report("F1", "1")
    report("F2", "3")
    report("F3", "9", metric="vehicles")
    report("F4", "770077", unit=make_unit("far", name="外省公安局"))
    client.force_login(make_user(unit=bureau))
    page = read(client, "dezhou", as_of=LATER)
    assert "查看全部 3 项" in page
    fold = page[page.index('id="reported"') :]
    assert fold.startswith('id="reported" open>'), "something differs"
    assert "1 项不一致" in fold
    assert "1 项一致" in fold
    assert "另有 1 项只有报道" in fold
    assert "指标F2" in fold
    assert "不一致 少 2" in fold
    assert "指标F1" not in fold, "what agrees is not said beside what differs"
    assert "770077" not in page
    assert "as_of=2020-02-10&amp;unit=dezhou&amp;metric=temporary_party_orgs" in fold
    Figure.objects.filter(code="F2").delete()
    page = read(client, "dezhou", as_of=LATER)
    fold = page[page.index('id="reported"') :]
    assert fold.startswith('id="reported"> <summary>'), "one line while all agrees"
    assert "不一致" not in fold
    assert "指标F1" in fold
    Figure.objects.filter(code="F1").update(value="3", number=3)
    page = read(client, "dezhou", as_of=LATER)
    assert "报道 3 </text>" in page


def test_the_trend_of_another_metric(client: Client, bureau: Unit) -> None:
    make_organization(bureau, "pioneer_post", established_on=date(2020, 2, 10))
    client.force_login(make_user(unit=bureau))
    page = read(client, "dezhou", as_of=LATER, chart="pioneer_posts", sort="-name")
    assert "党员先锋岗逐日数:2020-01-22 至 2020-02-20,现有由 0 到 1;累计由 0 到 1。" in page
    assert "chart=frontline_people&amp;sort=-name" in page
    assert '<th scope="row">2020-02-10</th><td class="n">1</td>' in page
    assert "临时党组织逐日数" in read(client, "dezhou", chart="nonsense")


@pytest.mark.parametrize(
    ("query", "first", "last"),
    [
        ({"range": "7"}, "2020-02-14", "2020-02-20"),
        ({"range": "90"}, "2019-11-23", "2020-02-20"),
        ({"range": "own", "from": "2020-02-01", "to": "2020-02-09"}, "2020-02-01", "2020-02-09"),
        ({"range": "own", "from": "2020-02-19", "to": "2020-03-01"}, "2020-02-19", "2020-03-01"),
    ],
)
def test_the_trend_follows_the_period_asked_and_the_change_over_a_week_stays(
    client: Client, bureau: Unit, query: dict[str, str], first: str, last: str
) -> None:
    for day in (10, 16):
        make_organization(bureau, established_on=date(2020, 2, day))
    client.force_login(make_user(unit=bureau))
    answer = client.get(reverse("unit", args=["dezhou"]), {"as_of": LATER, **query})
    rows = answer.context["chart"].rows
    assert [rows[-1][0], rows[0][0]] == [first, last]
    assert {row[0]: row[1] for row in rows} == {
        row[0]: (row[0] >= "2020-02-10") + (row[0] >= "2020-02-16") for row in rows
    }
    assert answer.context["key_figures"][0].delta == 1


def test_a_unit_without_anything(client: Client) -> None:
    alone = make_unit("alone")
    client.force_login(make_user(unit=alone))
    page = read(client, "alone")
    assert "本单位没有下级单位。" in page
    assert "当日没有设在本单位的组织。" in page
    assert "核对" not in page[page.index("<main") :], "nothing is reported, so nothing is said of it"
    assert "没有变动" not in page, "nothing was ever registered"


def test_sample_rows_are_marked(client: Client, bureau: Unit, decheng: Unit) -> None:
    branch = make_organization(bureau, established_on=date(2020, 2, 15))
    head = make_person("甲", bureau)
    assign(branch, head, role="secretary", started_on=date(2020, 2, 15))
    client.force_login(make_user(unit=bureau))
    assert "tag sample" not in read(client, "dezhou", as_of=LATER)
    Organization.objects.update(is_sample=True)
    Person.objects.update(is_sample=True)
    Unit.objects.update(is_sample=True)
    # title, child, own organization with its head, recent change
    assert read(client, "dezhou", as_of=LATER).count("tag sample") == 5


def test_the_chart_has_whole_numbers() -> None:
    assert charts.steps(0) == [0, 1]
    assert charts.steps(3) == [0, 1, 2, 3]
    assert charts.steps(274) == [0, 100, 200, 300]
    assert charts.steps(8975) == [0, 5000, 10000]


# --- The past, closed units, rights, scope --------------------------------------------------------


def count_of(client: Client, code: str, day: str) -> int:
    """The temporary Party organizations as a key figure and as the last of the trend, which must agree."""
    context = client.get(reverse("unit", args=[code]), {"as_of": day}).context
    total = context["key_figures"][0].count.value
    assert context["chart"].rows[0][1] == total
    return int(total)


def test_a_day_before_a_move_has_that_days_hierarchy(client: Client, department: Unit, bureau: Unit) -> None:
    other = make_unit("jinan", department, name="济南市公安局")
    station = make_unit("station", bureau, name="建设街派出所")
    make_organization(station)
    units.move_unit(actor=ACTOR, unit=station, superior=other, on=date(2020, 2, 10), reason="划转")
    client.force_login(make_user(unit=department))
    before, after = read(client, "dezhou", as_of="2020-02-09"), read(client, "dezhou", as_of="2020-02-10")
    assert row_of(before, "建设街派出所")[1] == "1"
    assert "本单位没有下级单位。" in after
    page = read(client, "station", as_of="2020-02-09")
    assert page.index("德州市公安局") < page.index("<h1>")
    assert "(2020-02-10 之前)" in page
    assert "(2020-02-10 起)" in page

    # An earlier day does not widen what somebody sees: who has the former superior only is told.
    client.force_login(make_user(unit=bureau))
    page = read(client, "dezhou", as_of="2020-02-09")
    assert "建设街派出所" not in page
    assert "有 1 个单位现已不在您的管理范围" in page
    # Neither the numbers, nor the trend, nor the rows behind them reach what has left.
    assert count_of(client, "dezhou", "2020-02-09") == 0
    rows = client.get(
        reverse("organizations"),
        {"unit": "dezhou", "metric": "temporary_party_orgs", "as_of": "2020-02-09"},
    )
    assert rows.context["page_obj"].paginator.count == 0
    client.force_login(make_user(unit=department))
    assert count_of(client, "dezhou", "2020-02-09") == 1
    client.force_login(make_user(unit=bureau))
    assert "现已不在您的管理范围" not in read(client, "dezhou", as_of="2020-02-10")


def test_a_merged_unit_says_so_and_offers_nothing(client: Client, bureau: Unit, decheng: Unit) -> None:
    old = make_unit("old", bureau, name="旧城分局")
    make_organization(old)
    ended = make_organization(old)
    organizations.dissolve_organization(actor=ACTOR, organization=ended, on=date(2020, 2, 10), reason="测试")
    units.merge_unit(actor=ACTOR, unit=old, into=decheng, on=date(2020, 3, 1), reason="并局")
    client.force_login(make_user(unit=bureau))
    page = read(client, "old", as_of="2020-03-05")
    assert "本单位自 2020-03-01 起撤并" in page
    assert reverse("unit", args=["decheng"]) in page
    assert reverse("organization_register", args=["old"]) not in page
    page = read(client, "dezhou", as_of="2020-03-05")
    assert "旧城分局" not in page[page.index('id="below"') : page.index('id="own"')]
    ever = row_of(read(client, "dezhou", as_of="2020-03-05", basis="cumulative"), "旧城分局")
    assert ever[:2] == ["旧城分局 已撤并", "1"]
    assert row_of(read(client, "dezhou", as_of="2020-02-28"), "旧城分局")[1] == "1"


def test_what_may_be_done_depends_on_the_role(client: Client, bureau: Unit) -> None:
    enter = [reverse(name, args=["dezhou"]) for name in ("organization_register", "person_add")]
    manage = [reverse(f"unit_{verb}", args=["dezhou"]) for verb in ("add", "edit", "move", "merge", "close")]
    for role, may_enter, may_manage in (
        ("viewer", False, False),
        ("auditor", False, False),
        ("approver", False, False),
        ("clerk", True, False),
        ("manager", True, True),
    ):
        client.force_login(make_user(unit=bureau, role=role))
        page = read(client, "dezhou")
        assert all((url in page) is may_enter for url in enter), role
        assert all((url in page) is may_manage for url in manage), role


def test_units_above_are_named_without_a_link(client: Client, department: Unit, bureau: Unit) -> None:
    make_organization(department, name="省厅临时党支部")
    client.force_login(make_user(unit=bureau))
    page = read(client, "dezhou", as_of=LATER)
    assert "山东省公安厅" in page
    assert reverse("unit", args=["shandong"]) not in page
    assert "省厅临时党支部" not in page


def test_out_of_scope_is_not_found(client: Client, department: Unit, bureau: Unit) -> None:
    other = make_unit("jinan", department, name="济南市公安局")
    url = reverse("unit", args=["dezhou"])
    for user in (make_user(unit=other), make_user()):
        client.force_login(user)
        answer = client.get(url)
        assert answer.status_code == 404
        assert "德州市公安局" not in answer.content.decode()
    assert client.get(reverse("unit", args=["no-such"])).status_code == 404
    client.logout()
    assert client.get(url).status_code == 302


def test_reading_writes_nothing(client: Client, bureau: Unit) -> None:
    client.force_login(make_user(unit=bureau))
    assert client.post(reverse("unit", args=["dezhou"])).status_code == 405
    client.get(reverse("unit", args=["dezhou"]))
    with CaptureQueriesContext(connection) as captured:
        read(client, "dezhou")
    written = [query["sql"] for query in captured if re.match(r"\s*(INSERT|UPDATE|DELETE)", query["sql"])]
    assert [sql for sql in written if "django_session" not in sql] == []


def fill(unit: Unit, mark: str, source: Source) -> None:
    """Everything the page shows, once more."""
    child = make_unit(f"child-{mark}", unit, name=f"{mark}分局")
    for place in (unit, child):
        branch = make_organization(place, established_on=date(2020, 2, 10))
        assign(branch, make_person(f"书记{mark}", child), role="secretary", started_on=date(2020, 2, 10))
        make_organization(place, state="submitted", established_on=date(2020, 2, 10))
        ended = make_organization(place, "pioneer_post", established_on=date(2020, 2, 10))
        organizations.dissolve_organization(
            actor=ACTOR, organization=ended, on=date(2020, 2, 15), reason="测试"
        )
        moved = make_organization(place, "commando_team", established_on=date(2020, 2, 10))
        target = child if place == unit else unit
        organizations.transfer_organization(
            actor=ACTOR, organization=moved, unit=target, on=date(2020, 2, 16), reason="测试"
        )
    Figure.objects.create(
        code=f"F{mark}",
        source=source,
        metric="temporary_party_orgs",
        label="临时党组织",
        value="1",
        number=1,
        qualifier="exact",
        unit=child,
        as_of=DAY,
    )


def test_the_same_queries_with_one_child_and_with_three(client: Client, bureau: Unit) -> None:
    source = Source.objects.create(number=1, title="战时党建")
    client.force_login(make_user(unit=bureau))

    def queries(**query: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            read(client, "dezhou", **query)
        return len(captured)

    fill(bureau, "1", source)
    asked = ({"as_of": LATER}, {"as_of": LATER, "basis": "new"}, {"as_of": "2020-02-12"}, {})
    one = [queries(**query) for query in asked]
    fill(bureau, "2", source)
    fill(bureau, "3", source)
    assert [queries(**query) for query in asked] == one
    # Bounded: at most five figures of five different days are reconciled, one query each.
    assert max(one) <= 40


def test_the_queries_of_the_page(client: Client, bureau: Unit, decheng: Unit) -> None:
    """Each of them is named, so that one more is a decision."""
    assign(make_organization(bureau), make_person(unit=bureau), role="secretary")
    make_organization(decheng)
    client.force_login(make_user(unit=Unit.objects.get(code="shandong")))
    with CaptureQueriesContext(connection) as captured:
        read(client, "shandong", as_of=LATER)
    tables = [re.search(r'FROM "?registry_(\w+)', query["sql"]) for query in captured]
    assert sorted(found[1] for found in tables if found) == sorted(
        [
            *("session", "user", "grant", "campaign", "figure", "keyfigures"),
            "proposal",  # what a manager may confirm
            *("auditentry",) * 4,  # the acts, their entries, what took them back, what can be taken back
            "personplacement",  # those of the unit who are lent
            *("unit", "unit", "unit", "unit"),  # itself, the roots, those below, those closed
            *("unitplacement", "unitplacement"),  # the moves, its own superiors
            *("total", "total", "total"),  # the numbers, the days of the chart, those of the units below
            "total",  # a quiet day: the days on which something happened
            *("organization",) * 7,
            # all that waits for the navigation, founded, dissolved, at the unit itself (now, by the day),
            # what waits for the user, what covers it from another unit
            "organizationplacement",  # transferred
        ]
    )


def test_the_page_says_what_waits_for_whom(client: Client, bureau: Unit, decheng: Unit) -> None:
    make_organization(decheng, name="待审", state="submitted")
    make_organization(bureau, name="退回", state="returned")
    make_organization(make_unit("else"), name="别处", state="submitted")
    day = {"as_of": "2020-02-20"}
    said = {}
    for role in ("approver", "clerk", "viewer"):
        client.force_login(make_user(unit=bureau, role=role))
        waiting = client.get("/units/dezhou/", day).context["waiting"]
        said[role] = [(each["said"], each["number"]) for each in waiting]
        for each in waiting:
            assert len(client.get(each["url"]).context["grid"].rows) == each["number"]
    late = ("成立超过 3 日未批准", 2)
    assert said == {
        "approver": [("已提交", 1), late],
        "clerk": [("被退回,待修改", 1), late],
        "viewer": [late],
    }


def test_people_of_what_is_not_approved_stand_beside_each_number(client: Client, bureau: Unit) -> None:
    """In the first hours of an emergency the page is not empty, and each number leads to its rows."""
    founded = make_organization(bureau, name="刚成立的临时党支部", state="submitted")
    assign(founded, make_person("甲", bureau), role="secretary")
    assign(founded, make_person("乙", bureau))
    client.force_login(make_user(unit=bureau))
    page = read(client, "dezhou", as_of=LATER)
    assert key_figure(page, "临时党组织") == "0 较 7 日前 持平 党支部 0 待审批 1"
    assert key_figure(page, "一线人员") == "0 较 7 日前 持平 党员 0 · 编入 0 待审批 2"
    assert "待审批 1 个</a>,未计入走势" in page
    (url,) = re.findall(r'<a class="tag warn" href="([^"]*)"[^>]*>待审批 2</a>', page)
    listed = client.get(unescape(url))
    assert [row.person.name for row in listed.context["rows"]] == ["甲", "乙"]
    counted = client.get("/people/", {"as_of": LATER, "metric": "frontline_people"}).content.decode()
    assert "另有待审批的" in counted
    assert (
        "另有待审批、未计入的:人员 2。"
        in client.post(
            "/export/people/",
            {"format": "print"},
            query_params={"as_of": LATER, "metric": "frontline_people"},
        ).content.decode()
    )


def test_what_is_unapproved_for_too_long_is_said_at_the_unit_and_on_its_page(
    client: Client, bureau: Unit
) -> None:
    late = make_organization(bureau, state="submitted", established_on=date(2020, 2, 3))
    make_organization(bureau, state="submitted", established_on=date(2020, 2, 4))
    client.force_login(make_user(unit=bureau, role="viewer"))
    page = read(client, "dezhou", as_of="2020-02-07")
    (url,) = re.findall(r'<a href="([^"]*)">成立超过 3 日未批准 1 个组织</a>', page)
    assert [row.organization.pk for row in client.get(unescape(url)).context["rows"]] == [late.pk]
    said = client.get(late.get_absolute_url(), {"as_of": "2020-02-07"}).content.decode()
    assert "成立后 3 日内应当报批,已超 1 日。" in said
    assert "未批准" not in read(client, "dezhou", as_of="2020-02-06")
