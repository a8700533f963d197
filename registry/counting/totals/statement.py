"""What organizations and people add to the numbers of the units above them, day by day, in one statement.

The same definitions as ``basis``, turned round: not "who counts at this unit on this day" but "where,
and from which day to which, does this one count". The ledger of counts is the sum of these. It is one
SQL statement for one founding, for a subtree and for the whole country alike: only the rows that it
starts from differ.

Distinct people are exact: of somebody's assignments below a unit, in the order of their days, each adds
only the days that none before it covered, so the pieces are the union and never overlap. A piece counts
one from its first day and one less from its end; where two pieces touch, the two cancel.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from django.db import connection

from registry.counting.metrics import METRICS, ORGANIZATION_METRICS
from registry.models import (
    Assignment,
    Organization,
    OrganizationKind,
    OrganizationPlacement,
    Person,
    PersonCategory,
    StatusPeriod,
    UnitPlacement,
    WorkflowState,
)
from registry.models.kinds import FORMATION_KINDS, MEMBER_STATUSES, TEAM_KINDS
from registry.models.tally import ALL_CAMPAIGNS, COLUMNS

KEY = ("unit_id", "campaign_key", "is_cumulative", "day")
"""What a row of the ledger is about: a unit, a campaign (0: all), a basis, a day."""

NONE, ALL = "1 = 0", "1 = 1"
"""Conditions for nothing and for everything."""


def among(column: str, keys: Collection[int]) -> str:
    """Return the condition that ``column`` is one of ``keys``."""
    return f"{column} IN ({_numbers(keys)})" if keys else NONE


def changes(*, organizations: str, people: str, units: str = ALL) -> str:
    """Return the SELECT of (``KEY``, ``COLUMNS``): by how much the numbers change, at which unit and day.

    ``organizations`` is a condition on ``organization.id``: which are counted themselves; ``people`` one
    on ``person.id``: whose assignments are counted (all of them: only so are people distinct);
    ``units`` one on ``up.ancestor``: at which units.
    """
    tables = {
        "assignment": Assignment,
        "organization": Organization,
        "host": OrganizationPlacement,
        "person": Person,
        "status": StatusPeriod,
        "superior": UnitPlacement,
    }
    t = {name: f"{model._meta.db_table} {name}" for name, model in tables.items()}
    lesser, greater = ("MIN", "MAX") if connection.vendor == "sqlite" else ("LEAST", "GREATEST")
    never, always = _day("9999-12-31"), _day("0001-01-01")
    end = f"COALESCE({{}}.ended_on, {never})"
    approved = f"organization.state = '{WorkflowState.APPROVED.value}'"
    frontline = f"(organization.is_temporary OR {_is('organization.kind', FORMATION_KINDS)})"
    team = _is("kind", TEAM_KINDS)
    group = "what, unit_id, campaign_key, is_cumulative"
    spelled = "unit_id, campaign_key, is_cumulative, begins, stops"
    return f"""
WITH RECURSIVE
-- Where each organization stood and each person was placed, from which day (begins) to which (ends), and
-- until when the organization stood there: what has ended goes on counting as 累计 at its host.
place AS (
  SELECT 0 AS is_held, organization.id AS owner, host.unit_id, organization.campaign_id,
    organization.kind, organization.is_temporary, 1 = 0 AS is_auxiliary,
    {greater}(organization.established_on, host.started_on) AS begins,
    COALESCE(organization.dissolved_on, {never}) AS ends, {end.format("host")} AS leaves
  FROM {t["organization"]} JOIN {t["host"]} ON host.organization_id = organization.id
  WHERE {approved} AND {organizations}
  UNION ALL
  SELECT 1, person.id, host.unit_id, organization.campaign_id,
    organization.kind, organization.is_temporary, person.category = '{PersonCategory.AUXILIARY.value}',
    {greater}(assignment.started_on, host.started_on),
    {end.format("assignment")}, {end.format("host")}
  FROM {t["assignment"]} JOIN {t["person"]} ON person.id = assignment.person_id
  JOIN {t["organization"]} ON organization.id = assignment.organization_id
  JOIN {t["host"]} ON host.organization_id = organization.id
  WHERE NOT assignment.is_withdrawn AND {approved} AND {frontline} AND {people}
),
-- Which units stood above those hosts and when; over all time two may each have stood above the other,
-- so the walk goes up only within the days on which it came.
up(unit, ancestor, since, until) AS (
  SELECT DISTINCT unit_id, unit_id, {always}, {never} FROM place
  UNION ALL
  SELECT up.unit, superior.superior_id,
    {greater}(up.since, COALESCE(superior.started_on, up.since)),
    {lesser}(up.until, COALESCE(superior.ended_on, up.until))
  FROM up JOIN {t["superior"]} ON superior.unit_id = up.ancestor
    AND superior.superior_id IS NOT NULL
    AND (superior.started_on IS NULL OR superior.started_on < up.until)
    AND (superior.ended_on IS NULL OR superior.ended_on > up.since)
),
spell AS (
  SELECT place.is_held, place.owner, place.kind, place.is_temporary, place.is_auxiliary,
    up.ancestor AS unit_id, basis.is_cumulative,
    CASE WHEN campaign.is_one THEN place.campaign_id ELSE {ALL_CAMPAIGNS} END AS campaign_key,
    {greater}(place.begins, up.since) AS begins,
    {lesser}(place.leaves, up.until,
      CASE WHEN basis.is_cumulative THEN place.leaves ELSE place.ends END) AS stops
  FROM place JOIN up ON up.unit = place.unit_id AND {units}
  JOIN (SELECT 1 = 0 AS is_cumulative UNION ALL SELECT 1 = 1) basis ON 1 = 1
  JOIN (SELECT 1 = 0 AS is_one UNION ALL SELECT 1 = 1) campaign
    ON NOT campaign.is_one OR place.campaign_id IS NOT NULL
),
held AS (
  SELECT owner, is_auxiliary, {team} AS is_team, {spelled},
    MAX(stops) OVER earlier AS covered,
    MAX(CASE WHEN {team} THEN stops END) OVER earlier AS team_covered
  FROM spell WHERE is_held = 1 AND begins < stops
  WINDOW earlier AS (PARTITION BY owner, unit_id, campaign_key, is_cumulative ORDER BY begins, stops
    ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
),
present AS (
  SELECT owner, is_auxiliary, unit_id, campaign_key, is_cumulative,
    {greater}(begins, COALESCE(covered, begins)) AS begins, stops
  FROM held WHERE covered IS NULL OR covered < stops
),
piece(what, {spelled}) AS (
  SELECT {_column_of_kind()}, {spelled} FROM spell WHERE is_held = 0 AND begins < stops
  UNION ALL SELECT 'frontline_assignments', {spelled} FROM held
  UNION ALL SELECT 'team_members', unit_id, campaign_key, is_cumulative,
    {greater}(begins, COALESCE(team_covered, begins)), stops
  FROM held WHERE is_team AND (team_covered IS NULL OR team_covered < stops)
  UNION ALL SELECT 'frontline_people', {spelled} FROM present
  UNION ALL SELECT 'frontline_auxiliaries', {spelled} FROM present WHERE is_auxiliary
  UNION ALL SELECT 'frontline_party_members', unit_id, campaign_key, is_cumulative,
    {greater}(begins, status.started_on), {lesser}(stops, {end.format("status")})
  FROM present JOIN {t["status"]} ON status.person_id = present.owner
    AND {_is("status.status", MEMBER_STATUSES)}
    AND status.started_on < present.stops AND (status.ended_on IS NULL OR status.ended_on > present.begins)
),
edge(what, {", ".join(KEY)}, change) AS (
  SELECT {group}, begins, CAST(COUNT(*) AS integer) FROM piece WHERE what IS NOT NULL GROUP BY {group}, begins
  UNION ALL
  SELECT {group}, stops, CAST(-COUNT(*) AS integer) FROM piece WHERE what IS NOT NULL AND stops < {never}
  GROUP BY {group}, stops
)
SELECT {", ".join(KEY)}, {_pivot()}
FROM edge GROUP BY {", ".join(KEY)} HAVING {_is_any()}"""


def _day(day: str) -> str:
    return f"'{day}'" if connection.vendor == "sqlite" else f"DATE '{day}'"


def _is(column: str, values: Iterable[str]) -> str:
    return f"{column} IN ({', '.join(repr(str(value)) for value in values)})"


def _numbers(keys: Iterable[int]) -> str:
    return ", ".join(str(int(key)) for key in sorted(keys))


def _column_of_kind() -> str:
    """Return the CASE that names the column in which an organization is counted (NULL: in none)."""
    cases = [
        f"WHEN kind = '{kind.value}' AND {'' if is_temporary else 'NOT '}is_temporary THEN '{metric.slug}'"
        for kind in OrganizationKind
        for is_temporary in (True, False)
        for metric in ORGANIZATION_METRICS
        if metric.slug in COLUMNS and metric.holds(kind.value, is_temporary)
    ]
    return f"CASE {' '.join(cases)} END"


def _pivot() -> str:
    return ", ".join(f"SUM(CASE what WHEN '{name}' THEN change ELSE 0 END) AS {name}" for name in COLUMNS)


def _is_any() -> str:
    return " OR ".join(f"SUM(CASE what WHEN '{name}' THEN change ELSE 0 END) <> 0" for name in COLUMNS)


assert set(COLUMNS) <= set(METRICS), "every column of the ledger is a metric"
