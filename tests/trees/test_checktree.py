"""``manage.py checktree``: each kind of corruption is seen, and rebuilding mends what it can."""

from __future__ import annotations

import io
from datetime import date

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from registry.models import AuditEntry, Organization, OrganizationPlacement, StatusPeriod, Unit, UnitPlacement
from registry.operations.organizations import transfer_organization
from registry.operations.people import change_political_status
from registry.operations.units import move_unit
from tests.factories import ACTOR, DAY, make_organization, make_person, make_unit

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("world")]


def run(*arguments: str) -> tuple[str, str]:
    """Return what the command printed, and its complaint (empty: exit 0)."""
    out = io.StringIO()
    try:
        call_command("checktree", *arguments, stdout=out)
    except CommandError as error:
        return out.getvalue(), f"{error}" if error.returncode == 1 else f"exit {error.returncode}"
    return out.getvalue(), ""


def sql(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def build_world() -> None:
    """a(b(c, d), e), f; and under a committee at b: two branches, one with a group, a second tree."""
    a = make_unit("a")
    b, e = make_unit("b", a), make_unit("e", a)
    c = make_unit("c", b)
    make_unit("d", b)
    make_unit("f")
    committee = make_organization(b, "committee", code="committee", is_temporary=False)
    branch = make_organization(c, code="branch", parent=committee)
    make_organization(c, "group", code="group", parent=branch)
    make_organization(e, code="branch-2", parent=committee)
    lone = make_organization(e, code="lone")
    move_unit(actor=ACTOR, unit=c, superior=e, on=date(2020, 3, 1), reason="测试")
    transfer_organization(actor=ACTOR, organization=lone, unit=b, on=date(2020, 3, 1), reason="测试")
    person = make_person(unit=a, number="001")
    change_political_status(actor=ACTOR, person=person, status="masses", on=date(2020, 3, 1))


def test_sound_trees_are_called_sound() -> None:
    said, complaint = run()
    assert complaint == ""
    assert said == "两棵树和各项记录均无误。\n"


OF_A = "tree_id = (SELECT tree_id FROM registry_unit WHERE code = 'a')"
U, O = "UPDATE registry_unit SET", "UPDATE registry_organization SET"  # noqa: E741


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        (f"{U} rght = rght + 2 WHERE code = 'a'", "单位树 a:右值"),
        (f"{U} lft = lft + 1, rght = rght + 1 WHERE {OF_A} AND lft > 1", "有空缺或重叠"),
        (f"{U} lft = (SELECT lft FROM registry_unit WHERE code = 'b') WHERE code = 'e'", "单位树 e"),
        (f"{U} rght = rght + 10 WHERE code = 'd'", "单位树 d:区间"),
        (f"{U} lft = rght, rght = lft WHERE code = 'd'", "单位树 d:区间颠倒"),
        (f"{U} level = 5 WHERE code = 'd'", "单位树 d:层级 level=5,应为 2"),
        (f"{U} tree_id = (SELECT tree_id FROM registry_unit WHERE code = 'a') WHERE code = 'f'", "f"),
        (
            f"{U} tree_id = (SELECT tree_id FROM registry_unit WHERE code = 'a'), lft = 11, rght = 12 "
            "WHERE code = 'f'",
            "只能有一个根",
        ),
        (f"{U} lft = 0, rght = 0, level = 0, tree_id = 0", "区间颠倒"),
        (f"{U} tree_id = 99 WHERE code = 'd'", "单位树 d"),
        (f"{O} lft = lft + 3 WHERE code = 'group'", "组织树 group"),
        (f"{O} level = 0 WHERE code = 'branch'", "组织树 branch:层级"),
        (f"{O} parent_id = NULL WHERE code = 'branch-2'", "组织树 branch-2:区间在“committee”之内"),
        (
            f"{O} parent_id = (SELECT id FROM registry_organization WHERE code = 'branch-2') "
            "WHERE code = 'group'",
            "组织树 group:区间在“branch”之内",
        ),
        (
            f"{O} tree_id = (SELECT tree_id FROM registry_organization WHERE code = 'lone') "
            "WHERE tree_id = (SELECT tree_id FROM registry_organization WHERE code = 'committee')",
            "组织树",
        ),
    ],
)
def test_broken_intervals_are_seen_and_rebuilt(statement: str, said: str) -> None:
    before = AuditEntry.objects.count()
    parents = list(Organization.objects.order_by("pk").values_list("code", "parent__code"))
    sql(statement)
    if "parent_id" in statement:
        parents = list(Organization.objects.order_by("pk").values_list("code", "parent__code"))
    printed, complaint = run()
    assert said in printed
    assert "--fix" in complaint
    assert run()[0] == printed, "checking changes nothing"

    printed, complaint = run("--fix")
    assert complaint == ""
    assert "已重建" in printed
    assert printed.endswith("两棵树和各项记录均无误。\n")
    assert run() == ("两棵树和各项记录均无误。\n", "")
    assert list(Organization.objects.order_by("pk").values_list("code", "parent__code")) == parents
    entry = AuditEntry.objects.order_by("-pk")[0]
    assert (entry.verb, AuditEntry.objects.count()) == ("rebuild_trees", before + 1)


def test_rebuilding_keeps_the_order_of_siblings_and_untouched_rows() -> None:
    before = list(Unit.objects.order_by("pk").values_list("code", "tree_id", "lft", "rght", "level"))
    sql(f"{U} level = 7 WHERE code = 'd'")
    assert "已重建 1 个节点" in run("--fix")[0]
    assert list(Unit.objects.order_by("pk").values_list("code", "tree_id", "lft", "rght", "level")) == before


def test_rebuilding_takes_the_same_queries_for_any_number_of_nodes(
    django_assert_max_num_queries: object,
) -> None:
    for i in range(30):
        make_unit(f"more-{i}", Unit.objects.get(code="d"))
    sql(f"{U} lft = 0, rght = 0")
    with django_assert_max_num_queries(40):  # type: ignore[operator]
        assert run("--fix")[1] == ""


def test_a_circle_of_parents_is_seen_and_not_mended() -> None:
    """Triggers prevent it; without them it must at least be found."""
    from registry.models import guards

    guards.drop()
    sql(f"{U} parent_id = (SELECT id FROM registry_unit WHERE code = 'd') WHERE code = 'b'")
    printed, complaint = run("--fix")
    assert "单位树 b" in printed
    assert "发现" in complaint
    sql(f"{U} parent_id = (SELECT id FROM registry_unit WHERE code = 'a') WHERE code = 'b'")
    guards.install()
    assert run("--fix")[1] == ""


def pk(model: type[Unit] | type[Organization], code: str) -> int:
    return int(model.objects.get(code=code).pk)


def break_unit_superior() -> None:
    UnitPlacement.objects.filter(unit__code="d").update(superior=pk(Unit, "a"))


def break_unit_open() -> None:
    UnitPlacement.objects.filter(unit__code="d").update(ended_on=DAY)


def break_unit_first() -> None:
    UnitPlacement.objects.filter(unit__code="d").update(started_on=DAY)


def break_unit_gap() -> None:
    UnitPlacement.objects.filter(unit__code="c", ended_on__isnull=True).update(started_on=date(2020, 4, 1))


def break_unit_overlap() -> None:
    UnitPlacement.objects.filter(unit__code="c", ended_on__isnull=True).update(started_on=date(2020, 2, 1))


def break_host() -> None:
    OrganizationPlacement.objects.filter(organization__code="branch").update(unit=pk(Unit, "f"))


def break_host_open() -> None:
    OrganizationPlacement.objects.filter(organization__code="branch").delete()


def break_host_first() -> None:
    Organization.objects.filter(code="branch").update(established_on=date(2020, 1, 2))


def break_host_gap() -> None:
    rows = OrganizationPlacement.objects.filter(organization__code="lone", ended_on__isnull=True)
    rows.update(started_on=date(2020, 4, 1))


def break_host_overlap() -> None:
    rows = OrganizationPlacement.objects.filter(organization__code="lone", ended_on__isnull=True)
    rows.update(started_on=date(2020, 2, 15))


def break_status() -> None:
    StatusPeriod.objects.filter(ended_on__isnull=True).update(status="activist")


def break_status_open() -> None:
    StatusPeriod.objects.filter(ended_on__isnull=True).delete()


def break_status_gap() -> None:
    StatusPeriod.objects.filter(ended_on__isnull=True).update(started_on=date(2020, 4, 1))


def break_guard() -> None:
    if connection.vendor == "postgresql":
        sql("ALTER TABLE registry_assignment DISABLE TRIGGER guard_assignment_twice")
    else:
        sql("DROP TRIGGER guard_assignment_twice_insert")


@pytest.mark.parametrize(
    ("breaks", "said"),
    [
        (break_unit_superior, "单位隶属 d:现行隶属"),
        (break_unit_open, "单位隶属 d:没有现行的隶属记录"),
        (break_unit_first, "单位隶属 d:首段始于 2020-02-01,应为 最初"),
        (break_unit_gap, "单位隶属 c:2020-03-01 至 2020-04-01 之间没有记录"),
        (break_unit_overlap, "单位隶属 c:2020-02-01 起的一段与前一段重叠"),
        (break_host, "组织所在单位 branch:现行所在单位"),
        (break_host_open, "组织所在单位 branch:没有现行的所在单位记录"),
        (break_host_first, "组织所在单位 branch:首段始于 2020-02-01,应为 2020-01-02"),
        (break_host_gap, "组织所在单位 lone:2020-03-01 至 2020-04-01 之间没有记录"),
        (break_host_overlap, "组织所在单位 lone:2020-02-15 起的一段与前一段重叠"),
        (break_status, "政治面貌 001:现行政治面貌 status=activist"),
        (break_status_open, "政治面貌 001:没有现行的政治面貌记录"),
        (break_status_gap, "政治面貌 001:2020-03-01 至 2020-04-01 之间没有记录"),
    ],
)
def test_what_rebuilding_cannot_mend_is_seen_and_stays(breaks: object, said: str) -> None:
    breaks()  # type: ignore[operator]
    for arguments in ((), ("--fix",)):
        printed, complaint = run(*arguments)
        assert said in printed
        assert complaint == "发现 1 处错误。"


def test_fixing_makes_missing_guards_again_and_records_it() -> None:
    break_guard()
    printed, complaint = run("--fix")
    assert "已补装 1 个触发器。" in printed
    assert complaint == ""
    recorded = AuditEntry.objects.latest("pk")
    assert (recorded.verb, recorded.actor) == ("restore_guards", "校验并修复")
    assert recorded.after["guards"][0].startswith("guard_assignment_twice")
