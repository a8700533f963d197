"""The ledger with its drill-down, and an organization's page."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from registry.counting.basis import Question
from registry.counting.metrics import METRICS, OF_ONE_KIND, ORGANIZATION_METRICS, UNLISTED
from registry.counting.rollup import count_place, rollup
from registry.models import AuditEntry, Organization, Unit
from registry.models.kinds import FORMATION_KINDS, PARTY_KINDS
from registry.operations import assignments, organizations, units
from registry.pages.organizations.tables import OrganizationTable
from registry.web import lists
from tests.asking import queries_again
from tests.factories import (
    ACTOR,
    assign,
    make_organization,
    make_person,
    make_user,
    place_newcomers,
)
from tests.lists import rows_of
from tests.world import World

pytestmark = [pytest.mark.look, pytest.mark.django_db]

LEDGER = "/organizations/"
FEBRUARY = {"as_of": "2020-02-20"}
BASES = [
    {},
    {"basis": "cumulative"},
    {"basis": "new", "since": "2020-02-02"},
    {"basis": "ended", "since": "2020-02-01"},
]


def build_world() -> World:
    """The world of all tests; two more at the right bureau, and three that are not counted."""
    made = World()
    made.team = make_organization(made.right, "commando_team", code="team", established_on=date(2020, 2, 10))
    made.force = make_organization(made.right, "task_force", code="force")
    made.draft = make_organization(made.left, parent=made.general, state="submitted", name="待批支部")
    made.gone = make_organization(made.right, name="右局旧支部")
    organizations.dissolve_organization(
        actor=ACTOR, organization=made.gone, on=date(2020, 2, 12), reason="测试"
    )
    made.wrong = make_organization(made.left, name="误录支部")
    organizations.withdraw_organization(actor=ACTOR, organization=made.wrong, reason="重复")
    return made


@pytest.fixture
def client_at(client: Client):
    """Log somebody in with a role at a unit."""

    def login(unit: Unit | None, role: str = "manager") -> Client:
        client.force_login(make_user(unit=unit, role=role))
        return client

    return login


def number(response) -> int:
    assert response.status_code == 200
    return response.context["page_obj"].paginator.count


def listed(response) -> set[str]:
    return {row.organization.code for row in response.context["rows"]}


# --- A number equals its rows ---------------------------------------------------------------------


@pytest.mark.parametrize("basis", BASES, ids=lambda basis: basis.get("basis", "current"))
def test_hits_equal_the_roll_up_for_every_metric(world: World, basis: dict[str, str]) -> None:
    viewer = make_user(unit=world.top)
    units.move_unit(
        actor=ACTOR, unit=world.station, superior=world.right, on=date(2020, 2, 25), reason="测试"
    )
    organizations.transfer_organization(
        actor=ACTOR, organization=world.post, unit=world.right, on=date(2020, 2, 15), reason="测试"
    )
    seen = 0
    early, late = date(2020, 2, 13), date(2020, 3, 1)
    since = date.fromisoformat(basis["since"]) if "since" in basis else None
    for day, unit in ((early, world.top), (early, world.left), (late, world.left), (late, world.right)):
        counts = rollup(
            Unit.objects.get(pk=unit.pk), Question(day, basis.get("basis", "current"), since), children=False
        )
        for metric in ORGANIZATION_METRICS:
            asked = {"unit": unit.code, "metric": metric.slug, "as_of": day.isoformat(), **basis}
            assert len(rows_of(OrganizationTable, viewer, **asked)) == counts.total.counts[metric.slug]
            seen += counts.total.counts[metric.slug]
            if unit == world.left and day == early:
                own = rows_of(OrganizationTable, viewer, **asked, own="1")
                assert len(own) == counts.own.counts[metric.slug]
                pending = rows_of(OrganizationTable, viewer, **asked, state="pending")
                assert len(pending) == counts.total.pending[metric.slug]
    assert seen > 0


@pytest.mark.parametrize("basis", BASES, ids=lambda basis: basis.get("basis", "current"))
def test_hits_equal_the_party_line(world: World, basis: dict[str, str]) -> None:
    viewer = make_user(unit=world.top)
    question = Question(
        date(2020, 2, 20),
        basis.get("basis", "current"),
        date.fromisoformat(basis["since"]) if "since" in basis else None,
    )
    row = Organization.objects.get(pk=world.general.pk)
    line = count_place(row, question)
    for metric in ORGANIZATION_METRICS:
        asked = {"party_line": row.code, "metric": metric.slug, **FEBRUARY, **basis}
        assert len(rows_of(OrganizationTable, viewer, **asked)) == line.counts[metric.slug]
        pending = rows_of(OrganizationTable, viewer, **asked, state="pending")
        assert len(pending) == line.pending[metric.slug]


def test_campaign_is_kept_and_counts(world: World, client_at) -> None:
    response = client_at(world.top).get(LEDGER, {**FEBRUARY, "campaign": "yiqing"})
    assert listed(response) == {world.branch.code}
    assert "campaign=yiqing" in response.content.decode()


# --- Filters, totals, order -----------------------------------------------------------------------


def test_filters(world: World, client_at) -> None:
    client = client_at(world.top)
    everything = client.get(LEDGER, FEBRUARY)
    assert world.draft.code not in listed(everything)
    assert world.gone.code not in listed(everything)
    assert everything.context["table"].pending == 1
    for asked, codes in (
        ({"kind": "group"}, {world.group.code}),
        ({"nature": "standing"}, {world.committee.code, world.home.code}),
        ({"nature": "formation"}, {"post", "commando", "pioneers", "team", "force"}),
        ({"nature": "temporary"}, {world.general.code, world.branch.code, world.group.code}),
        ({"state": "pending"}, {world.draft.code}),
        ({"state": "withdrawn"}, {world.wrong.code}),
        ({"unit": "right"}, {"pioneers", "team", "force"}),
        ({"unit_text": "右局"}, {"pioneers", "team", "force"}),
        ({"unit": "left", "own": "1"}, {"home", "general", "branch", "commando"}),
        ({"q": "左局临时党支部"}, {world.branch.code}),
        ({"q": world.team.code}, {world.team.code}),
        ({"basis": "cumulative", "unit": "right"}, {"pioneers", "team", "force", world.gone.code}),
    ):
        assert listed(client.get(LEDGER, {**FEBRUARY, **asked})) == codes, asked


def test_chips_can_be_taken_off(world: World, client_at) -> None:
    response = client_at(world.top).get(
        LEDGER, {**FEBRUARY, "unit": "left", "kind": "branch", "metric": "temporary_party_orgs", "q": "支部"}
    )
    chips = {chip["label"]: chip["remove_url"] for chip in response.context["chips"]}
    assert set(chips) == {"指标:临时党组织", "单位:左公安局", "类型:党支部", "含“支部”"}
    assert "kind=" not in chips["类型:党支部"]
    assert "unit=left" in chips["类型:党支部"]
    assert "as_of=2020-02-20" in chips["类型:党支部"]


def test_what_does_not_exist_is_said(world: World, client_at) -> None:
    client = client_at(world.top)
    response = client.get(LEDGER, {"kind": "castle", "nature": "x", "state": "y"})
    assert len(response.context["filter_problems"]) == 3
    assert "kind=castle" in response.content.decode()
    assert client.get(LEDGER, {"metric": "castles"}).status_code == 404
    assert client.get(LEDGER, {"metric": "frontline_people"}).status_code == 404
    assert client.get(LEDGER, {"unit": "nowhere"}).status_code == 404
    assert client.get(LEDGER, {"q": "\x00"}).status_code == 200


def test_totals_and_people(world: World, client_at) -> None:
    assign(world.team, world.full, started_on=date(2020, 2, 15))
    response = client_at(world.top).get(LEDGER, FEBRUARY)
    totals = {total.label: total.number for total in response.context["totals"]}
    assert totals == {
        "常设党委": 1,
        "常设党支部": 1,
        "临时党总支": 1,
        "临时党支部": 1,
        "临时党小组": 1,
        "党员先锋岗": 1,
        "突击队": 2,
        "党员先锋队": 1,
        "专班": 1,
    }
    assert response.context["people"] == {"people": 3, "times": 8}
    for total in response.context["totals"]:
        assert number(response.client.get(total.url)) == total.number


@pytest.mark.both
def test_sorting(world: World, client_at) -> None:
    client = client_at(world.top)
    for key in ("name", "kind", "unit", "established", "dissolved", "members", "state"):
        for sign in ("", "-"):
            assert number(client.get(LEDGER, {**FEBRUARY, "sort": f"{sign}{key}"})) == 10
    rows = client.get(LEDGER, {**FEBRUARY, "sort": "-established"}).context["rows"]
    assert rows[0].organization.code == world.team.code
    rows = client.get(LEDGER, {**FEBRUARY, "basis": "cumulative", "sort": "dissolved"}).context["rows"]
    assert rows[0].organization.code == world.gone.code


def test_what_is_temporary_comes_first_and_the_page_says_so(world: World, client_at) -> None:
    client = client_at(world.top)
    response = client.get(LEDGER, FEBRUARY)
    assert [row.organization.code for row in response.context["rows"]] == [
        *("general", "branch", "group"),  # temporary Party organizations, by unit and kind
        *("commando", "post", "pioneers", "team", "force"),  # formations
        *("committee", "home"),  # what always stands
    ]
    links = {each["label"]: (each["number"], each["url"]) for each in response.context["order_links"]}
    assert {label: number for label, (number, _url) in links.items()} == {
        "临时党组织": 3,
        "队伍": 5,
        "常设党组织": 2,
    }
    assert listed(client.get(links["常设党组织"][1])) == {"committee", "home"}
    assert "依次列" in response.content.decode()
    # Of one nature, or in another order, there is nothing to be said.
    for asked in ({"nature": "standing"}, {"sort": "unit"}):
        assert client.get(LEDGER, {**FEBRUARY, **asked}).context["order_links"] == []


def test_a_dissolved_organization_shows_whom_it_had_on_its_last_day(world: World, client_at) -> None:
    """Who left before is not counted; the number leads to the members of that day."""
    for person, role in ((world.full, "secretary"), (world.auxiliary, "member"), (world.idle, "member")):
        assign(world.team, person, role=role, started_on=date(2020, 2, 11))
    left = world.team.assignments.get(person=world.auxiliary)
    assignments.end_assignment(actor=ACTOR, assignment=left, on=date(2020, 2, 13))
    organizations.dissolve_organization(
        actor=ACTOR, organization=world.team, on=date(2020, 2, 18), reason="测试"
    )
    client = client_at(world.top)
    response = client.get(LEDGER, {**FEBRUARY, "basis": "cumulative", "unit": "right"})
    rows = {row.organization.code: row for row in response.context["rows"]}
    assert (rows["team"].heads_said, rows["team"].organization.members) == ("原赵一", 2)
    assert "as_of=2020-02-17" in rows["team"].members_url
    assert len(client.get(rows["team"].members_url).context["members"].of_part("在册")) == 2
    assert rows["pioneers"].heads_said == ""
    assert (rows["pioneers"].organization.members, rows[world.gone.code].organization.members) == (1, 0)
    assert "书记/负责人和人数为撤销前最后一日的" in response.content.decode()
    # On a day when it stood they are simply its people.
    earlier = client.get(LEDGER, {"as_of": "2020-02-12", "unit": "right"}).context["rows"]
    (then,) = [row for row in earlier if row.organization.code == "team"]
    assert (then.heads_said, then.organization.members) == ("赵一", 3)


def test_paging_keeps_the_filter(world: World, client_at) -> None:
    for _ in range(52):
        make_organization(world.station, "pioneer_post")
    client = client_at(world.top)
    first = client.get(LEDGER, {**FEBRUARY, "kind": "pioneer_post"})
    assert number(first) == 53
    assert len(first.context["rows"]) == 50
    second = client.get(LEDGER, {**FEBRUARY, "kind": "pioneer_post", "page": "2"})
    assert len(second.context["rows"]) == 3
    assert not listed(first) & listed(second)
    assert "kind=pioneer_post" in first.content.decode().split('rel="next"')[1][:200]


def test_sample_rows_are_marked(world: World, client_at) -> None:
    client = client_at(world.top)
    assert "演示" not in client.get(LEDGER, FEBRUARY).content.decode()
    Organization.objects.filter(pk=world.branch.pk).update(is_sample=True)
    assert "演示" in client.get(LEDGER, FEBRUARY).content.decode()


def test_same_number_of_queries_with_one_row_and_with_three(world: World, client_at) -> None:
    client = client_at(world.top)
    asked = {**FEBRUARY, "unit": "right", "kind": "branch", "basis": "cumulative"}
    client.get(LEDGER, asked)

    def ask() -> int:
        with CaptureQueriesContext(connection) as queries:
            client.get(LEDGER, asked)
        return len(queries)

    assert number(client.get(LEDGER, asked)) == 1
    one = ask()
    for _ in range(2):
        made = make_organization(world.right, parent=world.general)
        assign(made, make_person("周五", world.right), role="secretary")
    assert number(client.get(LEDGER, asked)) == 3
    assert ask() == one


# --- Scope ----------------------------------------------------------------------------------------


def test_somebody_elsewhere_sees_nothing_of_it(world: World, client_at) -> None:
    client = client_at(world.right)
    response = client.get(LEDGER, FEBRUARY)
    assert listed(response) == {"pioneers", "team", "force"}
    said = response.content.decode()
    assert "左局临时党支部" not in said
    assert "赵一" not in said
    assert client.get(LEDGER, {"unit": "left"}).status_code == 404
    assert client.get(LEDGER, {"unit": "top"}).status_code == 404
    assert client.get(LEDGER, {"unit_text": "左局"}).status_code == 404
    assert client.get(LEDGER, {"party_line": world.branch.code}).status_code == 404
    assert client.get(f"{LEDGER}{world.branch.code}/").status_code == 404


def test_without_a_grant_nothing_is_listed(world: World, client_at) -> None:
    assert number(client_at(None).get(LEDGER, FEBRUARY)) == 0


def test_on_the_party_line_what_is_out_of_scope_is_neither_counted_nor_shown(world: World, client_at) -> None:
    """A number equals its rows, and neither reaches beyond the scope."""
    far = make_organization(world.right, parent=world.general, name="远处支部")
    assign(far, make_person("郑七", world.right), role="secretary")
    client = client_at(world.left)
    response = client.get(LEDGER, {**FEBRUARY, "party_line": world.general.code})
    rows = {row.organization.code: row for row in response.context["rows"]}
    assert far.code not in rows
    assert "郑七" not in response.content.decode()
    page = client.get(f"{LEDGER}{world.general.code}/", FEBRUARY).content.decode()
    assert f"/organizations/{far.code}/" not in page
    assert "/organizations/" + world.committee.code not in page
    assert "厅党委" in page


def test_every_page_needs_a_login(world: World, client: Client) -> None:
    for url in (LEDGER, f"{LEDGER}{world.branch.code}/"):
        assert client.get(url).status_code == 302


# --- The page of an organization ------------------------------------------------------------------


def test_page_shows_facts_line_members_and_what_happened(world: World, client_at) -> None:
    second = make_person("孙三", world.left, political_status="probationary_member")
    row = assign(world.branch, second)
    assignments.change_role(actor=ACTOR, assignment=row, role="deputy_secretary", on=date(2020, 2, 5))
    assignments.end_assignment(
        actor=ACTOR, assignment=second.assignments.get(ended_on=None), on=date(2020, 2, 10), reason="归队"
    )
    organizations.transfer_organization(
        actor=ACTOR, organization=world.branch, unit=world.station, on=date(2020, 2, 14), reason="驻所"
    )
    response = client_at(world.top).get(f"{LEDGER}{world.branch.code}/", FEBRUARY)
    said = response.content.decode()
    assert [row.assignment.person.name for row in response.context["members"].of_part("在册")] == [
        "赵一",
        "钱二",
    ]
    assert [row.role for row in response.context["members"].of_part("以前")] == ["副书记", "成员", "成员"]
    timeline = [happening.what for happening in response.context["timeline"]]
    assert "由左公安局转到左派出所" in timeline
    assert "孙三任副书记" in timeline
    assert "孙三不再任副书记" in timeline
    assert timeline[-1] == "成立,左党〔2020〕1号,设在左公安局"
    events = [(event.what, event.entry.reason) for event in response.context["events"]]
    assert ("转隶到其他单位", "驻所") in events
    assert ("结束编入:孙三", "归队") in events
    assert "上级组织:厅党委、" in said
    assert "测试" in said
    counts = {count.label: count for count in response.context["line_counts"]}
    assert counts["临时党支部"].value == 1
    assert number(response.client.get(counts["临时党支部"].url)) == 1


def crowd(world: World) -> None:
    """Fifty-five more people in the branch, placed by one act."""
    place_newcomers(world.branch, 55, name="民警", last="deputy_secretary")


def names(response) -> list[str]:
    return [row.person.name for row in response.context["page_obj"]]


def test_many_members_are_paged_officers_first_and_searched(world: World, client_at) -> None:
    crowd(world)
    client, url = client_at(world.top), f"{LEDGER}{world.branch.code}/"
    first = client.get(url, FEBRUARY)
    assert names(first)[:2] == ["赵一", "民警54"]
    assert (len(names(first)), names(client.get(url, {**FEBRUARY, "page": "2"}))) == (50, names_after(first))
    assert [(tab.label, tab.number) for tab in first.context["members"].tabs] == [
        ("在册", 57),
        ("以前", 1),
    ]
    for text in ("民警07", "mj07", "MJ07"):  # by name, by the letters of its pinyin
        assert names(client.get(url, {**FEBRUARY, "q": text})) == ["民警07"], text
    assert names(client.get(url, {**FEBRUARY, "q": "001002"})) == ["钱二"]
    nobody = client.get(url, {**FEBRUARY, "q": "没有"})
    assert "没有符合条件的人员。" in nobody.content.decode()
    assert [happening.what for happening in nobody.context["timeline"]] == [
        happening.what for happening in first.context["timeline"]
    ]  # what happened is of all


def names_after(first) -> list[str]:
    """The names of the second page: the members on the day who are not on the first."""
    shown = {row.assignment.pk for row in first.context["page_obj"]}
    return [
        row.person.name for row in first.context["members"].of_part("在册") if row.assignment.pk not in shown
    ]


def test_the_members_page_asks_as_often_for_many_as_for_few(world: World, client_at) -> None:
    client, url = client_at(world.top), f"{LEDGER}{world.branch.code}/"

    def ask(**more: str) -> int:
        return queries_again(lambda: client.get(url, {**FEBRUARY, **more}))

    few, few_by_name = ask(), ask(q="01")
    crowd(world)
    assert (ask(), ask(page="2"), ask(q="01")) == (few, few, few_by_name)


def test_a_dissolved_organization_opens_on_whom_it_had(world: World, client_at) -> None:
    organizations.dissolve_organization(
        actor=ACTOR, organization=world.pioneers, on=date(2020, 2, 18), reason="测试"
    )
    client, url = client_at(world.top), f"{LEDGER}{world.pioneers.code}/"
    response = client.get(url, FEBRUARY)
    assert (response.context["members"].part, names(response)) == ("以前", ["孙三"])
    assert names(client.get(url, {**FEBRUARY, "part": "now"})) == []


def test_page_on_an_earlier_day(world: World, client_at) -> None:
    client = client_at(world.top)
    early = client.get(f"{LEDGER}{world.branch.code}/", {"as_of": "2020-01-30"})
    assert early.context["state"] == "当日未成立"
    assert early.context["members"].of_part("在册") == []
    assert len(early.context["members"].of_part("此后编入")) == 3
    assert "as_of=2020-01-30" in early.content.decode()


def test_an_inferred_superior_is_marked(world: World, client_at) -> None:
    Organization.objects.filter(pk=world.branch.pk).update(parent_inferred=True)
    assert "推定" in client_at(world.top).get(f"{LEDGER}{world.branch.code}/").content.decode()


def test_page_has_the_same_number_of_queries_with_one_row_and_with_three(world: World, client_at) -> None:
    client = client_at(world.top)
    url = f"{LEDGER}{world.branch.code}/"
    client.get(url, FEBRUARY)

    def ask() -> int:
        with CaptureQueriesContext(connection) as queries:
            client.get(url, FEBRUARY)
        return len(queries)

    one = ask()
    for _ in range(2):
        assign(world.branch, make_person("周五", world.left))
        make_organization(world.right, "group", parent=world.branch)
    assert ask() == one


def test_many_subordinates_end_in_a_link(world: World, client_at) -> None:
    for _ in range(14):
        make_organization(world.left, "group", parent=world.branch)
    response = client_at(world.top).get(f"{LEDGER}{world.branch.code}/", FEBRUARY)
    assert len(response.context["picture"].boxes) == 2 + 1 + 12 + 1
    assert "另有 4 个下级" in response.content.decode()


@pytest.mark.parametrize(
    ("role", "state", "labels"),
    [
        ("viewer", "submitted", {"打印"}),
        ("auditor", "approved", {"打印"}),
        ("clerk", "draft", {"打印", "办理", "复制", "编辑", "编入人员", "提交审批"}),
        ("clerk", "submitted", {"打印", "办理", "复制", "编辑", "编入人员"}),
        ("approver", "submitted", {"打印", "退回", "批准"}),
        ("manager", "submitted", {"打印", "办理", "复制", "编辑", "编入人员", "退回", "批准"}),
        ("manager", "approved", {"打印", "办理", "复制", "编辑", "编入人员"}),
        ("manager", "withdrawn", {"打印"}),
    ],
)
def test_buttons_by_rights_and_state(world: World, client_at, role, state, labels) -> None:
    Organization.objects.filter(pk=world.draft.pk).update(state=state)
    response = client_at(world.left, role).get(f"{LEDGER}{world.draft.code}/")
    actions = response.context["actions"]
    assert {action["label"] for action in actions} == labels
    assert sum(action.get("tone") == "main" for action in actions) <= 1


def test_reading_writes_nothing(world: World, client_at) -> None:
    before = AuditEntry.objects.count()
    client = client_at(world.top)
    client.get(LEDGER)
    client.get(f"{LEDGER}{world.branch.code}/")
    assert client.post(LEDGER).status_code == 405
    assert client.post(f"{LEDGER}{world.branch.code}/").status_code == 405
    assert AuditEntry.objects.count() == before


def test_the_numbers_of_the_ledger_are_those_of_its_rows_whether_totals_have_them_or_not(rf) -> None:
    made = build_world()
    both = make_person("两处任职", made.left)
    for organization in (made.committee, made.general):
        assign(organization, both, started_on=date(2020, 2, 3))

    def table(**asked: str) -> OrganizationTable:
        request = rf.get(LEDGER, {**FEBRUARY, **asked})
        request.user = make_user(unit=made.top)
        return OrganizationTable(request)

    for asked in (
        *BASES,
        {"unit": "left"},
        {"unit": "left", "own": "1"},
        {"metric": "temporary_branches"},
        {"metric": "standing_party_orgs"},
        {"metric": "pioneer_and_commando_teams", "basis": "cumulative"},
    ):
        quick, slow = table(**asked), table(**asked)
        slow._kept = None  # counted from the rows
        assert quick.totals == slow.totals, asked
        assert quick.people() == slow.people(), asked
        assert quick.length.number == slow.rows.count(), asked
    assert table()._kept is not None
    assert table().people()["people"] < table().people()["times"]


def test_the_ledger_by_its_natures_is_the_ledger_sorted_at_once(rf) -> None:
    made = build_world()
    request = rf.get(LEDGER, FEBRUARY)
    request.user = make_user(unit=made.top)
    table = OrganizationTable(request)
    at_once = list(table.ordered.values_list("pk", flat=True))
    paginator = lists.LongPaginator(table.ordered, table.page_rows(), 2, table.length, table.parts())
    pages = [paginator.get_page(number) for number in range(1, paginator.num_pages + 1)]
    assert [row.pk for page in pages for row in page.object_list] == at_once
    assert [page.has_next() for page in pages] == [True] * (len(pages) - 1) + [False]


def test_the_filter_names_the_unit_that_was_chosen(world: World, client_at) -> None:
    page = client_at(world.top).get(LEDGER, {**FEBRUARY, "unit": world.left.code}).content.decode()
    assert f'<span class="pick-label">{world.left}</span>' in page


def test_every_kind_has_a_metric_of_its_own() -> None:
    of_party = {(kind, is_temporary) for kind in PARTY_KINDS for is_temporary in (True, False)}
    assert OF_ONE_KIND.keys() == of_party | {(kind, False) for kind in FORMATION_KINDS}
    assert not {each.slug for each in UNLISTED} & METRICS.keys(), "nobody chooses those of standing ones"
