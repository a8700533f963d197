"""Statements that are put together once: what pages ask again and again differs in its values alone.

Putting a statement together in the ORM takes longer than the database takes to answer it. So a function that
makes a query is called once, with stand-ins for the days and keys, and the text of the statement is kept;
from then on the values go in as parameters, as they always do. Nothing that was read is kept.

A function that makes a query may look at its shape (the other arguments) but not at the values: no condition
on them, no sum with them. Where it does sums, the first call fails.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache, cached_property
from hashlib import md5
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Count, Value
from django.db.models.query import ModelIterable, QuerySet, get_related_populators
from psycopg2.extensions import AsIs

Values = Sequence[Any]
"""Days, keys, places and texts: of each only whether it is a day, a number or a text is part of the shape."""
Make = Callable[..., Any]
"""Makes a query set."""
Rows = list[tuple[Any, ...]]

_MOST = 2000
"""So many statements are kept; then all are forgotten, for shapes that never come again."""
_DAY, _APART = date(1234, 1, 1), timedelta(days=9)
"""The stand-ins of days: long before the registry's first day."""
_KEY = 2_000_000_000
"""The stand-ins of keys and places: nearly the last of what four bytes hold."""
_PLANNED = "registry_planned"
"""The attribute of a connection in which stands what was prepared on it."""
_MOST_PLANNED = 200
"""So many of them are kept on a connection; then all are forgotten."""
_STEP = 50
"""For so many keys at least a statement is put together that asks for keys."""
_TEXT = "\ue000"
"""What the stand-ins of texts begin with: a character that nobody writes."""


@dataclass(frozen=True)
class _Ready:
    """A statement with its parameters: each a value, or the place of the value that goes in."""

    sql: str
    given: tuple[tuple[int | None, Any], ...]
    converters: dict[int, Any]
    columns: int
    compiler: Any
    """What knows how to make rows into objects; None where the query is not one of objects: it is large."""
    name: str
    """The name of the function that makes it."""

    def params(self, values: Values) -> tuple[Any, ...]:
        """Return the parameters with these values."""
        adapted = [_adapted(value) for value in values]
        return tuple(known if at is None else adapted[at] for at, known in self.given)

    @cached_property
    def planned(self) -> tuple[str, str, tuple[int, ...]]:
        """Return its name and text for PostgreSQL to prepare, and which values go in, in their order."""
        used = sorted({at for at, _known in self.given if at is not None})
        with connection.cursor() as cursor:
            words = [known if at is None else AsIs(f"${used.index(at) + 1}") for at, known in self.given]
            text = cursor.mogrify(self.sql, words).decode()
        mark = md5(text.encode(), usedforsecurity=False).hexdigest()
        return f"{self.name[:30]}_{mark}", text, tuple(used)


_READY: dict[Hashable, _Ready | None] = {}


def read_rows(make: Make, values: Values, *shape: Hashable, planned_once: bool = False) -> Rows:
    """Return the rows of the ``values_list`` query that ``make(values, *shape)`` returns.

    ``planned_once``: one plan fits all values, as where rows are looked up by a key; PostgreSQL keeps it.
    """
    ready = _ready(make, values, shape)
    if ready is None:
        return []
    with connection.cursor() as cursor:
        if planned_once and connection.vendor == "postgresql":
            name, text, used = ready.planned
            plan_once(name, (text, ()))
            given = f"({', '.join(['%s'] * len(used))})" if used else ""
            cursor.execute(f"EXECUTE {name}{given}", [_adapted(values[at]) for at in used])
        else:
            cursor.execute(ready.sql, ready.params(values))
        rows: Rows = cursor.fetchall()
    if not ready.converters:
        return rows if not rows or len(rows[0]) == ready.columns else [row[: ready.columns] for row in rows]
    return list(_converted(ready, rows))


def plan_once(name: str, statement: tuple[str, Sequence[Any]], types: str = "") -> None:
    """Prepare a statement once for each PostgreSQL connection: planning it costs more than running it."""
    known: dict[str, tuple[str, Sequence[Any]]]
    session, known = getattr(connection, _PLANNED, (None, {}))
    if session is not connection.connection or len(known) >= _MOST_PLANNED:
        # Begin anew: a pool may hand out a session that another process prepared.
        session, known = connection.connection, {}
        _tell(session, "DEALLOCATE ALL")
        setattr(connection, _PLANNED, (session, known))
    if known.get(name) != statement:
        if known.pop(name, None):
            _tell(session, f"DEALLOCATE {name}")
        text, params = statement
        _tell(session, f"PREPARE {name}{types} AS {text}", params)
        known[name] = statement


def _tell(session: Any, statement: str, params: Sequence[Any] = ()) -> None:
    """Run a statement past Django, which would count it as a query of the page that comes first."""
    with connection.wrap_database_errors, session.cursor() as cursor:
        cursor.execute(statement, params or None)


def read_objects(make: Make, values: Values, *shape: Hashable, planned_once: bool = False) -> list[Any]:
    """Return the objects of the query that ``make(values, *shape)`` returns, with those selected along."""
    ready = _ready(make, values, shape)
    rows = read_rows(make, values, *shape, planned_once=planned_once)
    if ready is None or not rows:
        return []
    select, info, using = ready.compiler.select, ready.compiler.klass_info, connection.alias
    first, last = info["select_fields"][0], info["select_fields"][-1] + 1
    names = [column[0].target.attname for column in select[first:last]]
    related = get_related_populators(info, select, using)  # type: ignore[call-arg]
    objects = []
    for row in rows:
        made = info["model"].from_db(using, names, row[first:last])
        for each in related:
            each.populate(row, made)
        for name, place in ready.compiler.annotation_col_map.items():
            setattr(made, name, row[place])
        objects.append(made)
    return objects


def how_many(rows: QuerySet[Any]) -> QuerySet[Any]:
    """Return the query of the number of these rows: one row of it, or none where there are none."""
    counted: QuerySet[Any] = rows.order_by().values(every=Value(1)).annotate(number=Count("pk"))
    return counted.values_list("number")


def read_first(make: Make, most: int, values: Values, *shape: Hashable) -> tuple[list[Any], int]:
    """Return the first ``most`` objects of the query that ``make(values, *shape)`` returns, and their number.

    All are counted, by a second query, only where there may be more than the first.
    """
    found = read_objects(_first, values, make, most, *shape)
    if len(found) < most:
        return found, len(found)
    return found, sum(number for (number,) in read_rows(_number, values, make, *shape))


def _first(values: Values, make: Make, most: int, *shape: Hashable) -> QuerySet[Any]:
    rows: QuerySet[Any] = make(values, *shape)
    return rows[:most]


def _number(values: Values, make: Make, *shape: Hashable) -> QuerySet[Any]:
    return how_many(make(values, *shape))


def read_by_keys(make: Make, values: Values, keys: Sequence[int], path: str = "pk") -> list[Any]:
    """Return the objects of the query ``make(*values)`` that have one of the keys at ``path``.

    The keys are ``filled_up``.
    """
    if not keys:
        return []
    return read_objects(_with_keys, [*values, *filled_up(keys)], make, len(values), path)


def filled_up(keys: Sequence[int]) -> list[int]:
    """Return the keys, filled up with the first one to a round number: so few statements are put together."""
    number = _STEP
    while number < len(keys):
        number *= 2
    return [*keys, *list(keys[:1]) * (number - len(keys))]


def _with_keys(values: Values, make: Make, number: int, path: str) -> QuerySet[Any]:
    rows: QuerySet[Any] = make(*values[:number])
    return rows.filter(**{f"{path}__in": values[number:]})


def statement_of(make: Make, values: Values, *shape: Hashable) -> tuple[str, tuple[Any, ...]] | None:
    """Return the statement of that query and its parameters; None: it can have no rows."""
    ready = _ready(make, values, shape)
    return (ready.sql, ready.params(values)) if ready else None


def read_part(statement: tuple[str, tuple[Any, ...]] | None, first: int, end: int) -> Rows:
    """Return the rows of an ordered statement from one place to another: the places are values, too."""
    if statement is None:
        return []
    sql, params = statement
    with connection.cursor() as cursor:
        cursor.execute(f"{sql} LIMIT %s OFFSET %s", (*params, end - first, first))
        rows: Rows = cursor.fetchall()
    return rows


def _converted(ready: _Ready, rows: Rows) -> Iterator[tuple[Any, ...]]:
    for row in rows:
        made = list(row[: ready.columns])
        for place, (converters, expression) in ready.converters.items():
            for convert in converters:
                made[place] = convert(made[place], expression, connection)
        yield tuple(made)


def _ready(make: Make, values: Values, shape: tuple[Hashable, ...]) -> _Ready | None:
    kinds = "".join(map(_kind, values))
    key = make, shape, kinds, connection.vendor
    if key not in _READY:
        if len(_READY) >= _MOST:
            _READY.clear()
        _READY[key] = _put_together(make, kinds, shape)
    return _READY[key]


def _put_together(make: Make, kinds: str, shape: tuple[Hashable, ...]) -> _Ready | None:
    stand_ins = [_stand_in(kind, at) for at, kind in enumerate(kinds)]
    rows = make(stand_ins, *shape)
    compiler = rows.query.get_compiler(connection=connection)
    try:
        sql, params = compiler.as_sql()
    except EmptyResultSet:
        return None
    places = {_adapted(stand_in): at for at, stand_in in enumerate(stand_ins)}
    if any(param not in places and _is_near(param) for param in params):
        raise TypeError(f"{make}: the query was made of a sum with a value, or of a condition on one")
    given = tuple(_place(places[param]) if param in places else (None, param) for param in params)
    converters = compiler.get_converters([column[0] for column in compiler.select])
    columns = compiler.col_count or len(compiler.select)
    kept = compiler if rows._iterable_class is ModelIterable else None
    return _Ready(sql, given, converters, columns, kept, make.__name__)


@cache
def _place(at: int) -> tuple[int, None]:
    """Return the same object for the same place in all statements: some have thousands of keys."""
    return at, None


def _kind(value: date | int | str) -> str:
    return "d" if isinstance(value, date) else "t" if isinstance(value, str) else "k"


def _stand_in(kind: str, at: int) -> date | int | str:
    if kind == "d":
        return _DAY + at * _APART
    return f"{_TEXT}{at}" if kind == "t" else _KEY + at * 2


def _adapted(value: date | int | str) -> Any:
    return connection.ops.adapt_datefield_value(value) if isinstance(value, date) else value


def _is_near(param: Any) -> bool:
    """Whether a parameter was worked out of a stand-in."""
    if isinstance(param, int):
        return abs(param - _KEY) < _MOST
    if isinstance(param, str) and _TEXT in param:
        return True
    return isinstance(param, date | str) and str(param).startswith(("1233-", "1234-", "1235-"))
