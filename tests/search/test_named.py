"""Units, organizations and campaigns are found by code, or by a name that is unique in scope."""

from __future__ import annotations

import pytest

from registry import nouns
from registry.models import Organization
from registry.search.named import find_by_code_or_name, not_unique
from tests.factories import make_organization, make_unit, make_user
from tests.world import World

pytestmark = pytest.mark.django_db


def found(user: object, noun: str, *words: str, verb: str = "see") -> dict[str, list[str]]:
    rows = find_by_code_or_name(user, noun, words, verb)  # type: ignore[arg-type]
    return {word: [row.code for row in some] for word, some in rows.items()}


def test_code_name_short_name_and_alias(world: World) -> None:
    make_unit("old", world.top, name="老城公安局", aliases="城局;老局")
    assert found(None, "unit", "left", "左公安局", "左局", " 左 公安局 ", "老局", "左", "无", "-") == {
        "left": ["left"],
        "左公安局": ["left"],
        "左局": ["left"],
        " 左 公安局 ": ["left"],
        "老局": ["old"],
        "左": [],
        "无": [],
        "-": [],
    }
    assert found(None, "campaign", world.campaign.name) == {world.campaign.name: [world.campaign.code]}
    assert found(None, "organization", "左局临时党支部") == {"左局临时党支部": ["branch"]}


def test_a_full_name_goes_before_a_short_one_and_a_code_before_both(world: World) -> None:
    make_unit("one", world.top, name="左局")
    make_unit("two", world.top, name="one")
    assert found(None, "unit", "左局", "one") == {"左局": ["one"], "one": ["one"]}


def test_a_name_is_unique_in_scope_or_says_whom_it_means(world: World) -> None:
    make_unit("other", world.right, name="左派出所")
    assert found(make_user(unit=world.left, role="clerk"), "unit", "左派出所", "右局", "right") == {
        "左派出所": ["station"],
        "右局": [],
        "right": [],
    }
    rows = find_by_code_or_name(make_user(unit=world.top, role="clerk"), "unit", ["左派出所"])["左派出所"]
    assert not_unique(nouns.by_key("unit"), "左派出所", rows) == (
        "有 2 个单位叫“左派出所”:左派出所(station)、左派出所(other)。请写全称,仍重名的填代码。"
    )
    assert found(make_user(unit=world.top, role="viewer"), "unit", "左局", verb="add_unit") == {"左局": []}


def test_what_is_withdrawn_is_meant_by_its_code_only(world: World) -> None:
    gone = make_organization(world.left, code="gone", name="左局临时党支部")
    Organization.objects.filter(pk=gone.pk).update(state="withdrawn")
    assert found(None, "organization", "左局临时党支部", "gone") == {
        "左局临时党支部": ["branch"],
        "gone": ["gone"],
    }


@pytest.mark.parametrize("number", [1, 3])
def test_many_words_cost_one_query(world: World, django_assert_num_queries: object, number: int) -> None:
    words = ["左公安局", "右公安局", "省公安厅"][:number]
    with django_assert_num_queries(1):  # type: ignore[operator]
        find_by_code_or_name(None, "unit", words)
