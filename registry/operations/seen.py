"""What the user saw when deciding: an act on something shown is refused when that is another thing by now.

A page puts a mark of each row that it shows into its form (``web.changes``, ``web.ticked``).
The operation compares it with the row that it has just read under its locks: where it reads rows fresh and
where it asks for the right (``registry.operations.base``), so that no operation can forget it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS
from django.db.models import Model
from django.utils.crypto import salted_hmac

from registry.models import Assignment, CoveredUnit, Grant
from registry.refusals import OperationRefused

logger = logging.getLogger(__name__)

_SALT = "registry.operations.seen"
_LENGTH = 5
_NOT_SHOWN = frozenset(
    (
        *("id", "version", "is_sample", "created_at", "updated_at", "mention", "source"),
        *("order_key", "number_key", "key", "parent_inferred", "tree_id", "lft", "rght", "level"),
        *("password", "must_change_password", "password_changed_at", "one_time_is_spent"),
        *("last_login", "date_joined", "skips_start", "list_columns", "email", "wants_mail", "mailed_on"),
        *("submitted_by", "submitted_at", "changed_by", "decided_by", "decided_at"),
    )
)
"""What no page says of a row, or nobody changes."""
Key = tuple[type[Model], Any]


class SeenChanged(OperationRefused):
    """Somebody else changed the row since the user saw it."""

    def __init__(self, row: Model) -> None:
        super().__init__({NON_FIELD_ERRORS: [f"在您打开页面之后,“{row}”已被他人修改。请核对后再次提交。"]})
        self.row = row


def _members(pks: Sequence[int]) -> Any:
    rows = Assignment.objects.valid().filter(organization_id__in=pks).order_by("pk")
    return rows.values_list("organization_id", "person_id", "role", "started_on", "ended_on")


def _grants(pks: Sequence[int]) -> Any:
    rows = Grant.objects.filter(user_id__in=pks).order_by("pk")
    return rows.values_list("user_id", "unit_id", "role", "started_on", "ended_on")


def _covered(pks: Sequence[int]) -> Any:
    rows = CoveredUnit.objects.filter(organization_id__in=pks).order_by("pk")
    return rows.values_list("organization_id", "unit_id", "started_on", "ended_on")


_BESIDE: Mapping[str, Callable[[Sequence[int]], Any]] = {
    "编入人员": _members,
    "授权": _grants,
    "覆盖单位": _covered,
}
"""What stands beside a row on its page, by its label: of each the key of the row, and what it is."""
MEMBERS, GRANTS, COVERED = _BESIDE
_WITH = {MEMBERS: (MEMBERS, COVERED)}
"""Who decides on an organization with its members decides on the units that it covers, too."""


def _digest(value: object) -> str:
    """Return a mark of a value that says nothing about it to whoever has not the server's key."""
    return salted_hmac(_SALT, repr(value)).hexdigest()[:_LENGTH]


def _values(row: Model) -> dict[str, object]:
    return {
        each.name: str(getattr(row, each.attname))
        for each in row._meta.concrete_fields
        if each.name not in _NOT_SHOWN
    }


def marks(rows: Sequence[Model], *beside: str) -> list[str]:
    """Return the mark of each row: of each of its fields, and of what stands ``beside`` it."""
    also: list[dict[int, list[Any]]] = []
    beside = tuple(each for label in beside for each in _WITH.get(label, (label,)))
    for label in beside:
        found: dict[int, list[Any]] = {}
        for pk, *rest in _BESIDE[label]([row.pk for row in rows]):
            found.setdefault(pk, []).append(rest)
        also.append(found)
    return [
        ".".join(
            f"{name}-{_digest(value)}"
            for name, value in (
                *_values(row).items(),
                *((label, each.get(row.pk)) for label, each in zip(beside, also, strict=True)),
            )
        )
        for row in rows
    ]


def short_marks(rows: Sequence[Model], *beside: str) -> list[str]:
    """Return a short mark of each row, for forms that hold thousands of them."""
    return [salted_hmac(_SALT, each).hexdigest()[:12] for each in marks(rows, *beside)]


def differences(mark: str, now: str) -> list[str]:
    """Return the names of the fields, and what stands beside the row, that differ between two marks."""
    before = dict(part.rpartition("-")[::2] for part in mark.split("."))
    after = dict(part.rpartition("-")[::2] for part in now.split("."))
    return [name for name in after if before.get(name) != after[name]]


@dataclass
class _Seen:
    """The marks of the rows that are acted on, with how they are made; those compared under the locks."""

    marks: dict[Key, str]
    make: Callable[..., list[str]]
    beside: tuple[str, ...]
    settled: set[Key] = field(default_factory=set)
    met: set[Key] = field(default_factory=set)


_SEEN: ContextVar[_Seen | None] = ContextVar("registry_seen", default=None)


def _key(row: Model) -> Key:
    return row._meta.concrete_model or type(row), row.pk


@contextmanager
def acting_on(
    seen: Mapping[Model, str], *beside: str, make: Callable[..., list[str]] = marks
) -> Iterator[None]:
    """Let the operation within the block refuse when one of the rows has not its mark any more."""
    found = _Seen({_key(row): mark for row, mark in seen.items()}, make, beside)
    token = _SEEN.set(found)
    try:
        yield
        if never := found.marks.keys() - found.met:
            logger.warning("never compared with what was seen: %s", never)
    finally:
        _SEEN.reset(token)


def meet(rows: Sequence[Model | None], *, is_final: bool = False) -> None:
    """Compare rows just read with what the user saw; the last time under the locks (``is_final``)."""
    seen = _SEEN.get()
    if seen is None:
        return
    known = [
        row for row in rows if row is not None and _key(row) in seen.marks and _key(row) not in seen.settled
    ]
    if not known:
        return
    for row, now in zip(known, seen.make(known, *seen.beside), strict=True):
        if seen.marks[_key(row)] != now:
            raise SeenChanged(row)
        seen.met.add(_key(row))
        if is_final:
            seen.settled.add(_key(row))
