"""The form of setting an edit back."""

from __future__ import annotations

from registry.web.fields import ScopedForm, reason_field


class UndoForm(ScopedForm):
    """Why an edit is set back."""

    reason = reason_field(required=True)
