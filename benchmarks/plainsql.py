"""The counts in plain SQL, as somebody would write them who has only the tables.

It shares no code with ``registry.counting`` but the names of the metrics: so it is both what the registry
is compared with and what its numbers are held against.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import connection

from registry.counting.basis import Question
from registry.counting.metrics import METRICS, ORGANIZATION_METRICS, PEOPLE_METRICS
from registry.models import Basis, Unit
from registry.models.hierarchy import UnitHierarchy
from registry.models.kinds import FORMATION_KINDS, MEMBER_STATUSES, OFFICE_KINDS, PARTY_KINDS, TEAM_KINDS

Counts = dict[int, dict[str, int]]

PLACED = tuple(metric.slug for metric in PEOPLE_METRICS if metric.slug != "formal_members")


def words(values: Iterable[str]) -> str:
    """Return a SQL list of the project's own words."""
    return ", ".join(f"'{value}'" for value in values)


FRONTLINE = f"(o.kind IN ({words(FORMATION_KINDS)}) OR (o.is_temporary AND o.kind IN ({words(PARTY_KINDS)})))"


def dates(question: Question, alias: str, start: str, end: str) -> str:
    """Return the basis of the question as a condition on two columns."""
    day = question.as_of.isoformat()
    if question.is_period:
        column = start if question.basis == Basis.NEW else end
        return f"{alias}.{column} BETWEEN '{question.first_day.isoformat()}' AND '{day}'"
    started = f"{alias}.{start} <= '{day}'"
    if question.basis == Basis.CUMULATIVE:
        return started
    return f"{started} AND ({alias}.{end} IS NULL OR {alias}.{end} > '{day}')"


def on_day(question: Question, alias: str) -> str:
    """Return the condition that a dated row holds on the question's day."""
    day = question.as_of.isoformat()
    return f"{alias}.started_on <= '{day}' AND ({alias}.ended_on IS NULL OR {alias}.ended_on > '{day}')"


def by_interval(question: Question, units: list[Unit]) -> str:
    """Return place(bucket, unit_id): every unit below each of ``units``, by the intervals as constants."""
    shape = UnitHierarchy.on(question.as_of)
    spans = ", ".join(
        f"({unit.pk}, {span.tree_id}, {span.lo}, {span.hi})" for unit in units for span in shape.spans(unit)
    )
    return (
        f"WITH span(bucket, tree_id, lo, hi) AS (VALUES {spans}), place(bucket, unit_id) AS ("
        "SELECT span.bucket, u.id FROM span JOIN registry_unit u "
        "ON u.tree_id = span.tree_id AND u.lft BETWEEN span.lo AND span.hi)"
    )


def by_recursion(question: Question, units: list[Unit]) -> str:
    """Return the same by walking down from each: along ``parent_id``, on a past day along the placements."""
    tops = ", ".join(str(unit.pk) for unit in units)
    day = question.as_of.isoformat()
    step = "registry_unit u ON u.parent_id = place.unit_id"
    if not UnitHierarchy.on(question.as_of).is_todays:
        step = (
            "(SELECT unit_id AS id, superior_id FROM registry_unitplacement "
            f"WHERE (started_on IS NULL OR started_on <= '{day}') "
            f"AND (ended_on IS NULL OR ended_on > '{day}')) u ON u.superior_id = place.unit_id"
        )
    return (
        f"WITH RECURSIVE place(bucket, unit_id) AS (SELECT id, id FROM registry_unit WHERE id IN ({tops}) "
        f"UNION ALL SELECT place.bucket, u.id FROM place JOIN {step})"
    )


_AT = (
    "FROM place JOIN registry_organizationplacement h ON h.unit_id = place.unit_id AND {held} "
    "JOIN registry_organization o ON o.id = h.organization_id"
)


def organizations(question: Question, place: str) -> str:
    """Return the statement that counts organizations by kind in each bucket."""
    return (
        f"{place} SELECT place.bucket, o.kind, o.is_temporary, COUNT(*) "
        f"{_AT.format(held=on_day(question, 'h'))} "
        f"WHERE o.state = 'approved' AND {dates(question, 'o', 'established_on', 'dissolved_on')} "
        "GROUP BY place.bucket, o.kind, o.is_temporary"
    )


def people(question: Question, place: str) -> str:
    """Return the statement that counts distinct people, and assignments, in each bucket."""
    distinct = "COUNT(DISTINCT a.person_id)"
    return (
        f"{place} SELECT place.bucket, {distinct} FILTER (WHERE o.kind IN ({words(TEAM_KINDS)})), "
        f"{distinct}, COUNT(*), {distinct} FILTER (WHERE s.status IN ({words(MEMBER_STATUSES)})), "
        f"{distinct} FILTER (WHERE p.category = 'auxiliary'), "
        f"{distinct} FILTER (WHERE home.kind IN ({words(OFFICE_KINDS)}) "
        f"AND host.kind NOT IN ({words(OFFICE_KINDS)})) "
        f"{_AT.format(held=on_day(question, 'h'))} "
        "JOIN registry_assignment a ON a.organization_id = o.id "
        "JOIN registry_person p ON p.id = a.person_id "
        f"LEFT JOIN registry_statusperiod s ON s.person_id = p.id AND {on_day(question, 's')} "
        f"LEFT JOIN registry_personplacement m ON m.person_id = p.id AND {on_day(question, 'm')} "
        "LEFT JOIN registry_unit home ON home.id = m.unit_id JOIN registry_unit host ON host.id = h.unit_id "
        f"WHERE o.state = 'approved' AND {FRONTLINE} AND NOT a.is_withdrawn "
        f"AND {dates(question, 'a', 'started_on', 'ended_on')} GROUP BY place.bucket"
    )


def formal_members(question: Question, place: str) -> str:
    """Return the statement that counts who is at home in each bucket and in the Party on the day."""
    return (
        f"{place} SELECT place.bucket, COUNT(DISTINCT h.person_id) "
        "FROM place JOIN registry_personplacement h ON h.unit_id = place.unit_id "
        "JOIN registry_person p ON p.id = h.person_id AND p.merged_into_id IS NULL "
        f"JOIN registry_statusperiod s ON s.person_id = p.id AND {on_day(question, 's')} "
        f"WHERE s.status IN ({words(MEMBER_STATUSES)}) "
        f"AND {dates(question, 'h', 'started_on', 'ended_on')} GROUP BY place.bucket"
    )


def counted(question: Question, units: list[Unit], place: str) -> Counts:
    """Return every metric of each of ``units``: three statements over the rows."""
    found = {unit.pk: dict.fromkeys(METRICS, 0) for unit in units}
    for bucket, kind, is_temporary, number in rows(organizations(question, place)):
        for metric in ORGANIZATION_METRICS:
            if metric.includes(kind, bool(is_temporary)):
                found[bucket][metric.slug] += number
    for bucket, *numbers in rows(people(question, place)):
        found[bucket].update(zip(PLACED, numbers, strict=True))
    for bucket, number in rows(formal_members(question, place)):
        found[bucket]["formal_members"] = number
    return found


def floor_of_organizations(question: Question) -> dict[str, int]:
    """Count by kind without any tree: one bare GROUP BY over one table."""
    found = dict.fromkeys((metric.slug for metric in ORGANIZATION_METRICS), 0)
    for kind, is_temporary, number in rows(
        "SELECT o.kind, o.is_temporary, COUNT(*) FROM registry_organization o WHERE o.state = 'approved' "
        f"AND {dates(question, 'o', 'established_on', 'dissolved_on')} GROUP BY o.kind, o.is_temporary"
    ):
        for metric in ORGANIZATION_METRICS:
            if metric.includes(kind, bool(is_temporary)):
                found[metric.slug] += number
    return found


def floor_of_people(question: Question) -> int:
    """Count distinct people without any tree: one COUNT(DISTINCT) over the assignments that count."""
    ((number,),) = rows(
        "SELECT COUNT(DISTINCT a.person_id) FROM registry_assignment a "
        "JOIN registry_organization o ON o.id = a.organization_id "
        f"WHERE o.state = 'approved' AND {FRONTLINE} AND NOT a.is_withdrawn "
        f"AND {dates(question, 'a', 'started_on', 'ended_on')}"
    )
    return int(number)


def rows(statement: str) -> list[tuple[Any, ...]]:
    """Run one statement and return its rows."""
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return list(cursor.fetchall())
