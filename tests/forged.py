"""What ``test_attacks`` forges: to each field that takes somebody's code, one of the other bureau."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from django.utils import timezone

from registry.logbooks.operations.logbooks import add_logbook
from registry.models import Organization
from tests.addresses import (
    article,
    branch,
    campaign,
    draft,
    figure,
    joint,
    log,
    logged,
    nothing,
    person,
    reported,
    reported_again,
    spare,
    submitted,
    unit,
    user,
    visit,
)
from tests.factories import ACTOR, assign, make_organization
from tests.logbooks.books import DESIGN, sent_design
from tests.two_bureaus import VISITS, Bureau

TODAY = "2020-03-01"

Forged = tuple[
    str, Callable[[Bureau], list[Any]], Callable[[Bureau], dict[str, Any]], Callable[[Bureau], Any]
]


def register(here: Bureau) -> dict[str, Any]:
    return {
        "kind": "commando_team",
        "name": "新队",
        "code": "new",
        "established_on": TODAY,
        "secretary": here.people[1].key,
    }


def grant(here: Bureau) -> dict[str, Any]:
    return {"role": "viewer", "started_on": timezone.localdate().isoformat()}


def decided(here: Bureau) -> dict[str, Any]:
    return {"approval_number": "甲党〔2020〕1号", "approved_on": TODAY}


def decided_rows(here: Bureau) -> dict[str, Any]:
    return {"rows": Organization.objects.get(code=submitted(here)[0]).pk, **decided(here)}


def other_unit(there: Bureau) -> str:
    return there.unit.code


def other_campaign(there: Bureau) -> str:
    return there.campaign.code


def other_branch(there: Bureau) -> str:
    return there.branch.code


def other_person(there: Bureau) -> str:
    return there.people[3].key


def other_number(there: Bureau) -> str:
    return there.people[3].number


def new_person(here: Bureau) -> dict[str, Any]:
    return {"name": "新人", "number": "NEW", "category": "officer", "political_status": "masses"}


def split(here: Bureau) -> dict[str, Any]:
    """A branch with a group below it, which the form then asks for."""
    make_organization(here.unit, "group", parent=here.branch)
    return {"name": "名", "on": TODAY, "reason": "x", "members": here.assignment.pk}


def edited(here: Bureau) -> dict[str, Any]:
    return {"name": "名", "established_on": "2020-02-01", "version": here.branch.version, "reason": "改"}


def placing(here: Bureau) -> dict[str, Any]:
    return {"started_on": TODAY}


def corrected(here: Bureau) -> dict[str, Any]:
    return {
        "kind": "branch",
        "is_temporary": "on",
        "unit": here.unit.code,
        "established_on": "2020-02-01",
        "version": here.branch.version,
        "reason": "改",
    }


def redrafted(here: Bureau) -> dict[str, Any]:
    version = Organization.objects.get(code=f"{here.code}-draft").version
    return {**corrected(here), "name": "名", "version": version}


def founded(here: Bureau) -> dict[str, Any]:
    return {"units": [here.station.code], "kind": "branch", "established_on": TODAY}


def placed_with_another(here: Bureau) -> list[Any]:
    """The secretary's assignment, and somebody who began on the same day: he can be corrected along."""
    assign(here.branch, here.people[2], started_on=here.assignment.started_on)
    return [here.assignment.pk]


def log_about(what: str) -> Callable[[Bureau], list[Any]]:
    """Return what leads to the form of a new entry about an organization, or a person."""

    def args(here: Bureau) -> list[Any]:
        logbook = add_logbook(
            actor=ACTOR, unit=here.unit, code=f"{here.code}-{what}", name=f"{here.mark}{what}", design=VISITS,
            about=what, started_on=date(2020, 1, 1),
        )  # fmt: skip
        return [logbook.code]

    return args


FORGED: dict[str, Forged] = {
    "EntryForm.unit": ("entry_add", log, visit, other_unit),
    "EntryForm.organization": ("entry_add", log_about("organization"), visit, other_branch),
    "EntryForm.person": ("entry_add", log_about("person"), visit, other_person),
    "EntryForm.campaign": ("entry_add", log, visit, other_campaign),
    "DesignForm.handed": (
        "logbook_add",
        unit,
        lambda here: sent_design(DESIGN, name="新台账", do="start"),
        other_unit,
    ),
    "PlaceForm.organization": (
        "entry_place",
        logged,
        lambda here: {"people": here.person.pk, "on": "2020-02-12"},
        other_branch,
    ),
    "EntryDecisionForm.approving_organization": (
        "entry_approve",
        logged,
        lambda here: {"approval_number": "批1号", "approved_on": TODAY},
        other_branch,
    ),
    "CoverForm.units": (
        "organization_cover",
        joint,
        lambda here: {"on": "2020-03-01", "reason": "合署"},
        other_unit,
    ),
    "RegisterForm.covered": (
        "organization_register",
        unit,
        lambda here: {**register(here), "kind": "joint_branch"},
        other_unit,
    ),
    "PersonForm.home_branch": ("person_add", unit, new_person, other_branch),
    "TransferForm.home_unit": (
        "person_transfer",
        person,
        lambda here: {"on": TODAY, "reason": "调"},
        other_unit,
    ),
    "OtherForm.other": ("person_merge", person, lambda here: {}, other_person),
    "TransferForm.home_branch": (
        "person_transfer",
        person,
        lambda here: {"home_unit": here.station.code, "on": TODAY, "reason": "调"},
        other_branch,
    ),
    "AssignForm.members": ("organization_members_add", branch, placing, other_person),
    "AssignForm.numbers": ("organization_members_add", branch, placing, other_number),
    "AssignOneForm.organization": (
        "person_assign",
        person,
        lambda here: {"role": "member", "started_on": TODAY},
        other_branch,
    ),
    "EndManyForm.assignments": (
        "organization_members_end",
        branch,
        lambda here: {"on": TODAY, "reason": "x"},
        lambda there: there.assignment.pk,
    ),
    "AssignmentEditForm.also": (
        "assignment_edit",
        placed_with_another,
        lambda here: {"started_on": "2020-02-10", "version": here.assignment.version, "reason": "x"},
        lambda there: there.assignment.pk,
    ),
    "TransferManyForm.organization": (
        "assignments_transfer",
        nothing,
        lambda here: {"rows": here.assignment.pk, "on": TODAY},
        other_branch,
    ),
    "BorrowForm.organization": (
        "person_borrow",
        nothing,
        lambda here: {
            "number": here.people[2].number,
            "name": here.people[2].name,
            "role": "member",
            "started_on": TODAY,
        },
        other_branch,
    ),
    "FoundingForm.units": ("organizations_found", unit, founded, other_unit),
    "FoundingForm.parent": ("organizations_found", unit, founded, other_branch),
    "FoundingForm.campaign": ("organizations_found", unit, founded, other_campaign),
    "CopyForm.unit": ("organization_copy", branch, lambda here: {"with_members": "on"}, other_unit),
    "CorrectForm.unit": ("organization_correct", branch, corrected, other_unit),
    "CorrectForm.parent": ("organization_correct", branch, corrected, other_branch),
    "RegisterForm.parent": ("organization_register", unit, register, other_branch),
    "RegisterForm.secretary": ("organization_register", unit, register, other_person),
    "RegisterForm.members": ("organization_register", unit, register, other_person),
    "RegisterForm.numbers": ("organization_register", unit, register, other_number),
    "RegisterForm.task_body": (
        "organization_register",
        unit,
        register,
        lambda there: there.force.code,
    ),
    "RegisterForm.campaign": (
        "organization_register",
        unit,
        register,
        other_campaign,
    ),
    "EditForm.task_body": (
        "organization_edit",
        branch,
        edited,
        lambda there: there.force.code,
    ),
    "EditForm.campaign": (
        "organization_edit",
        branch,
        edited,
        other_campaign,
    ),
    "EditForm.unit": ("organization_edit", draft, redrafted, other_unit),
    "EditForm.parent": ("organization_edit", draft, redrafted, other_branch),
    "EditForm.lead_unit": (
        "campaign_edit",
        campaign,
        lambda here: {"name": "名", "started_on": "2020-01-20", "version": here.campaign.version},
        other_unit,
    ),
    "StartForm.lead_unit": (
        "campaign_start",
        nothing,
        lambda here: {"name": "新任务", "started_on": TODAY},
        other_unit,
    ),
    "AddSourceForm.unit": ("source_add", nothing, lambda here: {"title": "新简报"}, other_unit),
    "AddFigureForm.unit": ("figure_add", article, reported, other_unit),
    "AddFigureForm.organization": ("figure_add", article, reported, other_branch),
    "EditFigureForm.unit": ("figure_edit", figure, reported_again, other_unit),
    "EditFigureForm.organization": ("figure_edit", figure, reported_again, other_branch),
    "MoveForm.parent": (
        "organization_move",
        lambda here: [here.team.code],
        lambda here: {"reason": "x"},
        other_branch,
    ),
    "TransferForm.unit": (
        "organization_transfer",
        branch,
        lambda here: {"on": TODAY, "reason": "x"},
        other_unit,
    ),
    "MergeForm.into": (
        "organization_merge",
        branch,
        lambda here: {"on": TODAY, "reason": "x"},
        other_branch,
    ),
    **{
        f"SplitForm.{name}": ("organization_split", branch, split, forged)
        for name, forged in (
            ("members", lambda there: there.assignment.pk),
            ("secretary", lambda there: there.assignment.pk),
            ("groups", lambda there: there.team.pk),
        )
    },
    "ReconstituteForm.parent": (
        "organization_reconstitute",
        branch,
        lambda here: {"kind": "general_branch", "name": "新总支", "on": TODAY, "reason": "x"},
        other_branch,
    ),
    "DecisionForm.approving_organization": ("organization_approve", submitted, decided, other_branch),
    "DecideManyForm.approving_organization": ("organizations_approve", nothing, decided_rows, other_branch),
    "MoveUnitForm.superior": (
        "unit_move",
        spare,
        lambda here: {"on": TODAY, "reason": "x"},
        other_unit,
    ),
    "MergeUnitForm.into": (
        "unit_merge",
        spare,
        lambda here: {"on": TODAY, "reason": "x"},
        other_unit,
    ),
    "AddUserForm.unit": (
        "user_add",
        nothing,
        lambda here: {**grant(here), "username": "newcomer", "display_name": "新"},
        other_unit,
    ),
    "SlipsForm.users": ("user_slips", nothing, lambda here: {}, lambda there: there.waiting.pk),
    "EditUserForm.person": (
        "user_edit",
        user,
        lambda here: {"username": "corrected", "display_name": "新", "reason": "x"},
        other_person,
    ),
    "GrantForm.unit": ("user_grant", user, grant, other_unit),
}
"""Of each field that takes somebody's code: the page, its parts, what else is sent, the forged value."""
