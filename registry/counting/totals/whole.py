"""The same statement for the whole country, which is quicker in parts.

``at_hosts`` says what each row adds where it stands, as if all owners were different; summed up there by day
it is carried up level by level (``check``). ``overlaps`` says what is too much of those who have several
rows, at every unit above: the days that another one covered. ``weeks`` says what began and ended in a
week at the units at the top.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from django.db import connection
from django.db.models import Model

from registry.counting.metric import Metric
from registry.counting.totals import tables
from registry.counting.totals.statement import (
    ALL,
    AT,
    BASES,
    CAMPAIGN_KEY,
    CAMPAIGNS,
    ENDED,
    KEY,
    NEW,
    UNITS,
    WEEKS,
    WORDS,
    Part,
    Statement,
    Words,
    is_top,
    put_together,
    ways_above,
)
from registry.models import UnitPlacement

Weight = Callable[[str], str]
"""Says in SQL what a day weighs."""
WAYS_UP = "ways_up"
"""The temporary table of which unit stood above which and when: (unit, ancestor, since, until)."""


def at_hosts(metrics: tuple[Metric, ...], owners: Mapping[type[Model], str]) -> Statement:
    """Return the SELECT of (``KEY``, change) at the units where rows stand, each row counted for itself."""
    return put_together(metrics, owners, ALL, _AtHosts)


def marks_at_hosts(
    metrics: tuple[Metric, ...], owners: Mapping[type[Model], str], weight: Weight
) -> Statement:
    """Return the SELECT of the sum of those changes for each line, each multiplied by the weight of its day.

    On PostgreSQL only, like ``marks_of_overlaps``. The rows are (line, mark, is_carried): whether the mark
    counts at the unit directly above, too (here never).
    """
    return _weigh(put_together(metrics, owners, ALL, _MarksAtHosts), weight)


def overlaps(metrics: tuple[Metric, ...], owners: Mapping[type[Model], str], units: str = ALL) -> Statement:
    """Return the SELECT of what rows counted for themselves add too much, where owners are to be distinct.

    Needs the table ``WAYS_UP``.
    """
    return put_together(tuple(metric for metric in metrics if metric.distinct), owners, units, _Overlaps)


def marks_of_overlaps(
    metrics: tuple[Metric, ...], owners: Mapping[type[Model], str], weight: Weight
) -> Statement:
    """Return the same of what ``overlaps`` says of distinct metrics.

    What stands at a unit that never had another superior is to be carried up; of the others the rows say
    what it is there.
    """
    return _weigh(put_together(metrics, owners, ALL, _MarksOfOverlaps), weight)


def _weigh(statement: Statement, weight: Weight) -> Statement:
    return re.sub("#([^#]+)#", lambda found: weight(found[1]), statement[0]), statement[1]


def weeks(metrics: tuple[Metric, ...], owners: Mapping[type[Model], str], units: str = ALL) -> Statement:
    """Return the SELECT of (``KEY``, change) of what began and what ended in a week. Needs ``WAYS_UP``."""
    return put_together(metrics, owners, units, _Weeks)


def marks_of_weeks(
    metrics: tuple[Metric, ...], owners: Mapping[type[Model], str], weight: Weight
) -> Statement:
    """Return the same as ``marks_at_hosts`` does, of what ``weeks`` says."""
    return _weigh(put_together(metrics, owners, ALL, _MarksOfWeeks), weight)


def make_ways_up(cursor: Any) -> None:
    """Make the temporary table ``WAYS_UP`` of all units, anew where there is one."""
    tables.drop(cursor, WAYS_UP)
    hosts = f"SELECT DISTINCT unit_id FROM {UnitPlacement._meta.db_table}"
    cursor.execute(
        f"CREATE TEMPORARY TABLE {WAYS_UP} AS WITH RECURSIVE {ways_above(hosts, WORDS[connection.vendor])} "
        "SELECT * FROM up"
    )
    if connection.vendor == "postgresql":
        cursor.execute(f"ANALYZE {WAYS_UP}")


def carried_up(table: str) -> str:
    """Return the SELECT of what the changes in a table are to the units directly above, on their days there.

    A change before a unit came below another counts there from that day on; with the day on which the unit
    leaves, it counts there no longer.
    """
    words = WORDS[connection.vendor]
    met = (
        f"{table} here JOIN {UnitPlacement._meta.db_table} place ON place.unit_id = here.unit_id "
        "AND place.superior_id IS NOT NULL AND (place.ended_on IS NULL OR here.day < place.ended_on)"
    )
    rest = "here.campaign_key, here.is_cumulative, here.metric"
    first = f"{words.greater}(here.day, COALESCE(place.started_on, here.day))"
    return (
        f"SELECT {', '.join(KEY)}, CAST(SUM(change) AS bigint) AS change FROM ("
        f"SELECT place.superior_id AS unit_id, {rest}, {first} AS day, here.change FROM {met} "
        f"UNION ALL SELECT place.superior_id, {rest}, place.ended_on, -here.change FROM {met} "
        f"WHERE place.ended_on IS NOT NULL) carried GROUP BY {', '.join(KEY)} HAVING SUM(change) <> 0"
    )


def _numbered(
    part: Part, placed: tuple[list[str], tuple[Any, ...]], where: str = ""
) -> tuple[list[str], tuple[Any, ...]]:
    """Add to the table of a part's rows how many its owner has (of_owner), and leave out some."""
    (counted, place), params = placed
    name, every = f"place_{part.number}", f"every_{part.number}"
    several = f"SELECT {every}.*, COUNT(*) OVER (PARTITION BY {part.by}) AS of_owner FROM {every}"
    return [
        counted,
        f"{every}{place.removeprefix(name)}",
        f"{name} AS (SELECT * FROM ({several}) numbered {where})",
    ], params


class _WithoutWeeks(Part):
    """What counts on the bases 现有 and 累计 alone."""

    at, metric = AT, "metric"
    piece = f"{AT}, begins, stops, added"


class _AtHosts(_WithoutWeeks):
    """What rows add where they stand: no unit above is asked, and no two rows of an owner are compared."""

    @classmethod
    def ways_up(cls, places: list[str], words: Words) -> list[str]:
        """Return no tables: nothing is carried up here."""
        return []

    def spelled(self) -> list[str]:
        """Return the table of each row's days, on each basis, for each campaign."""
        lesser = self.words.lesser
        return [
            f"""spell_{self.number} AS (
  SELECT owner, unit_id, basis.is_cumulative, {CAMPAIGN_KEY} AS campaign_key, begins,
    {lesser}(leaves, CASE WHEN basis.is_cumulative THEN leaves ELSE ends END) AS stops, {self.marks}
  FROM place_{self.number} place {BASES} {CAMPAIGNS}
)"""
        ]

    def _unclipped(self, metric: Metric) -> str:
        added = self._added(metric)
        return (
            f"SELECT {self.by}, {AT}, begins, stops, {added} AS added FROM spell_{self.number} "
            f"WHERE {self._counts(self._mark(metric))} AND {added} IS NOT NULL AND begins < stops"
        )


class _Marked(Part):
    """Pieces summed up by line with the weights of their days, both bases and all campaigns at once."""

    stops: tuple[str, ...] = ("ends", "leaves")
    """The days on which a piece stops: on each basis, for all campaigns together and for its own."""
    piece = f"unit_id, campaign_id, begins, {', '.join(stops)}, added"

    @classmethod
    def summed(cls, words: Words) -> str:
        """Return the SELECT of (line, mark, is_carried)."""
        whole, own = cls.stops[:2], cls.stops[-2:]
        ever, now = (f"CASE WHEN is_one THEN {own[at]} ELSE {whole[at]} END" for at in (1, 0))
        return (
            f", line AS ({cls._lines(words)})\n"
            f"SELECT unit_id, {CAMPAIGN_KEY} AS campaign_key, is_cumulative, metric, "
            f"CASE WHEN is_cumulative THEN {ever} ELSE {now} END AS mark, is_carried "
            f"FROM line place {BASES} {CAMPAIGNS}"
        )

    @classmethod
    def _lines(cls, words: Words) -> str:
        marks = ", ".join(cls._mark_until("begins", stop, stop, words) for stop in cls.stops)
        return (
            f"SELECT unit_id, campaign_id, metric, {marks}, FALSE AS is_carried FROM piece "
            "GROUP BY unit_id, campaign_id, metric"
        )

    @classmethod
    def _mark_until(cls, begins: str, stop: str, name: str, words: Words) -> str:
        """Return the sum of what the pieces add on their first day and take away again on another."""
        ended = f"CASE WHEN {stop} < {words.never} THEN #{stop}# ELSE 0 END"
        return f"SUM(CASE WHEN {begins} < {stop} THEN added * (#{begins}# - {ended}) END) AS {name}"

    def _piece(self, metric: Metric, validity: int | None) -> str:
        piece, slug = self._unclipped(metric), self._slug(metric)
        if validity is None:
            return f"SELECT {slug}, {self.piece} FROM ({piece}) unclipped"
        greater, lesser = self.words.greater, self.words.lesser
        stops = ", ".join(f"{lesser}({stop}, until)" for stop in self.stops)
        return (
            f"SELECT {slug}, unit_id, campaign_id, {greater}(begins, since), {stops}, added "
            f"FROM ({piece}) unclipped JOIN standing_{self.number}_{validity} standing "
            f"ON standing.owner = unclipped.owner AND until > begins "
            f"AND since < {greater}({', '.join(self.stops)})"
        )


class _MarksAtHosts(_Marked, _AtHosts):
    """What rows add where they stand, in this way."""

    def spelled(self) -> list[str]:
        """Return the table of each row's days."""
        return [
            f"spell_{self.number} AS (SELECT owner, unit_id, campaign_id, begins, "
            f"{self.words.lesser}(leaves, ends) AS ends, leaves, {self.marks} FROM place_{self.number})"
        ]

    def _unclipped(self, metric: Metric) -> str:
        added = f"{self._added(metric)}::numeric" if metric.amount else "1::bigint"
        return (
            f"SELECT {self.by}, unit_id, campaign_id, begins, ends, leaves, {added} AS added "
            f"FROM spell_{self.number} WHERE {self._counts(self._mark(metric))} AND begins < leaves"
        )


class _Overlaps(_WithoutWeeks):
    """The days of a row that an earlier one of the same owner covered, at every unit above.

    The rows are put in order once for all campaigns and once for each, for both bases together.
    """

    @classmethod
    def ways_up(cls, places: list[str], words: Words) -> list[str]:
        """Return the table that is there already."""
        return [f"up AS (SELECT * FROM {WAYS_UP})"]

    def placed(self) -> tuple[list[str], tuple[Any, ...]]:
        """Leave out who has a single row: nothing overlaps there."""
        return _numbered(self, super().placed(), "WHERE of_owner > 1")

    def spelled(self) -> list[str]:
        """Return the tables of each row's days at each unit above it, and until when others cover them."""
        greater, lesser = self.words.greater, self.words.lesser
        covered = "".join(
            f", MAX(CASE WHEN {self._counts(number)} THEN {end} END) OVER {scope} AS {scope}_{end}_{number}"
            for number in self._distinct()
            for scope in ("whole", "own")
            for end in ("ends", "leaves")
        )
        before = "ORDER BY begins, leaves ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING"
        return [
            f"""spell_{self.number} AS (
  SELECT * FROM (
    SELECT place.owner, up.ancestor AS unit_id, campaign_id, {greater}(begins, since) AS begins,
      {lesser}(ends, leaves, until) AS ends, {lesser}(leaves, until) AS leaves, {self.marks}
    FROM place_{self.number} place JOIN up ON up.unit = place.unit_id AND {UNITS}
  ) days WHERE begins < leaves
)""",
            f"""held_{self.number} AS (
  SELECT owner, unit_id, campaign_id, begins, ends, leaves, {self.marks}{covered} FROM spell_{self.number}
  WINDOW whole AS (PARTITION BY {self.by}, unit_id {before}),
    own AS (PARTITION BY {self.by}, unit_id, campaign_id {before})
)""",
        ]

    def _unclipped(self, metric: Metric) -> str:
        number = self._mark(metric)
        own, whole = (
            f"CASE WHEN is_cumulative THEN {scope}_leaves_{number} ELSE {scope}_ends_{number} END"
            for scope in ("own", "whole")
        )
        covered = f"CASE WHEN is_one THEN {own} ELSE {whole} END"
        return (
            f"SELECT {self.by}, {AT}, begins, {self.words.lesser}(stops, covered) AS stops, -1 AS added "
            f"FROM (SELECT {self.by}, unit_id, is_cumulative, {CAMPAIGN_KEY} AS campaign_key, begins, "
            f"CASE WHEN is_cumulative THEN leaves ELSE ends END AS stops, {covered} AS covered "
            f"FROM held_{self.number} place {BASES} {CAMPAIGNS} "
            f"WHERE {self._counts(number)} "
            f"AND (whole_leaves_{number} > begins OR own_leaves_{number} > begins)"
            ") apart WHERE begins < stops AND begins < covered"
        )


class _MarksOfOverlaps(_Marked, _Overlaps):
    """Those days, in the same way."""

    stops = ("whole_ends", "whole_leaves", "own_ends", "own_leaves")
    piece = f"unit_id, campaign_id, begins, {', '.join(stops)}, added"

    @classmethod
    def _lines(cls, words: Words) -> str:
        """Add what counts at the superior of a unit that had several, or had it for some days only."""
        marks = ", ".join(
            cls._mark_until(
                f"{words.greater}(begins, started_on)", f"{words.lesser}({stop}, ended_on)", stop, words
            )
            for stop in cls.stops
        )
        minus = ", ".join(f"-{stop}" for stop in cls.stops)
        return (
            f"{super()._lines(words).replace('FALSE AS', 'TRUE AS')} UNION ALL "
            f"SELECT unit_id, campaign_id, metric, {minus}, FALSE FROM ("
            f"SELECT place.superior_id AS unit_id, campaign_id, metric, {marks} "
            f"FROM piece JOIN {UnitPlacement._meta.db_table} place ON place.unit_id = piece.unit_id "
            "WHERE place.superior_id IS NOT NULL AND (started_on IS NOT NULL OR ended_on IS NOT NULL) "
            "GROUP BY place.superior_id, campaign_id, metric) above"
        )

    def _unclipped(self, metric: Metric) -> str:
        number, lesser = self._mark(metric), self.words.lesser
        # LEAST passes over what is not known: what nobody covers has no days here.
        stops = ", ".join(
            f"{lesser}({end}, COALESCE({scope}_{end}_{number}, begins)) AS {scope}_{end}"
            for scope in ("whole", "own")
            for end in ("ends", "leaves")
        )
        return (
            f"SELECT {self.by}, unit_id, campaign_id, begins, {stops}, -1::bigint AS added "
            f"FROM held_{self.number} "
            f"WHERE {self._counts(number)} "
            f"AND (whole_leaves_{number} > begins OR own_leaves_{number} > begins)"
        )


class _Weeks(Part):
    """What began and what ended in a week, at the units at the top."""

    bases = WEEKS

    @classmethod
    def ways_up(cls, places: list[str], words: Words) -> list[str]:
        """Return the part of the table that leads to the top."""
        units = UnitPlacement._meta.db_table
        return [
            f"top(id) AS (SELECT DISTINCT unit_id FROM {units} each WHERE {is_top('each.unit_id')})",
            f"up AS (SELECT * FROM {WAYS_UP} WHERE ancestor IN (SELECT id FROM top))",
        ]


class _MarksOfWeeks(_Weeks):
    """The same, summed up by line with the weights of their days: both weeks and all campaigns at once."""

    columns = tuple(f"{scope}_{week}" for scope in ("whole", "own") for week in ("new", "ended"))
    piece = f"unit_id, campaign_id, {', '.join(columns)}"

    @classmethod
    def summed(cls, words: Words) -> str:
        """Return the SELECT of (line, mark, is_carried)."""
        own, whole = (
            f"CASE WHEN is_new THEN {scope}_new ELSE {scope}_ended END" for scope in ("own", "whole")
        )
        return (
            f"SELECT unit_id, {CAMPAIGN_KEY} AS campaign_key, FALSE AS is_cumulative, "
            f"metric || CASE WHEN is_new THEN '{NEW}' ELSE '{ENDED}' END AS metric, "
            f"CASE WHEN is_one THEN {own} ELSE {whole} END AS mark, FALSE AS is_carried "
            f"FROM piece place CROSS JOIN (VALUES (TRUE), (FALSE)) week(is_new) {CAMPAIGNS}"
        )

    def placed(self) -> tuple[list[str], tuple[Any, ...]]:
        """Say how many rows each owner has, where owners are to be distinct."""
        return _numbered(self, super().placed()) if self._distinct() else super().placed()

    def spelled(self) -> list[str]:
        """Return the tables of each row's two weeks at the units at the top, and of what covers them.

        Most owners have a single row, which nothing covers: those are not put in order.
        """
        greater, lesser, later = self.words.greater, self.words.lesser, self.words.later
        covers = [
            (f"{scope}_{week}_{number}", self._counts(number), week, scope)
            for number in self._distinct()
            for scope in ("whole", "own")
            for week in ("new", "ended")
        ]
        covered = "".join(
            f", MAX(CASE WHEN {counts} AND {week}_begins < {week}_stops THEN {week}_stops END) "
            f"OVER {scope}_{week} AS {name}"
            for name, counts, week, scope in covers
        )
        windows = ", ".join(
            f"{scope}_{week} AS (PARTITION BY {self.by}, unit_id{campaign} "
            f"ORDER BY {week}_begins, {week}_stops "
            "ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)"
            for scope, campaign in (("whole", ""), ("own", ", campaign_id"))
            for week in ("new", "ended")
        )
        held, of_owner = f"SELECT * FROM spell_{self.number}", ", of_owner" if covers else ""
        if covers:
            none = "".join(f", NULL::date AS {name}" for name, *_rest in covers)
            held = (
                f"SELECT *{covered} FROM spell_{self.number} WHERE of_owner > 1 WINDOW {windows} "
                f"UNION ALL SELECT *{none} FROM spell_{self.number} WHERE of_owner = 1"
            )
        return [
            f"""spell_{self.number} AS (
  SELECT owner, up.ancestor AS unit_id, campaign_id, {greater}(begins, since) AS new_begins,
    {lesser}(leaves, until, {later.format("starts")}) AS new_stops,
    {greater}(begins, ends, since) AS ended_begins,
    {lesser}(leaves, until, {later.format("ends")}) AS ended_stops, {self.marks}{of_owner}
  FROM place_{self.number} place JOIN up ON up.unit = place.unit_id AND {UNITS}
)""",
            f"held_{self.number} AS ({held})",
        ]

    def _piece(self, metric: Metric, validity: int | None) -> str:
        greater, lesser, number = self.words.greater, self.words.lesser, self._mark(metric)
        standing = ""
        if validity is not None:
            standing = f"JOIN standing_{self.number}_{validity} standing ON standing.owner = held.owner"
        marks = []
        for column in self.columns:
            week = column.rpartition("_")[2]
            # GREATEST passes over what is not known: what nobody covers.
            covered = f", {column}_{number}" if metric.distinct else ""
            begins = f"{greater}({week}_begins{covered}{', since' if standing else ''})"
            stops = f"{lesser}({week}_stops{', until' if standing else ''})"
            added = f"{self._added(metric)}::numeric *" if metric.amount else ""
            ended = f"CASE WHEN {stops} < {self.words.never} THEN #{stops}# ELSE 0 END"
            marks.append(f"SUM(CASE WHEN {begins} < {stops} THEN {added} (#{begins}# - {ended}) END)")
        return (
            f"SELECT {self._slug(metric)}, unit_id, campaign_id, {', '.join(marks)} "
            f"FROM held_{self.number} held {standing} WHERE {self._counts(number)} "
            f"GROUP BY {', '.join((*self.names, 'unit_id', 'campaign_id'))}"
        )
