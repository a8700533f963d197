"""Choosing who is placed: found one by one, pasted in lines, ticked in the roster."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

from django import forms
from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.forms.utils import ErrorDict, ErrorList
from django.http import QueryDict
from django.utils import timezone

from registry import access
from registry.models import Assignment, Person, Role, Unit, WorkflowState
from registry.models.base import in_spans
from registry.models.hierarchy import Span
from registry.pages.people import pasting
from registry.rules import borrowing
from registry.rules.findings import MOST_SAID
from registry.web.fields import PickerField, ScopedForm
from registry.web.reasons import Reason, grouped
from registry.web.text import cleaned

# A member is the usual case, so it comes first; the rest keep their rank.
ROLES: list[Any] = sorted(Role.choices, key=lambda pair: pair[0] != Role.MEMBER)

ROSTER_SHOWN = 20


class PlacedField(PickerField):
    """Finds people in scope as a picker does, and others by number and name, as pasted lines send them."""

    def __init__(self, **options: Any) -> None:
        super().__init__("person", **options)

    def find(self, keys: Iterable[str]) -> dict[str, Any]:
        """Return the people by key, by number, or by "number name"."""
        keys = list(keys)
        found = super().find(keys)
        pairs = {
            key: borrowing.Claim.of(*parts)
            for key in keys
            if key not in found and len(parts := key.split(maxsplit=1)) == 2
        }
        if pairs and self.user is not None:
            asked = borrowing.find_people(self.user, pairs.values())
            found |= {key: asked.people[claim] for key, claim in pairs.items() if claim in asked.people}
        return found

    def note(self, row: Any) -> str:
        """Return the note, which says also that somebody is borrowed."""
        if self.user is None:
            return ""
        is_own = access.inside(row.home_unit, access.spans(self.user))
        return super().note(row) if is_own else f"借调 · {super().note(row)}"


def _said(reason: Reason[str]) -> str:
    """Return a reason with the lines that have it."""
    named = "、".join(reason.places[:MOST_SAID])
    if reason.number == 1:
        return f"{named}:{reason.text}"
    return f"{reason.number:,} 行:{reason.text}({named}{'等' if reason.number > MOST_SAID else ''})"


@dataclass(frozen=True)
class Listed:
    """Somebody of the unit's roster, to be ticked."""

    person: Person
    number: str
    placed: list[str]
    is_chosen: bool


class PlacingForm(ScopedForm):
    """A form that places people: pasted lines and ticked people become rows of ``members`` when it is sent.

    Lines that name nobody stay in the box with the reason. Sent by one of its own buttons (``asks``) it only
    looks people up: nothing is judged, nothing saved.
    """

    members = PlacedField(
        multiple=True,
        roles=ROLES,
        default_role=Role.MEMBER.value,
        label="成员",
        required=False,
        help_text="输入姓名或警号查找,逐个选择,可分别指定职责。",
    )
    numbers = forms.CharField(
        label="粘贴警号、姓名",
        required=False,
        widget=forms.Textarea(
            attrs={"rows": "3", "hx-post": "", "hx-trigger": "change, paste delay:50ms", "data-asks": ""}
        ),
        help_text="每行一人:警号、姓名,先后不限;管理范围内的人员只写一项也可以,其他单位的人员两项都写(借调)。",
    )

    box = "pages/people/_placing.html"
    boxed = ("members", "numbers")
    asks = ("check", "roster_page")

    starts = ""
    """The field with the day on which people are placed."""

    def __init__(
        self, data: QueryDict | None = None, *args: Any, user: access.AnyUser, **kwargs: Any
    ) -> None:
        self.pasted = pasting.Pasted()
        super().__init__(self._sorted(data, user), *args, user=user, **kwargs)
        if self.is_asking():
            self._errors, self.cleaned_data = ErrorDict(), {}
            if said := self._problems():
                self._errors["numbers"] = ErrorList(said)

    def _sorted(self, data: QueryDict | None, user: access.AnyUser) -> QueryDict | None:
        """Return what was sent, pasted and ticked people among the members, the rest left in the box."""
        if data is None or not (data.get("numbers", "").strip() or data.getlist("ticked")):
            return data
        chosen = {
            name.removeprefix("which:"): str(value)
            for name, value in data.items()
            if name.startswith("which:")
        }
        self.pasted = pasting.read(user, data.get("numbers", ""), chosen)
        data = data.copy()
        members = [key for key in data.getlist("members") if key]
        roles = [*data.getlist("members_role"), *[""] * len(members)][: len(members)]
        known = {*members, data.get("secretary", "")}
        pasted = [
            key for key, person in self.pasted.people.items() if not known & {person.key, person.number, key}
        ]
        members += [key for key in dict.fromkeys([*data.getlist("ticked"), *pasted]) if key not in known]
        data.setlist("members", members)
        data.setlist("members_role", [*roles, *[Role.MEMBER.value] * (len(members) - len(roles))])
        data["numbers"] = self.pasted.text
        return data

    def is_asking(self) -> bool:
        """Whether it was sent to look people up, not to be saved."""
        return any(name in self.data for name in self.asks)

    def is_valid(self) -> bool:
        """Whether it may be saved."""
        return not self.is_asking() and super().is_valid()

    def _problems(self) -> list[str]:
        """Return what is wrong with the lines left in the box: a reason that several have is said once."""
        left = ((why, words) for words, why in self.pasted.left.items())
        said = [_said(reason) for reason in grouped(left)]
        namesakes = self.pasted.namesakes.items()
        said += [f"{words}:有 {len(each):,} 人同名,请选一人。" for words, each in namesakes]
        more = len(said) - MOST_SAID
        return [*said[:MOST_SAID], f"另有 {more} 行没有列入,都留在框里。"] if more > 0 else said

    def clean_numbers(self) -> str:
        """Refuse what is left in the box."""
        if said := self._problems():
            raise forms.ValidationError(said)
        return ""

    def main_fields(self) -> list[forms.BoundField]:
        """The fields always shown, except those in the box."""
        return [each for each in super().main_fields() if each.name not in self.boxed]

    def namesakes(self) -> list[tuple[str, list[tuple[str, str]]]]:
        """Return each name that several people share, with key and note of each of them."""
        field = self.fields["members"]
        assert isinstance(field, PlacedField)
        return [
            (words, [(person.key, field.note(person)) for person in together])
            for words, together in self.pasted.namesakes.items()
        ]

    # --- The roster ---

    @property
    def roster_unit(self) -> Unit:
        """The unit whose people can be ticked, with all below it."""
        raise NotImplementedError

    @property
    def is_roster_open(self) -> bool:
        """Whether the roster was just used."""
        return any(self.data.get(name) for name in ("ticked", "roster_q", "roster_page"))

    @property
    def roster_query(self) -> str:
        """What the roster is filtered by."""
        return cleaned(self.data.get("roster_q", ""))

    @cached_property
    def roster_page(self) -> Page[Person]:
        """A page of the unit's people."""
        unit = self.roster_unit
        inside = in_spans([Span(unit.tree_id, unit.lft, unit.rght)], "home_unit__")
        rows: QuerySet[Person] = Person.objects.unmerged().filter(inside)
        if not access.may(self.user, access.SEE, unit):  # who sees the unit sees everybody whose home it is
            rows = access.visible(self.user, rows)
        if self.roster_query:
            rows = access.matching_people(self.user, rows, self.roster_query)
        ordered = rows.select_related("home_unit").order_by("home_unit__lft", "order_key")
        return Paginator(ordered, ROSTER_SHOWN).get_page(self.data.get("roster_page") or 1)

    @cached_property
    def roster(self) -> list[Listed]:
        """The people of the page, where each is placed already, and whether the form has them."""
        people = list(self.roster_page.object_list)
        placed: dict[int, list[str]] = defaultdict(list)
        today = timezone.localdate()
        start = self[self.starts].value()
        day = start if isinstance(start, date) else today
        held = Assignment.objects.as_of(day).filter(person__in=people).order_by("started_on", "pk")
        for row in held.exclude(organization__state=WorkflowState.WITHDRAWN).select_related("organization"):
            placed[row.person_id].append(f"{row.organization.name} {row.get_role_display()}")
        chosen = self._chosen()
        return [
            Listed(
                person,
                access.shown_number(self.user, person),
                placed[person.pk],
                bool(chosen & {person.key, person.number}),
            )
            for person in people
        ]

    def _chosen(self) -> set[str]:
        data: Any = self.data
        if self.is_bound:
            return {*data.getlist("members"), data.get("secretary", "")}
        return {person.key for person, _role in self.initial.get("members") or []}
