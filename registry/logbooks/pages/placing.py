"""The page on which people whom an entry names are placed in an organization by one act."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import Http404, HttpRequest, HttpResponse

from registry import access
from registry.logbooks.design import Placing
from registry.logbooks.models import Entry
from registry.logbooks.operations.kept import people_of, python_values
from registry.logbooks.operations.parts import design_at
from registry.logbooks.operations.placing import place_chosen
from registry.logbooks.pages.changes import around, at_hand
from registry.models import Person
from registry.web.address import actor_of, address_of
from registry.web.changes import Job, change, changes_something, posted
from registry.web.fields import DayField, PickerField, ScopedForm, document_field


class PlaceForm(ScopedForm):
    """Who is placed, where, from which day on."""

    people = forms.MultipleChoiceField(
        label="编入的人员",
        widget=forms.CheckboxSelectMultiple(attrs={"data-wide": ""}),
        error_messages={"required": "请至少勾选一人。"},
    )
    organization = PickerField("organization", label="编入的组织", verb="assign_person")
    on = DayField(label="编入日期")
    document_number = document_field("任命文号")

    renames = {"members": "people", "started_on": "on"}

    def offer(self, people: dict[int, Person]) -> None:
        """Let these people be ticked."""
        self.offered = people
        self.fields["people"].choices = [  # type: ignore[attr-defined]
            (str(pk), f"{person.name} · {person.home_unit.label}") for pk, person in people.items()
        ]

    def arguments(self) -> dict[str, Any]:
        """Return what the operation takes."""
        people = [self.offered[int(pk)] for pk in self.cleaned_data["people"]]
        return {**super().arguments(), "people": people}


@changes_something
def place(request: HttpRequest, code: str) -> HttpResponse:
    """Place those who are ticked; who was chosen is ticked at first."""
    row: Entry = at_hand(request, code, "step_entry")
    access.need_somewhere(request.user, "assign_person")
    design = design_at(row.logbook, row.unit)
    if design.placing is None:
        raise Http404("本台账没有约定编入。")
    placing: Placing = design.placing
    named = python_values(row, design, people_of(request.user, row))
    chosen, offered = (
        [each for each, _role in named.get(key, ())] for key in (placing.chosen, placing.offered)
    )
    into = named.get(placing.into)
    initial = {
        "people": [str(person.pk) for person in chosen],
        "on": address_of(request).as_of,
        "organization": into if access.may(request.user, "assign_person", into) else None,
    }
    form = PlaceForm(posted(request), user=request.user, row=row, initial=initial)
    form.offer({person.pk: person for person in (*chosen, *offered)})
    step = design.step_by_key[placing.step].label
    job = Job(request, row, "编入选定人员")
    return change(
        request,
        form,
        lambda: place_chosen(actor=actor_of(request), entry=row, **form.arguments()),
        done=lambda made: f"已编入 {len(form.cleaned_data['people']):,} 人,“{made}”已办理“{step}”。",
        back=job.url(row),
        template="logbooks/confirm.html",
        context={
            **around(job),
            "title": job.title,
            "submit_label": "编入",
            "sentences": [f"勾选的人员编入所选组织,职责为成员;本条转到“{step}”。可以一并撤回。"],
        },
        on=[row],
    )
