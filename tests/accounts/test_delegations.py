"""Delegations: who approves in another's place, for how long, and why that is no way around two people."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from registry import access
from registry.accounts import delegations, grants
from registry.audit import Actor
from registry.models import AuditEntry, Grant, User
from registry.refusals import NotAllowed, OperationRefused
from tests.factories import ACTOR, make_user
from tests.world import World

pytestmark = pytest.mark.django_db

TODAY = timezone.localdate()


def build_world() -> World:
    """The world of all tests; who approves at the top, at the left bureau and its station, and others."""
    made = World()
    made.head = make_user("head", made.top, "approver", display_name="厅审批")
    made.left_head = make_user("left-head", made.left, "approver", display_name="左审批")
    made.station_head = make_user("station-head", made.station, "manager", display_name="所管理")
    made.clerk = make_user("clerk", made.left, "clerk", display_name="录入员")
    return made


def delegate(by: User, to: User, days: int = 5, start: date = TODAY, **more: Any) -> Grant:
    return delegations.delegate_approval(
        actor=Actor(user=by),
        **{
            "grant": by.grants.filter(delegated_from=None).get(),
            "user": to,
            "started_on": start,
            "ended_on": start + timedelta(days=days),
            "reason": "外出学习",
            **more,
        },
    )


def test_it_gives_the_right_to_approve_for_its_days_and_is_recorded(world: World) -> None:
    assert not access.may(world.left_head, "approve_organization", world.top)
    made = delegate(world.head, world.left_head)
    access.forget_grants(world.left_head)
    assert access.may(world.left_head, "approve_organization", world.top)
    assert not access.may(world.left_head, "establish_organization", world.top)
    entry = AuditEntry.objects.get(verb="delegate_approval")
    assert (entry.user, entry.unit, entry.reason) == (world.head, world.top, "外出学习")
    assert entry.after["delegated_by"] == "厅审批"
    assert made.ended_on == TODAY + timedelta(days=5)
    assert [grant.pk for grant in access.who_may([("approve_organization", world.top)])[0]] == [
        world.head.grants.get().pk,
        made.pk,
    ]


def test_it_goes_only_to_who_approves_already_and_is_not_handed_on(world: World) -> None:
    assert [row.user for row in delegations.others(world.head)] == [world.left_head, world.station_head]
    with pytest.raises(OperationRefused, match="另一位审批人"):
        delegate(world.head, world.clerk)
    with pytest.raises(OperationRefused, match="另一位审批人"):
        delegate(world.left_head, world.head)  # who is above can step in as it is
    made = delegate(world.head, world.left_head)
    with pytest.raises(OperationRefused, match="不能再委托"):
        delegate(world.left_head, world.station_head, grant=made)
    with pytest.raises(NotAllowed):
        delegate(world.clerk, world.station_head)


def test_not_to_oneself_under_another_login(world: World) -> None:
    User.objects.filter(pk__in=[world.head.pk, world.left_head.pk]).update(person=world.full)
    head = User.objects.get(pk=world.head.pk)
    assert [row.user for row in delegations.others(head)] == [world.station_head]


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"days": 31}, "最多委托 30 天"),
        ({"days": 0}, "晚于开始日期"),
        ({"start": TODAY - timedelta(days=1)}, "不能追溯"),
        ({"reason": " "}, "委托原因"),
    ],
)
def test_its_days(world: World, facts: dict[str, Any], words: str) -> None:
    with pytest.raises(OperationRefused, match=words):
        delegate(world.head, world.left_head, **facts)


def test_it_ends_by_itself_with_the_grant_it_is_from_and_at_once(world: World) -> None:
    made = delegate(world.head, world.left_head, 30)
    held = Grant.objects.filter(user=world.left_head)

    def approves() -> bool:
        access.forget_grants(world.left_head)
        return access.may(world.left_head, "approve_organization", world.top)

    assert approves()
    User.objects.filter(pk=world.head.pk).update(is_active=False)
    assert not approves()
    User.objects.filter(pk=world.head.pk).update(is_active=True)
    delegations.end_delegation(actor=Actor(user=world.left_head), grant=made)
    assert not approves()
    assert AuditEntry.objects.filter(verb="end_delegation").count() == 1
    with pytest.raises(OperationRefused, match="已于"):
        delegations.end_delegation(actor=Actor(user=world.head), grant=made)
    again = delegate(world.head, world.left_head)
    with pytest.raises(OperationRefused, match="委托人和受托人"):
        delegations.end_delegation(actor=Actor(user=world.clerk), grant=again)
    grants.end_grant(actor=ACTOR, grant=world.head.grants.get(), reason="调离")
    assert not approves()
    assert held.count() == 3


def test_one_manager_ends_it_alone(world: World) -> None:
    manager = make_user("manager", world.top, "manager")
    made = delegate(world.head, world.left_head)
    grants.end_grant(actor=Actor(user=manager), grant=made, reason="已回来")
    made.refresh_from_db()
    assert made.ended_on == TODAY


def test_the_pages_say_it_to_both(client: Client, world: World) -> None:
    client.force_login(world.head)
    assert "委托他人代批" in client.get("/desk/").content.decode()
    form = client.get("/account/delegate/").content.decode()
    assert "左审批(左局 审批)" in form
    sent = {
        "user_to": world.left_head.pk,
        "grant": world.head.grants.get().pk,
        "started_on": TODAY.isoformat(),
        "ended_on": (TODAY + timedelta(days=2)).isoformat(),
        "reason": "休假",
    }
    page = client.post("/account/delegate/", sent, follow=True).content.decode()
    assert "已委托“左审批”在省公安厅代批" in page
    made = Grant.objects.get(delegated_from__isnull=False)
    assert f"/account/delegations/{made.pk}/end/" in page
    client.force_login(world.left_head)
    own = client.get("/account/").content.decode()
    assert "由 厅审批" in own
    client.post(f"/account/delegations/{made.pk}/end/")
    made.refresh_from_db()
    assert made.ended_on == TODAY
