"""The pages that reorganize a temporary Party organization: into another one, split, another kind."""

from __future__ import annotations

from datetime import date

import pytest
from django.test import Client

from registry.approvals.models import Submission
from registry.models import Assignment, AuditEntry, Organization, Person
from tests.factories import approve_all, assign, logged_in, make_organization, make_person
from tests.world import World

pytestmark = pytest.mark.django_db
ON = "2020-02-20"


def said(response) -> str:
    return " ".join(str(message) for message in response.context["messages"])


def errors(response) -> dict[str, list[str]]:
    assert response.status_code == 200
    return {field: list(said) for field, said in response.context["form"].errors.items()}


def people(world: World) -> list[Person]:
    return [make_person(name, world.right) for name in "甲乙丙"]


# --- Put into another branch ----------------------------------------------------------------------


def test_a_branch_is_put_into_another_with_its_people(world: World) -> None:
    first = make_organization(world.right, code="first", name="甲支部", parent=world.committee)
    second = make_organization(world.right, code="second", name="乙支部", parent=world.committee)
    make_organization(world.right, "group", code="first-group", parent=first)
    for person in people(world):
        assign(first, person)
    client = logged_in(world.right, "clerk")
    url = "/organizations/first/merge/"
    page = client.get(url, {"as_of": "2020-02-20"})
    assert page.context["sentences"][0] == (
        "自 2020-02-20 起撤销“甲支部”,在编 3 人次、下级组织 1 个归入所选支部。"
    )
    sent = {"into": "second", "on": "2020-02-20", "reason": "任务合并"}
    looked_again = client.post(url, {**sent, "planned": "other"})
    assert looked_again.status_code == 200, "what was shown is not so any more"
    planned = page.context["form"].initial["planned"]
    done = client.post(f"{url}?as_of=2020-02-20", {**sent, "planned": planned}, follow=True)
    assert "已提交审批" in said(done)
    assert not second.children.exists(), "nothing changes before another person has approved it"
    approve_all()
    assert Organization.objects.get(code="first").dissolved_on == date.fromisoformat(ON)
    assert (second.children.get().code, second.assignments.count()) == ("first-group", 3)
    assert errors(client.post("/organizations/second/merge/", sent))["into"], "not into itself"


def test_only_temporary_branches_are_offered_to_be_put_together(world: World) -> None:
    make_organization(world.right, code="first", parent=world.committee)
    make_organization(world.right, "commando_team", code="team")
    client = logged_in(world.right, "clerk")
    assert "/organizations/first/merge/" in client.get("/organizations/first/").text
    assert "/organizations/team/merge/" not in client.get("/organizations/team/").text
    make_organization(world.right, code="second", parent=world.committee)
    refused = client.post("/organizations/team/merge/", {"into": "second", "on": "2020-02-20", "reason": "x"})
    assert refused.status_code == 200
    assert not AuditEntry.objects.filter(verb="merge_organization").exists()


# --- Split ----------------------------------------------------------------------------------------


@pytest.fixture
def first(world: World) -> Organization:
    """A branch of the right bureau with three members and a group."""
    branch = make_organization(world.right, code="first", name="甲支部", parent=world.committee)
    make_organization(world.right, "group", code="first-group", name="甲小组", parent=branch)
    for person in people(world):
        assign(branch, person)
    return branch


def chosen(branch: Organization, *names: str) -> list[int]:
    return [branch.assignments.get(person__name=name).pk for name in names]


def confirmed(client: Client, url: str, sent: dict[str, object]):
    """Send the form, and again once what it would do was looked at."""
    looked = client.post(url, sent)
    assert looked.status_code == 200, said(looked)
    return looked, client.post(url, {**sent, "confirmed": looked.context["confirmed"]}, follow=True)


def test_a_branch_is_split_with_a_look_at_who_goes_and_who_stays(world: World, first: Organization) -> None:
    client = logged_in(world.right, "clerk")
    url = "/organizations/first/split/"
    assert url in client.get("/organizations/first/").text
    form = client.get(url, {"as_of": ON}).context["form"]
    assert [label for _, label in form.fields["members"].choices] == [
        f"{name}({Person.objects.get(name=name).number}) · 成员"
        for name in "丙甲乙"  # as the pages order names
    ]
    (head,) = chosen(first, "甲")
    sent = {
        "name": "乙支部",
        "on": ON,
        "members": head,
        "secretary": head,
        "groups": [first.children.get().pk],
        "reason": "人多分设",
    }
    looked, done = confirmed(client, url, sent)
    assert looked.context["warnings"] == [
        "拆分成立:乙支部(临时党支部)",
        "拆分日期:2020-02-20",
        "转入新支部:1 人:书记 甲",
        "转入新支部的下级组织:甲小组",
        "留在“甲支部”:2 人:丙、乙",
        "“乙支部”:编入的正式党员只有 1 人,不足 3 人。",
        "“甲支部”:编入的正式党员只有 2 人,不足 3 人。",
    ]
    assert "已提交审批" in said(done)
    assert not Organization.objects.filter(name="乙支部").exists()
    approve_all("批9号")
    new = Organization.objects.get(name="乙支部")
    assert (new.state, new.approval_number, new.parent) == ("approved", "批9号", world.committee)
    assert [row.role for row in new.assignments.all()] == ["secretary"]
    assert new.children.get().code == "first-group"


def test_nobody_of_another_branch_can_be_chosen(world: World, first: Organization) -> None:
    client = logged_in(world.right, "clerk")
    stranger = Assignment.objects.filter(organization=world.branch)[0]
    sent = {"name": "乙支部", "on": ON, "members": [stranger.pk], "reason": "分设"}
    assert errors(client.post("/organizations/first/split/", sent))["members"] == [
        "所选人员在拆分日期不在本支部,请重新选择。"
    ]


def test_what_came_back_stands_in_the_form_again(world: World, first: Organization) -> None:
    client = logged_in(world.right, "clerk")
    url = "/organizations/first/split/"
    sent = {"name": "乙支部", "on": ON, "members": chosen(first, "甲"), "reason": "分设"}
    confirmed(client, url, sent)
    approver = logged_in(world.top, "approver")
    waits = Submission.objects.get()
    approver.post(f"/approvals/{waits.pk}/return/", {"reason": "请定书记"})
    page = client.get(url)
    assert "请定书记" in page.text
    assert page.context["form"]["name"].value() == "乙支部"
    (ticked,) = [line for line in str(page.context["form"]["members"]).splitlines() if "checked" in line]
    assert f'value="{sent["members"][0]}"' in ticked


# --- Another kind ---------------------------------------------------------------------------------


def test_a_branch_is_followed_by_a_general_branch(world: World, first: Organization) -> None:
    client = logged_in(world.right, "clerk")
    url = "/organizations/first/reconstitute/"
    assert url in client.get("/organizations/first/").text
    begin = client.get(url).context["form"].initial
    assert (begin["kind"], begin["name"], begin["parent"]) == (
        *("general_branch", "甲支部"),
        world.committee,
    )
    sent = {"kind": "general_branch", "name": "甲总支", "parent": "committee", "on": ON, "reason": "超五十人"}
    under = errors(client.post(url, {**sent, "parent": "first-group"}))
    assert under == {"parent": ["“甲小组”就在“甲支部”之下,不能作为它的上级。"]}
    looked, done = confirmed(client, url, sent)
    assert looked.context["warnings"][:5] == [
        "组织类型:临时党支部 → 临时党总支",
        "组织名称:甲支部 → 甲总支",
        "改设日期:2020-02-20",
        "转入改设后的组织:3 人",
        "转入的下级组织:甲小组",
    ]
    assert "已提交审批" in said(done)
    approve_all("批9号")
    new = Organization.objects.get(name="甲总支")
    assert (new.kind, new.approval_number, new.assignments.count()) == ("general_branch", "批9号", 3)
    first.refresh_from_db()
    assert (first.dissolved_on, first.dissolution_number) == (date.fromisoformat(ON), "批9号")


def test_only_temporary_party_bodies_are_offered_another_kind(world: World) -> None:
    client = logged_in(world.left, "clerk")
    offered = {
        code: [act for act in ("split", "reconstitute") if f"/organizations/{code}/{act}/" in page]
        for code in ("branch", "general", "home", "group", "commando")
        if (page := client.get(f"/organizations/{code}/").text)
    }
    assert offered == {
        "branch": ["split", "reconstitute"],
        "general": ["reconstitute"],
        "home": [],
        "group": [],
        "commando": [],
    }
