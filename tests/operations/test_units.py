"""Units: add, edit, move, merge, close."""

from __future__ import annotations

from typing import Any

import pytest

from registry.audit import plain
from registry.models import AuditEntry, Organization, Unit, UnitPlacement
from registry.models.unit import MAX_DEPTH
from registry.operations import organizations, people, units
from registry.refusals import EditConflict
from registry.rules import units as rules
from tests.factories import ACTOR, make_organization, make_person, make_unit
from tests.operations.checks import WHOLE_FORM, day, facts, recorded, refusal

pytestmark = pytest.mark.django_db


def close(unit: Unit, on: int = 10) -> Unit:
    return units.close_unit(actor=ACTOR, unit=unit, on=day(on), reason="撤销建制")


def move(unit: Unit, superior: Unit | None, on: int = 10) -> Unit:
    return units.move_unit(actor=ACTOR, unit=unit, superior=superior, on=day(on), reason="调整")


def merge(unit: Unit, into: Unit, on: int = 10) -> Unit:
    return units.merge_unit(actor=ACTOR, unit=unit, into=into, on=day(on), reason="合并")


def superiors(unit: Unit) -> list[tuple[Any, ...]]:
    rows = UnitPlacement.objects.filter(unit=unit).values_list("superior__code", "started_on", "ended_on")
    return sorted(rows, key=lambda row: (row[1] is not None, row[1]))


# Add


def test_add() -> None:
    top = make_unit("top")
    unit = units.add_unit(
        actor=ACTOR, code="new", name="新城分局", kind="sub_bureau", superior=top, region_code="150102"
    )
    assert unit.parent_id == top.pk
    assert superiors(unit) == [("top", None, None)]
    entry = recorded("add_unit")
    assert (entry.object_id, entry.unit_id, entry.before) == (unit.pk, unit.pk, {})
    assert entry.after["code"] == "new"
    assert entry.after["parent"] == plain(top)


@pytest.mark.parametrize(
    ("given", "field", "said"),
    [
        ({"code": "taken"}, "code", "已"),
        ({"code": "Not A Slug"}, "code", "小写字母"),
        ({"name": ""}, "name", ""),
        ({"kind": "club"}, "kind", ""),
        ({"opened_on": day(30_000)}, "opened_on", "晚于今天"),
    ],
)
def test_add_refused(given: dict[str, Any], field: str, said: str) -> None:
    make_unit("taken")
    with refusal(field, said):
        units.add_unit(
            actor=ACTOR, **{"code": "new", "name": "新", "kind": "bureau", "superior": None, **given}
        )


def test_add_below_a_closed_unit() -> None:
    closed = close(make_unit())
    with refusal("superior", "已于 2020-02-11 撤并"):
        units.add_unit(actor=ACTOR, code="new", name="新", kind="bureau", superior=closed)


def test_a_tree_has_so_many_levels_and_no_more() -> None:
    unit = make_unit()
    for _ in range(MAX_DEPTH - 1):
        unit = make_unit(superior=unit)
    with refusal("superior", f"不能超过 {MAX_DEPTH} 级"):
        make_unit(superior=unit)
    alone = make_unit("alone")
    with refusal("superior", f"不能超过 {MAX_DEPTH} 级"):
        move(alone, unit)


# Edit


def test_edit() -> None:
    unit = make_unit("old", name="旧名")
    edited = units.edit_unit(
        actor=ACTOR, unit=unit, changes={"name": "新名", "kind": "bureau", "code": "no"}, version=1
    )
    assert facts(unit, "name", "code", "version") == ("新名", "old", 2)
    assert edited.version == 2
    entry = recorded("edit_unit")
    assert (entry.before, entry.after) == ({"name": "旧名"}, {"name": "新名"})


def test_an_edit_that_changes_nothing_is_not_recorded() -> None:
    unit = make_unit(name="旧名")
    number = AuditEntry.objects.count()
    units.edit_unit(actor=ACTOR, unit=unit, changes={"name": "旧名"}, version=1)
    assert facts(unit, "version") == (1,)
    assert AuditEntry.objects.count() == number


def test_the_second_of_two_edits_is_told_both_values() -> None:
    unit = make_unit(name="旧名")
    units.edit_unit(actor=ACTOR, unit=unit, changes={"name": "甲"}, version=1)
    with refusal(WHOLE_FORM, "单位名称:现在是“甲”,您填的是“乙”") as told:
        units.edit_unit(actor=ACTOR, unit=unit, changes={"name": "乙"}, version=1)
    assert isinstance(told.value, EditConflict)
    assert (told.value.differences, told.value.version) == ({"name": ("甲", "乙")}, 2)
    assert facts(unit, "name") == ("甲",)


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        ({"name": ""}, "name", ""),
        ({"kind": "club"}, "kind", ""),
        ({"opened_on": day(30_000)}, "opened_on", "晚于今天"),
        ({"opened_on": day(1)}, "opened_on", "2020-02-01 已有组织在本单位成立"),
    ],
)
def test_edit_refused(changes: dict[str, Any], field: str, said: str) -> None:
    unit = make_unit()
    make_organization(unit)
    with refusal(field, said):
        units.edit_unit(actor=ACTOR, unit=unit, changes=changes)


def test_a_closed_unit_was_not_opened_later() -> None:
    unit = close(make_unit())
    with refusal("opened_on", "已于 2020-02-11 撤并"):
        units.edit_unit(actor=ACTOR, unit=unit, changes={"opened_on": day(11)})


# Move


def test_move_with_all_below() -> None:
    old, new = make_unit("old"), make_unit("new")
    unit = make_unit("unit", old)
    make_unit("below", unit)
    move(unit, new)
    assert superiors(unit) == [("old", None, day(10)), ("new", day(10), None)]
    new.refresh_from_db()
    assert [each.code for each in new.get_descendants()] == ["unit", "below"]
    entry = recorded("move_unit")
    assert (entry.before, entry.after) == ({"parent": plain(old)}, {"parent": plain(new)})
    assert (entry.effective_on, entry.reason) == (day(10), "调整")


def test_move_on_the_same_day_corrects_the_superior() -> None:
    old, wrong, right = make_unit("old"), make_unit("wrong"), make_unit("right")
    unit = make_unit("unit", old)
    move(unit, wrong)
    move(unit, right)
    assert superiors(unit) == [("old", None, day(10)), ("right", day(10), None)]


def test_move_to_the_top() -> None:
    unit = make_unit("unit", make_unit("old"))
    move(unit, None)
    assert superiors(unit) == [("old", None, day(10)), (None, day(10), None)]
    assert recorded("move_unit").after == {"parent": None}


def test_move_refused() -> None:
    top, other = make_unit("top"), make_unit("other", opened_on=day(-20))
    unit = make_unit("unit", top, opened_on=day(-10))
    below = make_unit("below", unit)
    gone = close(make_unit("gone"), 5)
    with refusal("superior", "现在的上级单位就是"):
        move(unit, top)
    with refusal("superior", "不能作为它的上级"):
        move(unit, unit)
    with refusal("superior", "不能作为它的上级"):
        move(unit, below)
    with refusal("superior", "撤并"):
        move(unit, gone)
    with refusal("superior", "已于 2020-02-06 撤并"):
        move(unit, gone, 4)
    with refusal("superior", "不存在或已撤并"):
        move(unit, other, -21)
    with refusal("on", "设立于 2020-01-22"):
        move(unit, other, -11)
    with refusal("on", "晚于今天"):
        move(unit, other, 30_000)
    move(unit, other)
    with refusal("on", "在 2020-02-11 已调整过上级单位"):
        move(unit, top, 9)


def test_a_closed_unit_moves_only_before_it_was_closed() -> None:
    unit, other = close(make_unit()), make_unit("other")
    with refusal("on", "已于 2020-02-11 撤并"):
        move(unit, other, 10)
    move(unit, other, 9)
    recorded("move_unit")


def test_no_cycle_on_any_day_between() -> None:
    """Today the target stands elsewhere, but on a day since the move it stood below the unit."""
    top, unit = make_unit("top"), make_unit("unit")
    target = make_unit("target", unit)
    move(target, top, 10)
    with refusal("superior", "在 2020-02-06 就在"):
        move(unit, target, 5)
    move(unit, target, 10)
    recorded("move_unit")


# Merge


def test_merge_takes_over_what_is_there() -> None:
    unit, into = make_unit("unit"), make_unit("into")
    child, person, organization = make_unit("child", unit), make_person(unit=unit), make_organization(unit)
    old = make_organization(unit)
    organizations.dissolve_organization(actor=ACTOR, organization=old, on=day(3), reason="测试")
    draft = make_organization(unit, state="draft")
    mistake = make_organization(unit)
    organizations.withdraw_organization(actor=ACTOR, organization=mistake, reason="误录")
    assert rules.left_at(unit, day(10)) == rules.Leaving(units=1, organizations=2, people=1)

    merge(unit, into)

    assert facts(unit, "closed_on", "merged_into_id") == (day(10), into.pk)
    assert superiors(child) == [("unit", None, day(10)), ("into", day(10), None)]
    assert facts(person, "home_unit_id") == (into.pk,)
    for each in (organization, draft):
        assert facts(each, "unit_id") == (into.pk,)
        hosts = [row.unit.code for row in each.placements.order_by("started_on")]
        assert hosts == ["unit", "into"]
    for each in (old, mistake):
        assert facts(each, "unit_id") == (unit.pk,)
    entry = recorded("merge_unit")
    assert entry.unit_id == into.pk
    assert (entry.after["units"], entry.after["organizations"], entry.after["people"]) == (1, 2, 1)
    assert (entry.effective_on, entry.reason) == (day(10), "合并")


def test_merge_refused() -> None:
    unit, into = make_unit("unit", opened_on=day(-5)), make_unit("into", opened_on=day(-9))
    child = make_unit("child", unit)
    closed = close(make_unit("closed"), 2)
    with refusal("into", "不能并入自身"):
        merge(unit, unit)
    with refusal("into", "在“unit公安局”之下"):
        merge(unit, child)
    with refusal("into", "不存在或已撤并"):
        merge(unit, closed)
    with refusal("on", "晚于今天"):
        merge(unit, into, 30_000)
    with refusal("on", "设立于 2020-01-27"):
        merge(unit, into, -6)
    with refusal(WHOLE_FORM, "已于 2020-02-03 撤并"):
        merge(closed, into)


@pytest.mark.parametrize("verb", ["merge", "close"])
def test_a_unit_ends_after_everything_that_happened_there(verb: str) -> None:
    """Whoever came later, or left later, stood there after the day on which it would have ended."""
    unit, other = make_unit("unit"), make_unit("other")

    def end(on: int) -> None:
        merge(unit, other, on) if verb == "merge" else close(unit, on)

    organization = make_organization(unit, name="先到", established_on=day(2))
    with refusal("on", "“先到”在 2020-02-03 才到本单位"):
        end(1)
    organizations.transfer_organization(
        actor=ACTOR, organization=organization, unit=other, on=day(5), reason="测试"
    )
    with refusal("on", "“先到”到 2020-02-06 才离开本单位"):
        end(4)
    child = make_unit("child", other)
    move(child, unit, 6)
    with refusal("on", "在 2020-02-07 才划入本单位"):
        end(5)
    move(child, other, 8)
    with refusal("on", "到 2020-02-09 才划出本单位"):
        end(7)
    end(8)
    recorded(f"{verb}_unit")


# Close


def test_close() -> None:
    unit = make_unit()
    close(unit)
    assert facts(unit, "closed_on") == (day(10),)
    entry = recorded("close_unit")
    assert (entry.before, entry.after) == ({"closed_on": None}, {"closed_on": "2020-02-11"})
    with refusal(WHOLE_FORM, "已于 2020-02-11 撤并"):
        close(unit, 11)


def test_close_refused_while_something_is_left() -> None:
    unit, other = make_unit("unit"), make_unit("other")
    child, organization, person = make_unit("child", unit), make_organization(unit), make_person(unit=unit)
    with refusal(WHOLE_FORM, "还有1 个下级单位、1 个未撤销的组织、1 名人员"):
        close(unit)
    close(child)
    with refusal(WHOLE_FORM, "还有1 个未撤销的组织、1 名人员"):
        close(unit)
    organizations.dissolve_organization(actor=ACTOR, organization=organization, on=day(10), reason="测试")
    with refusal(WHOLE_FORM, "还有1 名人员"):
        close(unit)
    people.transfer_person(actor=ACTOR, person=person, home_unit=other, on=day(11))
    with refusal(WHOLE_FORM, "还有1 名人员"):
        close(unit)  # who was there until the day after
    people.transfer_person(actor=ACTOR, person=person, home_unit=other, on=day(9), reason="更正")
    close(unit)
    assert Organization.objects.get().unit_id == unit.pk


def test_close_refused_before_it_was_opened_or_tomorrow() -> None:
    unit = make_unit(opened_on=day(0))
    with refusal("on", "设立于 2020-02-01"):
        close(unit, -1)
    with refusal("on", "晚于今天"):
        close(unit, 30_000)
