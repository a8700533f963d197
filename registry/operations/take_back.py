"""Taking an act back: the rows that it wrote are set to what they held, those that it added are removed.

Each operation keeps with its entries of the record what it wrote, row by row (``AuditEntry.rows``). Taking
back reads that backwards, under the locks that the writing took. It is refused as a whole, with what stands
in the way by name, when a row holds something else by now, when something was built on a row that would go,
or when the rules would not have the rows so. One entry of the record names the one that it undoes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from itertools import groupby
from typing import Any

from django.apps import apps
from mptt.models import MPTTModel

from registry import access, audit, locks, nouns
from registry.audit import Actor
from registry.counting.totals.write import (
    following,
    following_hierarchy,
    following_in_parts,
    owners_of,
)
from registry.models import Assignment, AuditEntry, Organization, Unit, WorkflowState, journal
from registry.models.approvable import Approvable
from registry.models.base import Registered
from registry.models.writer import write_new
from registry.operations.acts import (
    AT_ONCE,
    BATCH,
    Act,
    Change,
    Key,
    obstacles,
    owner_of,
)
from registry.operations.base import (
    fresh,
    fresh_all,
    need_approval,
    need_right,
    operation,
    write_each,
    write_values,
)
from registry.refusals import OperationRefused, need_reason
from registry.rules import organizations as organization_rules
from registry.rules import units as unit_rules
from registry.rules.findings import MOST_SAID, refuse_if
from registry.search import index as search
from registry.search.index import batches
from registry.trees.moves import move_last, uproot
from registry.trees.order import ORDERED_BY, put_in_order

_FROZEN = (*organization_rules.FROZEN, "state")


@operation
def take_back(*, actor: Actor, entry: AuditEntry, reason: str) -> str:
    """Take the act back that begins with the entry; return in words what was set back.

    Raises ``OperationRefused`` with everything that stands in the way. The actor needs the right to all that
    the act did, where the rows are now and where they go back to.
    """
    need_reason(reason, "撤回原因")
    act = Act(entry)
    _take_locks(act)
    act = act.renewed()
    _need_rights(actor, act)
    for guard in nouns.handed_up("take_back_guards"):
        guard(actor, list(act.rows.values()))
    if found := obstacles(act):
        raise OperationRefused({"__all__": [each.text for each in found[:MOST_SAID]]})
    _need_approval(actor, act)
    unit = _unit_of(act)
    _set_back(act)
    _ask_at_the_end(act)
    journal.take()  # a taking back is not taken back itself: the act is done again
    _record(actor, act, unit, reason)
    return act.said()


_DECISIONS = ("approve_organization", "approve_submission", "approve_entry")


def _need_approval(actor: Actor, act: Act) -> None:
    """Refuse to set approved facts back alone: another person approves it, but for one's own decision."""
    if act.head.verb in _DECISIONS and actor.user is not None and act.head.user_id == actor.user.pk:
        return
    columns = {Organization._meta.get_field(name).attname for name in _FROZEN}  # type: ignore[union-attr]
    is_decision = any(entry.verb in _DECISIONS for entry in act.entries)
    changed: dict[type[Approvable], dict[int, Approvable]] = defaultdict(dict)
    were_approved: set[Key] = set()
    for change in act.changes:
        row = act.owner_of(_rows_of(act, [change])[0])
        if isinstance(row, Assignment):
            row = row.organization if is_decision else None
        is_frozen = change.model is not Organization or bool(columns & {*(change.before or columns)})
        if isinstance(row, Approvable) and is_frozen:
            changed[type(row)][row.pk] = row
            if (change.before or {}).get("state") == WorkflowState.APPROVED:
                were_approved.add((type(row), row.pk))
    told = [("撤回操作", nouns.label_of(act.head.verb), act.said())]
    rows = [row for model, some in changed.items() for row in model.changed_by_two(some.values())]
    is_approved = any((type(row), row.pk) in were_approved for row in rows)
    need_approval(actor, act.head.verb, rows, lambda: told, is_approved=is_approved)


def may_take_back(user: access.AnyUser, act: Act) -> bool:
    """Whether the user may do all that the act did, at what it wrote and where that goes back to."""
    return all(access.may(user, verb, *rows) for verb, rows in _rights(act))


def _need_rights(actor: Actor, act: Act) -> None:
    for verb, rows in _rights(act):
        need_right(actor, verb, *rows)


def _rights(act: Act) -> list[tuple[str, list[Any]]]:
    """Return what one must have the right to do with which rows."""
    by_verb: dict[str, list[Any]] = defaultdict(list)
    for entry in act.entries:
        there = [act.rows.get((apps.get_model(label), pk)) for _, label, pk, _, _ in entry.rows]
        known = [act.owner_of(row) for row in there if row is not None]
        rows = [row for row in known if nouns.describes(type(row))]
        by_verb[entry.verb] += rows or _about(entry)
    if act.head.verb in _DECISIONS:  # who decided it need not have the right to enter it
        by_verb = {act.head.verb: [row for rows in by_verb.values() for row in rows]}
    asked = [(verb, rows) for verb, rows in by_verb.items() if rows]
    if back := list(_units_back(act).values()):
        asked.append((asked[0][0], back))
    return asked


def _about(entry: AuditEntry) -> list[Any]:
    """Return the row that an entry is about, for one that wrote only dated rows of it."""
    if not entry.rows or not nouns.knows(entry.noun):
        return []
    return list(nouns.by_key(entry.noun).model._base_manager.filter(pk=entry.object_id))


def _units_back(act: Act) -> dict[int, Unit]:
    """Return the units to which rows go back."""
    pks = set()
    for change in act.changes:
        for name, value in (change.before or {}).items():
            field = change.model._meta.get_field(name)
            if field.is_relation and field.related_model is Unit and value is not None:
                pks.add(value)
    return {
        unit.pk: unit for some in batches(sorted(pks), AT_ONCE) for unit in Unit.objects.filter(pk__in=some)
    }


def _take_locks(act: Act) -> None:
    """Take the locks of everything that the act wrote, in the global order."""
    units, hosts, organizations = set(), set(_units_back(act)), set()
    is_of_hierarchy = False
    for change in act.changes:
        is_of_hierarchy |= change.is_of_hierarchy or change.model is Unit
        if change.model is Unit:
            units.add(change.pk)
        elif change.model is Organization:
            organizations |= {change.pk, int((change.before or {}).get("parent_id") or change.pk)}
        elif (pk := getattr(_rows_of(act, [change])[0], "organization_id", None)) is not None:
            organizations.add(pk)
    if is_of_hierarchy:
        locks.lock_unit_tree()
        locks.retire_units(
            unit for some in batches(sorted(units), AT_ONCE) for unit in Unit.objects.filter(pk__in=some)
        )
    locks.use_units(Unit.objects.filter(pk__in=hosts - units))
    if organizations:
        locks.lock_organization_trees(
            row
            for some in batches(sorted(organizations), AT_ONCE)
            for row in Organization.objects.filter(pk__in=some)
        )
    if is_of_hierarchy:
        locks.lock_hierarchy()


# --- Setting back ---------------------------------------------------------------------------------


def _set_back(act: Act) -> None:
    """Write what the rows held, and remove the added ones: backwards, the tree of units last."""
    backwards = act.changes[::-1]
    with following_in_parts():
        for changes in _alike(change for change in backwards if not change.is_of_hierarchy):
            rows = _rows_of(act, changes)
            with following(rows=_counted(changes, rows)):
                _write_back(act, changes, rows)
    of_units = [change for change in backwards if change.is_of_hierarchy]
    moved = [act.rows[change.key] for change in of_units if change.model is Unit and change.before]
    with following_hierarchy(moved) if moved else nullcontext():
        for changes in _alike(of_units):
            _write_back(act, changes, _rows_of(act, changes))


def _rows_of(act: Act, changes: list[Change]) -> list[Any]:
    """Return the rows of changes; those that are not there any more as they were."""
    return [
        act.rows.get(change.key) or change.model(pk=change.pk, **(_values(change) or change.after or {}))
        for change in changes
    ]


def _alike(changes: Any) -> Iterator[list[Change]]:
    """Yield changes of one kind that follow each other, a batch at a time.

    Among changes of one model the order is free, but where a row was changed more than once.
    """

    def kind(change: Change) -> tuple[bool, bool, bool, tuple[str, ...]]:
        before = change.before
        # Back under a superior only when that stands again.
        return (
            before is None,
            change.after is not None,
            "parent_id" not in (before or ()),
            tuple(before or ()),
        )

    for _model, group in groupby(changes, key=lambda change: change.model):
        run = list(group)
        if len({change.pk for change in run}) == len(run):
            run.sort(key=kind, reverse=True)
        for _kind, some in groupby(run, key=kind):
            yield from batches(some, BATCH)


def _counted(changes: list[Change], rows: list[Any]) -> set[Any]:
    """Return whose counts rows of one model may change: as whose they count, or counted before."""
    before = [change.model(pk=change.pk, **_values(change)) for change in changes if change.before]
    return owners_of([*rows, *before]) or {owner_of(row) for row in rows}


def _write_back(act: Act, changes: list[Change], rows: list[Any]) -> None:
    model = changes[0].model
    if changes[0].before is None:
        _remove(model, rows)
    elif changes[0].after is None:
        write_new(rows)
    elif issubclass(model, MPTTModel) and "parent_id" in changes[0].before:
        _move_back(act, changes)
    else:
        _write_values(model, [(row, _values(change)) for row, change in zip(rows, changes, strict=True)])


def _values(change: Change) -> dict[str, Any]:
    """Return what the row held, as Python has it."""
    fields = change.model._meta
    return {name: fields.get_field(name).to_python(value) for name, value in (change.before or {}).items()}


def _write_values(model: Any, changes: list[tuple[Any, dict[str, Any]]]) -> None:
    if not issubclass(model, Registered):
        write_values(changes)
        return
    rows = [row for row, _ in changes]
    candidates = fresh_all(rows)  # whose organizations were set back already
    for candidate, (_, values) in zip(candidates, changes, strict=True):
        for name, value in values.items():
            setattr(candidate, name, value)
    _ask(model, changes[0][1], candidates, is_before=True)
    write_each(changes)
    if model is Unit and ORDERED_BY & changes[0][1].keys():
        put_in_order({row.parent_id for row in rows})
    texts = nouns.of(model).texts if nouns.describes(model) else None
    if texts is not None and set(texts.fields) & changes[0][1].keys():
        search.index_rows(rows)


def _remove(model: Any, rows: list[Any]) -> None:
    """Remove rows on which nothing stands."""
    if issubclass(model, MPTTModel):
        uproot([fresh(row) for row in rows])
    else:
        for some in batches([row.pk for row in rows], AT_ONCE):
            model._base_manager.filter(pk__in=some).delete()


def _move_back(act: Act, changes: list[Change]) -> None:
    """Move nodes back under their former superiors, if the rules allow it now."""
    for before, some in groupby(changes, key=lambda change: change.before):
        assert before is not None
        model = changes[0].model
        nodes = [fresh(act.rows[change.key]) for change in some]
        parent = model.objects.filter(pk=before["parent_id"]).first()
        if model is Unit:
            on = act.head.effective_on
            if on is not None:
                refuse_if(unit_rules.move_refusals([unit_rules.Move(nodes, parent, on)]), superior="")
        else:
            refuse_if(
                organization_rules.move_refusals([organization_rules.Move(node, parent) for node in nodes]),
                parent="",
            )
        more = {name: value for name, value in before.items() if name != "parent_id"}
        move_last(nodes, parent, **more)
        if model is Unit:
            put_in_order([before["parent_id"]])


def _ask(model: Any, names: Iterable[str], rows: list[Any], *, is_before: bool) -> None:
    """Ask the rules about rows of which these columns are set back."""
    for of, columns, rule, before in nouns.handed_up("standing_rules"):
        if of is model and before == is_before and set(names) & set(columns):
            refuse_if(replace(finding, field="") for finding in rule(rows))


def _ask_at_the_end(act: Act) -> None:
    """Ask the rules about the rows as they stand now."""
    names: dict[Key, set[str]] = defaultdict(set)
    for change in act.changes:
        if change.pk not in act.added.get(change.model, ()):
            names[change.key] |= set(change.before or ())
    alike: dict[tuple[Any, frozenset[str]], list[int]] = defaultdict(list)
    for (model, pk), known in names.items():
        alike[model, frozenset(known)].append(pk)
    for (model, columns), pks in alike.items():
        for some in batches(sorted(pks), BATCH):
            _ask(
                model, columns, list(model._base_manager.filter(pk__in=some).order_by("pk")), is_before=False
            )


# --- The record -----------------------------------------------------------------------------------


def _unit_of(act: Act) -> Unit | None:
    """Return the unit at which the taking back is recorded: the entry's, or above it if that one goes."""
    at = Unit.objects.filter(pk=act.head.unit_id or 0).first()
    while at is not None and at.pk in act.added.get(Unit, ()):
        at = at.parent
    return at


def _record(actor: Actor, act: Act, unit: Unit | None, reason: str) -> None:
    head = act.head
    made = audit.entry(
        replace(actor, undoes=head),
        head.verb,
        None,
        unit=unit,
        name=head.object_name,
        before={name: head.after.get(name) for name in head.before},
        after={**head.before, **act.numbers()},
        reason=reason,
        effective_on=head.effective_on,
    )
    made.noun, made.object_id = head.noun, head.object_id
    made.save()
