"""Whose entries somebody reads: recounted in plain Python, however many units the scope has."""

from __future__ import annotations

import pytest
from django.utils import timezone

from registry import access, audit
from registry.audit import Actor
from registry.models import AuditEntry, Grant, Unit, UnitPlacement, User
from registry.models import unit as models_of_units
from registry.operations import assignments, organizations
from tests.factories import ACTOR, DAY, make_person, make_unit, make_user
from tests.world import World

pytestmark = pytest.mark.django_db


def build_world() -> World:
    """Entries of a unit, of two units, of none, of one that is gone, and of somebody whose grant ended."""
    made = World()
    clerk, gone = make_user("clerk", made.left, "clerk"), make_unit("gone", made.right)
    for user in (clerk, make_user("stranger", made.right, "clerk"), None):
        actor = Actor(user, str(user)) if user else ACTOR
        audit.record_event(actor, "login", subject=str(user))
        audit.record_event(actor, "add_unit", subject="撤回的单位", unit=gone)
    placed = assignments.assign_person(
        actor=ACTOR, person=make_person("周五", made.right), organization=made.branch, started_on=DAY
    )
    assignments.end_assignment(actor=ACTOR, assignment=placed, on=DAY)
    organizations.transfer_organization(
        actor=ACTOR, organization=made.commando, unit=made.right, on=DAY.replace(day=5), reason="转"
    )
    Grant.objects.filter(user=clerk).update(ended_on=timezone.localdate())
    UnitPlacement.objects.filter(unit=gone).delete()
    Unit.objects.filter(pk=gone.pk).delete()  # its entries stay
    return made


def below(unit: Unit) -> set[int]:
    return set(Unit.objects.in_subtree(unit).values_list("pk", flat=True))


def read_by(user: User, top: Unit, unit: Unit | None) -> set[int]:
    """The entries that ``user``, who reads at ``top``, finds at ``unit``, one by one."""
    known = set(Grant.objects.filter(unit__in=below(top)).values_list("user_id", flat=True))
    units, there = set(Unit.objects.values_list("pk", flat=True)), below(unit or top)
    return {
        each.pk
        for each in AuditEntry.objects.all()
        if there & {each.unit_id, each.other_unit_id}
        or (unit is None and each.unit_id not in units and each.user_id in known)
    }


@pytest.mark.parametrize("many", [0, 5_000], ids=["of many units", "of few"])
@pytest.mark.parametrize("place", ["top", "left", "right", "station"])
def test_everybody_reads_what_was_done_in_the_own_scope(
    world: World, place: str, many: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models_of_units, "MANY", many)
    top = getattr(world, place)
    reader = make_user(unit=top, role="auditor")
    for unit in (None, *Unit.objects.all()):
        found = {each.pk for each in access.record_seen(reader, unit)}
        inside = unit is None or unit.pk in below(top)
        assert found == (read_by(reader, top, unit) if inside else set()), unit
        assert found or not inside
