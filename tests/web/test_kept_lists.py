"""Lists whose statements are kept: the same rows as those of a statement that is put together anew."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from django.test import RequestFactory

from registry.models import User
from registry.models.prepared import _READY
from registry.pages.organizations.tables import OrganizationTable
from registry.pages.people.assignments import AssignmentTable
from registry.web import lists, tables
from registry.web.drill import PlacedTable
from tests.factories import make_user
from tests.world import World

pytestmark = pytest.mark.django_db

ASKED: dict[type[PlacedTable[Any]], list[dict[str, str]]] = {
    OrganizationTable: [
        {},
        {"page": "2"},
        {"basis": "cumulative"},
        {"basis": "new", "since": "2020-02-02"},
        {"campaign": "yiqing"},
        {"kind": "branch"},
        {"nature": "temporary", "sort": "unit"},
        {"state": "pending"},
        {"state": "all", "sort": "-members"},
        {"metric": "temporary_branches", "sort": "-dissolved"},
        {"unit": "left"},
        {"unit": "left", "own": "1"},
        {"unit": "station"},  # whose rows are not the first of a list of more
    ],
    AssignmentTable: [
        {},
        {"page": "2"},
        {"basis": "cumulative", "sort": "-started"},
        {"role": "secretary"},
        {"category": "officer", "sort": "number"},
        {"metric": "frontline_party_members"},
        {"unit": "left", "sort": "name"},
        {"unit": "station"},
    ],
}


def listed(kind: type[PlacedTable[Any]], user: User, asked: dict[str, str], *, anew: bool = False) -> Any:
    """Return the rows of a page of three, and how many are not approved."""
    request = RequestFactory().get("/", {"as_of": "2020-02-20", **asked})
    request.user = user
    table = kind(request)
    if anew:
        table._shape = None
    assert anew or table._shape is not None
    return [row.pk for row in table.page_obj.object_list], table.pending


@pytest.mark.parametrize("kind", ASKED)
def test_each_user_has_the_rows_of_a_statement_put_together_anew(
    world: World, kind: type[PlacedTable[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "paged_long", partial(lists.paged_long, size=3))
    users = [make_user(unit=unit) for unit in (world.top, world.left, world.left, world.right)]
    users += [make_user(unit=world.top, role="viewer"), make_user(is_superuser=True), make_user()]
    shown = set()
    for asked in ASKED[kind]:
        for user in users[: 3 if "unit" in asked else None]:  # others do not see the unit
            kept = listed(kind, user, asked)
            assert kept == listed(kind, user, asked, anew=True), asked
            shown.add(tuple(kept[0]))
    assert len(shown) > 5


def test_two_users_share_a_statement_but_not_what_they_see(world: World) -> None:
    left, right = make_user(unit=world.left), make_user(unit=world.right)
    (first, _pending), number = listed(OrganizationTable, left, {}), len(_READY)
    second, _pending = listed(OrganizationTable, right, {})
    assert len(_READY) == number
    assert first
    assert second
    assert not set(first) & set(second)


@pytest.mark.parametrize("asked", [{"q": "支部"}, {"state": "overdue"}, {"party_line": "committee"}])
def test_what_hangs_on_more_than_a_choice_is_put_together_anew(world: World, asked: dict[str, str]) -> None:
    request = RequestFactory().get("/", {"as_of": "2020-02-20", **asked})
    request.user = make_user(unit=world.top)
    assert OrganizationTable(request)._shape is None
