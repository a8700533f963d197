"""The demo: what the articles report comes out exactly, counted by the registry and by plain SQL."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.db.models import Count, F, Q
from django.http import HttpRequest
from django.test import Client

import registry
from registry import access
from registry.counting.basis import Question
from registry.counting.metrics import METRICS
from registry.counting.reconciliation import Verdict, reconcile
from registry.counting.rollup import rollup
from registry.demo.counted import REPORTED_ONLY
from registry.demo.opening import OPENING, opening
from registry.demo.photos import EACH, SHOWN
from registry.logbooks.models import Entry, Logbook
from registry.logbooks.shipped import shipped
from registry.models import (
    Assignment,
    AuditEntry,
    Campaign,
    Figure,
    Organization,
    Person,
    Source,
    StatusPeriod,
    Unit,
    User,
)
from registry.models.kinds import MEMBER_STATUSES, TEAM_KINDS
from registry.trees.check import check_all

DATA = Path(registry.__file__).parent / "demo" / "data"


def demo(*arguments: str) -> str:
    out = io.StringIO()
    call_command("demo", *arguments, stdout=out)
    return out.getvalue()


@pytest.fixture(scope="module")
def printed(django_db_setup: None, django_db_blocker: Any) -> Iterator[str]:
    """The demo, loaded once for this file with DEBUG on, and what the command printed."""
    from django.conf import settings

    with django_db_blocker.unblock():
        outer = transaction.atomic()
        outer.__enter__()
        debug, settings.DEBUG = settings.DEBUG, True
        try:
            yield demo()
        finally:
            settings.DEBUG = debug
            transaction.set_rollback(True)
            outer.__exit__(None, None, None)


@pytest.fixture(autouse=True)
def loaded(printed: str, db: None) -> None:
    """Every test stands on the loaded demo; what it changes is taken back."""


def table(name: str) -> list[dict[str, str]]:
    with (DATA / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def counts(code: str, day: date, basis: str = "current") -> dict[str, int]:
    return rollup(Unit.objects.get(code=code), Question(day, basis), children=False).total.counts


def sql(statement: str, **values: object) -> int:
    """One number, from the tables alone: the subtree by walking ``parent``."""
    tree = (
        "WITH RECURSIVE below(id) AS (SELECT id FROM registry_unit WHERE code = %(unit)s UNION ALL "
        "SELECT u.id FROM registry_unit u JOIN below b ON u.parent_id = b.id) "
    )
    names = re.findall(r"%\((\w+)\)s", tree + statement)
    with connection.cursor() as cursor:
        cursor.execute(re.sub(r"%\(\w+\)s", "%s", tree + statement), [values[name] for name in names])
        return int(cursor.fetchone()[0])


ORGANIZATIONS = (
    "SELECT COUNT(*) FROM registry_organization o WHERE o.unit_id IN (SELECT id FROM below) "
    "AND o.state = 'approved' AND o.established_on <= %(day)s "
)
STANDING = "AND (o.dissolved_on IS NULL OR o.dissolved_on > %(day)s) "


def test_inner_mongolia_has_its_cumulative_totals_by_the_end_of_february() -> None:
    unit, day = "neimenggu-gonganting", date(2020, 2, 29)
    found = counts(unit, day, "cumulative")
    assert found["temporary_party_orgs"] == 274
    assert found["pioneer_and_commando_teams"] == 565
    assert found["team_members"] == 8975
    temporary = "AND o.is_temporary AND o.kind IN ('committee', 'general_branch', 'branch')"
    teams = "AND o.kind IN ('pioneer_team', 'commando_team')"
    assert sql(ORGANIZATIONS + temporary, unit=unit, day=day) == 274
    assert sql(ORGANIZATIONS + teams, unit=unit, day=day) == 565
    people = (
        "SELECT COUNT({}) FROM registry_assignment a JOIN registry_organization o "
        "ON o.id = a.organization_id WHERE o.unit_id IN (SELECT id FROM below) AND o.state = 'approved' "
        "AND a.started_on <= %(day)s AND NOT a.is_withdrawn " + teams
    )
    assert sql(people.format("DISTINCT a.person_id"), unit=unit, day=day) == 8975
    assert sql(people.format("*"), unit=unit, day=day) > 8975, "some stand in two teams"


def test_current_is_less_than_cumulative_in_february() -> None:
    day = date(2020, 2, 29)
    now, ever = counts("neimenggu-gonganting", day), counts("neimenggu-gonganting", day, "cumulative")
    for slug in ("temporary_party_orgs", "pioneer_and_commando_teams", "team_members"):
        assert 0.9 * ever[slug] < now[slug] < ever[slug]


def test_founded_day_by_day_and_spread_over_every_league_and_county() -> None:
    department = Unit.objects.get(code="neimenggu-gonganting")
    rows = Organization.objects.filter(
        Q(is_temporary=True) | Q(kind__in=TEAM_KINDS), unit__in=Unit.objects.in_subtree(department)
    )
    days = set(rows.filter(is_sample=True).values_list("established_on", flat=True))
    assert min(days) == date(2020, 1, 26)
    assert {date(2020, 1, 26) + timedelta(i) for i in range(34)} <= days
    leagues = Unit.objects.filter(parent=department, kind="bureau")
    assert leagues.count() == 12
    counties = Unit.objects.filter(parent__in=leagues, kind__in=("bureau", "sub_bureau"))
    assert counties.count() == 103
    for county in counties:
        found = rollup(county, Question(date(2020, 2, 29), "cumulative"), children=False).total.counts
        assert found["temporary_party_orgs"] >= 1, county.code
        assert found["pioneer_and_commando_teams"] >= 2, county.code
    stations = Unit.objects.filter(parent__in=counties, kind="station", is_sample=True)
    assert stations.count() == 206


@pytest.mark.parametrize("day", [date(2020, 2, 23), date(2020, 2, 24)])
def test_dezhou_in_february(day: date) -> None:
    found = counts("dezhou-shi-gonganju", day)
    assert found["temporary_party_orgs"] == 13
    assert (found["temporary_general_branches"], found["temporary_branches"]) == (1, 12)
    assert found["pioneer_posts"] == 71
    posts = ORGANIZATIONS + STANDING + "AND o.kind = 'pioneer_post'"
    assert sql(posts, unit="dezhou-shi-gonganju", day=day) == 71


@pytest.mark.parametrize("day", [date(2020, 7, 10), date(2020, 7, 31)])
def test_dezhou_in_july(day: date) -> None:
    found = counts("dezhou-shi-gonganju", day)
    assert (found["temporary_general_branches"], found["temporary_branches"]) == (1, 18)
    assert found["pioneer_posts"] == 71
    branches = ORGANIZATIONS + STANDING + "AND o.is_temporary AND o.kind = 'branch'"
    assert sql(branches, unit="dezhou-shi-gonganju", day=day) == 18
    recruited = StatusPeriod.objects.filter(
        status="probationary_member",
        started_on__range=(date(2020, 1, 20), day),
        person__home_unit__in=Unit.objects.in_subtree(Unit.objects.get(code="dezhou-shi-gonganju")),
    )
    assert recruited.count() == 10


def test_ningyang() -> None:
    found = counts("ningyang-xian-gonganju", date(2020, 2, 4))
    assert (found["work_groups"], found["commando_teams"], found["temporary_groups"]) == (5, 3, 27)
    force = Organization.objects.get(code="ningyang-yiqing-zhuanban")
    assert force.children.filter(kind="work_group").count() == 5
    points = Unit.objects.filter(parent__code="ningyang-xian-gonganju", kind="checkpoint")
    groups = Organization.objects.filter(unit__in=points, kind="group")
    assert list(groups.values("unit").annotate(n=Count("pk")).values_list("n", flat=True)) == [3] * 9
    assert all(groups.values_list("is_sample", flat=True))
    assert Organization.objects.filter(name="104国道检测点临时党小组(夜班)").exists()
    at_points = Assignment.objects.filter(organization__in=groups, started_on__lte=date(2020, 2, 4))
    assert at_points.filter(person__home_unit__code="ningyang-xian-gonganju-jiguan").count() >= 120


def test_reconciliation_agrees_wherever_it_can() -> None:
    rows = reconcile(Figure.objects.select_related("source", "unit", "organization"))
    assert len(rows) == len(table("figures"))
    agreeing = [row for row in rows if row.verdict == Verdict.AGREES]
    assert {row.figure.code: (row.figure.metric, row.registered) for row in agreeing} == {
        "F001": ("temporary_party_orgs", 13),
        "F002": ("pioneer_posts", 71),
        "F008": ("work_groups", 5),
        "F010": ("frontline_reinforcements", 129),
        "F015": ("log.oath.entries", 41),
        "F016": ("commando_teams", 3),
        "F020": ("log.donation.value", 60_000),
        "F021": ("log.donation.individuals", 30),
        "F024": ("log.commendation.entries", 3),
        "F025": ("log.commendation.collectives", 1),
        "F026": ("log.commendation.people", 10),
        "F027": ("log.protective.cost", 206_000),
        "F028": ("log.media_report.entries", 22),
        "F032": ("frontline_reinforcements", 305),
        "F033": ("frontline_reinforcements", 50),
        "F034": ("frontline_reinforcements", 200),
        "F035": ("log.pledge.signatories", 28),
        "F036": ("log.pledge.entries", 2),
        "F040": ("temporary_party_orgs", 274),
        "F041": ("pioneer_and_commando_teams", 565),
        "F042": ("team_members", 8975),
        "F045": ("log.recruitment_2014.applied", 19),
        "F046": ("log.recruitment_2014.applied", 8),
        "F050": ("log.target.entries", 6),
        "F053": ("log.notice.copies", 2970),
        "F069": ("temporary_general_branches", 1),
        "F070": ("temporary_branches", 18),
        "F071": ("pioneer_posts", 71),
        "F072": ("log.recruitment_2014.approved", 10),
        "F074": ("log.care_visit.entries", 33),
        "F075": ("log.difficulty.resolved", 8),
        "F077": ("log.brand_contest.selected", 10),
    }
    assert not [row for row in rows if row.verdict == Verdict.DIFFERS]


def test_what_is_reported_only_says_why() -> None:
    """What is neither counted nor a day or a time says why no number stands beside it."""
    for row in reconcile(Figure.objects.exclude(category="operations").exclude(number=None)):
        if row.verdict == Verdict.REPORTED_ONLY:
            name = next(each["metric"] for each in table("figures") if each["id"] == row.figure.code)
            assert REPORTED_ONLY[name] in row.figure.note
            assert row.explanation


def logged(code: str, slug: str, day: date) -> int:
    return rollup(Unit.objects.get(code=code), Question(day), metrics=[METRICS[slug]]).total.counts[slug]


def test_what_is_not_compared_is_counted_all_the_same() -> None:
    """X23: the meetings are held at the brigade; X18: the branches are those of the headquarters."""
    brigade, headquarters = "xining-chengzhong-zhian-dadui", "dezhou-shi-gonganju-jiguan"
    assert logged(brigade, "log.special_meeting.entries", date(2020, 2, 27)) == 14
    for slug in ("log.brand.made", "log.work_method.made", "log.brand_contest.entries"):
        assert logged(headquarters, slug, date(2020, 7, 31)) == 29


def test_every_shipped_logbook_is_in_use_and_says_where_its_entries_come_from() -> None:
    books = Logbook.objects.all()
    assert {book.shipped for book in books} == set(shipped())
    assert {book.code: book.unit.code for book in books} == dict.fromkeys(shipped(), "gonganbu")
    assert set(books.filter(entries=None).values_list("code", flat=True)) == {"recruitment"}
    assert Entry.objects.count() < 1100
    events, named = table("events"), table("entries")
    assert {row["event"] for row in named} <= {row["id"] for row in events}
    assert Entry.objects.filter(is_sample=False).count() == len(named)
    notes = AuditEntry.objects.filter(verb="add_entry", reason__contains="来源").count()
    assert notes > len(named)
    waiting = Entry.objects.exclude(state="approved")
    assert set(waiting.values_list("logbook__code", "state")) == {("commendation", "submitted")}


def test_an_entry_leads_to_its_article_and_some_have_photos_that_say_they_are_samples(client: Client) -> None:
    assert Entry.objects.filter(is_sample=False, source=None).count() == 0
    client.force_login(User.objects.get(username="admin"))
    entry = Entry.objects.filter(is_sample=False, logbook__code="ceremony").first()
    assert entry is not None
    assert entry.source is not None
    assert entry.source.get_absolute_url() in client.get(entry.get_absolute_url()).content.decode()
    album = client.get("/album/", {"unit": "gonganbu", "as_of": "2020-12-31"})
    photos = album.context["page_obj"].paginator.object_list
    assert len(photos) == EACH * len(SHOWN)
    assert all(each.caption.startswith("演示照片:") for each in photos)
    assert client.get(photos[0].thumb_url)["Content-Type"] == "image/jpeg"


def test_each_entry_keeps_the_order_of_its_steps() -> None:
    for entry in Entry.objects.exclude(step="").select_related("logbook").prefetch_related("steps"):
        design, at = entry.logbook.made, ""
        for each in entry.steps.all():
            assert each.step in {step.key for step in design.following(at)}, (entry.logbook.code, each.step)
            at = each.step
        assert entry.step == at


def test_what_families_went_through_is_sealed() -> None:
    for entry in Entry.objects.filter(logbook__is_walled=True):
        assert entry.values == {}
        assert entry.title == ""
        assert entry.sealed


def test_both_trees_are_valid() -> None:
    assert [str(fault) for fault in check_all()] == []


def test_everything_in_the_tables_is_there_under_its_own_name_and_source() -> None:
    assert Source.objects.count() == len(table("sources"))
    assert Figure.objects.count() == len(table("figures"))
    for row in table("units"):
        unit = Unit.objects.get(code=row["code"])
        assert (unit.name, unit.region_code) == (row["name"], row["region_code"])
        assert unit.is_sample == (row["sample"] == "yes")
        assert (unit.parent.code if unit.parent else "") == row["parent_code"]
    for row in table("organizations"):
        organization = Organization.objects.select_related("parent", "source").get(code=row["code"])
        assert (organization.name, organization.kind) == (row["name"], row["kind"])
        assert organization.source is not None
        assert organization.source.number == int(row["source"])
        assert not organization.is_sample
        assert ("演示推定" in organization.note) == (not row["established_on"])
    for row in table("people"):
        person = Person.objects.get(number=row["number"])
        assert (person.name, person.is_sample) == (row["name"], False)


def test_the_named_team_honours_somebody_who_is_in_no_organization() -> None:
    team = Organization.objects.get(code="tuquan-hejianhua-tujidui")
    assert (team.established_on, team.honour_title) == (date(2020, 2, 2), "以何建华命名")
    assert team.assignments.count() > 10
    assert all(team.assignments.values_list("person__is_sample", flat=True))
    assert not Assignment.objects.filter(person__number="N20").exists()


def test_whatever_no_table_names_is_flagged_as_sample() -> None:
    for model, key, name in (
        (Unit, "code", "units"),
        (Organization, "code", "organizations"),
        (Person, "number", "people"),
    ):
        named = {row[key] for row in table(name) if row.get("sample") != "yes"}
        assert set(model.objects.filter(is_sample=False).values_list(key, flat=True)) == named
    assert not Assignment.objects.filter(is_sample=False, person__is_sample=True).exists()


def test_sample_people_are_plausible() -> None:
    people = Person.objects.filter(is_sample=True)
    total = people.count()
    assert total > 9000
    for category, share in (("officer", 0.7), ("auxiliary", 0.27), ("civilian", 0.03)):
        assert abs(people.filter(category=category).count() / total - share) < 0.02
    assert not people.exclude(phone__startswith="000-").exists()
    assert not people.exclude(number__regex=r"^[0-9]{10,11}$").exists()
    assert people.filter(number__startswith="0").exists(), "leading zeros are kept"
    members = people.filter(political_status__in=MEMBER_STATUSES)
    assert not members.filter(Q(joined_on__isnull=True) | Q(home_branch__isnull=True)).exists()
    assert not people.exclude(political_status__in=MEMBER_STATUSES).filter(home_branch__isnull=False).exists()
    assert not people.filter(home_branch__is_temporary=True).exists()
    assert people.values("political_status").distinct().count() >= 5


def test_every_temporary_branch_and_team_has_its_people() -> None:
    branches = Organization.objects.filter(is_temporary=True, kind="branch").annotate(
        people=Count("assignments__person", distinct=True),
        secretaries=Count(
            "assignments",
            filter=Q(assignments__role="secretary", assignments__person__political_status="full_member"),
        ),
        full=Count(
            "assignments__person",
            filter=Q(assignments__person__political_status="full_member"),
            distinct=True,
        ),
    )
    assert not branches.exclude(people__range=(3, 20)).exists()
    assert not branches.exclude(secretaries=1).exists()
    assert 5 <= branches.filter(full__lt=3).count() <= 20, "some that a check will find"
    groups = Organization.objects.filter(is_temporary=True, kind="group").annotate(n=Count("assignments"))
    assert not groups.exclude(n__range=(3, 6)).exists()
    posts = Organization.objects.filter(kind="pioneer_post").annotate(n=Count("assignments"))
    assert not posts.exclude(n__range=(1, 5)).exists()
    force = Assignment.objects.filter(organization__code="dezhou-yiqing-zhuanban")
    assert force.filter(started_on=date(2020, 1, 22), person__political_status="full_member").count() >= 20


def test_some_entries_wait_and_some_things_changed() -> None:
    waiting = Organization.objects.exclude(state="approved")
    assert set(waiting.values_list("state", flat=True)) == {"draft", "submitted", "returned"}
    assert (
        Assignment.objects.filter(ended_on__gt=F("started_on"), organization__dissolved_on=None).count() > 50
    )
    assert AuditEntry.objects.filter(verb="transfer_organization").count() == 2
    assert AuditEntry.objects.filter(verb="change_role").count() == 3


def test_the_campaign() -> None:
    campaign = Campaign.objects.get()
    assert (campaign.code, campaign.name) == ("xinguan-yiqing-fangkong", "新冠肺炎疫情防控")
    assert (campaign.started_on, campaign.ended_on) == (date(2020, 1, 20), None)
    assert campaign.lead_unit == Unit.objects.get(code="gonganbu")
    apart = Organization.objects.filter(code__in=("xining-zhuananzu", "dezhou-liuzhi-zhuanban"))
    assert not apart.filter(campaign=campaign).exists()


def test_figures_speak_of_an_organization_only_where_it_is_one() -> None:
    codes = {row["code"] for row in table("organizations")}
    for row in table("figures"):
        figure = Figure.objects.select_related("organization").get(code=row["id"])
        named = figure.organization.code if figure.organization else ""
        assert named == (row["org_code"] if row["org_code"] in codes else "")
        assert figure.is_comparable == (row["comparable"] == "yes")
        assert [line.split()[0] for line in figure.tension.splitlines()] == [
            key for key in row["tension"].split("; ") if key
        ]


def test_the_printed_logins_open_the_registry_with_their_roles(printed: str, settings: Any) -> None:
    settings.DEBUG = True
    found = re.findall(r"^  (\w+) +/ (\S+) +(\S.*)$", printed, re.M)
    assert [name for name, _, _ in found] == ["admin", "dezhou", "luru", "shenpi", "shenji", "lingdao"]
    for name, password, _ in found:
        assert authenticate(HttpRequest(), username=name, password=password) is not None
    dezhou = Unit.objects.get(code="dezhou-shi-gonganju")
    station = Unit.objects.get(code="dezhou-decheng-jianshejie-paichusuo")
    county = Unit.objects.get(code="tuquan-xian-gonganju")
    names = [name for name, _, _ in found]
    admin, manager, clerk, approver, auditor, viewer = (User.objects.get(username=name) for name in names)
    assert admin.is_superuser
    assert admin.is_staff
    assert access.may(admin, "edit_unit", county)
    assert access.may(manager, "edit_unit", dezhou)
    assert not access.may(manager, "see", county)
    assert access.may(clerk, "edit_organization", station)
    assert not access.may(clerk, "edit_organization", dezhou)
    assert access.may(approver, "approve_organization", station)
    assert not access.may(approver, "edit_organization", station)
    assert access.may_somewhere(auditor, "read_record")
    assert not access.may_somewhere(viewer, "read_record")
    assert not access.may(auditor, "edit_organization", station)
    assert access.may(viewer, "see", county)
    assert not access.may(viewer, "edit_organization", county)


def test_a_second_call_is_refused_or_keeps_everything(settings: Any) -> None:
    settings.DEBUG = True
    before = {model: model.objects.count() for model in (Unit, Organization, Person, AuditEntry, User)}
    with pytest.raises(CommandError, match="库中已有数据"):
        demo()
    said = demo("--if-empty")
    assert "保留不变" in said
    assert "admin " in said
    assert {model: model.objects.count() for model in before} == before


def test_a_login_left_from_debugging_opens_nothing_without_it(settings: Any, client: Any) -> None:
    settings.DEBUG = True
    sent = {"username": "luru", "password": "demo-luru-2020"}
    assert client.post("/login/", sent).status_code == 302
    assert client.get("/account/").status_code == 200
    settings.DEBUG = False
    assert client.get("/account/").status_code == 302
    assert client.post("/login/", sent).status_code == 200
    assert User.objects.get(username="luru").is_active


def test_the_logins_are_closed_when_the_registry_runs_without_debug(settings: Any) -> None:
    settings.DEBUG = False
    said = demo("--if-empty")
    assert "已停用" in said
    assert "createsuperuser" in said
    assert "demo-" not in said, "no password is printed"
    assert authenticate(HttpRequest(), username="admin", password="demo-admin-2020") is None
    assert "已停用" not in demo("--if-empty"), "once is enough"


def test_two_loads_are_the_same() -> None:
    from registry.demo import neimenggu, shandong
    from registry.demo.load import happened
    from registry.demo.sample import Sample

    def rows() -> object:
        sample = Sample()
        neimenggu.fill(sample)
        shandong.fill(sample)
        return sample.load(), happened(sample)

    assert rows() == rows()


def test_it_opens_on_a_day_on_which_something_happened_and_says_why(client: Client) -> None:
    """Each login of the demo whose unit has others below it sees changes, not today's quiet."""
    for name, unit, founded, dissolved in (
        ("admin", "gonganbu", 3, 4),
        ("lingdao", "neimenggu-gonganting", 2, 4),
        ("dezhou", "dezhou-shi-gonganju", 1, 0),
    ):
        client.force_login(User.objects.get(username=name))
        assert client.get("/").headers["Location"] == f"/units/{unit}/"
        page = client.get(f"/units/{unit}/")
        address = page.context["frame"].address
        assert address.as_of == OPENING.day == date(2020, 2, 28)
        assert address.keep == "", "its links need not name the day"
        for basis, number in (("new", founded), ("ended", dissolved)):
            day = {"unit": unit, "basis": basis, "since": "2020-02-28"}
            assert client.get("/organizations/", day).context["page_obj"].paginator.count == number
        assert OPENING.why in page.text
        assert [title for title, _words in page.context["notices"]] == ["从2020年2月28日打开"]


def test_without_the_demo_the_pages_open_on_today() -> None:
    assert opening([Campaign(code="other")]) is None
    Unit.objects.update(is_sample=False)
    assert opening(list(Campaign.objects.all())) is None, "the same campaign in a bureau's own registry"
