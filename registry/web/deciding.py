"""What is asked of every approval: which Party organization decided it, by which document, on which day."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast
from urllib.parse import urlencode

from django.utils import timezone

from registry import access
from registry.models import Organization, Unit
from registry.nouns.organization import superiors_of
from registry.rules import approving
from registry.web.fields import DayField, PickerField, ReasonForm, ScopedForm, document_field
from registry.web.ticked import TickedForm


def approving_at(field: PickerField, user: access.AnyUser, units: Iterable[Unit]) -> None:
    """Let the picker of the Party organization that approves also find those above the user's scope."""
    first = min(units, key=lambda unit: (unit.tree_id, unit.lft), default=None)
    if first is not None:
        field.widget.query = urlencode({"below": first.code})
        field.beyond = lambda: superiors_of(first)


class DecisionForm(ScopedForm):
    """The document of an approval; of one organization it begins with the nearest committee above, today."""

    approving_organization = PickerField("organization", label="批准的党组织", required=False)
    approval_number = document_field("批复文号")
    approved_on = DayField(label="批复日期", required=False, help_text="不填就是今天。")

    def about(self, row: Any) -> Organization | None:
        """Return the organization that is decided on."""
        return row if isinstance(row, Organization) else row.organization

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        row, today = kwargs["row"], timezone.localdate()
        about = self.about(row)
        above = approving.nearest([about], today).get(about.pk) if about is not None else None
        by = row.approving_organization or above
        given = {
            "approving_organization": by,
            "approval_number": row.approval_number,
            "approved_on": row.approved_on or today,
        }
        kwargs["initial"] = {**given, **(kwargs.get("initial") or {})}
        super().__init__(*args, **kwargs)
        chosen = cast(PickerField, self.fields["approving_organization"])
        chosen.keep(by)
        approving_at(chosen, self.user, [row.unit])


class DecideManyForm(TickedForm):
    """Approve many by one document; each keeps the number and day that it has. ``row`` holds the ``rows``."""

    approving_organization = PickerField(
        "organization",
        label="批准的党组织",
        required=False,
        help_text="不填就各由其上最近的党委(没有党委的由上级党组织)批准。",
    )
    approval_number = document_field("批复文号(一号多件)", help_text="已有文号的保留自己的文号。")
    approved_on = DayField(
        label="批复日期", required=False, help_text="不填就是今天;已有批复日期的保留自己的日期。"
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chosen = cast(PickerField, self.fields["approving_organization"])
        approving_at(chosen, self.user, [row.unit for row in self.row.rows])


class ReturnManyForm(TickedForm, ReasonForm):
    """Return many with one reason."""
