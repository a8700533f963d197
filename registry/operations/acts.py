"""An act as the record holds it: the rows that it wrote, and what stands in the way of taking it back."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.apps import apps
from django.db import connection
from django.db.models import Exists, Model, OuterRef, Q, QuerySet

from registry import nouns
from registry.models import AuditEntry, Person, Unit, UnitPlacement, journal
from registry.models.base import Registered
from registry.nouns.noun import Noun, follow
from registry.search.index import batches

BATCH = 2000
AT_ONCE = 500
"""The most keys of one query."""

Key = tuple[type[Model], int]


@dataclass(frozen=True, slots=True)
class Change:
    """One row that an act wrote; ``before`` is None for one that it added, ``after`` for one it removed."""

    place: int
    model: Any
    pk: int
    before: dict[str, Any] | None
    after: dict[str, Any] | None

    @property
    def key(self) -> Key:
        """The row."""
        return self.model, self.pk

    @property
    def is_of_hierarchy(self) -> bool:
        """Whether it is a part of the tree of units: set back last."""
        is_unit = self.model is Unit and (self.before is None or "parent_id" in self.before)
        return is_unit or self.model is UnitPlacement


@dataclass(frozen=True, slots=True)
class Obstacle:
    """A reason why an act cannot be taken back, and the row that it is about."""

    text: str
    row: Model | None = None


class Act:
    """An act as the record holds it: its first entry with those that are part of it."""

    def __init__(self, head: AuditEntry) -> None:
        self.head = head

    @cached_property
    def entries(self) -> list[AuditEntry]:
        """All its entries, in their order."""
        return [self.head, *AuditEntry.objects.filter(part_of=self.head).order_by("pk")]

    @cached_property
    def changes(self) -> list[Change]:
        """The changes of rows, in the order in which they were written."""
        found = [
            Change(place, apps.get_model(label), pk, before, after)
            for entry in self.entries
            for place, label, pk, before, after in entry.rows
        ]
        return sorted(found, key=lambda change: change.place)

    @cached_property
    def rows(self) -> dict[Key, Any]:
        """The rows as they are now, kept from other writers where the database can."""
        pks: dict[Any, set[int]] = defaultdict(set)
        for change in self.changes:
            pks[change.model].add(change.pk)
        rows: dict[Key, Any] = {}
        for model, wanted in pks.items():
            for some in batches(sorted(wanted), AT_ONCE):
                found = model._base_manager.filter(pk__in=some).order_by("pk")
                if model is Person and connection.in_atomic_block:
                    found = found.select_for_update(no_key=True)
                rows |= {(model, row.pk): row for row in found}
        return rows

    def owner_of(self, row: Any) -> Any:
        """Return the row itself, or what it belongs to where it is no noun: of the act's rows, if it can."""
        if nouns.describes(type(row)):
            return row
        for field in row._meta.concrete_fields:
            if field.is_relation and (field.related_model, getattr(row, field.attname)) in self.rows:
                return self.rows[field.related_model, getattr(row, field.attname)]
        return owner_of(row)

    @cached_property
    def added(self) -> dict[Any, set[int]]:
        """The keys of the rows that it added, by model."""
        added: dict[Any, set[int]] = defaultdict(set)
        for change in self.changes:
            if change.before is None:
                added[change.model].add(change.pk)
            elif change.after is None:
                added[change.model].discard(change.pk)
        return added

    def left(self) -> dict[Key, dict[str, Any]]:
        """Return what the act left in each row."""
        left: dict[Key, dict[str, Any]] = defaultdict(dict)
        for change in self.changes:
            if change.after is None:
                left.pop(change.key, None)
            else:
                left[change.key] |= change.after
        return left

    def numbers(self) -> dict[str, int]:
        """Return how many rows of each noun would be set back or removed, by its name in the plural."""
        return {noun.plural: sum(numbers) for noun, *numbers in self.extent()}

    def extent(self) -> list[tuple[Noun, int, int]]:
        """Return of each noun how many rows would be set back, and how many removed."""
        keys = {change.key for change in self.changes if nouns.describes(change.model)}
        found = Counter((nouns.of(model).key, pk in self.added.get(model, ())) for model, pk in keys)
        numbers = [(noun, found[noun.key, False], found[noun.key, True]) for noun in nouns.all_nouns()]
        return [each for each in numbers if any(each[1:])]

    def said(self) -> str:
        """Return the extent in words: 恢复组织 33 个、编入 169 人次;移除人员 2 名."""
        extent = self.extent()
        parts = [
            verb + "、".join(f"{noun.label} {number} {noun.measure}" for noun, number in numbers if number)
            for verb, numbers in (
                ("恢复", [(noun, back) for noun, back, _ in extent]),
                ("移除", [(noun, gone) for noun, _, gone in extent]),
            )
            if any(number for _, number in numbers)
        ]
        return ";".join(parts)

    def left_out(self) -> list[str]:
        """Return the labels of the fields that are not set back, because the record holds them masked."""
        named = [
            str(nouns.by_key(entry.noun).model._meta.get_field(name).verbose_name)  # type: ignore[union-attr]
            for entry in self.entries
            if nouns.knows(entry.noun)
            for name in entry.before
            if name in nouns.by_key(entry.noun).masked
        ]
        return list(dict.fromkeys(named))

    def renewed(self) -> Act:
        """Return the same act; its rows are read again."""
        again = Act(self.head)
        again.entries, again.changes = self.entries, self.changes
        return again


def undone() -> Exists:
    """Return the condition that an entry is undone, it or the act that it is part of, and still is."""
    undoing = AuditEntry.objects.filter(
        Q(undoes=OuterRef("pk")) | Q(undoes=OuterRef("part_of")), undone_by__isnull=True
    )
    return Exists(undoing.order_by())


def takeable(entries: QuerySet[AuditEntry]) -> set[int]:
    """Return the keys of those entries that begin an act which wrote rows and is not undone."""
    parts = Exists(AuditEntry.objects.filter(part_of=OuterRef("pk")).order_by())
    rows = entries.filter(part_of__isnull=True, undoes__isnull=True).exclude(undone()).annotate(parts_=parts)
    found = rows.filter(~Q(rows=[]) | parts).order_by().values_list("pk", "verb", "parts_")
    return {pk for pk, verb, has_parts in found if _can_be(verb, has_parts=has_parts)}


def _can_be(verb: str, *, has_parts: bool) -> bool:
    """Whether what a verb did may be taken back at all; the edit of one row is set back by ``undo``."""
    known = nouns.all_verbs().get(verb)
    return known is not None and not known.final and (has_parts or nouns.edited_by(verb) is None)


def plan_taking_back(entry: AuditEntry) -> tuple[Act, list[Obstacle]]:
    """Return the act that begins with the entry, and what stands in the way of taking it back."""
    act = Act(entry)
    return act, obstacles(act)


# --- What stands in the way -----------------------------------------------------------------------


def obstacles(act: Act) -> list[Obstacle]:
    """Return what stands in the way of taking the act back.

    That is what has changed since in the rows that it wrote, and what was built on those it added.
    """
    if not takeable(AuditEntry.objects.filter(pk=act.head.pk)):
        return [Obstacle("这项操作已经撤回,或不能撤回。")]
    verbs = {entry.verb: nouns.all_verbs().get(entry.verb) for entry in act.entries}
    found = [Obstacle(verb.final) for verb in verbs.values() if verb is not None and verb.final]
    for (model, pk), values in act.left().items():
        row = act.rows.get((model, pk))
        if row is None:
            found.append(_blame(act, model(pk=pk, **values)))
        elif values and journal.values_of(row, values) != values:
            found.append(_blame(act, row))
    for model, pks in act.added.items():
        if issubclass(model, Registered):
            found += _changed_since(act, model, pks)
        found += _built_on(act, model, pks)
    return list(dict.fromkeys(found))


def _changed_since(act: Act, model: Any, pks: set[int]) -> Iterator[Obstacle]:
    """Yield the rows that somebody changed after the act added them."""
    if nouns.describes(model):
        for some in batches(sorted(pks), AT_ONCE):
            later = _later(act, nouns.of(model).key, some)
            for pk in later.order_by().values_list("object_id", flat=True).distinct():
                yield _blame(act, act.rows[model, int(pk or 0)])


def _later(act: Act, key: str, pks: Sequence[int]) -> QuerySet[AuditEntry]:
    """Return what was written to rows after the act, but for what was undone, the newest first."""
    rows = AuditEntry.objects.filter(noun=key, object_id__in=pks, pk__gt=act.head.pk, undoes__isnull=True)
    rows = rows.exclude(rows=[]).exclude(part_of=act.head).exclude(undone())
    return rows.order_by("-pk")


def _blame(act: Act, row: Model) -> Obstacle:
    """Say which later change of a row stands in the way."""
    about = owner_of(row)
    later = _later(act, nouns.of(about).key, [about.pk]).first() if nouns.describes(type(about)) else None
    said = f"{called(about)}此后又有"
    if later is None:
        return Obstacle(f"{said}修改,请先撤回后来的修改。", about)
    when = f"{later.at.astimezone():%Y-%m-%d %H:%M}"
    return Obstacle(f"{said}“{nouns.label_of(later.verb)}”({when} {later.actor}),请先撤回它。", about)


def _built_on(act: Act, model: Any, pks: set[int]) -> Iterator[Obstacle]:
    """Yield what names the rows that the act added, and is not of the act itself."""
    given_back = {(change.model, change.pk, name) for change in act.changes for name in (change.before or {})}
    for relation in model._meta.related_objects:
        column: Any = relation.field
        # What only follows the row does not stand on it: its search terms, its totals, the record. Many to
        # many stand in a table of their own, which is asked by itself.
        if not column.concrete or column.many_to_many or not column.db_constraint:
            continue
        other = relation.related_model
        for some in batches(sorted(pks), AT_ONCE):
            for row in other._base_manager.filter(**{f"{column.name}__in": some}).order_by("pk"):
                is_own = row.pk in act.added.get(other, ()) or (other, row.pk, column.attname) in given_back
                if not is_own:
                    target = act.rows[model, getattr(row, column.attname)]
                    yield Obstacle(f"{called(target)}已被用到:{called(owner_of(row))}。", owner_of(row))


def called(row: Any) -> str:
    """Return the name of a row with its noun: 组织“德城分局临时党支部”, 编入“张三 · 德城分局临时党支部”."""
    if not nouns.describes(type(row)):
        return f"{_word(type(row))}“{row}”"
    noun = nouns.of(row)
    names = [str(follow(row, name)) for name in noun.named] or [str(row)]
    return f"{noun.label}“{' · '.join(names)}”"


def _word(model: Any) -> str:
    return nouns.of(model).label if nouns.describes(model) else str(model._meta.verbose_name)


def owner_of(row: Any) -> Any:
    """Return the row itself, or what it belongs to where it is no noun: a dated row."""
    if nouns.describes(type(row)):
        return row
    for field in row._meta.concrete_fields:
        if field.is_relation and nouns.describes(field.related_model) and getattr(row, field.attname):
            return getattr(row, field.name)
    return row
