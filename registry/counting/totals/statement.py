"""What rows add to the numbers of the units above them, day by day, in one statement made of declarations.

The same definitions as ``basis``, turned round: not "who counts at this unit on this day" but "where,
and from which day to which, does this one count". The totals are the sum of these. It is one SQL statement
for one founding, for a subtree and for the whole country alike: only the owners it starts from differ.

Distinct owners are exact: of somebody's rows below a unit, in the order of their days, each adds only the
days that none before it covered, so the pieces are the union and never overlap. A piece counts one from its
first day and one less from its end; where two pieces touch, the two cancel.

For the whole country there is a quicker way (``whole``).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.db import connection
from django.db.models import BigIntegerField, Case, DateField, F, Model, Q, QuerySet, Value, When
from django.db.models.functions import Cast

from registry.counting.metric import APPROVED, APPROVED_OR_PENDING, CountSource, Metric
from registry.models import Basis, TotalChange, UnitPlacement
from registry.models.totals import ALL_CAMPAIGNS

KEY = ("unit_id", "campaign_key", "is_cumulative", "metric", "day")
"""What a change is about: a unit, a campaign (0: all), a basis, a metric, a day."""

NONE, ALL = "1 = 0", "1 = 1"
"""Conditions for nothing and for everything."""

AT = "unit_id, campaign_key, is_cumulative"

WEEK = 7
"""So many days has the period of the numbers that are kept as new and as ended."""
NEW, ENDED = (f":{basis.value}" for basis in (Basis.NEW, Basis.ENDED))
"""What follows the metric where a line says what began, or ended, in the week up to each day."""
PENDING = "~"
"""What follows the metric, before that, where a line says what is not approved."""

Statement = tuple[str, tuple[Any, ...]]


def among(column: str, keys: Collection[int]) -> str:
    """Return the condition that ``column`` is one of ``keys``."""
    return f"{column} IN ({', '.join(str(int(key)) for key in sorted(keys))})" if keys else NONE


def changes(metrics: tuple[Metric, ...], owners: Mapping[type[Model], str], units: str = ALL) -> Statement:
    """Return the SELECT of (``KEY``, change): by how much each number changes, at which unit and day.

    ``owners`` has for each model a condition on ``owner``: whose rows are counted (all of them: only so are
    owners distinct), none of a model that is left out. ``units`` is one on ``up.ancestor``: at which units.
    """
    return put_together(metrics, owners, units, Part)


def put_together(
    metrics: tuple[Metric, ...], owners: Mapping[type[Model], str], units: str, way: Any
) -> Statement:
    """Return the statement that a kind of ``Part`` makes of these metrics."""
    statement, params = _changes(metrics, tuple(owners), connection.vendor, way)
    for model, condition in owners.items():
        statement = statement.replace(_token(model), condition)
    return statement.replace(UNITS, units), params


UNITS = "<units>"
WEEKS = f"SELECT 1 = 0 AS is_cumulative, '{NEW}' AS week UNION ALL SELECT 1 = 0, '{ENDED}'"
_BASES = f"SELECT 1 = 0 AS is_cumulative, '' AS week UNION ALL SELECT 1 = 1, '' UNION ALL {WEEKS}"
BASES = "JOIN (SELECT 1 = 0 AS is_cumulative UNION ALL SELECT 1 = 1) basis ON 1 = 1"
CAMPAIGNS = (
    "JOIN (SELECT 1 = 0 AS is_one UNION ALL SELECT 1 = 1) campaign "
    "ON NOT campaign.is_one OR place.campaign_id IS NOT NULL"
)
"""Each row counts on both bases, for all campaigns together and for its own."""
CAMPAIGN_KEY = f"CASE WHEN campaign.is_one THEN place.campaign_id ELSE {ALL_CAMPAIGNS} END"
_LIFE = ("started_on", "ended_on")


@dataclass(frozen=True)
class Words:
    """SQL words that differ between the two databases."""

    greater: str
    lesser: str
    never: str
    always: str
    later: str
    """A week after the day in the braces."""


WORDS = {
    "postgresql": Words("GREATEST", "LEAST", "DATE '9999-12-31'", "DATE '0001-01-01'", f"{{}} + {WEEK}"),
    "sqlite": Words("MAX", "MIN", "'9999-12-31'", "'0001-01-01'", f"date({{}}, '+{WEEK} days')"),
}


def _token(model: type[Model]) -> str:
    """Return what stands in the statement for the condition on the owners of a model."""
    return f"<{model._meta.label}>"


@lru_cache(maxsize=64)
def _changes(
    metrics: tuple[Metric, ...], owners: tuple[type[Model], ...], vendor: str, way: type[Part]
) -> Statement:
    sources = list(dict.fromkeys(metric.source for metric in metrics if metric.source.owners in owners))
    words = WORDS[vendor]
    parts = [
        way(
            number,
            source,
            [metric for metric in metrics if metric.source is source and not metric.parts],
            words,
        )
        for number, source in enumerate(sources)
    ]
    if not parts:
        return f"SELECT {', '.join((*KEY, 'change'))} FROM {TotalChange._meta.db_table} WHERE {NONE}", ()
    placed = [part.placed() for part in parts]
    spelled = [each for part in parts for each in part.spelled()]
    pieces = " UNION ALL ".join(piece for part in parts for piece in part.pieces())
    tables = ",\n".join(
        [
            *(table for tables, _params in placed for table in tables),
            *way.ways_up([f"place_{part.number}" for part in parts], words),
            *spelled,
            *(table for part in parts for table in part.validities()),
            f"piece(metric, {way.piece}) AS ({pieces})",
        ]
    )
    given = [params for _tables, params in placed]
    given += [params for part in parts for _statement, params in part.standing]
    params = tuple(param for each in given for param in each)
    return f"WITH RECURSIVE {tables}\n{way.summed(words)}", params


class Part:
    """One source's share of the statement: its rows, where and when they count, and what each adds."""

    at = f"{AT}, week"
    """Where and how a row counts: also what began and what ended in the week, at units at the top."""
    piece = f"{at}, begins, stops, added"
    """The columns of a piece, beside its metric."""
    metric = "metric || week"
    bases = _BASES

    def __init__(self, number: int, source: CountSource, metrics: list[Metric], words: Words) -> None:
        self.number, self.source, self.metrics, self.words = number, source, metrics, words
        self.conditions: list[Q] = []
        self.amounts: list[str] = []
        for metric in metrics:
            if metric.placed not in self.conditions:
                self.conditions.append(metric.placed)
            if metric.amount and metric.amount not in self.amounts:
                self.amounts.append(metric.amount)
        self.standing = [_compiled(self._dated(*metric.dated)) for metric in metrics if metric.dated]
        marks = [f"is_{number}" for number in range(len(self.conditions))]
        marks += [f"amount_{number}" for number in range(len(self.amounts))]
        self.names = [*(["named"] if source.named else []), *(["pending"] if source.state else [])]
        """The columns that say, beside the metric, in which line a row counts."""
        self.marks = ", ".join([*self.names, *marks])
        self.by = ", ".join(["owner", *self.names])
        """Each owner counts once in each line."""

    @classmethod
    def ways_up(cls, places: list[str], words: Words) -> list[str]:
        """Return the table of the units above, as far as the rows need it."""
        hosts = " UNION ".join(f"SELECT unit_id FROM {place}" for place in places)
        return [
            ways_above(hosts, words),
            "top(id) AS (SELECT ancestor FROM (SELECT DISTINCT ancestor FROM up) each "
            f"WHERE {is_top('ancestor')})",
        ]

    @classmethod
    def summed(cls, words: Words) -> str:
        """Return the SELECT of all pieces together: each adds on its first day and takes away again."""
        return (
            f"SELECT {', '.join(KEY)}, CAST(SUM(added) AS bigint) AS change FROM (\n"
            f"  SELECT {cls.metric} AS metric, {AT}, begins AS day, added FROM piece\n"
            f"  UNION ALL SELECT {cls.metric}, {AT}, stops, -added FROM piece WHERE stops < {words.never}\n"
            f") edge GROUP BY {', '.join(KEY)} HAVING SUM(added) <> 0"
        )

    def placed(self) -> tuple[list[str], tuple[Any, ...]]:
        """Return the tables of where each row stood, from which day (begins) to which (ends), and until when
        its host stood there (leaves): what has ended goes on counting as 累计 at its host.
        """
        statement, params = _compiled(self._rows())
        greater, never = self.words.greater, self.words.never
        columns = f"owner, unit_id, campaign_id, starts, ends, host_from, host_until, {self.marks}"
        return [
            f"counted_{self.number}({columns}) AS ({statement})",
            f"place_{self.number} AS (SELECT owner, unit_id, campaign_id, starts, "
            f"{greater}(starts, COALESCE(host_from, starts)) AS begins, COALESCE(ends, {never}) AS ends, "
            f"COALESCE(host_until, {never}) AS leaves, {self.marks} "
            f"FROM counted_{self.number} WHERE starts IS NOT NULL AND {_token(self.source.owners)})",
        ], params

    def spelled(self) -> list[str]:
        """Return the tables of each row's days at each unit above it, on each basis, for each campaign."""
        greater, lesser, later = self.words.greater, self.words.lesser, self.words.later
        covered = "".join(
            f", MAX(CASE WHEN {self._counts(number)} THEN stops END) OVER earlier AS covered_{number}"
            for number in self._distinct()
        )
        tables = [
            f"""spell_{self.number} AS (
  SELECT * FROM (
    SELECT place.owner, up.ancestor AS unit_id, basis.is_cumulative, basis.week,
      {CAMPAIGN_KEY} AS campaign_key,
      {greater}(CASE basis.week WHEN '{ENDED}' THEN {greater}(begins, ends) ELSE begins END, since) AS begins,
      {lesser}(leaves, until, CASE basis.week WHEN '{NEW}' THEN {later.format("starts")}
        WHEN '{ENDED}' THEN {later.format("ends")}
        ELSE CASE WHEN basis.is_cumulative THEN leaves ELSE ends END END) AS stops, {self.marks}
    FROM place_{self.number} place JOIN up ON up.unit = place.unit_id AND {UNITS}
    JOIN ({self.bases}) basis ON basis.week = '' OR up.ancestor IN (SELECT id FROM top)
    {CAMPAIGNS}
  ) days WHERE begins < stops
)"""
        ]
        if covered:
            tables.append(
                f"""held_{self.number} AS (
  SELECT owner, {self.at}, begins, stops, {self.marks}{covered} FROM spell_{self.number}
  WINDOW earlier AS (PARTITION BY {self.by}, {self.at} ORDER BY begins, stops
    ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
)"""
            )
        return tables

    def validities(self) -> list[str]:
        """Return the tables of the days on which an owner's dated row is as a metric wants it."""
        never = self.words.never
        return [
            f"raw_{self.number}_{place}(owner, since, until) AS ({statement}), "
            f"standing_{self.number}_{place} AS (SELECT owner, since, COALESCE(until, {never}) AS until "
            f"FROM raw_{self.number}_{place} WHERE {_token(self.source.owners)})"
            for place, (statement, _params) in enumerate(self.standing)
        ]

    def pieces(self) -> list[str]:
        """Return for each metric the SELECT of what counts from which day to which."""
        validities = iter(range(len(self.standing)))
        return [self._piece(metric, next(validities) if metric.dated else None) for metric in self.metrics]

    def _slug(self, metric: Metric) -> str:
        """Return what says of which metric a piece is."""
        slug = "named" if self.source.named else f"'{metric.slug}'"
        return f"{slug} || pending" if self.source.state else slug

    def _added(self, metric: Metric) -> str:
        return f"amount_{self.amounts.index(metric.amount)}" if metric.amount else "1"

    def _unclipped(self, metric: Metric) -> str:
        """Return the SELECT of a metric's pieces, whatever the owner's dated rows."""
        number, greater = self._mark(metric), self.words.greater
        where = self._counts(number)
        if metric.distinct:
            where += f" AND (covered_{number} IS NULL OR covered_{number} < stops)"
            begins = f"{greater}(begins, COALESCE(covered_{number}, begins)) AS begins"
            return (
                f"SELECT {self.by}, {self.at}, {begins}, stops, 1 AS added "
                f"FROM held_{self.number} WHERE {where}"
            )
        added = self._added(metric)
        where += f" AND {added} IS NOT NULL"
        return (
            f"SELECT {self.by}, {self.at}, begins, stops, {added} AS added "
            f"FROM spell_{self.number} WHERE {where}"
        )

    def _piece(self, metric: Metric, validity: int | None) -> str:
        number, greater, lesser = self._mark(metric), self.words.greater, self.words.lesser
        piece, slug = self._unclipped(metric), self._slug(metric)
        if validity is None:
            return f"SELECT {slug}, {self.at}, begins, stops, added FROM ({piece}) piece_{number}"
        return (
            f"SELECT {slug}, {self.at}, {greater}(begins, since), {lesser}(stops, until), added "
            f"FROM ({piece}) piece_{number} JOIN standing_{self.number}_{validity} standing "
            f"ON standing.owner = piece_{number}.owner AND since < stops AND until > begins"
        )

    def _rows(self) -> QuerySet[Any]:
        source = self.source
        named: dict[str, Any] = {"row_owner": F(source.owner), "row_starts": F(source.starts)}
        none = Cast(Value(None), DateField())
        named["row_ends"] = F(source.ends) if source.ends else none
        named["row_campaign"] = (
            F(f"{source.campaign}__pk") if source.campaign else Cast(Value(None), BigIntegerField())
        )
        rows = source.rows(APPROVED_OR_PENDING)
        if source.host:
            rows = rows.filter(**{f"{source.host}__isnull": False})
            named |= {f"row_{name}": F(f"{source.host}__{name}") for name in ("unit_id", *_LIFE)}
        else:
            named |= {"row_unit_id": F(f"{source.unit}__pk")} | {f"row_{name}": none for name in _LIFE}
        if source.named:
            named["row_named"] = F(source.named)
        if source.state:
            is_approved = When(**{f"{source.state}__in": APPROVED}, then=Value(""))
            named["row_pending"] = Case(is_approved, default=Value(PENDING))
        for number, condition in enumerate(self.conditions):
            mark = Case(When(condition, then=Value(1)), default=Value(0)) if condition else Value(1)
            named[f"row_is_{number}"] = mark
        named |= {f"row_amount_{number}": F(path) for number, path in enumerate(self.amounts)}
        ends = ("row_starts", "row_ends", *(f"row_{name}" for name in _LIFE))
        first = ("row_owner", "row_unit_id", "row_campaign", *ends)
        columns = (*first, *(name for name in named if name not in first))
        found: QuerySet[Any] = rows.annotate(**named).values_list(*columns)
        return found

    def _dated(self, path: str, condition: Q) -> QuerySet[Any]:
        rows, owner = self.source.dated_rows(path, condition)
        found: QuerySet[Any] = rows.values_list(owner, *_LIFE)
        return found

    def _mark(self, metric: Metric) -> int:
        return self.conditions.index(metric.placed)

    def _counts(self, number: int) -> str:
        """Return the condition of the rows that have a mark: none for all: the planner knows how many."""
        return f"is_{number} = 1" if self.conditions[number] else ALL

    def _distinct(self) -> list[int]:
        return sorted({self._mark(metric) for metric in self.metrics if metric.distinct})


def is_top(unit: str) -> str:
    """Return the condition that a unit ever stood at the top: had no superior, or one that had none.

    What began and ended in a week is kept of these only. Elsewhere it is counted from the rows: they are few.
    """
    table = UnitPlacement._meta.db_table
    return (
        f"EXISTS (SELECT 1 FROM {table} top_place WHERE top_place.unit_id = {unit} AND ("
        f"top_place.superior_id IS NULL OR EXISTS (SELECT 1 FROM {table} above "
        "WHERE above.unit_id = top_place.superior_id AND above.superior_id IS NULL)))"
    )


def ways_above(hosts: str, words: Words) -> str:
    """Return the table of which units stood above those hosts and when.

    Over all time two may each have stood above the other, so the walk goes up only within the days on which
    it came.
    """
    return f"""up(unit, ancestor, since, until) AS (
  SELECT DISTINCT unit_id, unit_id, {words.always}, {words.never} FROM ({hosts}) host
  UNION ALL
  SELECT up.unit, superior.superior_id,
    {words.greater}(up.since, COALESCE(superior.started_on, up.since)),
    {words.lesser}(up.until, COALESCE(superior.ended_on, up.until))
  FROM up JOIN {UnitPlacement._meta.db_table} superior ON superior.unit_id = up.ancestor
    AND superior.superior_id IS NOT NULL
    AND (superior.started_on IS NULL OR superior.started_on < up.until)
    AND (superior.ended_on IS NULL OR superior.ended_on > up.since)
)"""


def _compiled(rows: QuerySet[Any]) -> Statement:
    """Return the SQL of a query, and its parameters."""
    statement, params = rows.query.get_compiler(connection=connection).as_sql()
    return statement, tuple(params)
