"""The forms of opinions and receipts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms

from registry.models import Person
from registry.service.models import LONGEST_OPINION, Opinion
from registry.service.records import Record
from registry.service.rules import Writing
from registry.web.fields import DayField, ScopedForm, reason_field
from registry.web.ticked import TickedForm


class _OfCampaign(ScopedForm):
    """A form that belongs to the campaign of the address."""

    def arguments(self) -> dict[str, Any]:
        """Add the campaign."""
        return {**super().arguments(), "campaign": self.initial["campaign"]}


class SignForm(_OfCampaign):
    """The day of the receipt."""

    on = DayField(label="签收日期")


class SignTickedForm(TickedForm):
    """The day of the receipts."""

    on = DayField(label="签收日期")


class ReturnForm(_OfCampaign):
    """Why the receipt is given back."""

    reason = reason_field("退回原因", required=True)


class ReturnTickedForm(TickedForm):
    """Why the receipts are given back."""

    reason = reason_field("退回原因", required=True)


class RemindForm(_OfCampaign):
    """By when the records are to be signed."""

    due_on = DayField(label="签收期限", help_text="和催办说明一起列在对方的“我的待办”里。")
    note = reason_field("催办说明")

    may_be_future = ("due_on",)


class OpinionsForm(ScopedForm):
    """The opinions of some members: a text for each, with the version of the one that was seen.

    A text that stays empty is not written; who is signed for has no field.
    """

    def __init__(
        self, *args: Any, records: Sequence[Record], known: dict[int, Opinion], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.known = known
        self.people: list[Person] = [record.person for record in records if record.receipt is None]
        for person in self.people:
            opinion = known.get(person.pk)
            self.fields[f"text_{person.pk}"] = forms.CharField(
                label=person.name,
                required=False,
                max_length=LONGEST_OPINION,
                initial=opinion.text if opinion else "",
                widget=forms.Textarea(
                    attrs={
                        "rows": "4",
                        "aria-label": f"{person.name}的表现鉴定",
                        "maxlength": LONGEST_OPINION,
                    }
                ),
            )

    def clean(self) -> dict[str, Any]:
        """Show each text that has no field any more, as somebody signed meanwhile: no text is lost."""
        sent: dict[str, Any] = super().clean() or self.cleaned_data
        for name in self.data:
            if name.startswith("text_") and name not in self.fields and self.data[name].strip():
                self.add_error(
                    None,
                    f"有一份鉴定没有保存:该人员的服务记录在您填写期间已被签收,或不再是本组织成员。原文:“{self.data[name]}”。",
                )
        return sent

    def arguments(self) -> dict[str, Any]:
        """Return the texts that are filled in, and those emptied, each with the version that was seen."""
        writings = []
        for person in self.people:
            text, seen = self.cleaned_data[f"text_{person.pk}"], self.data.get(f"version_{person.pk}", "")
            if text or person.pk in self.known:
                is_version = seen.isdecimal() and len(seen) < 10
                writings.append(Writing(person, text, int(seen) if is_version else None))
        return {"writings": writings}
