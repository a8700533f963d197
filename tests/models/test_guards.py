"""What must never be is refused by the database itself, on either database, whoever writes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from registry import migrations
from registry.models import (
    Assignment,
    Campaign,
    Grant,
    Organization,
    OrganizationPlacement,
    Person,
    StatusPeriod,
    Unit,
    UnitPlacement,
    guards,
)
from registry.models.kinds import ALLOWED_PARENTS, NO_SUPERIOR, PARTY_KINDS, OrganizationKind
from registry.models.unit import MAX_DEPTH
from tests.factories import DAY, assign, make_campaign, make_organization, make_person, make_unit, make_user

pytestmark = pytest.mark.django_db
ONE = timedelta(days=1)


@contextmanager
def refused(name: str) -> Iterator[None]:
    """What is done inside must meet the database's refusal of that name, and change nothing."""
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        yield


def set_facts(row: object, **facts: object) -> None:
    """Write columns with nothing in between."""
    type(row)._base_manager.filter(pk=row.pk).update(**facts)  # type: ignore[attr-defined]


def raw_organization(unit: Unit, kind: str = "branch", **facts: object) -> Organization:
    """A row of its own tree, straight into the table."""
    row = Organization(
        code=f"raw-{kind}-{facts.pop('mark', '')}",
        name="直接写入",
        kind=kind,
        unit=unit,
        established_on=DAY,
        **{"tree_id": 9000, "lft": 1, "rght": 2, "level": 0, **facts},
    )
    return Organization._base_manager.bulk_create([row])[0]


# An end before its start


def test_a_unit_closed_before_it_was_opened() -> None:
    unit = make_unit(opened_on=DAY)
    with refused("unit_closed_after_opened"):
        set_facts(unit, closed_on=DAY - ONE)
    set_facts(unit, closed_on=DAY)


def test_an_organization_dissolved_before_it_was_established() -> None:
    organization = make_organization(make_unit())
    with refused("organization_dissolved_after"):
        set_facts(organization, dissolved_on=DAY - ONE)
    set_facts(organization, dissolved_on=DAY)


def test_an_assignment_that_ends_before_it_starts() -> None:
    unit = make_unit()
    assignment = assign(make_organization(unit, established_on=DAY - 5 * ONE), make_person(unit=unit))
    with refused("assignment_ends_after_start"):
        set_facts(assignment, ended_on=DAY - ONE)
    set_facts(assignment, ended_on=DAY)


def test_a_campaign_and_a_grant_that_end_before_they_start() -> None:
    campaign = make_campaign()
    with refused("campaign_ends_after_start"):
        set_facts(campaign, ended_on=campaign.started_on - ONE)
    grant = make_user(unit=make_unit()).grants.get()
    with refused("grant_ends_after_start"):
        set_facts(grant, ended_on=grant.started_on - ONE)
    assert not Campaign.objects.filter(ended_on__isnull=False).exists()
    assert not Grant.objects.filter(ended_on__isnull=False).exists()


def test_dated_rows_of_no_day_at_all() -> None:
    """A placement or a status that ends on its first day would hold on no day."""
    unit = make_unit()
    placement = make_organization(unit).placements.get()
    with refused("orgplacement_ends_after_start"):
        set_facts(placement, ended_on=placement.started_on)
    status = make_person(unit=unit).statuses.get()
    with refused("statusperiod_ends_after_start"):
        set_facts(status, ended_on=status.started_on)
    superior = UnitPlacement.objects.get(unit=unit)
    set_facts(superior, started_on=DAY)
    with refused("unitplacement_ends_after_start"):
        set_facts(superior, ended_on=DAY)


# Two with one code


def test_two_units_with_one_code() -> None:
    unit, other = make_unit("one"), make_unit("two")
    with refused("code"):
        set_facts(other, code=unit.code)


def test_two_organizations_campaigns_or_people_with_one_code() -> None:
    unit = make_unit()
    first, second = make_organization(unit), make_organization(unit)
    with refused("code"):
        set_facts(second, code=first.code)
    with refused("code"):
        set_facts(make_campaign("a"), code=make_campaign("b").code)
    with refused("number"):
        set_facts(make_person(unit=unit), number=make_person(unit=unit).number)


# Kinds


@pytest.mark.parametrize("kind", [kind for kind in OrganizationKind.values if kind not in PARTY_KINDS])
def test_a_formation_that_is_temporary(kind: str) -> None:
    organization = make_organization(make_unit(), kind)
    with refused("organization_formation_not_temporary"):
        set_facts(organization, is_temporary=True)


def test_a_temporary_branch_cannot_become_a_team() -> None:
    organization = make_organization(make_unit(), "branch")
    with refused("organization_formation_not_temporary"):
        set_facts(organization, kind="commando_team")


@pytest.mark.parametrize("kind", OrganizationKind.values)
def test_each_kind_stands_only_under_those_that_hold_it(kind: str) -> None:
    """Inserted and updated; every pair of kinds is tried."""
    unit = make_unit()
    superiors = {above: make_organization(unit, above) for above in OrganizationKind.values}
    below = make_organization(unit, kind)
    assert NO_SUPERIOR in ALLOWED_PARENTS[kind]
    for above, superior in superiors.items():
        if above in ALLOWED_PARENTS[kind]:
            raw_organization(unit, kind, parent=superior, mark=above.replace("_", "-"))
            set_facts(below, parent=superior)
        else:
            with refused("guard_organization_kind_under_kind"):
                raw_organization(unit, kind, parent=superior, mark=above.replace("_", "-"))
            with refused("guard_organization_kind_under_kind"):
                set_facts(below, parent=superior)
        set_facts(below, parent=None)


def test_a_superior_does_not_become_a_kind_that_cannot_hold_what_is_below() -> None:
    unit = make_unit()
    general = make_organization(unit, "general_branch")
    make_organization(unit, "branch", parent=general)
    with refused("guard_organization_kind_under_kind"):
        set_facts(general, kind="branch")
    set_facts(general, kind="committee")


@pytest.mark.parametrize(
    ("facts", "name"),
    [
        ({"kind": "club"}, "organization_formation_not_temporary"),
        ({"state": "lost"}, "organization_state_known"),
    ],
)
def test_an_organization_of_unknown_kind_or_state(facts: dict[str, str], name: str) -> None:
    organization = make_organization(make_unit())
    with refused(name):
        set_facts(organization, **facts)


def test_a_unit_of_unknown_kind_and_an_assignment_of_unknown_role() -> None:
    unit = make_unit()
    with refused("unit_kind_known"):
        set_facts(unit, kind="club")
    assignment = assign(make_organization(unit), make_person(unit=unit))
    with refused("assignment_role_known"):
        set_facts(assignment, role="king")


# Trees


def test_a_unit_or_organization_above_itself() -> None:
    unit = make_unit()
    with refused("unit"):
        set_facts(unit, parent=unit)
    organization = make_organization(unit, "committee")
    with refused("organization"):
        set_facts(organization, parent=organization)
    with refused("unitplacement_not_itself"):
        set_facts(UnitPlacement.objects.get(unit=unit), superior=unit)


@pytest.mark.parametrize("length", [2, 3, 5])
def test_a_unit_below_its_own_descendant(length: int) -> None:
    chain = [make_unit()]
    for _ in range(length - 1):
        chain.append(make_unit(superior=chain[-1]))
    with refused("guard_unit_own_descendant"):
        set_facts(chain[0], parent=chain[-1])


@pytest.mark.parametrize("length", [2, 3, 5])
def test_an_organization_below_its_own_descendant(length: int) -> None:
    unit = make_unit()
    chain = [make_organization(unit, "committee")]
    for _ in range(length - 1):
        chain.append(make_organization(unit, "committee", parent=chain[-1]))
    with refused("guard_organization_own_descendant"):
        set_facts(chain[0], parent=chain[-1])


def test_a_cycle_is_seen_from_the_deepest_level_that_may_be() -> None:
    chain = [make_unit()]
    for _ in range(MAX_DEPTH - 1):
        chain.append(make_unit(superior=chain[-1]))
    with refused("guard_unit_own_descendant"):
        set_facts(chain[0], parent=chain[-1])


def test_a_node_deeper_than_a_tree_may_be() -> None:
    unit = make_unit()
    with refused("unit_depth_bounded"):
        set_facts(unit, level=MAX_DEPTH)
    with refused("organization_depth_bounded"):
        set_facts(make_organization(unit), level=MAX_DEPTH)


# Lives


@pytest.mark.parametrize(
    ("start", "end", "is_inside"),
    [
        (DAY, None, False),
        (DAY - ONE, DAY + ONE, False),
        (DAY - ONE, DAY, False),
        (DAY, DAY + 11 * ONE, False),
        (DAY + 10 * ONE, DAY + 11 * ONE, False),
        (DAY, DAY + 10 * ONE, True),
        (DAY + ONE, DAY + 2 * ONE, True),
    ],
)
def test_an_assignment_outside_its_organizations_life(start: date, end: date | None, is_inside: bool) -> None:
    unit = make_unit()
    organization, person = make_organization(unit), make_person(unit=unit)
    set_facts(organization, dissolved_on=DAY + 10 * ONE)
    facts = {"person": person, "organization": organization, "started_on": start, "ended_on": end}
    if is_inside:
        Assignment.objects.create(**facts)
        return
    with refused("guard_assignment_outside_life"):
        Assignment.objects.create(**facts)
    withdrawn = Assignment.objects.create(**facts, is_withdrawn=True)
    with refused("guard_assignment_outside_life"):
        set_facts(withdrawn, is_withdrawn=False)


def test_an_organizations_life_holds_its_assignments() -> None:
    unit = make_unit()
    organization = make_organization(unit)
    assignment = assign(organization, make_person(unit=unit), started_on=DAY + ONE)
    with refused("guard_organization_life"):
        set_facts(organization, established_on=DAY + 2 * ONE)
    with refused("guard_organization_life"):
        set_facts(organization, dissolved_on=DAY + 20 * ONE)
    set_facts(assignment, ended_on=DAY + 20 * ONE)
    with refused("guard_organization_life"):
        set_facts(organization, dissolved_on=DAY + 19 * ONE)
    set_facts(organization, dissolved_on=DAY + 20 * ONE)
    other = make_organization(unit, established_on=DAY + 5 * ONE)
    with refused("guard_assignment_outside_life"):
        set_facts(assignment, organization=other)


# The same person twice


@pytest.mark.parametrize(
    ("start", "end", "is_twice"),
    [
        (5, None, True),
        (0, 6, True),
        (0, None, True),
        (6, 9, True),
        (9, 12, True),
        (0, 5, False),
        (10, None, False),
        (10, 12, False),
    ],
)
def test_the_same_person_twice_at_the_same_time(start: int, end: int | None, is_twice: bool) -> None:
    unit = make_unit()
    organization, person = make_organization(unit), make_person(unit=unit)
    first = assign(organization, person, started_on=DAY + 5 * ONE, ended_on=DAY + 10 * ONE)
    facts = {
        "person": person,
        "organization": organization,
        "started_on": DAY + start * ONE,
        "ended_on": DAY + end * ONE if end else None,
    }
    if not is_twice:
        Assignment.objects.create(**facts)
        return
    with refused("guard_assignment_twice"):
        Assignment.objects.create(**facts)
    Assignment.objects.create(**{**facts, "person": make_person(unit=unit)})
    Assignment.objects.create(**{**facts, "organization": make_organization(unit)})
    second = Assignment.objects.create(**facts, is_withdrawn=True)
    with refused("guard_assignment_twice"):
        set_facts(second, is_withdrawn=False)
    set_facts(first, is_withdrawn=True)
    set_facts(second, is_withdrawn=False)


def test_two_open_assignments_of_one_person() -> None:
    unit = make_unit()
    organization, person = make_organization(unit), make_person(unit=unit)
    assign(organization, person)
    with refused("assignment"):
        Assignment.objects.create(person=person, organization=organization, started_on=DAY + ONE)


# Dated rows


def test_two_placements_or_statuses_that_hold_now() -> None:
    unit, other = make_unit(), make_unit()
    organization, person = make_organization(unit), make_person(unit=unit)
    with refused("organization_id"):
        OrganizationPlacement.objects.create(organization=organization, unit=other, started_on=DAY + ONE)
    with refused("person_id"):
        StatusPeriod.objects.create(person=person, status="masses", started_on=DAY)
    with refused("unit_id"):
        UnitPlacement.objects.create(unit=unit, superior=other, started_on=DAY)
    with refused("unit_id"):
        UnitPlacement.objects.create(unit=unit, superior=other, ended_on=DAY)


def test_what_counted_is_never_deleted() -> None:
    """Rows that something stands on cannot go, whoever deletes."""
    unit = make_unit()
    organization, person = make_organization(unit), make_person(unit=unit)
    assign(organization, person)

    def remove(table: str, pk: int) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"DELETE FROM {table} WHERE id = %s", [pk])
            connection.check_constraints()

    for row in (unit, organization, person):
        with pytest.raises(IntegrityError):
            remove(row._meta.db_table, row.pk)
    assert Person.objects.filter(pk=person.pk).exists()


# The guards themselves


def run(operation: guards.InstallGuards) -> None:
    """As in a migration."""
    operation.database_forwards("registry", SimpleNamespace(connection=connection), None, None)


def test_every_guard_is_there_and_works() -> None:
    assert guards.missing() == []


def test_the_migrations_make_the_guards_of_this_code() -> None:
    """Who changes a guard adds a migration: InstallGuards with the fingerprint that this test prints."""
    names = sorted(path.stem for path in Path(migrations.__file__).parent.glob("0*.py"))
    written = [import_module(f"registry.migrations.{name}").Migration.operations for name in names]
    made = [
        each.guards for operations in written for each in operations if type(each) is guards.InstallGuards
    ]
    assert made[-1] == guards.fingerprint()


def test_the_fingerprint_follows_every_guard(monkeypatch: pytest.MonkeyPatch) -> None:
    before = guards.fingerprint()
    monkeypatch.setattr(guards, "_TWICE_VIOLATED", "1 = 0")
    assert guards.fingerprint() != before


def test_a_migration_of_other_guards_does_nothing() -> None:
    """The guards of this code speak of tables as they are at the end: a later migration makes them."""
    guards.drop()
    run(guards.InstallGuards("those of an older code"))
    assert guards.missing() != []
    run(guards.InstallGuards(guards.fingerprint()))
    assert guards.missing() == []


def test_a_migration_that_alters_a_table_takes_them_away_meanwhile() -> None:
    run(guards.DropGuards())
    assert len(guards.missing()) > 8
    run(guards.InstallGuards(guards.fingerprint()))
    assert guards.missing() == []


def test_only_what_differs_is_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with CaptureQueriesContext(connection) as asked:
        guards.install()
    assert not [query for query in asked if "TRIGGER " in query["sql"]]
    monkeypatch.setattr(guards, "_TWICE_VIOLATED", "1 = 0")
    changed = guards.missing()
    assert {name.removesuffix("_insert").removesuffix("_update") for name in changed} == {
        "guard_assignment_twice"
    }
    with CaptureQueriesContext(connection) as asked:
        guards.install()
    made = [query["sql"] for query in asked if "CREATE TRIGGER" in query["sql"]]
    assert len(made) == len(changed)
    assert guards.missing() == []


def test_an_install_that_fails_leaves_all_guards(monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed on the way the database takes it back in the same manner."""
    before = guards._present(connection)
    monkeypatch.setattr(guards, "_TWICE_VIOLATED", "1 = 0")
    monkeypatch.setattr(guards, "_PERSON_SERVICE_VIOLATED", "no SQL at all")
    with pytest.raises(DatabaseError), transaction.atomic():
        guards.install()
    assert guards._present(connection) == before


@pytest.mark.parametrize(
    "change",
    [
        "DROP TRIGGER guard_auditseal_append_only ON registry_auditseal",
        "DROP TRIGGER guard_auditseal_append_only_whole ON registry_auditseal",
        "ALTER TABLE registry_auditseal DISABLE TRIGGER guard_auditseal_append_only",
        "ALTER TABLE registry_auditseal ENABLE REPLICA TRIGGER guard_auditseal_append_only",
        "CREATE OR REPLACE FUNCTION guard_auditseal_append_only() RETURNS trigger LANGUAGE plpgsql "
        "AS $$ BEGIN RETURN NEW; END $$",
        "CREATE OR REPLACE TRIGGER guard_auditseal_append_only BEFORE UPDATE ON registry_auditseal "
        "FOR EACH ROW EXECUTE FUNCTION guard_auditseal_append_only()",
        "CREATE OR REPLACE TRIGGER guard_auditseal_append_only BEFORE UPDATE OR DELETE ON registry_auditseal "
        "FOR EACH ROW WHEN (false) EXECUTE FUNCTION guard_auditseal_append_only()",
    ],
)
@pytest.mark.postgres
def test_a_guard_that_was_weakened_is_missing(change: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(change)
    assert [name.removesuffix("_whole") for name in guards.missing()] == ["guard_auditseal_append_only"]
    guards.install()
    assert guards.missing() == []


@pytest.mark.skipif(connection.vendor != "sqlite", reason="the same on SQLite")
def test_a_guard_that_was_weakened_is_missing_on_sqlite() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER guard_auditseal_append_only_delete")
        cursor.execute(
            "CREATE TRIGGER guard_auditseal_append_only_delete BEFORE DELETE ON registry_auditseal "
            "FOR EACH ROW WHEN 1 = 0 BEGIN SELECT 1; END"
        )
    assert guards.missing() == ["guard_auditseal_append_only_delete"]


@pytest.mark.postgres
def test_the_record_is_not_truncated_while_its_guards_stand() -> None:
    for table in guards.APPEND_ONLY.values():
        with refused("append_only_whole"), connection.cursor() as cursor:
            cursor.execute(f"TRUNCATE {table} CASCADE")
