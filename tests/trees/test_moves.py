"""Inserting and moving by one UPDATE: the same trees as MPTT makes node by node, and as ``parent`` says."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from registry.models import Organization, Unit
from registry.trees.check import TREES, check_intervals
from registry.trees.moves import insert_last, move_last, new_tree_ids
from tests.factories import make_organization, make_unit

pytestmark = pytest.mark.django_db


def node(code: str) -> Unit:
    return Unit(code=code, name=code, kind="bureau")


def at(code: str) -> Unit:
    return Unit.objects.get(code=code)


def grow(*edges: tuple[str, str]) -> None:
    """Insert units, each below the one named before it ("": a root)."""
    for above, code in edges:
        insert_last(node(code), at(above) if above else None)


def shape() -> dict[str, list[tuple[str, int, int, int]]]:
    """Each tree by its root: the codes in order with their intervals and levels."""
    rows = Unit.objects.order_by("tree_id", "lft").values_list("tree_id", "code", "lft", "rght", "level")
    trees: dict[int, list[tuple[str, int, int, int]]] = {}
    for tree_id, *place in rows:
        trees.setdefault(tree_id, []).append(tuple(place))  # type: ignore[arg-type]
    return {tree[0][0]: tree for tree in trees.values()}


def faults() -> list[str]:
    return [str(fault) for where, model in TREES for fault in check_intervals(where, model)]


def bystanders(before: dict[str, Any]) -> set[str]:
    """The rows that nobody wrote since their places were read."""
    return {code for code, place in places().items() if before.get(code) == place}


def places() -> dict[str, Any]:
    """Where each row physically is: another place when it was written."""
    column = "ctid" if connection.vendor == "postgresql" else "lft || '/' || rght || '/' || tree_id"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT code, CAST({column} AS TEXT) FROM registry_unit")
        return dict(cursor.fetchall())


COUNTRY = (
    ("", "r"), ("r", "a"), ("a", "a1"), ("a1", "a11"), ("a1", "a12"), ("a", "a2"),
    ("r", "b"), ("b", "b1"), ("b1", "b11"), ("r", "c"), ("c", "c1"),
)  # fmt: skip


def test_a_new_node_comes_last_below_its_parent() -> None:
    grow(*COUNTRY)
    parent = at("a")
    made = node("a3")
    insert_last(made, parent)
    assert shape()["r"] == [
        ("r", 1, 24, 0),
        ("a", 2, 13, 1),
        ("a1", 3, 8, 2),
        ("a11", 4, 5, 3),
        ("a12", 6, 7, 3),
        ("a2", 9, 10, 2),
        ("a3", 11, 12, 2),
        ("b", 14, 19, 1),
        ("b1", 15, 18, 2),
        ("b11", 16, 17, 3),
        ("c", 20, 23, 1),
        ("c1", 21, 22, 2),
    ]
    made.refresh_from_db()
    assert (made.parent, made.lft, parent.rght) == (parent, 11, at("a").rght)
    assert faults() == []


@pytest.mark.parametrize(
    ("code", "target", "siblings"),
    [
        ("a2", "b", ["b1", "a2"]),  # to the right, past those in between
        ("c1", "a", ["a1", "a2", "c1"]),  # to the left
        ("a1", "r", ["a", "b", "c", "a1"]),  # up
        ("b", "a", ["a1", "a2", "b"]),  # a whole branch, down
        ("a", "b11", ["a"]),  # deep down
        ("a1", "a", ["a2", "a1"]),  # where it is, last now
    ],
)
def test_a_branch_moves_within_its_tree(code: str, target: str, siblings: list[str]) -> None:
    grow(*COUNTRY)
    move_last([at(code)], at(target))
    assert (
        list(Unit.objects.filter(parent=at(target)).order_by("lft").values_list("code", flat=True))
        == siblings
    )
    assert faults() == []
    assert at(code).version == 2


def test_only_what_lies_between_the_old_place_and_the_new_is_written() -> None:
    grow(*COUNTRY)
    before = places()
    move_last([at("a11")], at("a2"))
    assert bystanders(before) >= {"r", "b", "b1", "b11", "c", "c1"}
    before = places()
    grow(("c", "c2"))
    assert bystanders(before) >= {"a", "a1", "a11", "a12", "a2", "b", "b1", "b11", "c1"}
    assert faults() == []


def test_branches_move_between_trees_and_become_trees() -> None:
    grow(*COUNTRY, ("", "s"), ("s", "t"))
    move_last([at("b")], at("s"))
    assert shape()["s"] == [
        ("s", 1, 10, 0),
        ("t", 2, 3, 1),
        ("b", 4, 9, 1),
        ("b1", 5, 8, 2),
        ("b11", 6, 7, 3),
    ]
    assert faults() == []
    move_last([at("b1")], None)
    assert shape()["b1"] == [("b1", 1, 4, 0), ("b11", 2, 3, 1)]
    assert faults() == []
    move_last([at("s")], at("a11"))
    assert set(shape()) == {"r", "b1"}
    assert at("t").level == 5
    assert faults() == []


def test_many_children_go_over_by_one_statement() -> None:
    """Every second child of one unit, so that what moves is cut into many pieces."""
    grow(("", "r"), ("r", "from"), ("r", "to"), ("to", "there"))
    grow(
        *(("from", f"n{number}") for number in range(9)),
        *((f"n{number}", f"m{number}") for number in range(9)),
    )
    going = list(Unit.objects.filter(parent=at("from"), code__in=["n1", "n3", "n4", "n7"]).order_by("lft"))
    with CaptureQueriesContext(connection) as queries:
        move_last(going, at("to"))
    written = [query["sql"] for query in queries if query["sql"].startswith("UPDATE")]
    assert ["lft" in sql for sql in written] == [True, False], written  # the bounds, then the parents
    below = {
        code: list(Unit.objects.filter(parent=at(code)).order_by("lft").values_list("code", flat=True))
        for code in ("from", "to", "n3")
    }
    assert below == {
        "from": ["n0", "n2", "n5", "n6", "n8"],
        "to": ["there", "n1", "n3", "n4", "n7"],
        "n3": ["m3"],
    }
    assert faults() == []


def test_nodes_of_several_trees_go_over_at_once_in_the_order_given() -> None:
    grow(*COUNTRY, ("", "s"), ("s", "t"), ("s", "u"), ("s", "w"), ("s", "x"), ("", "v"))
    move_last([at("v"), at("c"), at("w"), at("t"), at("a12")], at("b"))
    assert list(Unit.objects.filter(parent=at("b")).order_by("lft").values_list("code", flat=True)) == [
        "b1", "v", "c", "w", "t", "a12",
    ]  # fmt: skip
    assert shape()["s"] == [("s", 1, 6, 0), ("u", 2, 3, 1), ("x", 4, 5, 1)]
    assert faults() == []


def test_no_node_goes_below_itself_or_along_with_one_above_it() -> None:
    grow(*COUNTRY)
    before = shape()
    with pytest.raises(ValueError, match="target"):
        move_last([at("a")], at("a12"))
    with pytest.raises(ValueError, match="another"):
        move_last([at("a"), at("a12")], at("b"))
    assert shape() == before


def test_a_tree_gets_a_number_past_all_others() -> None:
    """Also when something else numbered trees past what the numbers are drawn from."""
    make_unit("root")
    first = make_organization(at("root"))
    Organization.objects.filter(pk=first.pk).update(tree_id=F("tree_id") + 1000)
    last = Organization.objects.get(pk=first.pk).tree_id
    drawn = [
        *new_tree_ids(Organization, 3),
        make_organization(at("root")).tree_id,
        make_organization(at("root")).tree_id,
    ]
    assert min(drawn) > last
    assert len(set(drawn[3:])) == 2
    assert len(set(drawn[:3])) == 3


steps = st.lists(
    st.tuples(
        st.sampled_from(["insert", "root", "move", "move", "move", "uproot", "many"]),
        *[st.integers(0, 999)] * 3,
    ),
    min_size=1,
    max_size=25,
)


class TestLikeMptt(TestCase):
    """The same steps twice in one table: in our way, and in MPTT's own beside it."""

    @given(steps)
    def test_any_sequence_gives_the_trees_that_mptt_makes(
        self, steps: list[tuple[str, int, int, int]]
    ) -> None:
        codes: list[int] = []

        def ours(number: int) -> Unit:
            return at(f"ours-{number}")

        def theirs(number: int) -> Unit:
            return at(f"theirs-{number}")

        def insert(parent: int | None) -> None:
            number = len(codes)
            insert_last(node(f"ours-{number}"), ours(parent) if parent is not None else None)
            above = theirs(parent) if parent is not None else None
            node(f"theirs-{number}").insert_at(above, "last-child", save=True)
            codes.append(number)

        def below(number: int) -> set[int]:
            family = theirs(number).get_descendants(include_self=True)
            return {int(code.split("-")[1]) for code in family.values_list("code", flat=True)}

        def move(numbers: list[int], target: int | None) -> None:
            move_last([ours(number) for number in numbers], ours(target) if target is not None else None)
            for number in numbers:
                theirs(number).move_to(theirs(target) if target is not None else None, "last-child")

        insert(None)
        for verb, first, second, third in steps:
            some, other = codes[first % len(codes)], codes[second % len(codes)]
            if verb == "insert":
                insert(some)
            elif verb == "root":
                insert(None)
            elif verb == "move" and other not in below(some):
                move([some], other)
            elif verb == "uproot" and theirs(some).level:
                move([some], None)
            elif verb == "many":
                children = sorted(below(some) & {n for n in codes if theirs(n).parent_id == theirs(some).pk})
                going = [number for place, number in enumerate(children) if third >> place & 1]
                if not any(other in below(number) for number in going):
                    move(going, other)
        found = {
            whose: {
                root.split("-")[1]: [(code.split("-")[1], *place) for code, *place in tree]
                for root, tree in shape().items()
                if root.startswith(whose)
            }
            for whose in ("ours", "theirs")
        }
        assert found["ours"] == found["theirs"]
        assert faults() == []
