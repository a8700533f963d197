"""The world that the tests of pages share: a test finds it as it was built, whatever another test did."""

from __future__ import annotations

import pytest

from registry.models import Unit
from registry.operations import units
from tests.factories import ACTOR
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("time", ["first", "second"])
def test_what_a_test_changes_is_gone_in_the_next(world: World, time: str) -> None:
    assert (world.left.name, Unit.objects.get(code="left").name) == ("左公安局", "左公安局")
    world.left.name = "改过"
    units.edit_unit(actor=ACTOR, unit=Unit.objects.get(code="left"), changes={"name": "改过"})


def test_a_test_without_the_world_finds_an_empty_database() -> None:
    assert not Unit.objects.exists()
