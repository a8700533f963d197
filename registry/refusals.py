"""Refusals: why something cannot be done, in Chinese, by field. Raised by rules, trees and operations."""

from __future__ import annotations

from django.core.exceptions import NON_FIELD_ERRORS, PermissionDenied, ValidationError
from django.db.models import Model


class OperationRefused(ValidationError):
    """The operation cannot be done; ``message_dict`` says why, in Chinese, by field."""


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
