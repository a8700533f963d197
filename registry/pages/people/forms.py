"""Forms for people and their assignments."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html

from registry import access
from registry.models import (
    Assignment,
    Organization,
    Person,
    PersonCategory,
    PoliticalStatus,
    Role,
    Unit,
)
from registry.operations.people import EDITABLE
from registry.pages.people.placing import ROLES, PlacingForm
from registry.rules.borrowing import Claim, find_people, taken
from registry.rules.placements import AS_MEMBER, DAY_AFTER, RELIEVE
from registry.web.fields import (
    DayField,
    EditForm,
    PickerField,
    ScopedForm,
    document_field,
    reason_field,
    text_of,
)


class _Version(forms.IntegerField):
    """The version the form was opened on, against lost updates."""

    def __init__(self) -> None:
        super().__init__(widget=forms.HiddenInput, required=False)


def _explanation() -> forms.CharField:
    return forms.CharField(label="说明", max_length=300, required=False)


class _PersonFacts(ScopedForm):
    """The plain facts of a person."""

    name = text_of(Person, "name")
    number = text_of(Person, "number", help_text="保留前面的零。")
    category = forms.ChoiceField(label="人员类别", choices=PersonCategory.choices)
    title = forms.CharField(label="职务", max_length=60, required=False)
    phone = text_of(Person, "phone")
    joined_on = DayField(
        label="入党日期", required=False, help_text="自该日起计入党员,此前不计;不知道的不填。"
    )
    confirmed_on = DayField(label="转正日期", required=False, help_text="不填的,正式党员按预备期一年推算。")
    note = forms.CharField(label="备注", max_length=300, required=False)

    folded: tuple[str, ...] = ("phone", "note")


class PersonForm(_PersonFacts):
    """A new person at a unit."""

    political_status = forms.ChoiceField(
        label="政治面貌",
        choices=PoliticalStatus.choices,
        help_text="以后的变化用“变更政治面貌”按日登记。",
    )
    home_branch = PickerField(
        "organization",
        label="组织关系所在支部",
        required=False,
        help_text="常设党组织;临时党组织不接转组织关系。",
    )

    field_order = [
        *("name", "number", "category", "political_status"),
        *("joined_on", "confirmed_on", "title", "home_branch"),
    ]

    def clean(self) -> None:
        """Refuse people who are registered elsewhere: they are borrowed or transferred, not entered again."""
        number, name = (self.cleaned_data.get(each, "") for each in ("number", "name"))
        if why := taken(self.user, [Claim(number, name)]).get(number, ""):
            asked = urlencode({"number": number, "name": name})
            said = format_html('{} <a href="{}?{}">借调编入</a>', why, reverse("person_borrow"), asked)
            self.add_error("number", said)


class PersonEditForm(EditForm, _PersonFacts):
    """The plain facts of a person, edited."""

    version = _Version()

    def clean(self) -> None:
        """Refuse a number that somebody has whose number the user does not see."""
        super().clean()
        number = self.cleaned_data.get("number", "")
        if number and number != self.row.number:
            claim = Claim(number, self.cleaned_data.get("name", ""))
            if why := taken(self.user, [claim]).get(number, ""):
                self.add_error("number", why)

    reason = reason_field("修改原因", help_text="改动入党日期或转正日期须说明:以往各日的党员数随之更正。")

    held = EDITABLE


class StatusForm(ScopedForm):
    """Another political status from a day on."""

    status = forms.ChoiceField(label="新的政治面貌", choices=PoliticalStatus.choices)
    on = DayField(label="自哪天起", help_text="此日以前的统计仍按原政治面貌。")
    reason = _explanation()

    renames = {"political_status": "status"}


class TransferForm(ScopedForm):
    """Another home unit and branch."""

    home_unit = PickerField(
        "unit", label="所属单位", verb="transfer_person", help_text="须在您可以录入的单位范围内。"
    )
    home_branch = PickerField(
        "organization",
        label="组织关系所在支部",
        required=False,
        help_text="常设党组织;临时编入不受影响。",
    )
    on = DayField(label="自哪天起", help_text="此日以前仍按原单位和支部统计。")
    reason = _explanation()

    held = ("home_unit", "home_branch")


class AssignForm(PlacingForm):
    """Many people into one organization, each with a role."""

    started_on = DayField(label="编入日期")
    document_number = document_field("任命文号")
    ended_on = DayField(label="结束日期", required=False, help_text="已经结束的编入才填;当天不再计入。")

    folded = ("ended_on",)
    may_be_future = ("ended_on",)
    unsent = ("numbers",)
    starts = "started_on"

    @property
    def roster_unit(self) -> Unit:
        """Where the organization stands."""
        unit: Unit = self.row.unit
        return unit

    def clean(self) -> None:
        """Ask for at least one person."""
        if not self.cleaned_data.get("members") and not self.errors.keys() & {"members", "numbers"}:
            self.add_error("members", "请至少选择一人,或粘贴警号。")

    def arguments(self) -> dict[str, Any]:
        """Return everybody as ``members``, with the offers that are taken up."""
        sent = super().arguments()
        if sent["ended_on"] == sent["started_on"]:
            sent["ended_on"] = counting_end(self, sent["ended_on"])
        return {
            **sent,
            "members": as_members(self, sent["members"]),
            "relieve": secretaries_relieved(self, self.row),
        }


class AssignOneForm(ScopedForm):
    """One person into an organization."""

    organization = PickerField(
        "organization", label="编入组织", verb="assign_person", help_text="须在您可以录入的单位范围内。"
    )
    role = forms.ChoiceField(label="职责", choices=ROLES)
    started_on = DayField(label="编入日期")
    document_number = document_field("任命文号")

    renames = {"members": "organization"}

    def arguments(self) -> dict[str, Any]:
        """Return the assignment, with the secretary who is relieved."""
        sent = super().arguments()
        return {**sent, "relieve": secretaries_relieved(self, sent["organization"])}


class BorrowForm(AssignOneForm):
    """Somebody of another unit into an organization, by whole number and name."""

    number = forms.CharField(label="警号", max_length=30, help_text="完整警号,保留前面的零。")
    name = forms.CharField(label="姓名", max_length=40, help_text="与登记的姓名完全一致。")
    document_number = document_field("借调或任命文号")

    field_order = ("number", "name")
    unsent = ("number", "name")
    renames = {"members": "number"}

    def clean(self) -> None:
        """Find the person: number and name must both agree."""
        if self.cleaned_data.keys() >= {"number", "name"}:
            claim = Claim.of(self.cleaned_data["number"], self.cleaned_data["name"])
            found = find_people(self.user, [claim])
            if claim in found.people:
                self.cleaned_data["person"] = found.people[claim]
            else:
                self.add_error("number", found.problems[claim])


class _AssignmentChoice(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]
    user: access.AnyUser

    def label_from_instance(self, obj: Any) -> str:
        person = obj.person
        named = f"{person.name}({access.shown_number(self.user, person)})"
        return f"{named} {obj.get_role_display()},{obj.started_on:%Y-%m-%d} 起"


def _offer(form: ScopedForm, name: str, pks: list[int]) -> None:
    """Offer these assignments to be ticked in a field."""
    field = form.fields[name]
    assert isinstance(field, _AssignmentChoice)
    field.user = form.user
    rows = Assignment.objects.filter(pk__in=pks).select_related("person__home_unit", "organization")
    field.queryset = rows.order_by("person__order_key", "pk")


class EndManyForm(ScopedForm):
    """Several members of an organization leave on one day."""

    everyone = forms.BooleanField(label="全部人员", required=False)
    assignments = _AssignmentChoice(
        queryset=Assignment.objects.none(),
        label="结束编入的人员",
        widget=forms.CheckboxSelectMultiple(attrs={"data-wide": ""}),
        required=False,
    )
    on = DayField(label="结束日期", help_text="当天起不再计入。")
    reason = _explanation()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.rows = rows = members_to_end(self.row.pk, timezone.localdate())
        _offer(self, "assignments", [row.pk for row in rows])
        self.fields["everyone"].label = f"全部 {len(rows):,} 人"

    def clean(self) -> None:
        """Ask for at least one member."""
        chosen = self.cleaned_data.get("everyone") or self.cleaned_data.get("assignments")
        if not chosen and "assignments" not in self.errors:
            self.add_error("assignments", "请至少勾选一人。")

    def arguments(self) -> dict[str, Any]:
        """Return each assignment to end with its day, and the reason."""
        sent = super().arguments()
        rows = self.rows if sent.pop("everyone") else sent["assignments"]
        return {"ends": ends(self, list(rows), sent["on"]), "reason": sent["reason"]}


class AssignmentEditForm(EditForm):
    """The days and the document of an assignment, corrected; with who began on the same day."""

    started_on = DayField(label="编入日期")
    ended_on = DayField(label="结束日期", help_text="当天起不再计入。")
    document_number = document_field("任命文号")
    everyone = forms.BooleanField(label="同日编入的其他人也一并更正", required=False)
    also = _AssignmentChoice(
        queryset=Assignment.objects.none(),
        label="同日编入的其他人",
        widget=forms.CheckboxSelectMultiple(attrs={"data-wide": ""}),
        required=False,
        help_text="勾选的人一并改为新的编入日期。",
    )
    reason = reason_field("更正原因", help_text="记入操作记录。更正日期时必须填写。")

    held = ("started_on", "ended_on", "document_number")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        row = self.row
        if row.ended_on is None:  # ending is an operation of its own
            del self.fields["ended_on"]
        others = Assignment.objects.valid().filter(
            organization=row.organization_id, started_on=row.started_on
        )
        self.others = list(others.exclude(pk=row.pk).values_list("pk", flat=True))
        if self.others:
            self.fields["everyone"].label = f"同日编入的其他 {len(self.others):,} 人也一并更正"
            _offer(self, "also", self.others)
        else:
            del self.fields["everyone"], self.fields["also"]

    def arguments(self) -> dict[str, Any]:
        """Return the others to be corrected as ``also``."""
        sent = super().arguments()
        if sent.pop("everyone", False):
            sent["also"] = Assignment.objects.filter(pk__in=self.others)
        return {**sent, "also": list(sent.get("also", ()))}


class RoleForm(ScopedForm):
    """Another role from a day on."""

    role = forms.ChoiceField(label="新的职责", choices=Role.choices)
    on = DayField(label="自哪天起", help_text="填编入当天即更正原职责,不留变动。")
    document_number = document_field("任命文号")
    version = _Version()

    held = ("role",)

    def arguments(self) -> dict[str, Any]:
        """Return the change, with the secretary who is relieved."""
        return {**super().arguments(), "relieve": secretaries_relieved(self, self.row.organization)}


class EndForm(ScopedForm):
    """One assignment ends."""

    on = DayField(label="结束日期", help_text="当天起不再计入。")
    reason = _explanation()
    version = _Version()

    renames = {"ended_on": "on"}

    def arguments(self) -> dict[str, Any]:
        """Return the end; the day after where that offer is taken up."""
        sent = super().arguments()
        ((_row, day),) = ends(self, [self.row], sent["on"])
        return {**sent, "on": day}


class WithdrawForm(ScopedForm):
    """Something entered by mistake is taken back."""

    reason = forms.CharField(label="撤回原因", max_length=300)


def secretaries_relieved(form: ScopedForm, organization: Organization) -> list[Assignment]:
    """Return the secretaries of ``organization`` who become members, as was offered."""
    pks = [key for key in form.accepted(RELIEVE) if key.isdecimal()]
    rows = Assignment.objects.valid().filter(organization=organization, role=Role.SECRETARY)
    return list(rows.filter(pk__in=pks)) if pks else []


def as_members(form: ScopedForm, people: Iterable[tuple[Person, str]]) -> list[tuple[Person, str]]:
    """Return everybody, each with the role; who is one secretary too many is a member, as was offered."""
    too_many = form.accepted(AS_MEMBER)
    return [
        (person, Role.MEMBER.value if role == Role.SECRETARY and str(person.pk) in too_many else role)
        for person, role in people
    ]


def counting_end(form: ScopedForm, day: date) -> date:
    """Return the end of what began on the same ``day``: the day after, where that offer is taken up."""
    return day + timedelta(days=1) if form.accepted(DAY_AFTER) else day


def ends(form: ScopedForm, rows: Sequence[Assignment], on: date) -> list[tuple[Assignment, date]]:
    """Return each assignment with the day on which it ends; see ``counting_end``."""
    return [(row, counting_end(form, on) if row.started_on == on else on) for row in rows]


def with_members(chosen: Iterable[tuple[Person, str]]) -> list[tuple[Person, str]]:
    """Return everybody chosen, once, with the first role that is more than a member's."""
    member = Role.MEMBER.value
    placed: dict[int, tuple[Person, str]] = {}
    for person, role in chosen:
        if placed.get(person.pk, (person, member))[1] == member:
            placed[person.pk] = person, role
    return list(placed.values())


def members_to_end(organization_pk: int, today: date) -> list[Assignment]:
    """Return the assignments of an organization that have not ended by ``today``."""
    rows = Assignment.objects.valid().filter(
        Q(ended_on__isnull=True) | Q(ended_on__gt=today), organization_id=organization_pk
    )
    return list(rows.select_related("person", "organization__unit").order_by("person__order_key", "pk"))
