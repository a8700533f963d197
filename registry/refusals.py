"""Refusals: why something cannot be done, in Chinese, by field. Raised by rules, trees and operations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS, PermissionDenied, ValidationError
from django.db.models import Model


class OperationRefused(ValidationError):
    """The operation cannot be done; ``message_dict`` says why, in Chinese, by field."""


class NeedsApproval(OperationRefused):
    """It would change what is approved: another person has to approve it first.

    ``verb`` would be done to ``rows``, of which the first is the one it is about; ``told`` says what it would
    change: (label, as it is, as it would be). ``act`` and ``facts`` are the outermost operation that was
    called and what it was given (``registry.operations.base``), from which it is submitted
    (``registry.operations.submitting``); ``instead`` replaces some of these facts.
    """

    def __init__(
        self, verb: str, rows: Sequence[Model], told: Sequence[Sequence[str]], **instead: Any
    ) -> None:
        super().__init__({NON_FIELD_ERRORS: ["这项变更涉及已批准的内容,须先提交,由另一人批准。"]})
        self.verb, self.rows, self.told = verb, list(rows), [list(line) for line in told]
        self.instead = instead
        self.act, self.facts = "", dict[str, Any]()

    def met(self, act: str, facts: Mapping[str, Any]) -> None:
        """Note an operation that it leaves; the last one stays."""
        self.act, self.facts = act, dict(facts)


class EditConflict(OperationRefused):
    """Somebody else changed the row since the form was opened.

    ``differences`` maps a field to (value now, value of this form) as pages show them: nobody reads here what
    they mask. ``version`` is the row's now.
    """

    def __init__(
        self, message: str, differences: dict[str, tuple[str, ...]], version: int | None = None
    ) -> None:
        super().__init__({NON_FIELD_ERRORS: [message]})
        self.differences = differences
        self.version = version


class NotAllowed(OperationRefused):
    """The actor has not the right to do it there."""


class RefusedByRole(PermissionDenied):
    """The user lacks the role to do ``verb`` with a row in scope; without a row: to do it anywhere."""

    def __init__(self, verb: str, row: Model | None = None) -> None:
        super().__init__(verb)
        self.verb, self.row = verb, row


def refuse(field: str | None, message: str) -> OperationRefused:
    """Return the error to raise: ``message`` at ``field``, or for the whole form when None."""
    return OperationRefused({field or NON_FIELD_ERRORS: [message]})


def need_reason(reason: str, what: str) -> None:
    """Refuse an operation without a reason that the record must have."""
    if not reason.strip():
        raise refuse("reason", f"请说明{what}。")
