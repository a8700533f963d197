"""Many assignments at once, ticked among an organization's people or in the list of assignments."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest
from django.urls import reverse

from registry import access
from registry.audit import Actor
from registry.models import Role
from registry.models.kinds import ROLE_ORDER
from registry.nouns.assignment import ASSIGNMENT
from registry.operations import assignments as operations
from registry.pages.people.assignments import AssignmentTable
from registry.pages.people.changes import end_warnings, role_warnings
from registry.pages.people.forms import ends, secretaries_relieved
from registry.rules import placements as rules
from registry.rules.findings import warnings
from registry.web.address import address_of
from registry.web.columns import noun_column
from registry.web.fields import DayField, PickerField, document_field, reason_field
from registry.web.lists import with_query
from registry.web.people import person_columns
from registry.web.ticked import Ticked, TickedForm, TickedSubject


class WithdrawManyForm(TickedForm):
    """The reason for taking them back."""

    reason = reason_field("撤回原因", required=True)


class EndTickedForm(TickedForm):
    """The day on which they end."""

    on = DayField(label="结束日期", help_text="当天起不再计入。")
    reason = reason_field("说明")

    renames = {"ended_on": "on"}

    def arguments(self) -> dict[str, Any]:
        """Return each assignment with its end."""
        sent = super().arguments()
        return {"ends": ends(self, self.row.rows, sent["on"]), "reason": sent["reason"]}


class TransferManyForm(TickedForm):
    """Another organization from a day on."""

    organization = PickerField("organization", label="转到组织", verb="assign_person")
    on = DayField(label="转编日期", help_text="当天起在新的组织,原编入在这一天结束。")
    role = forms.ChoiceField(label="职责", choices=[("", "保持原职责"), *Role.choices], required=False)
    document_number = document_field("任命文号")
    reason = reason_field("说明")

    renames = {"started_on": "on", "members": "organization"}

    def arguments(self) -> dict[str, Any]:
        """Return the transfer, with the secretary who is relieved."""
        sent = super().arguments()
        return {**sent, "relieve": secretaries_relieved(self, sent["organization"])}


class RoleManyForm(TickedForm):
    """Another role from a day on."""

    role = forms.ChoiceField(label="新的职责", choices=Role.choices)
    on = DayField(label="自哪天起", help_text="填编入当天即更正原职责,不留变动。")
    document_number = document_field("任命文号")
    reason = reason_field("说明")


class EditManyForm(TickedForm):
    """Other days or another document; what is left empty stays."""

    started_on = DayField(label="编入日期", required=False, help_text="留空的项目不改。")
    ended_on = DayField(label="结束日期", required=False, help_text="只用于已结束的编入;当天起不再计入。")
    document_number = document_field("任命文号")
    reason = reason_field("更正原因", help_text="记入操作记录。更正日期时必须填写。")

    def clean(self) -> None:
        """Ask for something to correct."""
        if not self.errors and not self.changes():
            self.add_error("started_on", "请填写要更正的日期或文号。")

    def changes(self) -> dict[str, Any]:
        """Return what is filled in."""
        names = ("started_on", "ended_on", "document_number")
        return {name: self.cleaned_data[name] for name in names if self.cleaned_data.get(name)}


def _order(row: Any) -> Any:
    return row.organization.code, ROLE_ORDER[row.role], row.person.order_key, row.pk


def _back(request: HttpRequest) -> str:
    """Return the list that the ticks came from: ``of`` names the organization whose people they are."""
    if code := request.GET.get("of", ""):
        organization = access.get_organization(request.user, code)
        return f"{address_of(request).url(organization.get_absolute_url())}#members"
    return with_query(request, reverse("assignments"))


def _who(job: Ticked) -> str:
    names = "、".join(row.person.name for row in job.rows[:3])
    return f"{names}等 {len(job.rows):,} 人次" if len(job.rows) > 3 else f"{names} {len(job.rows):,} 人次"


def _transfer_warnings(job: Ticked) -> list[str]:
    sent = job.sent
    placed = [
        rules.Placement(row.person, sent["organization"], sent["role"] or row.role, sent["on"])
        for row in job.rows
    ]
    return warnings(rules.findings(placed, job.user))


def _transfer(job: Ticked, actor: Actor) -> Any:
    return operations.transfer_assignments(actor=actor, assignments=job.rows, **job.form.arguments())


def _change_roles(job: Ticked, actor: Actor) -> Any:
    sent = job.form.arguments()
    role, on = sent.pop("role"), sent.pop("on")
    changes = [(row, role, on) for row in job.rows]
    for organization in {row.organization for row in job.rows}:
        relieved = secretaries_relieved(job.form, organization)
        changes += [(row, Role.MEMBER.value, on) for row in relieved]
    return operations.change_roles(actor=actor, changes=changes, **sent)


_ASSIGNMENTS = TickedSubject(
    "assignment",
    (
        *person_columns(ASSIGNMENT, lambda line: line.row.person),
        noun_column(ASSIGNMENT, "organization_name", "组织", "row.organization.name", css="text"),
        noun_column(ASSIGNMENT, "role"),
        noun_column(ASSIGNMENT, "started_on"),
        noun_column(ASSIGNMENT, "ended_on"),
        noun_column(ASSIGNMENT, "document_number", rank=3),
    ),
    AssignmentTable,
    _back,
    _order,
)

end = _ASSIGNMENTS.change(
    "end_assignment",
    "结束编入",
    EndTickedForm,
    lambda job, actor: operations.end_assignments(actor=actor, **job.form.arguments()),
    warn=lambda job: end_warnings(job, job.rows),
    sentences=lambda job: ["结束后当天起不再计入,以前各日的统计不变。"],
    done=lambda job, ended: f"{_who(job)}自 {ended[0].ended_on} 起结束编入。",
)
transfer = _ASSIGNMENTS.change(
    "end_assignment",
    "转到其他组织",
    TransferManyForm,
    _transfer,
    sentences=lambda job: ["原编入在转编日期结束,同日起编入新的组织;正式的组织关系不变。"],
    warn=_transfer_warnings,
    done=lambda job, new: f"{_who(job)}自 {job.sent['on']} 起编入 {job.sent['organization'].name}。",
)
role = _ASSIGNMENTS.change(
    "change_role",
    "调整职责",
    RoleManyForm,
    _change_roles,
    warn=lambda job: role_warnings(job, job.rows),
    done=lambda job, rows: f"{_who(job)}自 {job.sent['on']} 起任{Role(job.sent['role']).label}。",
)
edit = _ASSIGNMENTS.change(
    "edit_assignment",
    "更正日期",
    EditManyForm,
    lambda job, actor: operations.edit_assignments(
        actor=actor,
        changes=[(row, job.form.changes()) for row in job.rows],
        reason=job.sent["reason"],
    ),
    sentences=lambda job: ["更正用于登记有误:各日的统计按更正后的日期重新计算。"],
    done=lambda job, rows: f"已更正 {_who(job)}的编入。",
)
withdraw = _ASSIGNMENTS.change(
    "withdraw_assignment",
    "撤回误录的编入",
    WithdrawManyForm,
    lambda job, actor: operations.withdraw_assignments(
        actor=actor, assignments=job.rows, reason=job.sent["reason"]
    ),
    sentences=lambda job: [
        "撤回后这些编入在任何一天都不计入,记录保留。确有其事、只是已经结束的,请用“结束编入”。"
    ],
    done=lambda job, rows: f"已撤回 {_who(job)}的编入,各日统计均不再计入。",
)
