"""What loading many rows needs: the rows that others name, the parents, and the rules asked about rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import Model

from registry.models import Campaign, Organization, Person, Source, Unit
from registry.models.text import NormalizedField
from registry.models.unit import code_validator
from registry.models.writer import reserve_ids
from registry.refusals import OperationRefused, refuse
from registry.rules.findings import Finding
from registry.search.index import batches
from registry.trees.bulk_insert import NEW_ROOT, Node, make_room
from registry.trees.order import keys_of

BATCH = 5000


@dataclass(slots=True)
class Known:
    """What the rules ask of a unit or an organization that others name, in little memory."""

    pk: int
    name: str = ""
    opened_on: date | None = None
    closed_on: date | None = None
    kind: str = ""
    state: str = ""
    established_on: date | None = None
    dissolved_on: date | None = None
    ended_on: date | None = None
    left_on: date | None = None
    merged_into_id: int | None = None
    campaign: None = None
    """A history that is loaded whole places people as they were placed."""

    def is_open_on(self, day: date) -> bool:
        """Whether the unit is there on the day."""
        is_closed = self.closed_on is not None and self.closed_on <= day
        return not is_closed and (self.opened_on is None or self.opened_on <= day)


_KNOWN_OF: dict[type[Model], tuple[str, ...]] = {
    Unit: ("pk", "name", "opened_on", "closed_on"),
    Campaign: ("pk", "name", "ended_on"),
    Organization: ("pk", "name", "kind", "state", "established_on", "dissolved_on"),
}


class References:
    """The rows that others name, by code, asked for in batches and kept."""

    def __init__(self) -> None:
        self._known: dict[type[Model], dict[Any, Known]] = {}

    def of(self, model: type[Model]) -> dict[Any, Known]:
        """Return what is known of a model's rows, by code."""
        return self._known.setdefault(model, {})

    def find(self, model: type[Model], wanted: Iterable[Any]) -> dict[Any, Known]:
        """Return what is known of everything in ``wanted`` that names a row; refuse what does not exist."""
        key = "number" if model in (Person, Source) else "code"
        known = self.of(model) if model is not Person else {}  # people are too many to keep
        missing = sorted({value for value in wanted if value not in known} - {None, ""})
        names = _KNOWN_OF.get(model, ("pk",))
        for values in batches(missing, 500 if connection.vendor == "sqlite" else BATCH):
            rows = model._base_manager.filter(**{f"{key}__in": values}).order_by()
            for code, *facts in rows.values_list(key, *names):
                known[code] = Known(**dict(zip(names, facts, strict=True)))
        for value in missing:
            if value not in known:
                raise refuse(None, f"没有代码为“{value}”的{model._meta.verbose_name}。")
        return known


def pk_of(named: Any, known: Mapping[Any, Known]) -> int | None:
    """Return the key of the row that is named; None where none is."""
    return None if named is None or named == "" else known[named].pk


def refuse_row(key: str, message: str) -> OperationRefused:
    """Return the error to raise about the row with a code or number."""
    return OperationRefused({"rows": [f"{key}:{message}"]})


def ask(rule: Callable[[Sequence[Any]], Iterable[Finding]], proposals: Mapping[Any, str]) -> None:
    """Ask a rule about the rows' proposals; refuse the first row that it refuses, by its code."""
    for finding in rule(list(proposals)):
        raise refuse_row(proposals[finding.subject], finding.message)


@lru_cache
def choices_of(model: type[Model]) -> dict[str, frozenset[str]]:
    """Return the values that a model's fields know, by field."""
    fields: Any = model._meta.concrete_fields
    return {
        field.name: frozenset(value for value, _ in field.flatchoices) for field in fields if field.choices
    }


def check_texts(model: type[Model], rows: Sequence[Any], key: str) -> None:
    """Refuse rows with a number or name that is not as its field keeps it."""
    for field in model._meta.concrete_fields:
        if isinstance(field, NormalizedField) and hasattr(rows[0], field.name):
            for row in rows:
                if (text := getattr(row, field.name)) != field.normalized(text):
                    raise refuse_row(
                        getattr(row, key), f"{field.verbose_name}“{text}”含有多余的空格、标点或字符。"
                    )


def check_choices(model: type[Model], rows: Sequence[Any], key: str) -> None:
    """Refuse rows with a value that their field does not know."""
    for name, allowed in choices_of(model).items():
        for row in rows:
            if hasattr(row, name) and getattr(row, name) not in allowed:
                label = model._meta.get_field(name).verbose_name  # type: ignore[union-attr]
                raise refuse_row(getattr(row, key), f"{label}“{getattr(row, name)}”不存在。")


class Forest:
    """The parents of the rows to load: earlier rows, or rows that are there already."""

    def __init__(self, model: type[Any]) -> None:
        self.model = model
        self.places: dict[str, int] = {}
        self.parents: list[int] = []
        self.keys: list[str] = []
        self.outer: dict[int, str] = {}

    def add(self, row: Any, references: References) -> None:
        """Note a row with its parent. Refuses a code that cannot be, or was there before."""
        code, parent = row.code, row.parent
        try:
            code_validator(code)
        except ValidationError:
            raise refuse_row(code, str(code_validator.message)) from None
        if code in self.places:
            raise refuse_row(code, "代码重复。")
        if parent == code:
            raise refuse_row(code, "上级不能是自己。")
        self.parents.append(self.places.get(parent, NEW_ROOT))
        if parent and parent not in self.places:
            self.outer[len(self.places)] = parent
        self.places[code] = len(self.places)
        self.keys += keys_of(self.model, [row])
        facts = {name: getattr(row, name) for name in _KNOWN_OF[self.model] if name != "pk"}
        references.of(self.model)[code] = Known(0, **facts)

    def grow(self, references: References) -> None:
        """Make room for the rows, and give them their keys."""
        above: dict[str, Any] = {}
        for some in batches(sorted(set(self.outer.values())), 500):
            above.update((row.code, row) for row in self.model._base_manager.filter(code__in=some))
            for code in some:
                if code not in above:
                    raise refuse("parent", f"没有代码为“{code}”的上级;上级须排在下级之前。")
        anchors = {
            i: Node(row.pk, row.tree_id, row.lft, row.rght, row.level)
            for i, code in self.outer.items()
            for row in [above[code]]
        }
        self.intervals = make_room(self.model, self.parents, anchors, self.keys)
        self.ids = reserve_ids(self.model, len(self.parents))
        self.anchors = anchors
        known = references.of(self.model)
        for code, i in self.places.items():
            known[code].pk = self.ids[i]

    def node(self, i: int) -> tuple[Any, ...]:
        """Return key, parent and interval of a row, for the columns ``NODE``."""
        parent = self.parents[i]
        above = self.ids[parent] if parent != NEW_ROOT else self.anchors[i].pk if i in self.anchors else None
        return (self.ids[i], above, *self.intervals.of(i))


NODE = ("id", "parent_id", "tree_id", "lft", "rght", "level")
