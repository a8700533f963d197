"""Facts of an operation as JSON holds them until somebody else confirms or approves it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, time
from typing import Any

from django.apps import apps
from django.db.models import Model, QuerySet

from registry import nouns
from registry.refusals import refuse

Key = tuple[str, int]
"""The name of a model and the key of a row, as ``packed`` writes them."""


def packed(value: Any) -> Any:
    """Return a value as JSON holds it: a row by model and key, a new one by its values, a day as a text."""
    if isinstance(value, Model):
        label = value._meta.label_lower
        return {"row": [label, value.pk]} if value.pk is not None else {"new": [label, _values(value)]}
    if isinstance(value, date) and not isinstance(value, datetime):
        return {"day": value.isoformat()}
    if isinstance(value, time):
        return {"time": value.isoformat()}
    if isinstance(value, Mapping):
        return {"all": {name: packed(each) for name, each in value.items()}}
    if isinstance(value, list | tuple):
        return [packed(each) for each in value]
    return value


def _values(row: Model) -> dict[str, Any]:
    """Return what a new row was given."""
    known = {field.name: field for field in row._meta.concrete_fields if not field.primary_key}
    given = {name: getattr(row, name, None) for name in known}
    return {name: packed(value) for name, value in given.items() if value != known[name].get_default()}


def rows_in(value: Any) -> dict[Key, Model]:
    """Return the rows that packed values name, with their units, read by one query for each model."""
    wanted: dict[str, set[int]] = {}
    for label, pk in keys_in(value):
        wanted.setdefault(label, set()).add(pk)
    found: dict[Key, Model] = {}
    for label, pks in wanted.items():
        rows = apps.get_model(label)._base_manager.filter(pk__in=pks)
        found |= {(label, row.pk): row for row in _with_unit(rows)}
    return found


def _with_unit(rows: QuerySet[Any]) -> QuerySet[Any]:
    paths = (
        {nouns.of(rows.model).unit_path, *nouns.of(rows.model).named}
        if nouns.describes(rows.model)
        else set()
    )
    return rows.select_related(*(path for path in paths if path)) if any(paths) else rows


def keys_in(value: Any) -> Iterator[Key]:
    """Yield the rows that a packed value names."""
    if isinstance(value, list):
        for each in value:
            yield from keys_in(each)
    elif isinstance(value, dict):
        if "row" in value:
            label, pk = value["row"]
            yield label, pk
        else:
            yield from keys_in(list(value.values()))


def unpacked(facts: Mapping[str, Any], rows: Mapping[Key, Model] | None = None) -> dict[str, Any]:
    """Return packed facts as they were, from ``rows`` if given; refuse where a row is gone."""
    known = rows_in(dict(facts)) if rows is None else rows
    return {name: _value(value, known) for name, value in facts.items()}


def _value(value: Any, rows: Mapping[Key, Model]) -> Any:
    if isinstance(value, list):
        return [_value(each, rows) for each in value]
    if not isinstance(value, dict):
        return value
    if "row" in value:
        label, pk = value["row"]
        if (label, pk) not in rows:
            raise refuse(None, "这件事涉及的内容已不存在,请重新提出。")
        return rows[label, pk]
    if "new" in value:
        label, values = value["new"]
        return apps.get_model(label)(**{name: _value(each, rows) for name, each in values.items()})
    if "day" in value:
        return date.fromisoformat(value["day"])
    if "time" in value:
        return time.fromisoformat(value["time"])
    return {name: _value(each, rows) for name, each in value["all"].items()}
