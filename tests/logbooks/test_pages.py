"""The pages of logbooks: the overview, the list of any design, what is behind a number, form and page."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from registry.approvals.models import Submission
from registry.audit import Actor
from registry.files import album
from registry.files.receiving import receive
from registry.logbooks.models import Entry, Logbook
from registry.logbooks.operations.deciding import step_entry, withdraw_entry
from registry.logbooks.operations.entries import add_entry
from registry.logbooks.operations.logbooks import add_fields
from registry.logbooks.pages import tables
from registry.models import AuditEntry, User
from tests.asking import queries, queries_again
from tests.factories import ACTOR, make_user
from tests.files.making import photo
from tests.logbooks.books import DESIGN, WALLED, make_logbook
from tests.world import World

pytestmark = [pytest.mark.django_db, pytest.mark.look]
DAY = date(2020, 2, 10)
LIST = "/logbooks/sampling/?as_of=2020-03-01"


@pytest.fixture
def book(world: World) -> Logbook:
    return make_logbook(world.top)


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def clerk(world: World) -> Client:
    return client_of(make_user("clerk", world.left, "clerk"))


@pytest.fixture
def manager(world: World) -> Client:
    return client_of(make_user("manager", world.top, "manager"))


def enter(world: World, book: Logbook, place: str = "东门", day: date = DAY, **more: Any) -> Entry:
    """Enter one at the station, or elsewhere."""
    values = {"place": place, "staff": [(world.full, "带队"), (world.auxiliary, "")], "number": 120}
    given = {"unit": world.station, **{name: more.pop(name) for name in ("unit", "campaign") if name in more}}
    return add_entry(actor=ACTOR, logbook=book, happened_on=day, values={**values, **more}, **given)


def listed(client: Client, query: str = "", path: str = LIST) -> list[str]:
    """Return what the list names, in its order."""
    page = client.get(f"{path}{query}")
    assert page.status_code == 200
    return [line.title for line in page.context["rows"]]


def sums(client: Client, path: str) -> dict[str, int]:
    """Return the numbers over a list."""
    return {each.label: each.number for each in client.get(path).context["sums"]}


# --- The overview -----------------------------------------------------------------------------------


def test_the_overview_counts_each_logbook_at_the_unit_and_leads_to_its_rows(
    world: World, clerk: Client
) -> None:
    page = clerk.get("/logbooks/")
    assert "请联系本单位的管理员" in page.content.decode()
    book = make_logbook(world.top)
    enter(world, book)
    page = clerk.get("/logbooks/?as_of=2020-03-01")
    (card,) = page.context["cards"]
    (listed_book,) = card.books
    numbers = {label: (number, url) for label, number, _measure, url in listed_book.numbers}
    assert (card.label, listed_book.enter_url) == (
        "其他",
        "/logbooks/sampling/enter/?as_of=2020-03-01&unit=left",
    )
    assert {label: number for label, (number, _url) in numbers.items()} == {
        "支援次数": 1, "支援人数": 2, "支援人次": 2, "采样人数": 120, "办结": 0, "待办结": 0, "核实用时": 0,
    }  # fmt: skip
    people = clerk.get(numbers["支援人数"][1])
    assert [row.person.name for row in people.context["rows"]] == ["钱二", "赵一"]


# --- The list ---------------------------------------------------------------------------------------


@pytest.mark.both
def test_a_list_is_filtered_and_sorted_by_any_field(world: World, book: Logbook, manager: Client) -> None:
    enter(world, book, "东门", number=120, shift="早", cost=500, begun=None, with_unit=world.left)
    enter(
        world, book, "西门", date(2020, 2, 12), number=30, shift="夜", staff=[(world.idle, "")], order="1号"
    )
    enter(world, book, "北门", date(2020, 2, 14), unit=world.right, number=None, branch=world.branch)
    assert listed(manager) == ["北门", "西门", "东门"]
    for query, want in {
        "f_number=100 至 200": ["东门"],
        "f_number=-30": [],
        "f_number=至 30": ["西门"],
        "f_number=30": ["西门"],
        "f_shift=夜": ["西门"],
        "f_staff=李四": ["西门"],
        "f_staff=zhaoyi": ["北门", "东门"],
        "f_place=门": ["北门", "西门", "东门"],
        "f_order=1": ["西门"],
        "f_with_unit=left": ["东门"],
        "f_branch=branch": ["北门"],
        "f_cost=500": ["东门"],
        "days=2.11 至 2.13": ["西门"],
        "unit=left": ["西门", "东门"],
        "q=xim": ["西门"],
        f"person={world.idle.key}": ["西门"],
        "sort=f_number": ["西门", "东门", "北门"],
        "sort=-f_number": ["东门", "西门", "北门"],
        "sort=f_place": sorted(["东门", "西门", "北门"]),
        "sort=unit&f_number=至 500": ["西门", "东门"],
    }.items():
        assert listed(manager, f"&{query}") == want, query


def test_what_is_asked_for_badly_is_said_and_left_out(world: World, book: Logbook, manager: Client) -> None:
    enter(world, book)
    page = manager.get(f"{LIST}&f_number=很多&days=昨天&person=nobody&f_shift=晚")
    assert len(page.context["filter_problems"]) == 4
    assert "“采样人数”请填整数" in page.content.decode()


def test_a_list_asks_as_much_for_three_as_for_one(world: World, book: Logbook, manager: Client) -> None:
    more = {"with_unit": world.left, "branch": world.branch, "contact": [(world.idle, "")]}
    enter(world, book, **more)
    manager.get(LIST)
    one = queries(lambda: manager.get(LIST))
    enter(world, book, "西门", **{**more, "with_unit": world.right, "branch": world.pioneers})
    enter(world, book, "北门", unit=world.right, **more)
    assert queries(lambda: manager.get(LIST)) == one


def test_what_was_withdrawn_is_listed_when_it_is_asked_for(
    world: World, book: Logbook, manager: Client
) -> None:
    enter(world, book)
    gone = enter(world, book, "西门")
    withdraw_entry(actor=ACTOR, entry=gone, reason="误录")
    assert listed(manager) == ["东门"]
    assert listed(manager, "&state=all") == ["东门"]
    assert listed(manager, "&state=withdrawn") == ["西门"]


@pytest.mark.both
def test_the_sums_over_a_list_are_those_of_the_entries_that_are_left(
    world: World, book: Logbook, manager: Client
) -> None:
    enter(world, book)
    second = enter(world, book, "西门", date(2020, 2, 12), number=30, staff=[(world.full, "")])
    step_entry(actor=ACTOR, entry=second, step="checked", on=date(2020, 2, 13))
    assert sums(manager, LIST) == {
        "支援次数": 2, "支援人数": 2, "支援人次": 3, "采样人数": 150, "待办结": 1, "核实用时": 24,
    }  # fmt: skip
    left = sums(manager, f"{LIST}&f_number=至 50")
    assert left == {"支援次数": 1, "支援人数": 1, "支援人次": 1, "采样人数": 30, "待办结": 1, "核实用时": 24}


@pytest.mark.both
@pytest.mark.parametrize("query", ["", "&basis=new&since=2020-02-11", "&unit=right", "&as_of=2020-02-11"])
def test_behind_each_number_stand_as_many_rows(
    world: World, book: Logbook, manager: Client, query: str
) -> None:
    first = enter(world, book)
    enter(world, book, "西门", date(2020, 2, 12), number=30, staff=[(world.idle, ""), (world.full, "")])
    enter(world, book, "北门", date(2020, 2, 14), unit=world.right)
    step_entry(actor=ACTOR, entry=first, step="checked", on=date(2020, 2, 15))
    address = f"as_of=2020-03-01{query}" if "as_of" not in query else query[1:]
    for each in manager.get(f"/logbooks/sampling/?{address}").context["sums"]:
        rows = manager.get(each.url).context["rows"]
        if each.label in ("支援次数", "支援人数"):
            assert len(rows) == each.number, each
        else:
            assert sum(row.counted for row in rows) == each.number, each


@pytest.mark.both
def test_the_entries_of_one_of_the_people_behind_a_number(
    world: World, book: Logbook, manager: Client
) -> None:
    enter(world, book)
    enter(world, book, "西门", staff=[(world.idle, "")], contact=[(world.full, "")])
    page = manager.get("/entries/counted/?metric=log.sampling.people&as_of=2020-03-01")
    rows = {row.person.name: row for row in page.context["rows"]}
    assert {name: row.times for name, row in rows.items()} == {"赵一": 1, "钱二": 1, "李四": 1}
    assert listed(manager, path=rows["赵一"].times_url) == ["东门"]


def test_the_file_of_a_list_has_every_field_but_what_is_personal(world: World, manager: Client) -> None:
    fields = [*DESIGN["fields"], {"key": "phone", "label": "电话", "type": "text", "personal": True}]
    book = make_logbook(world.top, design={**DESIGN, "fields": fields})
    enter(world, book, phone="13800000000", begun=None)
    answer: Any = manager.post(f"/export/logbooks/{book.code}/?as_of=2020-03-01", {"format": "csv"})
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    assert "日期,单位,采样点,支援人员,班次,采样人数,花费(元)" in text
    assert "2020-02-10,左派出所,东门,赵一(带队)、钱二" in text
    assert "合计:支援次数 1 次 · 支援人数 2 人 · 支援人次 2 人次 · 采样人数 120 人" in text
    assert "138" not in text
    assert "138" in manager.get(LIST).content.decode()
    viewer = client_of(make_user("viewer", world.top, "viewer"))
    assert "138" not in viewer.get(LIST).content.decode()
    assert listed(viewer, "&f_phone=138") == []


# --- The form ---------------------------------------------------------------------------------------

FORM = "/logbooks/sampling/enter/"


def sent(world: World, **more: Any) -> dict[str, Any]:
    return {
        "happened_on": "2020-02-11",
        "unit": "station",
        "v_place": "西门",
        "v_staff": [world.full.key],
        "v_staff_role": ["带队"],
        "v_number": "1,200",
        "v_begun": "8点30",
        "v_cost": "500元",
        **more,
    }


def test_a_form_begins_with_the_day_and_what_it_is_about(world: World, book: Logbook, clerk: Client) -> None:
    form = clerk.get(f"{FORM}?unit=station&as_of=2020-02-11").context["form"]
    assert (form.initial["unit"], form.initial["happened_on"]) == (world.station, date(2020, 2, 11))
    assert clerk.get(FORM).context["form"].initial["unit"] == world.left
    about = make_logbook(world.top, name="谈心", code="talk", about="person")
    form = clerk.get(f"/logbooks/{about.code}/enter/?person={world.full.key}").context["form"]
    assert (form.initial["person"], form.initial["unit"]) == (world.full, world.left)


def test_an_entry_is_read_as_it_is_typed_and_the_next_one_keeps_what_is_the_same(
    world: World, book: Logbook, clerk: Client
) -> None:
    answer = clerk.post(FORM, sent(world, save_as="next", v_shift="早"))
    entry = Entry.objects.get()
    assert entry.values == {"place": "西门", "shift": "早", "number": 1200, "cost": 500_00, "begun": "08:30"}
    assert [(one.person, one.role) for one in entry.people.all()] == [(world.full, "带队")]
    assert answer.headers["Location"] == f"{FORM}?after={entry.code}"
    begun = clerk.get(answer.headers["Location"]).context["form"].initial
    kept = {
        name: begun.get(name) for name in ("unit", "happened_on", "v_shift", "v_staff", "v_place", "v_number")
    }
    assert kept == {
        "unit": world.station, "happened_on": date(2020, 2, 11), "v_shift": "早",
        "v_staff": [(world.full, "带队")], "v_place": None, "v_number": None,
    }  # fmt: skip
    (button,) = clerk.get(FORM).context["actions"]
    like = clerk.get(button["url"]).context["form"].initial
    assert (like["v_place"], like["v_number"]) == ("西门", 1200)


def test_what_is_wrong_stands_at_its_field_and_nothing_is_lost(
    world: World, book: Logbook, clerk: Client
) -> None:
    page = clerk.post(FORM, sent(world, v_place="", v_number="五百", v_shift="早"))
    form = page.context["form"]
    assert form.errors["v_place"] == ["请填写“采样点”。"]
    assert form.errors["v_number"] == ["“采样人数”请填整数,如 500。"]
    assert 'value="五百"' in page.content.decode()
    page = clerk.post(FORM, sent(world, v_number="5001"))
    assert page.context["form"].errors["v_number"] == ["“采样人数”不能大于 5,000,现在是 5,001。"]
    assert not Entry.objects.exists()


def test_a_draft_may_lack_what_is_required_and_does_not_count(
    world: World, book: Logbook, clerk: Client
) -> None:
    clerk.post(FORM, sent(world, save_as="draft", v_place=""))
    entry = Entry.objects.get()
    assert entry.state == "draft"
    refused = clerk.post(f"/entries/{entry.code}/submit/")
    assert "请填写“采样点”" in refused.content.decode()


def test_a_unit_s_own_fields_are_asked_for_there(world: World, book: Logbook, clerk: Client) -> None:
    own = [{"key": "car", "label": "车辆", "type": "number", "required": True}]
    add_fields(actor=ACTOR, logbook=book, unit=world.station, fields=own)
    assert "v_car" not in clerk.get(FORM).context["form"].fields
    page = clerk.post(FORM, sent(world))
    assert page.context["form"].errors["v_car"] == ["请填写“车辆”。"]


def test_photos_come_with_the_form_and_stay_with_the_entry(
    world: World, clerk: Client, settings: Any, tmp_path: Path
) -> None:
    settings.FILES_DIR = tmp_path
    fields = [
        *DESIGN["fields"],
        {"key": "photos", "label": "照片", "type": "photos", "required": True, "upper": 3},
    ]
    make_logbook(world.top, design={**DESIGN, "fields": fields})
    assert clerk.post(FORM, sent(world)).context["form"].errors["v_photos"] == ["请至少上传一张照片。"]
    user = User.objects.get(username="clerk")
    names = ("一.jpg", "二.jpg")
    taken = receive(Actor(user=user), [SimpleUploadedFile(name, photo()) for name in names], "photo").stored
    clerk.post(FORM, sent(world, v_photos=[file.pk for file in taken]))
    entry = Entry.objects.get()
    assert [str(file) for file in album.files_of(entry, "photos")] == ["一.jpg", "二.jpg"]
    shown = [
        clerk.get(f"/album/?unit={code}&as_of=2020-03-01").context["photos"] for code in ("left", "station")
    ]
    assert [[str(file) for file in photos] for photos in shown] == [["二.jpg", "一.jpg"]] * 2
    assert clerk.get("/album/?unit=left&as_of=2020-02-01").context["photos"] == []
    assert clerk.get("/album/?unit=right").status_code == 404
    assert taken[0].thumb_url in clerk.get(f"/entries/{entry.code}/").content.decode()
    one = queries_again(lambda: clerk.get(LIST))
    (line,) = clerk.get(LIST).context["rows"]
    assert line.value(line.design.by_key["photos"]) == 2
    clerk.post(f"/entries/{entry.code}/edit/", sent(world, v_photos=[taken[1].pk], version=entry.version))
    assert [str(file) for file in album.files_of(entry, "photos")] == ["二.jpg"]
    assert "照片:2 张 → 1 张" in clerk.get(f"/entries/{entry.code}/").content.decode()
    clerk.post(FORM, sent(world, save_as="draft"))
    assert queries(lambda: clerk.get(f"{LIST}&state=all")) <= one


# --- The page of an entry ---------------------------------------------------------------------------


def test_an_entry_goes_through_its_steps_on_its_page(world: World, book: Logbook, clerk: Client) -> None:
    entry = enter(world, book)
    page = clerk.get(f"/entries/{entry.code}/")
    assert [each["label"] for each in page.context["following"]] == ["核实"]
    step = f"/entries/{entry.code}/step/?step=checked"
    late = clerk.post(step, {"step": "checked", "on": "2020-02-14", "at": "9:00"})
    (warning,) = late.context["warnings"]
    assert warning == "“核实”应在上一步后 24 小时内,现在是 105 小时。"
    clerk.post(
        step, {"step": "checked", "on": "2020-02-14", "at": "9:00", "confirmed": late.context["confirmed"]}
    )
    missing = clerk.post(f"/entries/{entry.code}/step/?step=closed", {"step": "closed", "on": "2020-02-15"})
    assert missing.context["form"].errors["document_number"] == ["请填写文号。"]
    page = clerk.get(f"/entries/{entry.code}/")
    assert [(each.label, each.is_late) for each in page.context["steps"]] == [("登记", False), ("核实", True)]


def test_an_approved_entry_is_changed_and_taken_back_by_two(world: World) -> None:
    make_logbook(world.top, needs_approval=True)
    clerk, approver = (make_user(name, world.top, name) for name in ("clerk", "approver"))
    client, other = client_of(clerk), client_of(approver)
    client.post(FORM, sent(world))
    entry = Entry.objects.get()
    other.post(f"/entries/{entry.code}/approve/")
    entry.refresh_from_db()
    assert entry.state == "approved"
    form = {**sent(world), "v_number": "7", "version": entry.version}
    client.post(f"/entries/{entry.code}/edit/", form)
    entry.refresh_from_db()
    assert entry.values["number"] == 1200
    page = client.get(f"/entries/{entry.code}/").content.decode()
    assert "待审批的变更" in page
    again = client.post(f"/entries/{entry.code}/edit/", form)
    assert "不用再提" in again.content.decode()
    waits = Submission.objects.get()
    assert f"/entries/{entry.code}/" in other.get(f"/approvals/{waits.pk}/").content.decode()
    other.post(f"/approvals/{waits.pk}/return/", {"reason": "数不对"})
    begun = client.get(f"/entries/{entry.code}/edit/")
    assert "数不对" in begun.content.decode()
    filled = begun.context["form"].initial
    assert (filled["v_number"], filled["v_staff"], filled["unit"]) == (
        7,
        [(world.full, "带队")],
        world.station,
    )
    client.post(f"/entries/{entry.code}/edit/", form)
    other.post(f"/approvals/{waits.pk}/approve/")
    entry.refresh_from_db()
    assert entry.values["number"] == 7
    edited = AuditEntry.objects.filter(verb="edit_entry").latest("pk")
    client.post(f"/record/{edited.pk}/undo/", {"reason": "改错了"})
    entry.refresh_from_db()
    assert entry.values["number"] == 7  # another person approves that, too


def test_who_approves_a_change_sees_its_photos_before_and_after(
    world: World, settings: Any, tmp_path: Path
) -> None:
    settings.FILES_DIR = tmp_path
    fields = [*DESIGN["fields"], {"key": "photos", "label": "照片", "type": "photos", "upper": 3}]
    make_logbook(world.top, needs_approval=True, design={**DESIGN, "fields": fields})
    clerk, approver = (make_user(name, world.top, name) for name in ("clerk", "approver"))
    client, other, viewer = (
        client_of(clerk),
        client_of(approver),
        client_of(make_user("viewer", world.top, "viewer")),
    )
    old, new = receive(
        Actor(user=clerk), [SimpleUploadedFile(name, photo()) for name in ("旧.jpg", "新.jpg")], "photo"
    ).stored
    client.post(FORM, sent(world, save_as="draft", v_photos=[old.pk]))
    entry = Entry.objects.get()
    assert [str(file) for file in album.files_of(entry)] == ["旧.jpg"], "a draft keeps its photos"
    client.post(f"/entries/{entry.code}/submit/")
    other.post(f"/entries/{entry.code}/approve/")
    entry.refresh_from_db()
    assert other.get(new.thumb_url).status_code == 404
    client.post(f"/entries/{entry.code}/edit/", sent(world, v_photos=[new.pk], version=entry.version))
    waits = Submission.objects.get()
    (shown,) = other.get(f"/approvals/{waits.pk}/").context["photos"]
    assert (shown.before, shown.after) == ([old], [new])
    assert other.get(new.thumb_url).status_code == other.get(f"/files/{new.pk}/").status_code == 200
    assert viewer.get(new.thumb_url).status_code == 404, "nobody else sees it before it is approved"
    other.post(f"/approvals/{waits.pk}/approve/")
    assert [str(file) for file in album.files_of(entry)] == ["新.jpg"]
    assert other.get(f"/approvals/{waits.pk}/").context["photos"] == []
    assert viewer.get(new.thumb_url).status_code == 200


def test_entries_wait_on_the_desk_and_come_back_there(world: World) -> None:
    make_logbook(world.top, needs_approval=True)
    clerk, approver = (client_of(make_user(name, world.top, name)) for name in ("clerk", "approver"))
    clerk.post(FORM, sent(world))
    entry = Entry.objects.get()
    desk = approver.get("/desk/").content.decode()
    for words in ("核酸采样支援 · 左派出所", "支援次数自 2020-02-11 起增加 1 次", "采样人数", "1,200"):
        assert words in desk, words
    approver.post(f"/entries/{entry.code}/return/", {"reason": "请补照片"})
    back = clerk.get("/desk/").content.decode()
    assert "请补照片" in back
    assert f"/entries/{entry.code}/edit/" in back


def test_the_columns_of_each_logbook_are_chosen_by_themselves(
    world: World, book: Logbook, clerk: Client
) -> None:
    enter(world, book, shift="早")
    columns = ["unit", "f_number"]
    sent_ = {"list": "entries_export:sampling", "columns": columns, "back": LIST}
    assert clerk.post("/account/columns/", sent_).headers["Location"] == LIST
    shown = [column.title for column, _key, _day in clerk.get(LIST).context["table"].grid.heads]
    assert shown == ["选", "采样点", "单位", "采样人数"]


def test_many_entries_are_approved_and_withdrawn_at_once(world: World) -> None:
    book = make_logbook(world.top, needs_approval=True)
    rows = [enter(world, book, place) for place in ("东门", "西门")]
    manager = client_of(make_user("manager", world.top, "manager"))
    page = manager.post("/many/entries/approve/?logbook=sampling", {"row": [row.pk for row in rows]})
    manager.post("/many/entries/approve/?logbook=sampling", {"rows": page.context["form"].initial["rows"]})
    assert set(Entry.objects.values_list("state", flat=True)) == {"approved"}
    refused = manager.post("/many/entries/withdraw/?logbook=sampling", {"row": [row.pk for row in rows]})
    assert "页面上提交撤回" in refused.content.decode()


# --- Walls ------------------------------------------------------------------------------------------


def test_a_walled_entry_says_only_that_it_took_place(world: World) -> None:
    make_logbook(world.top, name="困难帮扶", code="care", is_walled=True, design=WALLED)
    clerk, other = (client_of(make_user(name, world.left, "clerk")) for name in ("one", "two"))
    answer = clerk.post(
        "/logbooks/care/enter/",
        {"happened_on": "2020-02-11", "unit": "left", "v_trouble": "母亲住院", "v_who": world.full.key},
    )
    page = answer.headers["Location"]
    assert "母亲住院" in clerk.get(page).content.decode()
    hidden = other.get(page).content.decode()
    assert "母亲住院" not in hidden
    assert "赵一" not in hidden
    assert "限阅" in hidden
    assert other.get(f"{page}edit/").headers["Location"] == page
    assert "母亲住院" not in clerk.get("/logbooks/care/").content.decode()
    assert "data-draft" not in clerk.get("/logbooks/care/enter/").content.decode()


# --- Elsewhere --------------------------------------------------------------------------------------


def test_pages_of_rows_offer_the_form_and_count_the_entries(world: World, clerk: Client) -> None:
    unit_book = make_logbook(world.top)
    make_logbook(world.top, name="支部活动", code="theme", about="organization")
    make_logbook(world.top, name="谈心", code="talk", about="person")
    enter(world, unit_book)
    unit = clerk.get("/units/station/").content.decode()
    assert "/logbooks/sampling/enter/?unit=station" in unit
    organization = clerk.get("/organizations/branch/").content.decode()
    assert "/logbooks/theme/enter/?organization=branch&amp;unit=left" in organization
    page = clerk.get(f"/people/{world.full.key}/?as_of=2020-03-01")
    panel = next(panel for template, panel in page.context["panels"] if template == "logbooks/_row.html")
    ((name, number, url),) = panel["lines"]
    assert (name, number) == ("核酸采样支援", 1)
    assert listed(clerk, path=url) == ["东门"]


def test_logbooks_and_entries_are_found_by_the_search(world: World, book: Logbook, clerk: Client) -> None:
    entry = enter(world, book, "高铁站东门")
    groups = {group["noun"].key: group["hits"] for group in clerk.get("/search/?q=高铁站").context["groups"]}
    ((hit,),) = groups.values()
    assert (hit["row"], hit["url"], hit["note"]) == (entry, f"/entries/{entry.code}/", "左派出所")
    assert "/logbooks/sampling/" in clerk.get("/search/?q=核酸").content.decode()


def test_the_record_of_an_entry_reads_well(world: World, book: Logbook, clerk: Client) -> None:
    clerk.post(FORM, sent(world))
    page = clerk.get(f"/entries/{Entry.objects.get().code}/").content.decode()
    for words in ("登记条目", "采样点:西门", "采样人数:1,200", "支援人员:赵一", "台账:核酸采样支援"):
        assert words in page, words


def test_an_entry_outside_does_not_exist(world: World, book: Logbook) -> None:
    entry = enter(world, book)
    stranger = client_of(make_user("stranger", world.right, "manager"))
    assert stranger.get(f"/entries/{entry.code}/").status_code == 404


def test_a_list_is_printed_as_it_stands(world: World, book: Logbook, clerk: Client) -> None:
    enter(world, book)
    page = clerk.post(f"/export/logbooks/sampling/{LIST.partition('/sampling/')[2]}", {"format": "print"})
    text = page.content.decode()
    assert page.status_code == 200
    for words in ("核酸采样支援", "东门", "赵一(带队)、钱二", "合计:支援次数 1 次"):
        assert words in text, words


@pytest.mark.both
def test_a_long_list_is_sorted_in_two_parts(
    world: World, book: Logbook, manager: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter(world, book, "东门", number=120)
    enter(world, book, "西门", date(2020, 2, 12), number=30)
    enter(world, book, "北门", date(2020, 2, 14), number=None)
    enter(world, book, "南门", date(2020, 2, 15), number=None)
    monkeypatch.setattr(tables, "LONGEST_SORTED", 1)
    assert listed(manager) == ["南门", "北门", "西门", "东门"]
    assert listed(manager, "&sort=f_number") == ["西门", "东门", "南门", "北门"]
    assert listed(manager, "&sort=-f_number") == ["东门", "西门", "南门", "北门"]
    assert listed(manager, "&sort=unit") == ["南门", "北门", "西门", "东门"]  # no index holds that order
