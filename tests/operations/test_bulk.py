"""Bulk loading: valid trees, the same as one by one, and nothing at all when a row cannot be."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from registry import locks
from registry.models import (
    BEGINNING,
    Assignment,
    AuditEntry,
    Organization,
    OrganizationPlacement,
    Person,
    Unit,
    UnitPlacement,
)
from registry.operations.bulk import AssignmentRow, Load, OrganizationRow, PersonRow, UnitRow, bulk_load
from registry.operations.organizations import withdraw_organization
from registry.operations.units import close_unit
from registry.refusals import OperationRefused
from registry.trees.check import check_all
from tests.factories import ACTOR, DAY, make_organization, make_person, make_unit

pytestmark = pytest.mark.django_db


def load(at: str, **rows: object) -> dict[str, int]:
    return bulk_load(actor=ACTOR, load=Load(**rows), at=at)  # type: ignore[arg-type]


def unit(code: str, parent: str = "", **facts: object) -> UnitRow:
    return UnitRow(code=code, name=f"{code}局", kind="bureau", parent=parent, **facts)  # type: ignore[arg-type]


def branch(code: str, at: str, parent: str = "", **facts: object) -> OrganizationRow:
    values = {"kind": "branch", "established_on": DAY, "is_temporary": True, "name": f"{code}支部"}
    values |= {"state": "approved", **facts}
    return OrganizationRow(code=code, unit=at, parent=parent, **values)  # type: ignore[arg-type]


def faults() -> list[str]:
    return [str(fault) for fault in check_all()]


def shape(model: type[Unit] | type[Organization]) -> list[tuple[object, ...]]:
    rows = model.objects.order_by("tree_id", "lft").values_list(
        "code", "parent__code", "lft", "rght", "level"
    )
    return list(rows)


def test_an_empty_registry_is_filled_and_one_entry_says_so() -> None:
    numbers = load(
        "a",
        units=[unit("a"), unit("b", "a"), unit("c", "b"), unit("d", "a"), unit("e")],
        organizations=[
            branch("w", "a", kind="committee", is_temporary=False),
            branch("x", "c", "w", task_body="z", source=None),
            branch("y", "d", kind="committee", is_temporary=False),
            branch("z", "d", "y", kind="task_force", is_temporary=False),
        ],
        people=[
            PersonRow("01", "甲", "officer", "c", status="full_member", home_branch="w"),
            PersonRow(
                "02", "乙", "auxiliary", "d", status="activist", changes=((DAY, "probationary_member"),)
            ),
        ],
        assignments=[
            AssignmentRow("01", "x", DAY, role="secretary", document_number="1号"),
            AssignmentRow("02", "x", DAY, ended_on=DAY + timedelta(3)),
        ],
    )
    assert numbers == {"units": 5, "organizations": 4, "people": 2, "assignments": 2}
    assert faults() == []
    assert shape(Unit) == [
        ("a", None, 1, 8, 0),
        ("b", "a", 2, 5, 1),
        ("c", "b", 3, 4, 2),
        ("d", "a", 6, 7, 1),
        ("e", None, 1, 2, 0),
    ]
    assert Organization.objects.get(code="x").task_body == Organization.objects.get(code="z")
    assert UnitPlacement.objects.get(unit__code="c").superior == Unit.objects.get(code="b")
    assert OrganizationPlacement.objects.get(organization__code="x").started_on == DAY
    second = Person.objects.get(number="02")
    assert second.political_status == "probationary_member"
    assert list(second.statuses.order_by("started_on").values_list("status", "started_on", "ended_on")) == [
        ("activist", BEGINNING, DAY),
        ("probationary_member", DAY, None),
    ]
    entry = AuditEntry.objects.get()
    assert (entry.verb, entry.unit, entry.after) == ("bulk_load", Unit.objects.get(code="a"), numbers)


def test_it_makes_the_same_tree_as_one_by_one() -> None:
    rows = [("a", ""), ("b", "a"), ("c", "a"), ("d", "b"), ("e", "a"), ("f", "d"), ("g", "c")]
    made: dict[str, Unit] = {}
    for code, parent in rows:
        made[code] = make_unit(f"one-{code}", made.get(parent))
    load("many-a", units=[unit(f"many-{code}", parent and f"many-{parent}") for code, parent in rows])
    one_by_one = [row for row in shape(Unit) if str(row[0]).startswith("one-")]
    at_once = [row for row in shape(Unit) if str(row[0]).startswith("many-")]
    assert [row[2:] for row in one_by_one] == [row[2:] for row in at_once]
    assert [str(row[0])[4:] for row in one_by_one] == [str(row[0])[5:] for row in at_once]


def test_rows_go_below_nodes_that_are_there_and_those_keep_their_order() -> None:
    root = make_unit("root")
    left = make_unit("left", root)
    make_unit("right", root)
    make_unit("deep", left)
    other = make_unit("other")
    before = [code for code, *_ in shape(Unit)]
    load(
        "root",
        units=[
            unit("n1", "deep"),
            unit("n2", "left"),
            unit("n3", "n1"),
            unit("n4", "root"),
            unit("n5", "right"),
            unit("n6", "left"),
            unit("n7"),
            unit("n8", "other"),
        ],
    )
    assert faults() == []
    after = [code for code, *_ in shape(Unit)]
    assert [code for code in after if code in before] == before
    assert after == ["root", "left", "deep", "n1", "n3", "n2", "n6", "n4", "right", "n5", "other", "n8", "n7"]
    make_unit("later", Unit.objects.get(code="n3"))  # an ordinary operation goes on from there
    make_unit("last", other)
    assert faults() == []


def test_more_insertion_points_than_one_statement_takes() -> None:
    load("root", units=[unit("root"), *(unit(f"u{i}", "root") for i in range(250))])
    load("root", units=[unit(f"v{i}-{j}", f"u{i}") for i in range(250) for j in range(1 + i % 3)])
    assert faults() == []
    assert Unit.objects.get(code="root").rght == 2 * Unit.objects.count()


def test_organizations_go_below_organizations_that_are_there() -> None:
    host = make_unit("host")
    committee = make_organization(host, "committee", code="committee", is_temporary=False)
    make_organization(host, code="old", parent=committee)
    load(
        "host",
        organizations=[
            branch("new", "host", "committee"),
            branch("group", "host", "old", kind="group"),
            branch("root", "host"),
        ],
        assignments=[AssignmentRow(make_person(unit=host).number, "old", DAY)],
    )
    assert faults() == []
    assert [code for code, *_ in shape(Organization)] == ["committee", "old", "group", "new", "root"]
    assert Assignment.objects.get().organization.code == "old"
    make_organization(host, code="after", parent=Organization.objects.get(code="new"), kind="group")
    assert faults() == []


def test_units_and_organizations_come_with_where_they_stood_before() -> None:
    later, last = DAY + timedelta(10), DAY + timedelta(20)
    load(
        "a",
        units=[
            unit("a"),
            unit("b", "a"),
            unit("c", "b", formerly=(("d", DAY), ("", later))),
            unit("d", "a"),
        ],
        organizations=[
            branch("x", "b", formerly=(("c", later), ("d", last))),
            branch("y", "b"),
        ],
    )
    assert faults() == []
    moves = UnitPlacement.objects.filter(unit__code="c").order_by("pk")
    assert list(moves.values_list("superior__code", "started_on", "ended_on")) == [
        ("d", None, DAY),
        (None, DAY, later),
        ("b", later, None),
    ]
    hosts = OrganizationPlacement.objects.filter(organization__code="x").order_by("pk")
    assert list(hosts.values_list("unit__code", "started_on", "ended_on")) == [
        ("c", DAY, later),
        ("d", later, last),
        ("b", last, None),
    ]
    assert Organization.objects.get(code="x").unit == Unit.objects.get(code="b")
    below_d = Unit.objects.in_subtree(Unit.objects.get(code="d"), DAY - timedelta(1))
    assert {each.code for each in below_d} == {"c", "d"}


def test_a_superior_or_host_before_may_be_there_already() -> None:
    root, closed = make_unit("root"), make_unit("closed")
    close_unit(actor=ACTOR, unit=closed, on=DAY, reason="撤并")
    before = DAY - timedelta(9)
    load(
        "root",
        units=[unit("new", "root", formerly=(("closed", DAY),))],
        organizations=[branch("x", "root", established_on=before, formerly=(("closed", DAY),))],
    )
    assert faults() == []
    assert UnitPlacement.objects.get(unit__code="new", ended_on=DAY).superior == closed
    assert OrganizationPlacement.objects.get(organization__code="x", started_on=DAY).unit == root


def test_units_may_have_changed_places_but_not_stood_in_a_circle() -> None:
    rows = [unit("a"), unit("b", "a", formerly=(("", DAY),)), unit("c", "b", formerly=(("a", DAY),))]
    load("a", units=rows)  # b came below a on the day on which c came below b
    assert faults() == []
    circle = [unit("p"), unit("q", "p", formerly=(("r", DAY),)), unit("r", "q")]
    with pytest.raises(OperationRefused, match="在它之下"):
        load("a", units=circle)
    exchange = [unit("p"), unit("q", "p", formerly=(("r", DAY),)), unit("r", "q", formerly=(("p", DAY),))]
    load("a", units=exchange)
    assert faults() == []


def test_progress_is_told_for_each_noun() -> None:
    told: list[tuple[str, int]] = []
    bulk_load(
        actor=ACTOR,
        load=Load(
            units=[unit("a")],
            organizations=[branch("x", "a"), branch("y", "a")],
            people=[PersonRow("1", "甲", "officer", "a")],
            assignments=[AssignmentRow("1", "x", DAY)],
        ),
        at="a",
        progress=lambda noun, written: told.append((noun, written)),
    )
    assert told[:4] == [("units", 1), ("organizations", 2), ("people", 1), ("assignments", 1)]
    assert told[-1] == ("counts", 100), "the ledger of counts is worked out last, in percent"


@given(st.data())
def test_any_two_loads_one_after_the_other_leave_valid_trees(data: st.DataObject) -> None:
    start = Unit.objects.count()
    codes: list[str] = []
    for part in range(2):
        rows = []
        for i in range(data.draw(st.integers(1, 12))):
            code = f"p{start}-{part}-{i}"
            parent = data.draw(st.sampled_from(["", *codes[-12:]]))
            rows.append(unit(code, parent))
            codes.append(code)
        load(codes[0], units=rows)
        assert faults() == []


def test_the_number_of_queries_does_not_grow_with_the_rows() -> None:
    known = [PersonRow("first", "某", "officer", "root")]  # whose name has its terms
    load("root", units=[unit("root")], organizations=[branch("first", "root")], people=known)

    def queries(prefix: str, number: int) -> int:
        with CaptureQueriesContext(
            connection,
        ) as caught:
            load(
                "root",
                units=[unit(f"{prefix}u{i}", "root") for i in range(number)],
                organizations=[branch(f"{prefix}o{i}", f"{prefix}u{i}") for i in range(number)],
                people=[PersonRow(f"{prefix}{i}", "某", "officer", f"{prefix}u{i}") for i in range(number)],
                assignments=[AssignmentRow(f"{prefix}{i}", f"{prefix}o{i}", DAY) for i in range(number)],
            )
        return len(caught)

    assert queries("a", 3) == queries("b", 12)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ({"units": [unit("root")]}, None),  # there already: the database's own uniqueness
        ({"units": [unit("x"), unit("x")]}, "代码重复"),
        ({"units": [unit("x", "nowhere")]}, "nowhere"),
        ({"units": [unit("x", "y"), unit("y")]}, "上级须排在下级之前"),
        ({"units": [unit("x", "x")]}, "上级不能是自己"),
        ({"units": [unit("X y")]}, "小写字母"),
        ({"units": [UnitRow("x", "x", "kingdom")]}, "单位类型"),
        ({"units": [unit("x", opened_on=date(2020, 2, 2), closed_on=date(2020, 2, 1))]}, "早于开始"),
        ({"units": [unit(f"x{i}", f"x{i - 1}" if i else "") for i in range(17)]}, "层级"),
        ({"units": [unit("x", "root", formerly=(("nowhere", DAY),))]}, "nowhere"),
        ({"units": [unit("x", "root", formerly=(("root", DAY),))]}, "相同"),
        ({"units": [unit("x", "root", formerly=(("x", DAY),))]}, "自己"),
        ({"units": [unit("x", "root", formerly=(("", DAY), ("good", DAY)))]}, "依次"),
        ({"units": [unit("x", "root", formerly=(("", timezone.localdate() + timedelta(1)),))]}, "晚于"),
        ({"units": [unit("x", "root", opened_on=DAY, formerly=(("", DAY - timedelta(1)),))]}, "依次"),
        ({"units": [unit("x", "root", closed_on=DAY, formerly=(("", DAY),))]}, "早于撤销"),
        ({"units": [unit("x", "root", formerly=(("", DAY), ("closed", DAY + timedelta(1))))]}, "closed"),
        ({"organizations": [branch("x", "nowhere")]}, "nowhere"),
        ({"organizations": [branch("x", "root", formerly=(("nowhere", DAY + timedelta(1)),))]}, "nowhere"),
        ({"organizations": [branch("x", "root", formerly=(("good", DAY),))]}, "依次"),
        ({"organizations": [branch("x", "root", formerly=(("root", DAY + timedelta(1)),))]}, "相同"),
        (
            {"organizations": [branch("x", "root", formerly=(("closed", DAY + timedelta(1)),))]},
            "撤并,请",
        ),
        (
            {
                "organizations": [
                    branch(
                        "x", "root", dissolved_on=DAY + timedelta(1), formerly=(("good", DAY + timedelta(1)),)
                    )
                ]
            },
            "早于撤销",
        ),
        ({"organizations": [branch("x", "closed")]}, "撤并,请"),
        ({"organizations": [branch("x", "root", kind="choir", is_temporary=False)]}, "组织类型"),
        ({"organizations": [branch("x", "root", kind="pioneer_team")]}, "临时"),
        ({"organizations": [branch("x", "root"), branch("y", "root", "x", kind="committee")]}, "不能设在"),
        (
            {"organizations": [branch("x", "root", established_on=timezone.localdate() + timedelta(1))]},
            "晚于",
        ),
        (
            {"organizations": [branch("x", "root", "old", kind="group", established_on=date(2020, 1, 1))]},
            "成立日期不能早于它",
        ),
        ({"organizations": [branch("x", "root", "gone", kind="group")]}, "已撤回"),
        (
            {
                "organizations": [
                    branch("x", "root", dissolved_on=date(2020, 3, 1)),
                    branch("y", "root", "x", kind="group"),
                ]
            },
            "撤销,请换一个上级组织",
        ),
        ({"organizations": [branch("x", "root", campaign="none")]}, "none"),
        ({"organizations": [branch("x", "root", state="lost")]}, "状态"),
        ({"people": [PersonRow("1", "甲", "robot", "root")]}, "人员类别"),
        ({"people": [PersonRow(" ", "甲", "officer", "root")]}, "没有警号"),
        (
            {"people": [PersonRow("1", "甲", "officer", "root", changes=((date(1899, 1, 1), "masses"),))]},
            "依次",
        ),
        ({"assignments": [AssignmentRow("nobody", "old", DAY)]}, "nobody"),
        ({"assignments": [AssignmentRow("000", "old", DAY, role="king")]}, "职责"),
        ({"assignments": [AssignmentRow("000", "gone", DAY)]}, "已撤回"),
        ({"assignments": [AssignmentRow("000", "old", date(2019, 1, 1))]}, None),
        ({"assignments": [AssignmentRow("000", "old", DAY), AssignmentRow("000", "old", DAY)]}, None),
    ],
)
def test_a_row_that_cannot_be_is_refused_and_nothing_is_left(
    rows: dict[str, object], said: str | None
) -> None:
    root = make_unit("root")
    closed = make_unit("closed", root)
    close_unit(actor=ACTOR, unit=closed, on=DAY, reason="撤并")
    make_organization(root, code="old")
    gone = make_organization(root, code="gone")
    withdraw_organization(actor=ACTOR, organization=gone, reason="误录")
    make_person(unit=root, number="000")
    before = [model.objects.count() for model in (Unit, Organization, Person, Assignment, AuditEntry)]
    # A good row of each noun before the bad one must not stay either.
    good: dict[str, list[object]] = {"units": [unit("good", "root")], "organizations": [], "people": []}
    wanted = {**good, **{noun: [*good.get(noun, []), *some] for noun, some in rows.items()}}  # type: ignore[misc]
    with pytest.raises((OperationRefused, IntegrityError)) as caught:
        load("root", **wanted)
    if said is not None:
        assert said in str(caught.value)
    assert [m.objects.count() for m in (Unit, Organization, Person, Assignment, AuditEntry)] == before
    assert faults() == []


def test_an_unknown_unit_to_record_at_is_refused() -> None:
    with pytest.raises(OperationRefused, match="nowhere"):
        load("nowhere", units=[unit("a")])
    assert not Unit.objects.exists()


def test_rows_that_can_be_read_only_once_are_refused_before_anything_is_written() -> None:
    with pytest.raises(TypeError, match="more than once"):
        load("a", units=(unit(code) for code in "ab"))
    assert not Unit.objects.exists()


def test_rows_may_come_from_what_makes_them_anew_each_time() -> None:
    class Generated:
        def __iter__(self) -> Iterator[UnitRow]:
            yield unit("root")
            for i in range(5):
                yield unit(f"u{i}", "root")

    assert load("root", units=Generated())["units"] == 6
    assert faults() == []


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_load_and_the_other_writers_of_the_forest_wait_for_each_other() -> None:
    other = connection.copy()

    def free(function: str) -> bool:
        with other.cursor() as cursor:
            cursor.execute(f"SELECT {function}(7105, 0)")
            return bool(cursor.fetchone()[0])

    try:
        with transaction.atomic():
            locks.lock_organization_trees([])
            assert not free("pg_try_advisory_xact_lock"), "a load waits for who writes in a tree"
            assert free("pg_try_advisory_xact_lock_shared"), "two who write in trees do not"
        with transaction.atomic():
            locks.lock_whole_forest()
            assert not free("pg_try_advisory_xact_lock_shared"), "who writes in a tree waits for a load"
    finally:
        other.close()
