"""The pages of changes that wait: the organization says so, the desk lists them, one or many are decided."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from registry.approvals.models import Submission
from registry.models import Organization
from tests.factories import logged_in
from tests.world import World

pytestmark = [pytest.mark.look, pytest.mark.django_db]
TRANSFER = {"unit": "right", "on": "2020-02-20", "reason": "换防"}


def transfer(clerk: Client, row: Organization) -> Submission:
    clerk.post(reverse("organization_transfer", args=[row.code]), TRANSFER)
    return Submission.objects.latest("pk")


def test_the_page_says_what_waits_and_that_the_old_counts(world: World) -> None:
    clerk = logged_in(world.top, "clerk")
    form = clerk.get(reverse("organization_transfer", args=["branch"])).content.decode()
    assert "该组织已批准:提交后须由另一人批准,批准前仍按原内容统计。" in form
    waits = transfer(clerk, world.branch)
    page = clerk.get("/organizations/branch/").content.decode()
    for said in (
        "已提交审批,批准前仍按原内容统计。",
        "待审批的变更",
        "转隶到其他单位",
        f"/approvals/{waits.pk}/",
    ):
        assert said in page
    own = clerk.get(f"/approvals/{waits.pk}/").content.decode()
    assert "由您提交或最后修改,须由另一人审批。" in own
    assert "撤回申请" in own


def test_the_desk_counts_and_lists_them_and_what_came_back(world: World) -> None:
    clerk, approver = logged_in(world.top, "clerk"), logged_in(world.top, "approver")
    waits = transfer(clerk, world.branch)
    assert "待我审批" not in clerk.get(reverse("desk")).content.decode()
    desk = approver.get(reverse("desk")).content.decode()
    assert "转隶到其他单位 · 第 1 件" in desk
    for said in ("<del>左公安局</del>", "<ins>右公安局</ins>"):
        assert said in desk
    approver.post(reverse("submission_return", args=[waits.pk]), {"reason": "单位不对"})
    assert "待我审批" not in approver.get(reverse("desk")).content.decode()
    back = clerk.get(reverse("desk")).content.decode()
    assert "<h2>退回的" in back
    assert "单位不对" in back


def test_what_came_back_is_mended_in_its_form_as_it_was_filled_in(world: World) -> None:
    clerk, approver = logged_in(world.top, "clerk"), logged_in(world.top, "approver")
    waits = transfer(clerk, world.branch)
    approver.post(f"/approvals/{waits.pk}/return/", {"reason": "日期不对"})
    url = reverse("organization_transfer", args=["branch"])
    page = clerk.get(url)
    initial = page.context["form"].initial
    assert (initial["unit"], f"{initial['on']}", initial["reason"]) == (world.right, "2020-02-20", "换防")
    assert "您提交的这项变更已退回:日期不对。" in page.content.decode()
    assert "已退回" not in logged_in(world.top, "manager").get(url).content.decode()
    clerk.post(url, {**TRANSFER, "on": "2020-02-21"})
    waits.refresh_from_db()
    assert (waits.state, waits.facts["on"]) == ("submitted", {"day": "2020-02-21"})
    assert "已退回" not in clerk.get(url).content.decode()


def test_many_are_approved_by_one_document(world: World) -> None:
    clerk, approver = logged_in(world.top, "clerk"), logged_in(world.top, "approver")
    rows = [transfer(clerk, row) for row in (world.branch, world.commando)]
    asked = approver.post(reverse("submissions_approve"), {"row": [row.pk for row in rows]})
    sent = {"rows": asked.context["form"]["rows"].value(), "approval_number": "左党〔2020〕9号"}
    done = approver.post(reverse("submissions_approve"), sent, follow=True)
    assert "已批准并办理 2 项变更" in done.content.decode()
    numbers = Submission.objects.values_list("state", "approval_number")
    assert set(numbers) == {("approved", "左党〔2020〕9号")}
    assert set(Organization.objects.filter(code__in=("branch", "commando")).values_list("unit__code")) == {
        ("right",)
    }


def test_the_list_asks_as_much_for_one_as_for_three(world: World) -> None:
    clerk, approver = logged_in(world.top, "clerk"), logged_in(world.top, "approver")
    url = reverse("submissions")
    transfer(clerk, world.branch)
    approver.get(url)
    with CaptureQueriesContext(connection) as one:
        approver.get(url)
    for row in (world.commando, world.home):
        transfer(clerk, row)
    with CaptureQueriesContext(connection) as three:
        assert len(approver.get(url).context["grid"].rows) == 3
    assert len(three) == len(one)
