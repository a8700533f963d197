"""Taking an act back on the pages: the way back beside what was done, what it would do, what stands in it."""

from __future__ import annotations

import re
from datetime import date

import pytest
from django.urls import reverse

from registry.models import AuditEntry, Organization
from registry.operations import assignments, organizations, units
from tests.factories import ACTOR, assign, logged_in, make_person
from tests.world import World

pytestmark = [pytest.mark.look, pytest.mark.django_db]

ON = date(2020, 3, 1)


def head(verb: str) -> AuditEntry:
    return AuditEntry.objects.filter(verb=verb, part_of__isnull=True, undoes__isnull=True).latest("pk")


def url(entry: AuditEntry) -> str:
    return reverse("record_undo", args=[entry.pk])


def text(page: bytes) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page.decode()).split())


def dissolve(world: World) -> AuditEntry:
    organizations.dissolve_organization(
        actor=ACTOR,
        organization=world.general,
        on=ON,
        reason="结束",
    )
    return head("dissolve_organization")


def test_the_line_after_the_act_has_the_way_back_and_the_way_back_says_what_it_does(world: World) -> None:
    Organization.objects.update(state="submitted")  # what is approved needs another person for it
    client = logged_in(world.left, "clerk")
    data = {"on": "2020-03-01", "reason": "疫情结束"}
    planned = client.get(reverse("organization_dissolve", args=["general"]), {"as_of": "2020-03-01"}).context[
        "form"
    ]
    data["planned"] = planned.initial["planned"]
    done = client.post(reverse("organization_dissolve", args=["general"]), data, follow=True)
    entry = head("dissolve_organization")
    assert "已撤销“左局临时党总支”等 4 个组织,结束 4 人次编入。" in text(done.content)
    assert f'<a href="{url(entry)}">撤回这次操作</a>' in done.content.decode()

    asked = client.get(url(entry))
    assert "撤回后: 恢复组织 4 个、编入 4 人次 。" in text(asked.content)
    back = client.post(url(entry), {"reason": "办错了"}, follow=True)
    assert back.redirect_chain == [("/organizations/general/", 302)]
    assert "已撤回“撤销组织”:恢复组织 4 个、编入 4 人次。" in text(back.content)
    assert "撤回:撤销组织" in text(back.content)
    assert Organization.objects.filter(dissolved_on__isnull=False).count() == 0


def test_what_was_taken_back_is_marked_wherever_it_is_told(world: World) -> None:
    """Also on the pages of the organizations that went with it, whose entries are parts of the act."""
    Organization.objects.update(state="submitted")  # what is approved needs another person for it
    entry = dissolve(world)
    client = logged_in(world.left, "manager")
    page = client.get(reverse("organization", args=["general"])).content.decode()
    assert url(entry) in page
    assert url(entry) in client.get(reverse("record")).content.decode()
    assert url(entry) not in client.get(reverse("organization", args=["branch"])).content.decode()
    client.post(url(entry), {"reason": "办错了"})
    for address in (reverse("organization", args=["branch"]), reverse("record")):
        page = client.get(address).content.decode()
        assert "已撤回" in page
        assert url(entry) not in page


def test_what_stands_in_the_way_is_named_and_linked(world: World) -> None:
    entry = dissolve(world)
    member = world.group.assignments.get()
    assignments.end_assignment(actor=ACTOR, assignment=member, on=date(2020, 2, 25), reason="更正")
    client = logged_in(world.left, "clerk")
    page = client.get(url(entry)).content
    assert "编入“钱二 · 临时小组”此后又有“结束编入”" in text(page)
    assert '<a href="/organizations/group/">查看</a>' in page.decode()
    assert client.post(url(entry), {"reason": "办错了"}).status_code == 200
    assert not entry.undone_by.exists()


def test_what_stands_in_the_way_out_of_scope_is_not_named(world: World) -> None:
    """A person of this bureau was placed by another one meanwhile: that there is something is all it says."""
    person = make_person("周五", world.left)
    entry = head("add_person")
    assign(world.pioneers, person)
    page = text(logged_in(world.left, "manager").get(url(entry)).content)
    assert "管理范围外有后来的登记" in page
    assert "右先锋队" not in page
    assert "编入“周五 · 右先锋队”" in text(logged_in(world.top, "manager").get(url(entry)).content)


def test_who_may_not_do_it_finds_no_way_back(world: World) -> None:
    entry = dissolve(world)
    for unit, role in ((world.right, "manager"), (world.left, "viewer"), (world.left, "auditor")):
        client = logged_in(unit, role)
        status = 403 if unit == world.left else 404
        assert client.get(url(entry)).status_code == status
        assert client.post(url(entry), {"reason": "办错了"}).status_code == status
    assert url(entry) not in logged_in(world.left, "auditor").get(reverse("record")).content.decode()


def test_after_what_was_added_is_gone_the_way_leads_to_its_unit(world: World) -> None:
    units.add_unit(actor=ACTOR, code="new", name="新所", kind="station", superior=world.left)
    entry, client = head("add_unit"), logged_in(world.left, "manager")
    assert "移除单位 1 个" in text(client.get(url(entry)).content)
    back = client.post(url(entry), {"reason": "录错了"}, follow=True)
    assert "已撤回“增设单位”:移除单位 1 个。" in text(back.content)
    assert client.get(reverse("record")).status_code == 200
    assert client.get(url(entry)).status_code == 200  # says that it was taken back
