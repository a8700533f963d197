"""The record's page, its export, the history on the pages, and setting an edit back."""

from __future__ import annotations

import csv
import io
from typing import Any
from urllib.parse import quote

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from registry import audit
from registry.accounts import grants
from registry.audit import Actor
from registry.models import AuditEntry, Grant, Organization, Unit
from registry.operations import organizations, people, units
from registry.pages.audit import tables
from registry.web.lists import Length
from tests.asking import queries_again
from tests.factories import (
    ACTOR,
    DAY,
    assign,
    logged_in,
    make_organization,
    make_person,
    make_user,
    place_newcomers,
)
from tests.world import World

pytestmark = [pytest.mark.look, pytest.mark.django_db]
RECORD, EXPORT = reverse("record"), reverse("record_export")


def build_world() -> World:
    """The world of all tests; somebody in each bureau whose facts were edited."""
    made = World()
    made.person = make_person("张三", made.left, number="370001", phone="13800000001")
    made.other_person = make_person("吴九", made.right, number="370002", phone="13800000002")
    for person in (made.person, made.other_person):
        people.edit_person(
            actor=ACTOR, person=person, changes={"phone": "13900000009", "number": f"{person.number}9"}
        )
    return made


def client_of(unit: Unit | None, role: str = "auditor", **facts: Any) -> Client:
    return logged_in(unit, role, **facts)


def found(client: Client, **asked: str) -> list[AuditEntry]:
    response = client.get(RECORD, asked)
    assert response.status_code == 200
    return [row.event.entry for row in response.context["rows"]]


# Who reads it


@pytest.mark.parametrize("role", ["viewer", "clerk", "approver"])
def test_the_record_is_for_auditors_and_managers(world: World, role: str) -> None:
    client = client_of(world.left, role)
    before = AuditEntry.objects.count()
    assert client.get(RECORD).status_code == 403
    assert client.post(EXPORT).status_code == 403
    assert AuditEntry.objects.count() == before
    assert "操作记录</a>" not in client.get(reverse("unit", args=["left"])).content.decode()


@pytest.mark.parametrize("role", ["auditor", "manager"])
def test_a_reader_sees_the_entries_of_the_own_units(world: World, role: str) -> None:
    client = client_of(world.left, role)
    entries = found(client)
    assert {entry.unit for entry in entries} == {world.left, world.station}
    assert {"add_unit", "establish_organization", "edit_person"} <= {entry.verb for entry in entries}
    page = client.get(RECORD).content.decode()
    assert "左局临时党支部" in page
    for word in ("右先锋队", "右公安局", "右局", "吴九"):
        assert word not in page
    assert "操作记录</a>" in client.get(reverse("unit", args=["left"])).content.decode()


def test_the_reader_above_sees_all_below(world: World) -> None:
    assert {entry.unit for entry in found(client_of(world.top))} == {
        world.top,
        world.left,
        world.right,
        world.station,
    }


def test_a_grant_that_ended_reads_nothing(world: World) -> None:
    user = make_user(unit=world.left, role="auditor")
    Grant.objects.filter(user=user).update(ended_on=DAY)
    client = Client()
    client.force_login(user)
    assert client.get(RECORD).status_code == 403


def test_without_a_unit_it_is_read_where_the_user_holds_a_grant(world: World) -> None:
    clerk, stranger = make_user("clerk", world.left, "clerk"), make_user("stranger", world.right, "clerk")
    mine = audit.record_event(Actor(clerk, "clerk"), "login", subject="clerk")
    theirs = audit.record_event(Actor(stranger, "stranger"), "login", subject="stranger")
    nobodys = audit.record_event(Actor(None, "未登录"), "login_failed", subject="nobody")
    assert found(client_of(world.left), verb="login") == [mine]
    assert found(client_of(world.right), verb="login") == [theirs]
    superuser = client_of(None, is_superuser=True)
    assert found(superuser, verb="login_failed") == [nobodys]
    assert found(client_of(world.top), verb="login_failed") == []


def test_a_filter_out_of_scope_is_not_found(world: World) -> None:
    client = client_of(world.left)
    assert client.get(RECORD, {"unit": "right"}).status_code == 404
    assert client.get(RECORD, {"unit": "top"}).status_code == 404
    assert client.get(RECORD, {"unit_text": "右局"}).status_code == 404
    assert found(client, object=f"person-{world.other_person.pk}") == []
    assert "吴九" not in client.get(RECORD, {"object": f"person-{world.other_person.pk}"}).content.decode()
    assert client.post(f"{EXPORT}?unit=right").status_code == 404


# What is asked for


def test_the_filters(world: World) -> None:
    client, someone = client_of(world.top), make_user("wang", world.left, "manager", display_name="王五")
    units.edit_unit(actor=Actor(someone, "王五"), unit=world.left, changes={"note": "备注"})
    edited = AuditEntry.objects.get(verb="edit_unit")
    assert found(client, who="王五") == found(client, who="wang") == [edited]
    assert found(client, verb="edit_unit") == [edited]
    assert found(client, unit="left", verb="edit_person") == [
        AuditEntry.objects.get(verb="edit_person", object_id=world.person.pk)
    ]
    assert {entry.object_name for entry in found(client, q="支部", verb="establish_organization")} == {
        "左局党支部",
        "左局临时党支部",
    }
    assert edited in found(client, day_from="2020-01-01")
    assert found(client, day_to="2020-01-01") == found(client, day_from="2099-01-01") == []
    assert client.get(RECORD, {"unit": "left"}).context["chips"][0]["label"] == "单位:左公安局"


def test_everything_about_one_object(world: World) -> None:
    assign(world.branch, world.person)
    client = client_of(world.top)
    about = found(client, object=f"person-{world.person.pk}")
    assert {entry.verb for entry in about} == {"add_person", "edit_person", "assign_person"}
    about = found(client, object=f"organization-{world.branch.pk}")
    assert {entry.verb for entry in about} == {"establish_organization", "assign_person", "end_assignment"}
    for wrong in ("person-x", "nothing-1", "person", "-1", f"person-{'9' * 40}", "person-²"):
        assert client.get(RECORD, {"object": wrong}).status_code == 404


@pytest.mark.parametrize(
    "asked",
    [
        {"verb": "nothing"},
        {"day_from": "yesterday"},
        {"day_to": "2020-13-45"},
        {"who": "'; DROP TABLE registry_auditentry --"},
        {"q": "%_\\\x00"},
        {"page": "9999"},
        {"day_to": "9999-12-31"},
    ],
)
def test_what_cannot_be_read_is_named_and_left_out(world: World, asked: dict[str, str]) -> None:
    response = client_of(world.top).get(RECORD, asked)
    assert response.status_code == 200
    if asked.keys() & {"verb", "day_from"}:
        assert "没有使用" in response.content.decode()


def test_newest_first_and_in_pages(world: World) -> None:
    for number in range(60):
        audit.record_event(ACTOR, "export", subject=f"第 {number} 件", unit=world.left)
    client = client_of(world.left)
    page = client.get(RECORD)
    rows = [row.event.entry.pk for row in page.context["rows"]]
    assert len(rows) == 50
    assert rows == sorted(rows, reverse=True)
    assert (
        page.context["page_obj"].paginator.count
        == AuditEntry.objects.filter(unit__in=(world.left, world.station)).count()
    )


def test_as_many_queries_for_many_entries_as_for_one(world: World) -> None:
    client = client_of(world.left)

    def queries(**asked: str) -> int:
        client.get(RECORD, asked)
        with CaptureQueriesContext(connection) as captured:
            assert client.get(RECORD, asked).status_code == 200
        return len(captured)

    one = queries(verb="establish_organization"), queries(verb="edit_person")
    assign(world.branch, world.person)
    one_placed = queries(verb="assign_person")
    for _ in range(2):
        organization, person = make_organization(world.left), make_person(unit=world.left)
        people.edit_person(actor=ACTOR, person=person, changes={"note": "备注"})
        assign(organization, person)
    three = queries(verb="establish_organization"), queries(verb="edit_person")
    assert three == one
    assert queries(verb="assign_person") == one_placed


# A line for each act, without log-ins


def crowd(world: World, number: int) -> list[AuditEntry]:
    """Return the entries of an act that places so many people in the branch."""
    place_newcomers(world.branch, number)
    return list(AuditEntry.objects.filter(verb="assign_person").order_by("-pk")[:number][::-1])


def test_an_act_is_one_line_that_opens_to_its_entries(world: World) -> None:
    act, client = crowd(world, 5), client_of(world.top)
    page = client.get(RECORD)
    line = page.context["rows"][0]
    assert (line.event.entry, line.number) == (act[0], 5)
    assert not {entry.pk for entry in act[1:]} & {row.entry.pk for row in page.context["rows"]}
    opened = client.get(line.act_url)
    assert [row.entry for row in opened.context["rows"]] == act[::-1]
    assert {row.number for row in opened.context["rows"]} == {1}
    assert opened.context["chips"][0]["label"].startswith("一次操作:编入 ")
    assert page.context["page_obj"].paginator.count == AuditEntry.objects.filter(part_of=None).count()


def test_an_act_of_which_only_a_later_part_is_asked_for_is_listed_by_that(world: World) -> None:
    act, client = crowd(world, 5), client_of(world.top)
    (line,) = client.get(RECORD, {"q": act[3].object_name}).context["rows"]
    assert (line.entry, line.number) == (act[3], 1)
    for wrong in ("x", "-1", "9" * 30):
        assert client.get(RECORD, {"act": wrong}).status_code == 404
    assert list(client.get(RECORD, {"act": "1" * 12}).context["rows"]) == []


def test_acts_are_counted_as_far_as_that_is_quick(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    crowd(world, 5)
    client, entries = client_of(world.top), AuditEntry.objects.count()
    acts = AuditEntry.objects.filter(part_of=None).count()
    for longest, length in ((entries, Length(acts)), (entries - 1, Length(acts, is_exact=False))):
        monkeypatch.setattr(tables, "LONGEST", longest)
        page = client.get(RECORD)
        assert page.context["table"].length == length
        assert page.context["page_obj"].paginator.is_longer != length.is_exact


def test_as_many_queries_for_acts_of_many_parts(world: World) -> None:
    client = client_of(world.top)
    crowd(world, 1)
    few = queries_again(lambda: client.get(RECORD))
    crowd(world, 4)
    crowd(world, 3)
    assert queries_again(lambda: client.get(RECORD)) == few


def test_log_ins_are_folded_away_and_the_chip_shows_them(world: World) -> None:
    clerk = make_user("clerk", world.left, "clerk")
    events = [
        audit.record_event(Actor(clerk, "clerk"), verb, subject="clerk") for verb in ("login", "logout")
    ]
    client = client_of(world.left)
    page = client.get(RECORD)
    assert not set(events) & {row.entry for row in page.context["rows"]}
    (chip,) = page.context["chips"]
    assert (chip["label"], chip["word"], page.context["clear_url"]) == ("不含登录、退出", "显示", "")
    shown = client.get(chip["remove_url"])
    assert set(events) <= {row.entry for row in shown.context["rows"]}
    assert shown.context["chips"] == []
    assert "routine=1" in shown.content.decode()  # the other filters keep it
    # Asked for by the verb they are there at once; a locked login is never left out.
    assert found(client, verb="logout") == [events[1]]
    locked = audit.record_event(Actor(clerk, "clerk"), "login_locked", subject="clerk")
    assert locked in found(client)


def test_the_file_says_what_it_leaves_out_and_lists_every_entry(world: World) -> None:
    act, client = crowd(world, 3), client_of(world.top)
    audit.record_event(Actor(make_user("clerk", world.left, "clerk"), "clerk"), "login", subject="clerk")
    response = client.post(EXPORT, {"format": "csv"}, query_params={"day_from": "2020-01-01"})
    text = b"".join(response.streaming_content).decode("utf-8-sig")
    assert "登录、退出等日常记录 1 条未列入" in text
    head, *rows = exported(client, verb="assign_person", q="左局临时党支部")
    parts = {row[0]: row[head.index("所属操作")] for row in rows}
    assert {parts[str(entry.pk)] for entry in act} == {str(act[0].pk)}


def test_verbs_are_offered_by_noun(world: World) -> None:
    choices = dict(client_of(world.top).get(RECORD).context["filters"].fields["verb"].choices)
    assert ("assign_person", "编入") in choices["编入"]
    assert ("edit_unit", "修改单位资料") in choices["单位"]
    assert ("login", "登录") in choices["登录和本人账号"]
    assert ("export", "导出") in choices["导出和维护"]
    assert "查看" not in [label for group in choices.values() if group != "全部" for _slug, label in group]


# What it says


def test_a_number_and_a_telephone_are_masked(world: World) -> None:
    """An auditor sees neither in full; a manager, who works with numbers, sees the number only."""
    page = client_of(world.left).get(RECORD).content.decode()
    assert "13900000009" not in page
    assert "370001" not in page
    assert "联系电话:••••01 → ••••09" in page
    page = client_of(world.left, "manager").get(RECORD).content.decode()
    assert "13900000009" not in page
    assert "警号:370001 → 3700019" in page


def test_a_telephone_that_looks_the_same_masked_is_still_said_to_be_changed(world: World) -> None:
    people.edit_person(actor=ACTOR, person=world.person, changes={"phone": "13911111109"})
    page = client_of(world.left).get(RECORD).content.decode()
    assert "联系电话:已修改(••••09)" in page


def test_a_link_only_to_what_may_be_opened(world: World) -> None:
    organizations.transfer_organization(
        actor=ACTOR, organization=world.branch, unit=world.right, on=DAY, reason="支援"
    )
    rows = client_of(world.left).get(RECORD).context["rows"]
    urls = {(row.event.entry.verb, row.event.entry.object_id): row.url for row in rows}
    assert urls["establish_organization", world.branch.pk] == ""
    assert urls["edit_person", world.person.pk].startswith("/people/")
    assert "370001" not in urls["edit_person", world.person.pk]


def test_script_in_the_record_is_text(world: World) -> None:
    units.edit_unit(actor=ACTOR, unit=world.left, changes={"note": "<script>alert(1)</script>"})
    for url in (RECORD, reverse("unit", args=["left"])):
        page = client_of(world.left, "manager").get(url).content.decode()
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert(1)" in page


# Export


def exported(client: Client, **asked: str) -> list[list[str]]:
    response = client.post(EXPORT, {"format": "csv"}, query_params=asked)
    assert response.status_code == 200
    assert response["Content-Disposition"].endswith(quote(f"操作记录-{timezone.localdate()}.csv"))
    content = b"".join(response.streaming_content)
    lines = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
    return lines[next(at for at, line in enumerate(lines) if line[0] == "编号") :]


def test_the_export_is_what_the_page_lists(world: World) -> None:
    client = client_of(world.left)
    listed = [str(entry.pk) for entry in found(client, verb="edit_person")]
    head, *rows = exported(client, verb="edit_person")
    assert head[:3] == ["编号", "时间", "操作人"]
    assert [row[0] for row in rows] == listed
    text = "".join("".join(row) for row in rows)
    assert "13900000009" not in text
    assert "370001" not in text
    assert "吴九" not in text


def test_the_export_is_recorded(world: World) -> None:
    client = client_of(world.left)
    exported(client, unit="left", verb="edit_person")
    entry = AuditEntry.objects.get(verb="export")
    assert (entry.object_name, entry.unit, entry.after["rows"]) == ("操作记录", world.left, 1)
    assert entry.after["filters"] == ["单位:左公安局", "操作:修改人员资料"]
    assert entry.after["file"] == f"操作记录-{timezone.localdate()}.csv"
    assert entry.user is not None
    assert client.get(EXPORT).status_code == 405
    assert AuditEntry.objects.filter(verb="export").count() == 1


def test_a_formula_entered_as_a_name_arrives_as_text(world: World) -> None:
    evil = make_organization(world.left, name='=HYPERLINK("http://evil","x")')
    organizations.withdraw_organization(actor=ACTOR, organization=evil, reason="@SUM(1)")
    _head, row = exported(client_of(world.left), verb="withdraw_organization")
    assert row[8].startswith("'=HYPERLINK")
    assert row[13] == "'@SUM(1)"


# History on the pages, and setting back


def test_the_history_of_a_unit_an_organization_and_a_person(world: World) -> None:
    units.edit_unit(actor=ACTOR, unit=world.left, changes={"short_name": "左"}, reason="统一简称")
    assignment = assign(world.branch, world.person)
    assert assignment.pk
    client = client_of(world.left, "viewer")
    page = client.get(reverse("unit", args=["left"])).content.decode()
    assert "修改单位资料" in page
    assert "简称:左局 → 左" in page
    assert "原因:统一简称" in page
    page = client.get(reverse("organization", args=["branch"])).content.decode()
    assert "编入:张三" in page
    page = client.get(reverse("person", args=[world.person.key])).content.decode()
    assert "编入:左局临时党支部" in page
    assert "联系电话:••••01 → ••••09" in page
    assert "3700019" not in page
    assert "还原</a>" not in page


def undo_url(entry: AuditEntry) -> str:
    return reverse("record_undo", args=[entry.pk])


def edit_of(row: Any) -> AuditEntry:
    return AuditEntry.objects.filter(
        object_id=row.pk, noun=row._meta.model_name, verb__startswith="edit_"
    ).get()


def test_an_edit_is_set_back_from_its_page(world: World) -> None:
    organizations.edit_organization(actor=ACTOR, organization=world.branch, changes={"name": "新名"})
    entry, client = edit_of(world.branch), client_of(world.left, "clerk")
    page = client.get(reverse("organization", args=["branch"]), {"as_of": "2020-03-01"}).content.decode()
    assert f"{undo_url(entry)}?as_of=2020-03-01" in page
    asked = client.get(undo_url(entry))
    assert asked.status_code == 200
    assert "组织名称 由 <b>新名</b> 改回 <b>左局临时党支部</b>" in " ".join(asked.content.decode().split())
    assert Organization.objects.get(pk=world.branch.pk).name == "新名"
    response = client.post(f"{undo_url(entry)}?as_of=2020-03-01", {"reason": "改错了"}, follow=True)
    assert response.redirect_chain == [("/organizations/branch/?as_of=2020-03-01", 302)]
    assert "已还原“左局临时党支部”的修改。" in response.content.decode()
    assert "还原:修改组织资料" in response.content.decode()
    assert AuditEntry.objects.get(undoes=entry).reason == "改错了"
    assert f'href="{undo_url(entry)}' not in response.content.decode()


def test_without_a_reason_the_form_comes_back(world: World) -> None:
    units.edit_unit(actor=ACTOR, unit=world.left, changes={"name": "新名"})
    response = client_of(world.left, "manager").post(undo_url(edit_of(world.left)), {"reason": ""})
    assert response.status_code == 200
    assert response.context["form"].errors["reason"]
    assert Unit.objects.get(pk=world.left.pk).name == "新名"


def test_what_was_changed_again_is_said_and_not_set_back(world: World) -> None:
    units.edit_unit(actor=ACTOR, unit=world.left, changes={"name": "第二"})
    entry = edit_of(world.left)
    units.edit_unit(actor=ACTOR, unit=world.left, changes={"name": "第三"})
    client = client_of(world.left, "manager")
    assert "当时改为“第二”,现在是“第三”" in client.get(undo_url(entry)).content.decode()
    response = client.post(undo_url(entry), {"reason": "改错了"})
    assert "当时改为“第二”,现在是“第三”" in response.content.decode()
    assert f'href="{undo_url(entry)}' not in client.get(reverse("unit", args=["left"])).content.decode()
    assert Unit.objects.get(pk=world.left.pk).name == "第三"


@pytest.mark.parametrize(
    ("place", "role"),
    [
        ("left", "viewer"),
        ("left", "auditor"),
        ("left", "approver"),
        ("right", "manager"),
        ("right", "clerk"),
        ("", "manager"),
    ],
)
def test_who_may_not_edit_may_not_set_back(world: World, place: str, role: str) -> None:
    units.edit_unit(actor=ACTOR, unit=world.left, changes={"name": "新名"})
    organizations.edit_organization(actor=ACTOR, organization=world.branch, changes={"name": "新名"})
    client = client_of(Unit.objects.get(code=place) if place else None, role)
    before = AuditEntry.objects.count()
    status = 403 if place == "left" else 404
    for row in (world.left, world.branch, world.person):
        assert client.get(undo_url(edit_of(row))).status_code == status
        assert client.post(undo_url(edit_of(row)), {"reason": "改错了"}).status_code == status
    assert AuditEntry.objects.count() == before


def test_a_clerk_does_not_set_a_unit_back(world: World) -> None:
    units.edit_unit(actor=ACTOR, unit=world.left, changes={"name": "新名"})
    client = client_of(world.left, "clerk")
    assert client.post(undo_url(edit_of(world.left)), {"reason": "改错了"}).status_code == 403


def test_a_guests_host_does_not_set_the_person_back(world: World) -> None:
    """To be placed in scope is not enough: the person is edited where it is at home."""
    assign(world.pioneers, world.person)
    client = client_of(world.right, "clerk")
    assert client.post(undo_url(edit_of(world.person)), {"reason": "改错了"}).status_code == 403
    assert client.get(reverse("record_undo", args=[10**9])).status_code == 404


def test_a_persons_edit_is_set_back(world: World) -> None:
    client = client_of(world.left, "clerk")
    response = client.post(undo_url(edit_of(world.person)), {"reason": "改错了"}, follow=True)
    assert response.redirect_chain[0][0] == "/people/370001/"
    assert "13900000009" not in response.content.decode()
    world.person.refresh_from_db()
    assert (world.person.number, world.person.phone) == ("370001", "13900000009")


def test_grants_and_accounts_are_read_in_words(world: World) -> None:
    manager, user = make_user("chief", world.top, "manager"), make_user("wang", world.left, "viewer")
    facts = {"unit": world.left, "role": "clerk", "started_on": timezone.localdate()}
    grants.grant_role(actor=Actor(manager, "chief"), user=user, **facts)
    page = client_of(world.left).get(RECORD, {"verb": "grant_role"}).content.decode()
    assert "授权" in page
    assert "角色:录入" in page
    assert "单位:左公安局" in page
