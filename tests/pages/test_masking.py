"""Personal data: who sees numbers and telephones, what shows of guests, and superiors above the scope."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from registry import access
from registry.models import Assignment, AuditEntry, Organization, Person, Unit, User
from registry.operations import organizations, people
from registry.refusals import EditConflict
from tests.factories import ACTOR, assign, make_organization, make_person, make_unit, make_user
from tests.world import World

pytestmark = [pytest.mark.look, pytest.mark.django_db]

NUMBER, MASKED = "371402123", "••••23"
PHONE, HIDDEN = "13805340001", "••••01"
AS_OF = {"as_of": "2020-02-20"}
PERSONAL, BARRED = ("clerk", "approver", "manager"), ("viewer", "auditor")


def build_world() -> World:
    """The world of all tests; 王五 of the left bureau and 马六, a guest from the right, placed in both."""
    made = World()
    made.far = make_organization(made.right, code="far", name="右局临时党支部")
    right_home = make_organization(made.right, code="right-home", name="右局机关党支部", is_temporary=False)
    made.own = make_person("王五", made.left, number=NUMBER, phone=PHONE, title="所长")
    made.guest = make_person(
        "马六",
        made.right,
        number="371403456",
        phone="13905340002",
        title="教导员",
        home_branch=right_home,
        joined_on=date(2001, 7, 1),
        note="私事",
    )
    made.stranger = make_person("吴九", made.right, number="371403789")
    assign(made.branch, made.own)
    assign(made.branch, made.guest)
    assign(made.far, made.own)
    assign(made.far, made.guest, role="secretary")
    assign(made.far, made.stranger)
    return made


@pytest.fixture
def login(client: Client):
    def as_role(unit: Unit, role: str) -> Client:
        client.force_login(make_user(unit=unit, role=role))
        return client

    return as_role


def body(client: Client, name: str, *args: object, **query: str) -> str:
    response = client.get(reverse(name, args=args), {**AS_OF, **query})
    assert response.status_code == 200
    return response.content.decode()


# --- Numbers --------------------------------------------------------------------------------------


def pages(world: World) -> list[tuple[str, list[object], dict[str, str]]]:
    """Every page that names people of a unit."""
    return [
        ("unit", ["left"], {}),
        ("people", [], {}),
        ("people", [], {"metric": "frontline_people"}),
        ("person", [world.own.key], {}),
        ("organization", ["branch"], {}),
        ("organizations", [], {}),
        ("assignments", [], {}),
        ("search", [], {"q": "王五"}),
        ("pick_people", [], {"q": "王五"}),
        ("tree_organization", ["branch"], {"wide": "1"}),
    ]


@pytest.mark.parametrize("role", BARRED)
def test_who_may_not_see_numbers_sees_them_nowhere(world: World, login, role: str) -> None:
    client = login(world.left, role)
    for name, args, query in pages(world):
        page = body(client, name, *args, **query)
        assert NUMBER not in page, name
        assert PHONE not in page, name
    assert MASKED in body(client, "person", world.own.key)
    assert HIDDEN in body(client, "person", world.own.key)
    assert f"/people/{world.own.key}/" in body(client, "organization", "branch")


@pytest.mark.parametrize("role", PERSONAL)
def test_who_works_with_numbers_sees_those_of_their_own_people(world: World, login, role: str) -> None:
    client = login(world.left, role)
    for name in ("people", "assignments"):
        page = body(client, name)
        assert NUMBER in page
        assert world.guest.number not in page
    assert f"/people/{NUMBER}/" in body(client, "organization", "branch")
    assert f"/people/{world.guest.key}/" in body(client, "organization", "branch")
    for name, args, query in pages(world):
        assert PHONE not in body(client, name, *args, **query), name


@pytest.mark.parametrize(
    ("text", "mask"),
    [
        ("", ""),
        ("001006", "••••"),
        ("1234567", "••••7"),
        (NUMBER, MASKED),
        (PHONE, HIDDEN),
        ("0" * 30, "••••00"),
        (MASKED, MASKED),
    ],
)
def test_a_mask_hides_six_characters_at_least_and_the_length(text: str, mask: str) -> None:
    assert access.masked(text) == mask


@pytest.mark.parametrize("where", ["search", "people", "assignments", "pick_people"])
def test_a_masked_number_finds_nobody(world: World, login, where: str) -> None:
    viewer = login(world.left, "viewer")
    for text in ("3714021", "37140212", "123", NUMBER):
        assert "王五" not in body(viewer, where, q=text), text
    assert "王五" in body(viewer, where, q="王五")
    clerk = login(world.left, "clerk")
    assert "王五" in body(clerk, where, q="3714021")
    assert "王五" in body(clerk, where, q=NUMBER)
    for text in ("3714034", world.guest.number):
        assert "马六" not in body(clerk, where, q=text), text
    assert "马六" in body(clerk, where, q="马六")


def test_a_number_that_was_looked_for_is_masked_in_the_record_of_the_export(world: World, login) -> None:
    client = login(world.left, "clerk")
    for text in (NUMBER, "王五"):
        assert client.post(f"{reverse('people_export')}?q={text}").status_code == 200
    told = AuditEntry.objects.filter(verb="export").order_by("pk").values_list("after__filters", flat=True)
    assert [filters[-1] for filters in told] == ["含“••••23”", "含“王五”"]


def test_a_masked_number_is_no_address(world: World, login) -> None:
    for role, person in (("viewer", world.own), ("clerk", world.guest)):
        client = login(world.left, role)
        assert client.get(reverse("person", args=[person.key])).status_code == 200
        assert client.get(reverse("person", args=[person.number])).status_code == 404
    assert client.get(reverse("person", args=[NUMBER])).status_code == 200


@pytest.mark.parametrize("name", ["people", "assignments"])
def test_who_sees_no_numbers_cannot_sort_by_them(world: World, login, name: str) -> None:
    make_person("艾一", world.left, number="999999")

    def order(role: str, sort: str) -> list[str]:
        rows = login(world.left, role).get(reverse(name), {**AS_OF, "sort": sort}).context["rows"]
        people = [getattr(row, "assignment", row).person for row in rows]
        return list(dict.fromkeys(each.number for each in people))

    assert order("viewer", "number") == order("viewer", "-number")
    own = [
        each for each in order("clerk", "number") if Person.objects.get(number=each).home_unit != world.right
    ]
    assert own == sorted(own)
    assert order("clerk", "-number")[: len(own)] == own[::-1]
    # Guests stand at one end, in the order in which they were registered.
    guests = [each for each in order("clerk", "number") if each not in own]
    assert order("clerk", "number") == [*guests, *own]
    assert order("clerk", "-number") == [*own[::-1], *guests]
    assert guests[-1] == world.guest.number
    assert "sort=number" not in body(login(world.left, "viewer"), name)
    assert "sort=number" in body(login(world.left, "clerk"), name, sort="name")


def test_a_number_is_not_known_by_the_key_that_is_sent_along(world: World, login) -> None:
    client = login(world.left, "clerk")
    url = reverse("organization_members_add", args=["commando"])
    sent = {"members": [world.guest.key, world.guest.number], "started_on": "2020-02-10"}
    wrong = {"members": [world.guest.key, "371403457"], "started_on": "2020-02-10"}
    said = [client.post(url, each).context["form"].errors["members"][0] for each in (sent, wrong)]
    assert said[0] == said[1].replace("371403457", world.guest.number)


def test_pickers_hand_out_keys_and_take_numbers_too(world: World, login) -> None:
    client = login(world.left, "clerk")
    options = body(client, "pick_people", q="马六")
    assert f'data-value="{world.guest.key}"' in options
    assert access.masked(world.guest.number) in options
    assert world.guest.number not in options
    team = make_organization(world.left, "commando_team", code="team")
    url = reverse("organization_members_add", args=["team"])
    sent = {"members": world.guest.key, "members_text": NUMBER, "started_on": ""}
    page = client.post(url, sent).content.decode()  # the date is missing: the form comes back filled
    assert f'value="{world.guest.key}"' in page
    assert world.guest.number not in page
    assert client.post(url, {**sent, "started_on": "2020-02-10"}).status_code == 302
    assert set(Assignment.objects.filter(organization=team).values_list("person__name", flat=True)) == {
        "王五",
        "马六",
    }


def test_messages_and_warnings_do_not_say_a_guests_number(world: World, login) -> None:
    client = login(world.left, "clerk")
    url = reverse("organization_members_add", args=["branch"])
    sent = {"members": world.guest.key, "members_role": "secretary", "started_on": "2020-02-10"}
    for page in (
        client.post(url, {**sent, "confirmed": "no"}).content.decode(),
        client.post(
            url, {**sent, "confirmed": client.post(url, sent).context.get("confirmed", "")}
        ).content.decode(),
        client.get(reverse("organization_members_end", args=["branch"])).content.decode(),
        client.get(reverse("person_assign", args=[world.guest.key])).content.decode(),
        client.get(
            reverse("assignment_withdraw", args=[world.branch.assignments.get(person=world.guest).pk])
        ).content.decode(),
    ):
        assert "马六" in page
        assert world.guest.number not in page
        assert world.guest.phone not in page


def test_a_number_that_looks_like_a_key_is_refused(world: World, login) -> None:
    sent = {"name": "假", "number": world.own.key, "category": "officer", "political_status": "masses"}
    response = login(world.left, "clerk").post(reverse("person_add", args=["left"]), sent)
    assert "number" in response.context["form"].errors


# --- Telephones -----------------------------------------------------------------------------------


def looked() -> list[tuple[str, str, int | None]]:
    rows = AuditEntry.objects.filter(verb="view_personal_data").order_by("pk")
    return [(row.actor, row.object_name, row.unit_id) for row in rows]


@pytest.mark.parametrize("role", PERSONAL)
def test_opening_a_telephone_number_is_recorded(world: World, login, role: str) -> None:
    client = login(world.left, role)
    url = reverse("person_reveal", args=[NUMBER])
    assert f'action="{url}' in body(client, "person", NUMBER)
    assert looked() == []
    response = client.post(url)
    assert response.status_code == 200
    assert PHONE in response.content.decode()
    assert "no-store" in response["Cache-Control"]
    user = User.objects.latest("pk")
    assert looked() == [(str(user), "王五", world.left.pk)]
    assert client.get(url).url == f"/people/{NUMBER}/"  # the top bar's form comes here
    assert len(looked()) == 1


@pytest.mark.parametrize("role", BARRED)
def test_who_may_not_open_a_telephone_number(world: World, login, role: str) -> None:
    client = login(world.left, role)
    assert "reveal" not in body(client, "person", world.own.key)
    assert client.post(reverse("person_reveal", args=[world.own.key])).status_code == 403
    assert looked() == []


def test_nobody_opens_the_telephone_number_of_a_guest(world: World, login) -> None:
    client = login(world.left, "manager")
    for method in (client.get, client.post):
        assert method(reverse("person_reveal", args=[world.guest.key])).status_code == 403
    assert looked() == []


def test_opening_the_form_that_holds_it_is_recorded(world: World, login) -> None:
    page = body(login(world.left, "clerk"), "person_edit", NUMBER)
    assert PHONE in page
    assert [row[1] for row in looked()] == ["王五"]


def test_the_record_never_holds_a_telephone_number(world: World, login) -> None:
    people.edit_person(actor=ACTOR, person=world.own, changes={"phone": "13900007777"}, reason="换号")
    added, edited = AuditEntry.objects.filter(noun="person", object_id=world.own.pk).order_by("pk")
    assert added.after["phone"] == HIDDEN
    assert (edited.before["phone"], edited.after["phone"]) == (HIDDEN, "••••77")
    page = body(login(world.left, "manager"), "person", NUMBER)
    assert f"{HIDDEN} → ••••77" in page
    assert f"/record/{edited.pk}/undo/" not in page  # cannot be set back: it is not there


def test_an_edit_with_an_old_version_does_not_say_the_telephone_number(world: World, login) -> None:
    sent = {
        "name": "王五", "number": NUMBER, "category": "officer", "title": "所长",
        "phone": "13900000000", "version": world.own.version,
    }  # fmt: skip
    people.edit_person(actor=ACTOR, person=world.own, changes={"phone": "13812345678"}, reason="换号")
    client = login(world.left, "clerk")
    page = client.post(reverse("person_edit", args=[NUMBER]), sent).content.decode()
    assert "联系电话:现在是“••••78”,您填的是“••••00”" in page
    assert "13812345678" not in page
    assert looked() == []  # what was not said needs no record
    with pytest.raises(EditConflict) as told:
        people.edit_person(actor=ACTOR, person=world.own, changes={"phone": "13900000000"}, version=1)
    assert told.value.differences == {"phone": ("••••78", "••••00")}


def test_setting_an_edit_back_leaves_the_telephone_number_alone(world: World, login) -> None:
    person = people.edit_person(
        actor=ACTOR, person=world.own, changes={"phone": "13900007777", "title": "政委"}, reason="调整"
    )
    entry = AuditEntry.objects.get(verb="edit_person", object_id=person.pk)
    url = reverse("record_undo", args=[entry.pk])
    client = login(world.left, "clerk")
    page = client.get(url).content.decode()
    assert "13900007777" not in page
    assert client.post(url, {"reason": "改错了"}).status_code == 302
    person.refresh_from_db()
    assert (person.title, person.phone) == ("所长", "13900007777")


def test_a_changed_number_is_masked_in_the_history(world: World, login) -> None:
    people.edit_person(actor=ACTOR, person=world.own, changes={"number": "371402999"}, reason="更正")
    viewer = body(login(world.left, "viewer"), "person", world.own.key)
    assert NUMBER not in viewer
    assert "371402999" not in viewer
    assert f"{NUMBER} → 371402999" in body(login(world.left, "clerk"), "person", world.own.key)


# --- Guests ---------------------------------------------------------------------------------------


def test_of_a_guest_only_who_it_is_and_what_is_in_scope(world: World, login) -> None:
    page = body(login(world.left, "manager"), "person", world.guest.key)
    for shown in ("马六", "右公安局", "左局临时党支部", access.masked(world.guest.number)):
        assert shown in page
    for hidden in ("右局临时党支部", "右局机关党支部", "2001-07-01", "私事", "13905340002", "139053"):
        assert hidden not in page
    assert reverse("unit", args=["right"]) not in page
    for name in ("person_edit", "person_status", "person_transfer"):
        assert reverse(name, args=[world.guest.key]) not in page


@pytest.mark.parametrize("name", ["people", "organization"])
def test_lists_show_no_formal_membership_and_no_placement_of_a_guest_elsewhere(
    world: World, login, name: str
) -> None:
    args = ["branch"] if name == "organization" else []
    page = body(login(world.left, "manager"), name, *args)
    assert "马六" in page
    assert "右局机关党支部" not in page
    if name == "people":
        assert page.count("右局临时党支部") == 1  # of 王五, one's own
    else:
        assert "右局临时党支部" not in page


def test_ones_own_person_elsewhere_shows_as_such(world: World, login) -> None:
    client = login(world.left, "viewer")
    page = body(client, "person", world.own.key)
    assert "右局临时党支部" in page
    assert reverse("organization", args=["far"]) not in page
    assert client.get(reverse("organization", args=["far"])).status_code == 404
    assert "吴九" not in body(client, "people")


def test_placed_or_not_says_of_guests_only_what_is_in_scope(world: World, login) -> None:
    elsewhere = make_person("郑十", world.left)
    assign(world.far, elsewhere)
    idle = make_person("冯一", world.left)
    ended = make_person("陈二", world.right)  # a guest once; placed elsewhere now
    assign(world.branch, ended, ended_on=date(2020, 2, 5))
    assign(world.far, ended)
    client = login(world.left, "viewer")

    def names(assigned: str) -> set[str]:
        response = client.get(reverse("people"), {**AS_OF, "assigned": assigned})
        return {row.person.name for row in response.context["rows"]}

    assert names("yes") == {"赵一", "钱二", "孙三", "王五", "马六", "郑十"}
    assert names("no") == {idle.name, "陈二", "李四"}


def test_warnings_name_no_organization_of_a_guest_elsewhere(world: World, login) -> None:
    led_here = make_organization(world.left, name="左局驻点临时党支部")
    assign(led_here, world.guest, role="secretary")
    sent = {
        "kind": "branch",
        "name": "新支部",
        "code": "new",
        "established_on": "2020-02-10",
        "secretary": world.guest.key,
    }
    page = login(world.left, "clerk").post(reverse("organization_register", args=["left"]), sent)
    said = " ".join(page.context["warnings"])
    assert "左局驻点临时党支部" in said
    assert "右局临时党支部" not in said


# --- The Party line across scopes -----------------------------------------------------------------


def test_the_line_names_what_is_above_and_leaves_out_what_is_below_and_outside(world: World, login) -> None:
    top = make_organization(world.top, "committee", code="top", name="市局党委", is_temporary=False)
    middle = make_organization(world.left, "general_branch", code="middle", name="总支", parent=top)
    make_organization(world.left, code="mine", name="本局下级支部", parent=middle)
    make_organization(world.right, code="theirs", name="外局下级支部", parent=middle)
    client = login(world.left, "viewer")
    response = client.get(reverse("organization", args=["middle"]), AS_OF)
    page = response.content.decode()
    assert "市局党委" in page
    assert reverse("organization", args=["top"]) not in page
    assert "本局下级支部" in page
    assert "外局下级支部" not in page
    assert "下级组织 1 个" in response.context["picture"].text
    drawn = {"".join(box.lines) for box in response.context["picture"].boxes}
    listed = client.get(reverse("organizations"), {**AS_OF, "party_line": "middle"})
    assert {row.organization.name for row in listed.context["rows"]} == drawn - {"市局党委"}
    assert client.get(reverse("organizations"), {"party_line": "top"}).status_code == 404
    whole = login(world.top, "viewer").get(reverse("organization", args=["middle"]), AS_OF)
    assert "外局下级支部" in whole.content.decode()


def test_dissolving_and_withdrawing_do_not_reach_out_of_scope(world: World, login) -> None:
    middle = make_organization(world.left, "general_branch", code="middle")
    theirs = make_organization(world.right, code="theirs", name="外局下级支部", parent=middle)
    client = login(world.left, "manager")
    before = AuditEntry.objects.count()
    for action in ("dissolve", "withdraw"):
        url = reverse(f"organization_{action}", args=["middle"])
        for response in (client.get(url), client.post(url, {"on": "2020-03-01", "reason": "结束"})):
            assert response.status_code == 200
            assert "外局下级支部" not in response.content.decode()
        confirmed = response.context.get("confirmed", "")
        response = client.post(url, {"on": "2020-03-01", "reason": "结束", "confirmed": confirmed})
        assert response.status_code == 200
        assert "不在您管理范围内" in response.content.decode()
    assert AuditEntry.objects.count() == before
    theirs.refresh_from_db()
    assert theirs.dissolved_on is None


# --- Superiors above the scope --------------------------------------------------------------------


@pytest.fixture
def above(world: World) -> dict[str, Organization]:
    """What stands above 左公安局, and beside it."""
    office = make_unit("office", world.top, name="市局机关", kind="headquarters")
    station = make_unit("right-station", world.right, name="右派出所", kind="station")
    made = {
        "board": (world.top, "committee", {"is_temporary": False}),
        "office": (office, "general_branch", {}),
        "force": (world.top, "task_force", {}),
        "leading": (office, "leading_group", {}),
        "team": (world.top, "commando_team", {}),
        "draft": (world.top, "general_branch", {"state": "submitted"}),
        "gone": (world.top, "general_branch", {}),
        "beside": (world.right, "general_branch", {}),
        "below-beside": (station, "general_branch", {}),
    }
    rows = {
        code: make_organization(unit, kind, code=code, name=f"上面的{code}", **facts)
        for code, (unit, kind, facts) in made.items()
    }
    organizations.dissolve_organization(
        actor=ACTOR, organization=rows["gone"], on=date(2020, 3, 1), reason="结束"
    )
    return rows


OFFERED = {"board", "office", "force", "leading"}


def test_which_superiors_may_be_named(world: World, above: dict[str, Organization]) -> None:
    for unit in (world.left, world.right):
        unit.refresh_from_db()  # the units made since moved them
    clerk = make_user(unit=world.left, role="clerk")
    assert {row.code for row in access.superiors(clerk, world.left)} == {*OFFERED, "committee"}
    for role in ("viewer", "approver", "auditor"):
        assert not access.superiors(make_user(unit=world.left, role=role), world.left).exists()
    assert not access.superiors(clerk, world.right).exists()


def test_the_picker_of_a_superior_offers_them_by_name(
    world: World, above: dict[str, Organization], login
) -> None:
    def offered(client: Client, **query: str) -> set[str]:
        page = body(client, "pick_organizations", q="上面", **query)
        return {code for code in above if f'data-value="{code}"' in page}

    clerk = login(world.left, "clerk")
    assert offered(clerk) == set()
    assert offered(clerk, kind="branch") == set()
    assert offered(clerk, below="left") == OFFERED
    assert offered(clerk, kind="branch", below="left") == {"board", "office"}
    assert offered(clerk, kind="branch", below="right") == set()
    assert offered(login(world.left, "viewer"), kind="branch", below="left") == set()


def sent(**changes: str) -> dict[str, str]:
    return {
        "kind": "commando_team",
        "name": "突击队",
        "code": "new-team",
        "established_on": "2020-02-10",
        **changes,
    }


@pytest.mark.parametrize("code", ["board", "office", "force", "leading"])
def test_registers_under_a_superior_above_the_scope(
    world: World, above: dict[str, Organization], login, code: str
) -> None:
    client = login(world.left, "clerk")
    url = reverse("organization_register", args=["left"])
    facts = sent(parent=code, secretary=world.own.key)
    confirmed = client.post(url, {**facts, "name": ""}).content.decode()
    assert f"上面的{code}" in confirmed  # the form comes back with its name
    assert f'href="/organizations/{code}/' not in confirmed
    assert client.post(url, facts).status_code == 302
    assert Organization.objects.get(code="new-team").parent == above[code]


@pytest.mark.parametrize("code", ["draft", "gone", "beside", "below-beside", "far"])
@pytest.mark.parametrize("page", ["organization_register", "organization_move"])
def test_a_forged_superior_is_refused(
    world: World, above: dict[str, Organization], login, page: str, code: str
) -> None:
    client = login(world.left, "clerk")
    args = ["left"] if page == "organization_register" else ["branch"]
    facts = sent(parent=code, secretary=world.own.key, reason="理顺")
    response = client.post(reverse(page, args=args), facts)
    assert response.status_code == 200
    assert "parent" in response.context["form"].errors
    assert f"上面的{code}" not in response.content.decode()
    page, _roster, _rest = response.content.decode().partition(
        'id="roster"'
    )  # says where one's own are placed
    assert "右局临时党支部" not in page


def test_moves_under_a_superior_above_the_scope(world: World, above: dict[str, Organization], login) -> None:
    client = login(world.left, "clerk")
    Organization.objects.filter(code="branch").update(state="submitted")  # so that it is done at once
    url = reverse("organization_move", args=["branch"])
    assert client.post(url, {"parent": "office", "reason": "理顺"}).status_code == 302
    assert Organization.objects.get(code="branch").parent == above["office"]
    page = body(client, "organization", "branch")
    assert "上面的office" in page
    assert reverse("organization", args=["office"]) not in page


def test_the_nearest_above_is_suggested(world: World, login) -> None:
    make_organization(world.top, "general_branch", code="nearest", name="厅临时党总支")
    client = login(world.right, "clerk")
    form = client.get(reverse("organization_register", args=["right"])).context["form"]
    assert form["parent"].value() == Organization.objects.get(code="nearest")


# --- Queries --------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["viewer", "clerk"])
@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("unit", ["left"]),
        ("people", []),
        ("assignments", []),
        ("organization", ["branch"]),
        ("organizations", []),
        ("tree_organization", ["branch"]),
        ("organization_members_end", ["branch"]),
    ],
)
def test_masking_asks_the_database_nothing_more_for_three_rows(
    world: World, login, role: str, name: str, args: list[str]
) -> None:
    if role == "viewer" and name == "organization_members_end":
        return
    client = login(world.left, role)
    body(client, name, *args)

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            body(client, name, *args)
        return len(captured)

    before = queries()
    for _ in range(3):
        assign(world.branch, make_person("客", make_unit(superior=world.top)))
        assign(world.branch, make_person("己", world.left))
    assert queries() == before


def test_the_persons_own_address_does_not_name_the_number() -> None:
    person = make_person()
    assert person.number not in person.get_absolute_url()
    assert access.get_person(make_user(is_superuser=True), person.key) == person
