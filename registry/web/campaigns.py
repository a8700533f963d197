"""The campaign in a form: chosen from those that the user sees, and the one that is meant at first."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import F, Q

from registry import access
from registry.models import Campaign
from registry.models.base import on_day
from registry.web.address import Address


class CampaignField(forms.ModelChoiceField):  # type: ignore[type-arg]
    """A campaign by its code: those that the user sees, and the one that the row holds."""

    def __init__(self, **options: Any) -> None:
        super().__init__(
            queryset=Campaign.objects.all(),
            to_field_name="code",
            empty_label="无(日常)",
            **{"label": "专项任务", "required": False, **options},
        )

    def label_from_instance(self, obj: Campaign) -> str:
        """Say of one that has ended that it has."""
        return obj.label

    def offer(self, user: access.AnyUser, held: Campaign | None = None) -> None:
        """Offer what the user sees, those that go on first, and what is held already."""
        seen = access.visible(user, Campaign.objects.order_by()).values("pk")
        rows = Campaign.objects.filter(Q(pk__in=seen) | Q(pk=held.pk if held else None))
        self.queryset = rows.order_by(F("ended_on").desc(nulls_first=True), "-started_on", "code")


def campaign_of(user: access.AnyUser, address: Address) -> Campaign | None:
    """Return the campaign of the address, or the only one that goes on, on the day."""
    asked, day = address.question.campaign, address.as_of
    if asked is not None:
        return None if asked.is_over_on(day) else asked
    going_on = list(access.visible(user, Campaign.objects.filter(on_day(day)))[:2])
    return going_on[0] if len(going_on) == 1 else None
