"""What every operation is: keyword-only, atomic, locked, audited, and clear about what is wrong."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from copy import copy
from operator import itemgetter
from typing import Any, ParamSpec, TypeVar

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import IntegrityError, OperationalError, connection, transaction
from django.db.models import F, Model
from django.utils import timezone

from registry import access, audit, nouns
from registry.audit import Actor
from registry.locks import Busy, TreeChanged, is_busy, patient
from registry.models import User, journal, modes
from registry.models.approvable import Approvable
from registry.models.base import Registered
from registry.models.faults import is_read_only
from registry.models.kinds import WorkflowState
from registry.models.ordering import order_keys
from registry.models.text import NormalizedField
from registry.models.unit import MAX_DEPTH
from registry.operations import seen
from registry.refusals import EditConflict, NeedsApproval, NotAllowed, OperationRefused, refuse
from registry.rules.findings import Finding, refuse_if
from registry.search import index as search
from registry.search.index import batches

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T", bound=Model)
W = TypeVar("W", bound=Registered)
Written = tuple[W, Mapping[str, Any], Mapping[str, Any]]
"""A row, what it had before, and what it has now: what ``audit.record_each`` takes."""

Told = Sequence[Sequence[str]]
"""What would change: (label, as it is, as it would be)."""

ATTEMPTS = 6
BATCH = 5000
_FEW_KINDS = 30
"""So many different changes are written by a statement each; more by statements that name every row."""
GONE = "该记录已不存在,请刷新后重试。"
_OF_LOGINS = ("spend_one_time_password", "forget_sessions", "forget_ended_sessions")
"""Who reads must come in and go out, also while nothing else is changed."""
_DEADLOCK, _SERIALIZATION = "40P01", "40001"


def operation(function: Callable[P, R]) -> Callable[P, R]:
    """Run ``function`` in a transaction, again when it met a deadlock or a tree changed under it.

    After the commit the record may be sealed (``registry.audit.seals``). Raises ``Busy`` when somebody else
    writes longer than anybody is to wait, and refuses everything while the registry is read-only.
    """

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        if is_read_only() and function.__name__ not in _OF_LOGINS:
            raise refuse(None, modes.REFUSED)
        try:
            return begun(*args, **kwargs)
        except NeedsApproval as needed:
            needed.met(function.__name__, kwargs)
            raise
        finally:
            _forget_scopes(kwargs.get("actor"))

    def begun(*args: P.args, **kwargs: P.kwargs) -> R:
        for name, value in kwargs.items():
            if isinstance(value, Iterator):  # would be empty at the second attempt
                kwargs[name] = list(value)
        if connection.in_atomic_block:  # whoever opened the transaction tries again
            try:
                with transaction.atomic():
                    return _run(function, *args, **kwargs)
            except IntegrityError as error:
                raise _in_chinese(error) from error
        with patient():
            return _attempts(function, *args, **kwargs)

    return run


def _forget_scopes(actor: object) -> None:
    """Forget what a page remembers of where its user may act: units may have moved, or been put back."""
    for user in (actor.user, actor.submitted_by) if isinstance(actor, Actor) else ():
        if user is not None:
            access.forget_grants(user)


def _attempts(function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with transaction.atomic():
                return _run(function, *args, **kwargs)
        except TreeChanged:
            if attempt == ATTEMPTS:
                raise refuse(None, "该组织正被多人同时调整,请稍后重试。") from None
        except Busy:
            raise
        except OperationalError as error:
            if is_busy(error):
                raise Busy("a row or the database was not free within the limit") from error
            code = getattr(error.__cause__, "pgcode", None)
            if code not in (_DEADLOCK, _SERIALIZATION) or attempt == ATTEMPTS:
                raise
            time.sleep(0.02 * attempt)
        except IntegrityError as error:
            raise _in_chinese(error) from error
    raise AssertionError("unreachable")


def _run(function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
    from registry.audit.seals import seal_when_due  # it stands on this module's floor

    transaction.on_commit(seal_when_due, robust=True)
    with journal.keeping():
        return function(*args, **kwargs)


def _in_chinese(error: IntegrityError) -> Exception:
    """Two people entered the same thing at once: the database noticed what the checks could not."""
    text = str(error)
    for key, field, message in (
        ("guard_assignment_twice", None, "该人员同一时间已在本组织中。"),
        ("assignment_one_open", None, "该人员同一时间已在本组织中。"),
        ("guard_assignment_outside_life", None, "编入日期超出了组织的存续期间。"),
        ("guard_assignment_after_service", None, "该人员已离职,或该条目已并入另一条目,不能在此后编入。"),
        ("guard_person_service", "on", "该人员刚刚又被编入,请重试。"),
        ("guard_organization_life", "dissolved_on", "有人员的编入日期超出组织的存续期间。"),
        ("unit_depth_bounded", "superior", f"单位层级不能超过 {MAX_DEPTH} 级。"),
        ("organization_depth_bounded", "parent", f"组织层级不能超过 {MAX_DEPTH} 级。"),
    ):
        if key in text:
            return refuse(field, message)
    for noun in nouns.all_nouns():
        for unique in noun.model._meta.concrete_fields:
            names = (f"{noun.model._meta.db_table}{mark}{unique.column}" for mark in "._")
            if unique.unique and unique.editable and any(name in text for name in names):
                return refuse(unique.name, f"该{unique.verbose_name}刚刚被占用,请换一个。")
    return error


def fresh(instance: T) -> T:
    """Return the row of ``instance`` as the database holds it now; refuse when it is gone."""
    model: Any = type(instance)
    row: T | None = model._base_manager.filter(pk=instance.pk).first()
    if row is None:
        raise refuse(None, GONE)
    seen.meet([row])
    return row


def fresh_all(rows: Sequence[T]) -> list[T]:
    """Return the rows as the database holds them now, in the same order; refuse when one is gone."""
    if not rows:
        return []
    now = type(rows[0])._base_manager.in_bulk({row.pk for row in rows})
    if len(now) < len({row.pk for row in rows}):
        raise refuse(None, GONE)
    found = [now[row.pk] for row in rows]
    seen.meet(found)
    return found


def renew(rows: Sequence[Model], *names: str) -> None:
    """Read again what new ``rows`` name, as it is under the locks; what is new itself stays."""
    for name in names:
        named = [row for row in rows if getattr(row, name) is not None and getattr(row, name).pk]
        for row, now in zip(named, fresh_all([getattr(row, name) for row in named]), strict=True):
            setattr(row, name, now)


def may(actor: Actor, verb: str, *rows: Model | None) -> bool:
    """Whether the actor may do ``verb`` at the unit of each row; without rows: anywhere.

    An actor without a user (a command, the demo) may do everything. Who approves what another one submitted
    does it with that one's right, and with the own right to approve.
    """
    if actor.user is None:
        return True
    if actor.submitted_by is not None:
        decides = access.may(actor.user, "approve_organization", *rows)
        return decides and access.may(actor.submitted_by, verb, *rows)
    return access.may(actor.user, verb, *rows) if rows else access.may_somewhere(actor.user, verb)


def need_right(actor: Actor, verb: str, *rows: Model | None) -> None:
    """Refuse unless the actor may do ``verb`` at the unit of each row. Asked once, of rows just read.

    The grants are read anew, too: they may have been ended since the form was opened. What the user saw of
    the rows is compared with what they are now (``registry.operations.seen``).
    """
    if actor.user is not None:
        access.forget_grants(actor.user)
    if not may(actor, verb, *rows):
        raise not_allowed(verb)
    seen.meet(rows, is_final=True)


def need_approval(
    actor: Actor,
    verb: str,
    rows: Sequence[Approvable],
    told: Callable[[], Told],
    *,
    is_approved: bool = False,
    **instead: Any,
) -> None:
    """Refuse to change approved ``rows`` unless another person submitted that, and the actor approves it.

    Asked when nothing else stands in the way, before anything is written. ``told`` says what would change,
    ``is_approved`` that a row would be approved again, ``instead`` replaces facts of the operation where it
    is submitted (``NeedsApproval``).
    """
    is_approved = is_approved or any(row.state == WorkflowState.APPROVED for row in rows)
    if actor.user is None or actor.decides or not is_approved:
        return
    if actor.submitted_by is None or actor.submitted_by.pk == actor.user.pk:
        raise NeedsApproval(verb, rows, told(), **instead)


def stamp(actor: Actor) -> dict[str, Any]:
    """Return what notes on a row that this user wrote to it last: they never approve it then."""
    by = actor.submitted_by or actor.user
    return {"changed_by_id": by.pk} if by is not None else {}


def need_oneself(actor: Actor, verb: str, user: User) -> None:
    """Refuse unless it is the actor's own account, where nobody needs a right."""
    if actor.user is not None and actor.user.pk != user.pk:
        raise not_allowed(verb)


def not_allowed(verb: str) -> NotAllowed:
    """Return the refusal of what the actor has not the right to do."""
    message = f"您没有“{nouns.verb(verb).label}”的权限,或不在您的管理范围内。"
    return NotAllowed({NON_FIELD_ERRORS: [message]})


def check_version(instance: Registered, version: int | None, changes: Mapping[str, Any]) -> None:
    """Refuse when the row has been edited since ``version``, naming both values of each field."""
    if version is None or version == instance.version:
        return
    differences = {
        name: tuple(shown(instance, name, audit.plain(each)) for each in (getattr(instance, name), value))
        for name, value in changes.items()
        if getattr(instance, name) != value
    }
    said = ";".join(
        f"{instance._meta.get_field(name).verbose_name}:现在是“{now}”,您填的是“{mine}”"  # type: ignore[union-attr]
        for name, (now, mine) in differences.items()
    )
    raise EditConflict(
        f"在您填写期间,他人已修改本记录。{said or '所填内容与现在一致'}。请核对后再次保存。",
        differences,
        instance.version,
    )


def shown(instance: Model, name: str, value: Any) -> str:
    """Return a field's value as the pages show it to who works with the row: masked if they mask it."""
    if value is None or value == "":
        return "空"
    if value is True or value is False:
        return "是" if value else "否"
    if isinstance(value, Mapping):  # a row as the record holds it
        return str(value["text"])
    word = nouns.record_words().get(name)
    choices = dict(getattr(instance._meta.get_field(name), "flatchoices", None) or {})
    text = str((word.values if word else choices).get(value, value))
    return access.told(nouns.of(instance), name, text, sees_private=True)


def changed(instance: Model, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of ``changes`` that differ from what ``instance`` holds."""
    return {name: value for name, value in changes.items() if getattr(instance, name) != value}


def kept(row: Model, name: str, value: Any) -> Any:
    """Return a number or name as its field keeps it, anything else as it is."""
    field = row._meta.get_field(name)
    return field.to_python(value) if isinstance(field, NormalizedField) else value


def edited(
    row: W,
    changes: Mapping[str, Any],
    version: int | None,
    *,
    exclude: tuple[str, ...],
    rules: Callable[[W, Mapping[str, Any]], Iterable[Finding]] = lambda candidate, wanted: (),
) -> tuple[W, dict[str, Any]]:
    """Return the row as it would be after an edit, and what changes of what its noun lets be edited.

    Refuses an edit of a row that was edited since ``version``; then, all at once, what the fields do not
    take and what ``rules`` find of the row as it would be and of what changes.
    """
    given = {name: kept(row, name, changes[name]) for name in nouns.of(row).editable if name in changes}
    check_version(row, version, given)
    wanted, candidate = changed(row, given), copy(row)
    for name, value in wanted.items():
        setattr(candidate, name, value)
    if wanted:
        unique = any(getattr(row._meta.get_field(name), "unique", False) for name in wanted)
        refuse_together(
            lambda: refuse_if(rules(candidate, wanted)), lambda: validated(candidate, exclude, unique=unique)
        )
    return candidate, wanted


def write(instance: Registered, changes: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Write ``changes`` to the row and return (before, after); the search index follows.

    Never touches a tree's intervals.
    """
    before = {name: getattr(instance, name) for name in changes}
    write_all([instance], changes)
    return before, dict(changes)


def write_all(instances: Sequence[Registered], changes: Mapping[str, Any]) -> None:
    """Write the same ``changes`` to rows of one model, by one statement; the search index follows.

    Never touches a tree's intervals.
    """
    if not instances:
        return
    type(instances[0])._base_manager.filter(pk__in=[instance.pk for instance in instances]).update(
        **changes, version=F("version") + 1, updated_at=timezone.now()
    )
    for instance in instances:
        journal.note_change(instance, {name: getattr(instance, name) for name in changes}, changes)
        for name, value in changes.items():
            setattr(instance, name, value)
        instance.version += 1
    _keep_order(instances, changes)
    for instance in instances:
        search.follow(instance, changes)


def _keep_order(rows: Sequence[Model], names: Collection[str]) -> None:
    """Write the keys of the official order again where a field that they depend on was changed."""
    for field in order_keys(type(rows[0])):
        if set(names) & set(field.of):
            for row in rows:
                field.pre_save(row, add=False)
            type(rows[0])._base_manager.bulk_update(rows, [field.attname], batch_size=500)


def write_each(changes: Sequence[tuple[W, Mapping[str, Any]]]) -> list[Written[W]]:
    """Write to each row of one model its own changes; return each row with its values before and after.

    The search index of more than one row is the caller's to keep.
    """
    written: list[Written[W]] = [
        (row, {name: getattr(row, name) for name in values}, values) for row, values in changes
    ]
    if len(changes) == 1:
        write(*changes[0])
    elif changes:
        rows = [row for row, _ in changes]
        write_values(changes)
        manager = type(rows[0])._base_manager
        for some in batches([row.pk for row in rows], BATCH):
            manager.filter(pk__in=some).update(version=F("version") + 1, updated_at=timezone.now())
        for row, before, after in written:
            row.version += 1
            journal.note_change(row, before, after)
    return written


def write_values(changes: Sequence[tuple[T, Mapping[str, Any]]]) -> None:
    """Set and write the values alone: one statement for rows that change alike, as long as there are few.

    Their version, the search index and what can be taken back are the caller's to keep.
    """
    if not changes:
        return
    alike: dict[tuple[Any, ...], list[T]] = {}
    for row, values in changes:
        alike.setdefault(tuple(sorted(values.items(), key=itemgetter(0))), []).append(row)
        for name, value in values.items():
            setattr(row, name, value)
    manager = type(changes[0][0])._base_manager
    if len(alike) <= _FEW_KINDS:
        for same, rows in alike.items():
            for some in batches([row.pk for row in rows], BATCH):
                manager.filter(pk__in=some).update(**dict(same))
    else:
        fields = sorted({name for _, values in changes for name in values})
        manager.bulk_update([row for row, _ in changes], fields, batch_size=500)
    _keep_order([row for row, _ in changes], {name for _, values in changes for name in values})


def refuse_together(*checks: Callable[[], object]) -> None:
    """Run all the checks and refuse with everything that they find, so that it is seen at once."""
    said: dict[str, list[str]] = {}
    for check in checks:
        try:
            check()
        except OperationRefused as refusal:
            for name, messages in refusal.message_dict.items():
                said.setdefault(name, []).extend(messages)
    if said:
        raise OperationRefused(said)


def validate_all(
    rows: Sequence[Model], findings: Iterable[Finding] = (), *, exclude: tuple[str, ...], unique: str
) -> None:
    """Refuse what rules find of new rows, and what their fields do not take, all at once.

    One query says whether their codes are taken.
    """
    refuse_together(lambda: refuse_if(findings), lambda: _validate(rows, exclude, unique))


def _validate(rows: Sequence[Model], exclude: tuple[str, ...], unique: str) -> None:
    if len(rows) == 1:
        validated(rows[0], exclude)
        return
    seen: set[str] = set()
    for row in rows:
        validated(row, exclude, unique=False)
        seen.add(getattr(row, unique))
    for some in batches(sorted(seen), 500):
        taken = type(rows[0])._base_manager.filter(**{f"{unique}__in": some}).exists()
        if taken or len(seen) < len(rows):
            error = rows[0].unique_error_message(type(rows[0]), (unique,))
            raise OperationRefused({unique: error})


def validated(instance: Model, exclude: tuple[str, ...] = (), *, unique: bool = True) -> None:
    """Check the fields (and uniqueness) of a row before it is written, with messages by field."""
    try:
        instance.clean_fields(exclude=exclude)
        if unique:
            instance.validate_unique(exclude=exclude)
    except ValidationError as error:
        raise OperationRefused(error.message_dict) from None
