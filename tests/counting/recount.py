"""A recount by brute force in plain Python, to hold the registry's counts against.

It shares no code with ``registry/counting`` or ``registry/models/hierarchy``: it reads the plain rows of
every table, walks the dated placements itself, and names kinds, states and statuses by their plain
values. It is slow on purpose; clear is what it has to be.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from itertools import pairwise
from typing import Any

from django.apps import apps
from django.db import connection
from django.db.models import Model

Row = dict[str, Any]

TABLES = (
    "Unit",
    "UnitPlacement",
    "Organization",
    "OrganizationPlacement",
    "CoveredUnit",
    "Person",
    "StatusPeriod",
    "PersonPlacement",
    "Assignment",
    "Campaign",
    "Source",
    "Figure",
    "AuditEntry",
    "RuleSetting",
    "RuleException",
    "Holiday",
    "Submission",
    "Opinion",
    "Receipt",
    "Reminder",
    "KeyFigures",
    "Logbook",
    "AddedFields",
    "Entry",
)

TEAMS = {"pioneer_team", "commando_team"}
FORMATIONS = {*TEAMS, "pioneer_post", "task_force", "work_group", "leading_group"}
BODIES = {"committee", "general_branch", "branch", "joint_branch"}

ORGANIZATION_SLUGS: dict[str, tuple[set[str], bool | None]] = {
    "temporary_committees": ({"committee"}, True),
    "temporary_general_branches": ({"general_branch"}, True),
    "temporary_branches": ({"branch"}, True),
    "temporary_joint_branches": ({"joint_branch"}, True),
    "temporary_party_orgs": (BODIES, True),
    "temporary_groups": ({"group"}, True),
    "standing_party_orgs": (BODIES, False),
    "pioneer_posts": ({"pioneer_post"}, None),
    "pioneer_teams": ({"pioneer_team"}, None),
    "commando_teams": ({"commando_team"}, None),
    "pioneer_and_commando_teams": (TEAMS, None),
    "task_forces": ({"task_force"}, None),
    "work_groups": ({"work_group"}, None),
    "leading_groups": ({"leading_group"}, None),
}
PEOPLE_SLUGS = (
    "team_members",
    "frontline_people",
    "frontline_assignments",
    "frontline_party_members",
    "frontline_auxiliaries",
    "frontline_reinforcements",
    "formal_members",
)
OFFICES = {"ministry", "department", "bureau", "sub_bureau", "headquarters", "division"}
PENDING = {"draft", "submitted", "returned"}


def _models(tables: Iterable[str] = TABLES) -> dict[str, type[Model]]:
    models = {model.__name__: model for model in apps.get_models()}
    return {table: models[table] for table in tables}


def rows_of(*tables: str) -> dict[str, list[Row]]:
    """Every row of some tables, by column."""
    return {
        table: list(model._base_manager.order_by("pk").values()) for table, model in _models(tables).items()
    }


def snapshot() -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, as the database has it: to see that nothing changed."""
    found = {}
    with connection.cursor() as cursor:
        for table, model in _models().items():
            cursor.execute(f"SELECT * FROM {model._meta.db_table} ORDER BY {model._meta.pk.column}")
            found[table] = cursor.fetchall()
    return found


class Ledger:
    """All rows at one moment, and the counts that follow from them."""

    def __init__(self) -> None:
        rows = rows_of(
            *("Unit", "Organization", "Person", "Assignment"),
            *("UnitPlacement", "OrganizationPlacement", "StatusPeriod", "PersonPlacement"),
        )
        self.units: dict[int, Row] = {row["id"]: row for row in rows["Unit"]}
        self.organizations: dict[int, Row] = {row["id"]: row for row in rows["Organization"]}
        self.people: dict[int, Row] = {row["id"]: row for row in rows["Person"]}
        self.assignments: list[Row] = rows["Assignment"]
        self.superiors: dict[int, list[Row]] = _by(rows["UnitPlacement"], "unit_id")
        self.hosts: dict[int, list[Row]] = _by(rows["OrganizationPlacement"], "organization_id")
        self.statuses: dict[int, list[Row]] = _by(rows["StatusPeriod"], "person_id")
        self.homes: dict[int, list[Row]] = _by(rows["PersonPlacement"], "person_id")

    # Who stood where on a day

    def superior(self, unit: int, day: date) -> int | None:
        """The unit above ``unit`` on the day."""
        found: int | None = _on(self.superiors[unit], day)["superior_id"]
        return found

    def host(self, organization: int, day: date) -> int:
        """The unit at which the organization stood on the day."""
        found: int = _on(self.hosts[organization], day)["unit_id"]
        return found

    def comes_from_office(self, person: int, host: int, day: date) -> bool:
        """Whether somebody was at home in an office on the day, and the host is none."""
        home = next((row["unit_id"] for row in self.homes[person] if _holds(row, day)), None)
        offices = {pk for pk, row in self.units.items() if row["kind"] in OFFICES}
        return home in offices and host not in offices

    def children(self, unit: int, day: date) -> set[int]:
        """The units directly below ``unit`` on the day."""
        return {other for other in self.units if self.superior(other, day) == unit}

    def upward(self, unit: int, day: date) -> list[int]:
        """The unit, its superior on the day, and so on up to the root."""
        path, above = [], unit
        while above is not None:
            assert above not in path, f"unit {unit} is above itself on {day}"
            path.append(above)
            above = self.superior(above, day)  # type: ignore[assignment]
        return path

    def party_line(self, organization: int) -> list[int]:
        """The organization and all above it on the Party line."""
        path, above = [], organization
        while above is not None:
            assert above not in path, f"organization {organization} is above itself"
            path.append(above)
            above = self.organizations[above]["parent_id"]
        return path

    # Counts

    def counted_organizations(
        self, basis: str, day: date, since: date | None, campaign: int | None, states: set[str]
    ) -> list[int]:
        """The organizations that a question asks about, wherever they stand."""
        return [
            pk
            for pk, row in self.organizations.items()
            if row["state"] in states
            and campaign in (None, row["campaign_id"])
            and _counts(basis, row["established_on"], row["dissolved_on"], day, since)
        ]

    def counted_assignments(
        self, basis: str, day: date, since: date | None, campaign: int | None, states: set[str]
    ) -> list[Row]:
        """The frontline assignments that a question asks about, wherever they are."""
        found = []
        for row in self.assignments:
            organization = self.organizations[row["organization_id"]]
            if (
                not row["is_withdrawn"]
                and organization["state"] in states
                and campaign in (None, organization["campaign_id"])
                and (organization["kind"] in FORMATIONS or organization["is_temporary"])
                and _counts(basis, row["started_on"], row["ended_on"], day, since)
            ):
                found.append(row)
        return found

    def counted_homes(self, basis: str, day: date, since: date | None, campaign: int | None) -> list[Row]:
        """The homes of those who are members of the Party on the day; they belong to no campaign."""
        return [
            row
            for person, homes in self.homes.items()
            if campaign is None and self.people[person]["merged_into_id"] is None
            for row in homes
            if _is_member(_on(self.statuses[person], day))
            and _counts(basis, row["started_on"], row["ended_on"], day, since)
        ]

    def count(
        self,
        basis: str,
        day: date,
        since: date | None = None,
        campaign: int | None = None,
        *,
        by: str = "unit",
    ) -> tuple[dict[int, dict[str, int]], ...]:
        """Count everything by place: with all below, at the place itself; the same two of what is pending.

        ``by`` is unit (the hierarchy of the day) or party (the Party line of today).
        """

        def places(organization: int) -> list[int]:
            if by == "party":
                return self.party_line(organization)
            return self.upward(self.host(organization, day), day)

        tallies = {True: (_Tally(), _Tally()), False: (_Tally(), _Tally())}
        for pk in self.counted_organizations(basis, day, since, campaign, {"approved", *PENDING}):
            row = self.organizations[pk]
            for slug, (kinds, temporary) in ORGANIZATION_SLUGS.items():
                if row["kind"] in kinds and temporary in (None, row["is_temporary"]):
                    line = places(pk)
                    total, own = tallies[row["state"] == "approved"]
                    own.add(line[0], slug, pk)
                    for place in line:
                        total.add(place, slug, pk)
        for row in self.counted_assignments(basis, day, since, campaign, {"approved", *PENDING}):
            line = places(row["organization_id"])
            organization, person = self.organizations[row["organization_id"]], row["person_id"]
            total, own = tallies[organization["state"] == "approved"]
            holds = {
                "team_members": organization["kind"] in TEAMS,
                "frontline_people": True,
                "frontline_party_members": _is_member(_on(self.statuses[person], day)),
                "frontline_auxiliaries": self.people[person]["category"] == "auxiliary",
                "frontline_reinforcements": self.comes_from_office(
                    person, self.host(row["organization_id"], day), day
                ),
            }
            for place in line:
                total.add(place, "frontline_assignments", row["id"])
                for slug in (slug for slug, is_so in holds.items() if is_so):
                    total.add(place, slug, person)
            own.add(line[0], "frontline_assignments", row["id"])
            for slug in (slug for slug, is_so in holds.items() if is_so):
                own.add(line[0], slug, person)
        total, own = tallies[True]
        for row in self.counted_homes(basis, day, since, campaign):
            if by == "party":
                line = self.party_line(row["branch_id"]) if row["branch_id"] else []
            else:
                line = self.upward(row["unit_id"], day)
            for place in line:
                total.add(place, "formal_members", row["person_id"])
            for place in line[:1]:
                own.add(place, "formal_members", row["person_id"])
        everywhere = list(self.units if by == "unit" else self.organizations)
        return tuple(tally.numbers(everywhere) for both in tallies.values() for tally in both)

    # What must hold of the rows whatever was done

    def faults(self) -> list[str]:
        """Everything that is not as it must be, in words."""
        return [
            *_tree_faults("unit", self.units),
            *_tree_faults("organization", self.organizations),
            *self._placement_faults(),
            *self._life_faults(),
        ]

    def _placement_faults(self) -> list[str]:
        found = []
        for pk, unit in self.units.items():
            found += _chain_faults(f"superiors of unit {pk}", self.superiors[pk], None)
            if self.superiors[pk][-1]["superior_id"] != unit["parent_id"]:
                found.append(f"unit {pk}: the open placement is not the parent")
        for pk, organization in self.organizations.items():
            found += _chain_faults(f"hosts of {pk}", self.hosts[pk], organization["established_on"])
            if self.hosts[pk][-1]["unit_id"] != organization["unit_id"]:
                found.append(f"organization {pk}: the open placement is not the host")
        for pk, person in self.people.items():
            found += _chain_faults(f"statuses of {pk}", self.statuses[pk], date(1900, 1, 1))
            if self.statuses[pk][-1]["status"] != person["political_status"]:
                found.append(f"person {pk}: the open status is not the newest")
            found += self._home_faults(pk, person)
        return found

    def _home_faults(self, pk: int, person: Row) -> list[str]:
        homes, joined = self.homes[pk], person["joined_on"]
        found = _chain_faults(f"homes of {pk}", homes, date(1900, 1, 1), person["left_on"])
        newest = homes[-1]["unit_id"], homes[-1]["branch_id"]
        if newest != (person["home_unit_id"], person["home_branch_id"]):
            found.append(f"person {pk}: the newest home is not that of the row")
        begins = [row for row in self.statuses[pk] if row["started_on"] == joined and _is_member(row)]
        if joined is not None and not begins:
            found.append(f"person {pk} is no member from the day of joining")
        if person["merged_into_id"] is None:
            for row in homes:
                if (row["ended_on"] or date.max) > (self.units[row["unit_id"]]["closed_on"] or date.max):
                    found.append(f"person {pk} is at home at unit {row['unit_id']} after that was closed")
        return found

    def _life_faults(self) -> list[str]:
        found = []
        for pk, unit in self.units.items():
            for row in self.superiors[pk]:
                above = self.units.get(row["superior_id"])
                end = min(row["ended_on"] or date.max, unit["closed_on"] or date.max)
                if above is not None and end > (above["closed_on"] or date.max):
                    found.append(f"unit {pk} is under {above['id']} after that was closed")
        for pk, row in self.organizations.items():
            if row["state"] == "withdrawn":
                continue
            end = row["dissolved_on"] or date.max
            for placed in self.hosts[pk]:
                host = self.units[placed["unit_id"]]
                if placed["started_on"] > end:
                    found.append(f"organization {pk} was transferred after it was dissolved")
                if min(placed["ended_on"] or date.max, end) > (host["closed_on"] or date.max):
                    found.append(f"organization {pk} stands at unit {host['id']} after that was closed")
                if placed["started_on"] < (host["opened_on"] or date.min):
                    found.append(f"organization {pk} stands at unit {host['id']} before that was opened")
            above = self.organizations.get(row["parent_id"])
            if above is not None and above["state"] == "withdrawn":
                found.append(f"organization {pk} is under {above['id']}, which was withdrawn")
            if above is not None and end > (above["dissolved_on"] or date.max):
                found.append(f"organization {pk} outlives its superior {above['id']}")
        for row in self.assignments:
            life = self.organizations[row["organization_id"]]
            if row["is_withdrawn"]:
                continue
            if row["started_on"] < life["established_on"] or (row["ended_on"] or date.max) > (
                life["dissolved_on"] or date.max
            ):
                found.append(f"assignment {row['id']} lies outside its organization's life")
            person = self.people[row["person_id"]]
            if person["merged_into_id"] is not None:
                found.append(f"assignment {row['id']} is of an entry that was joined to another")
            if (row["ended_on"] or date.max) > (person["left_on"] or date.max):
                found.append(f"assignment {row['id']} goes on after the service ended")
        return found


class _Tally:
    """Sets of row ids by place and slug; their sizes are the counts."""

    def __init__(self) -> None:
        self.sets: dict[tuple[int, str], set[int]] = defaultdict(set)

    def add(self, place: int, slug: str, pk: int) -> None:
        self.sets[place, slug].add(pk)

    def numbers(self, places: list[int]) -> dict[int, dict[str, int]]:
        slugs = (*ORGANIZATION_SLUGS, *PEOPLE_SLUGS)
        return {place: {slug: len(self.sets.get((place, slug), ())) for slug in slugs} for place in places}


def _counts(basis: str, start: date, end: date | None, day: date, since: date | None) -> bool:
    """Whether a row with these half-open dates counts on a basis."""
    first = since or day
    if basis == "current":
        return start <= day and (end is None or end > day)
    if basis == "cumulative":
        return start <= day
    if basis == "new":
        return first <= start <= day
    assert basis == "ended"
    return end is not None and first <= end <= day


def _by(rows: list[Row], key: str) -> dict[int, list[Row]]:
    """Dated rows by owner, in the order of their start (no start comes first)."""
    found: dict[int, list[Row]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: row["started_on"] or date.min):
        found[row[key]].append(row)
    return found


def _on(rows: list[Row], day: date) -> Row:
    """The one row that holds on a day."""
    (found,) = (row for row in rows if _holds(row, day))
    return found


def _holds(row: Row, day: date) -> bool:
    """Whether a dated row holds on a day."""
    return (row["started_on"] is None or row["started_on"] <= day) and (
        row["ended_on"] is None or row["ended_on"] > day
    )


def _is_member(row: Row) -> bool:
    """Whether a dated status is that of a member of the Party."""
    return row["status"] in ("full_member", "probationary_member")


def _chain_faults(what: str, rows: list[Row], start: date | None, end: date | None = None) -> list[str]:
    """Dated rows must follow each other without gap or overlap, from ``start`` to ``end`` (None: open)."""
    found = []
    if not rows or rows[0]["started_on"] != start:
        found.append(f"{what}: the first does not begin on {start}")
    for row, following in pairwise(rows):
        if row["ended_on"] != following["started_on"]:
            found.append(f"{what}: {row['ended_on']} is not followed by {following['started_on']}")
    if rows and rows[-1]["ended_on"] != end:
        found.append(f"{what}: the last ends on {rows[-1]['ended_on']}, not on {end}")
    return found


def _tree_faults(what: str, rows: dict[int, Row]) -> list[str]:
    """The intervals of each tree must be those that its parents make."""
    found = []
    trees: dict[int, list[Row]] = defaultdict(list)
    for row in rows.values():
        trees[row["tree_id"]].append(row)
        parent = rows.get(row["parent_id"])
        if parent is None:
            if row["level"] != 0 or row["lft"] != 1:
                found.append(f"{what} {row['id']}: a root at level {row['level']}, left {row['lft']}")
        elif (
            parent["tree_id"] != row["tree_id"]
            or row["level"] != parent["level"] + 1
            or not parent["lft"] < row["lft"] < row["rght"] < parent["rght"]
        ):
            found.append(f"{what} {row['id']} does not lie inside its parent {parent['id']}")
    for tree, nodes in trees.items():
        if sum(node["parent_id"] is None for node in nodes) != 1:
            found.append(f"{what} tree {tree} has not one root")
        if sorted(end for node in nodes for end in (node["lft"], node["rght"])) != [
            *range(1, 2 * len(nodes) + 1)
        ]:
            found.append(f"{what} tree {tree} has gaps")
        for node in nodes:
            inside = sum(node["lft"] < other["lft"] < node["rght"] for other in nodes)
            if node["rght"] - node["lft"] - 1 != 2 * inside:
                found.append(f"{what} {node['id']}: the interval does not fit what is inside")
    return found
