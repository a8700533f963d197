"""Every address of the project, asked by everybody, set beside one table of expected answers.

The table says what an address of 甲 (see ``tests/two_bureaus.py``) answers: to somebody without a login, to
each role at 甲, and to the roles at 乙, who are outside. An address that is not in the table fails the
test.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from registry.models import Organization
from registry.reports.filed_sheets import READY
from tests.addresses import (
    article,
    asked,
    branch,
    campaign,
    closed,
    committee,
    department,
    draft,
    drafted,
    dropped,
    figure,
    gone,
    handed_in,
    joint,
    left,
    log,
    logged,
    mistake,
    mistaken,
    nothing,
    over,
    person,
    placed,
    reported,
    reported_again,
    served,
    signed,
    spare,
    submitted,
    unit,
    unsigned,
    upload,
    user,
    visit,
    waits,
)
from tests.factories import assign, make_organization, make_person
from tests.logbooks.books import DESIGN, sent_design
from tests.two_bureaus import GUEST, PASSWORD, PHONE, ROLES, Bureau, TwoBureaus, Visitor

pytestmark = pytest.mark.django_db

Data = Callable[[Bureau], dict[str, Any]]


@dataclass(frozen=True)
class Row:
    """What an address of 甲 answers, for the parts of the address and what is posted.

    ``get`` and ``post`` hold a status each for: no login, then viewer, clerk, approver, manager and
    auditor at 甲; then, after a bar, for the same five roles at 乙 (one status when all get the same).
    A ``+`` after the status: something was written, and recorded.
    """

    args: Callable[[Bureau], list[Any]]
    get: str
    post: str
    data: Data = field(default=lambda here: {})
    query: str = ""


def pk_of(codes: list[str]) -> int:
    return Organization.objects.get(code=codes[0]).pk


def decided(here: Bureau) -> dict[str, Any]:
    """By which Party organization and document something is approved."""
    return {"approving_organization": here.branch.code, "approval_number": "批〔2020〕1号"}


def designed(name: str, design: dict[str, Any] = DESIGN, **more: str) -> dict[str, Any]:
    """What the form of a logbook's design sends."""
    return sent_design(design, name=name, **more)


def ticked(here: Bureau) -> dict[str, Any]:
    return {"rows": here.assignment.pk}


def merged(here: Bureau) -> dict[str, Any]:
    """Into another temporary branch of the unit."""
    branch = here.branch
    other = make_organization(here.unit, name="另一支部", parent=branch.parent, campaign=branch.campaign)
    return {"into": other.code, "on": "2020-03-01", "reason": "合并", "confirmed": ""}


def split_off(here: Bureau) -> dict[str, Any]:
    """One of two members goes over into a new branch."""
    assign(here.branch, make_person("留下的人", here.unit))
    members = {"members": here.assignment.pk, "secretary": here.assignment.pk}
    return {"name": "分出的支部", "on": "2020-03-01", "reason": "拆分", "confirmed": "", **members}


NOT_WRITTEN = "302 403 404 403 302 403 | 403 404 403 404 403"
"""Back to its page: there is nothing to take back yet."""
OVER = "campaign=jia-over"
TODAY = timezone.localdate().isoformat()
READ_ONLY = "302 405 405 405 405 405 | 405"
ALL_READ = "302 200 200 200 200 200 | 404"
ENTER = "302 403 200 403 200 403 | 404"
ENTERED = "302 403 302+ 403 302+ 403 | 404"
MANY = "302 403 302 403 302 403 | 403 302 403 302 403"
DONE = "302 403 302+ 403 302+ 403 | 403 404 403 404 403"
APPROVE = "302 403 403 200 200 403 | 404"
APPROVED = "302 403 403 302+ 302+ 403 | 404"
MANAGE = "302 403 403 403 200 403 | 404"
MANAGED = "302 403 403 403 302+ 403 | 404"
USERS = "302 403 403 403 200 403 | 403 403 403 404 403"
USERS_CHANGED = "302 403 403 403 302+ 403 | 403 403 403 404 403"
OWN = "302 403 404 403 200 403 | 403 404 403 404 403"
OWN_CHANGED = "302 403 404 403 302+ 403 | 403 404 403 404 403"
"""Imports: one's own, for those who may hand in."""
MANAGERS_OWN = "302 404 404 404 200 404 | 404"
"""What the manager asked for is the manager's alone."""
EVERYBODY = "302 200 200 200 200 200 | 200"

TAKEN = "302 200+ 200+ 200+ 200+ 200+ | 404"
TAKEN_BY_ALL = "302 200+ 200+ 200+ 200+ 200+ | 200+"

ASKED_BY_ALL, TOLD_BY_NOBODY = "200 200 200 200 200 200 | 200", "405 405 405 405 405 405 | 405"

AT_THE_TOP = "302 403 403 403 403 403 | 403"

NOBODY_HERE = "302 404 404 404 404 404 | 404"

ADMIN_WITHOUT_LOGIN = "302 302 302 302 302 302 | 302"

TABLE: dict[str, list[Row]] = {
    # asked by machines, without a login
    "healthz": [Row(nothing, ASKED_BY_ALL, TOLD_BY_NOBODY)],
    "readyz": [Row(nothing, ASKED_BY_ALL, TOLD_BY_NOBODY)],
    "metrics": [Row(nothing, ASKED_BY_ALL, TOLD_BY_NOBODY)],
    "system": [Row(nothing, AT_THE_TOP, READ_ONLY)],
    "home": [Row(nothing, "302 302 302 302 302 302 | 302", READ_ONLY)],
    # the first steps, for the manager at the top of the tree; first units are for administrators
    "start": [Row(nothing, NOBODY_HERE, READ_ONLY)],
    "start_skip": [Row(nothing, READ_ONLY, NOBODY_HERE)],
    "first_unit": [Row(nothing, NOBODY_HERE, NOBODY_HERE, lambda here: {"name": "新局", "kind": "bureau"})],
    "search": [
        Row(nothing, EVERYBODY, READ_ONLY, query="q=密"),
        Row(nothing, EVERYBODY, READ_ONLY, query="q=JIA-9"),
        Row(nothing, EVERYBODY, READ_ONLY, query="q=公安&only=units"),
    ],
    "search_now": [
        Row(nothing, EVERYBODY, READ_ONLY, query="q=密"),
        Row(nothing, EVERYBODY, READ_ONLY, query="q=JIA-9"),
    ],
    "read_day": [Row(nothing, EVERYBODY, READ_ONLY, query="q=2.3&near=2020-02-20")],
    # over time
    "comparison": [
        Row(nothing, ALL_READ, READ_ONLY, query="unit=jia&metric=pioneer_posts&metric=temporary_branches"),
        Row(nothing, EVERYBODY, READ_ONLY),
    ],
    # lists as files
    "organizations_export": [
        Row(nothing, READ_ONLY, TAKEN_BY_ALL, query="as_of=2020-02-20&state=all"),
        Row(nothing, READ_ONLY, TAKEN_BY_ALL, lambda here: {"format": "csv"}),
        Row(nothing, READ_ONLY, TAKEN, query="unit=jia"),
        Row(nothing, READ_ONLY, TAKEN, query="party_line=jia-branch"),
        Row(nothing, READ_ONLY, TAKEN, lambda here: {"format": "print"}, query="unit=jia"),
        Row(nothing, READ_ONLY, NOBODY_HERE, query="unit=ting"),
    ],
    "members_export": [
        Row(branch, READ_ONLY, TAKEN),
        Row(branch, READ_ONLY, TAKEN, lambda here: {"format": "csv"}),
        Row(committee, READ_ONLY, NOBODY_HERE),
    ],
    "roll_export": [
        Row(nothing, READ_ONLY, TAKEN_BY_ALL, lambda here: {"format": "print"}, query="as_of=2020-02-20"),
        Row(nothing, READ_ONLY, TAKEN, query="unit=jia&as_of=2020-02-20"),
        Row(
            nothing,
            READ_ONLY,
            TAKEN,
            lambda here: {"format": "print", "phones": "1"},
            query="party_line=jia-branch&as_of=2020-02-20",
        ),
        Row(nothing, READ_ONLY, NOBODY_HERE, query="unit=ting"),
        Row(nothing, READ_ONLY, NOBODY_HERE, query="party_line=ting-committee"),
    ],
    "people_export": [
        Row(nothing, READ_ONLY, TAKEN_BY_ALL, query="sort=-number"),
        Row(nothing, READ_ONLY, TAKEN_BY_ALL, lambda here: {"format": "csv"}, query="q=JIA-9"),
        Row(nothing, READ_ONLY, TAKEN, query="unit=jia&metric=frontline_people&as_of=2020-02-20"),
        Row(nothing, READ_ONLY, NOBODY_HERE, query="unit=ting"),
    ],
    "assignments_export": [
        Row(nothing, READ_ONLY, TAKEN_BY_ALL, query="as_of=2020-02-20&sort=number"),
        Row(nothing, READ_ONLY, TAKEN, lambda here: {"format": "csv"}, query="unit=jia"),
    ],
    "units_export": [
        Row(nothing, READ_ONLY, TAKEN_BY_ALL, query="q=公安"),
        Row(nothing, READ_ONLY, TAKEN, query="unit=jia"),
        Row(nothing, READ_ONLY, NOBODY_HERE),
        Row(nothing, READ_ONLY, NOBODY_HERE, query="unit=ting"),
    ],
    "comparison_export": [
        Row(nothing, READ_ONLY, TAKEN, query="unit=jia&metric=pioneer_posts&metric=temporary_branches"),
        Row(nothing, READ_ONLY, NOBODY_HERE),
    ],
    "unit_table_export": [
        Row(unit, READ_ONLY, TAKEN),
        Row(department, READ_ONLY, NOBODY_HERE),
    ],
    "unit_changes_export": [
        Row(unit, READ_ONLY, TAKEN, query="as_of=2020-02-20"),
        Row(department, READ_ONLY, NOBODY_HERE),
    ],
    "reconciliation_export": [
        Row(nothing, READ_ONLY, TAKEN_BY_ALL),
        Row(nothing, READ_ONLY, TAKEN, query="unit=jia"),
    ],
    "sources_export": [Row(nothing, READ_ONLY, TAKEN_BY_ALL)],
    "users_export": [
        Row(nothing, READ_ONLY, "302 403 403 403 200+ 403 | 403 403 403 200+ 403"),
        Row(nothing, READ_ONLY, "302 403 403 403 200+ 403 | 403 403 403 404 403", query="unit=jia"),
    ],
    # sheets that are handed upward
    "unit_sheets": [
        Row(unit, ALL_READ, READ_ONLY, query="as_of=2020-02-20"),
        Row(department, NOBODY_HERE, READ_ONLY),
    ],
    "unit_sheet": [
        *(
            Row(lambda here, slug=slug: [here.unit.code, slug], READ_ONLY, TAKEN, query="as_of=2020-02-20")  # type: ignore[misc]
            for slug in READY
        ),
        Row(lambda here: [here.unit.code, "frontline"], READ_ONLY, TAKEN, lambda here: {"format": "csv"}),
        # Telephones go out only to who may open them, and only when they are asked for.
        Row(
            lambda here: [here.unit.code, "frontline"],
            READ_ONLY,
            TAKEN,
            lambda here: {"phones": "1"},
            query="as_of=2020-02-20",
        ),
        Row(lambda here: [here.unit.code, "nonsense"], READ_ONLY, NOBODY_HERE),
        Row(lambda here: ["ting", "frontline"], READ_ONLY, NOBODY_HERE),
    ],
    # units and the tree
    "unit": [
        Row(unit, ALL_READ, READ_ONLY),
        Row(unit, ALL_READ, READ_ONLY, query="as_of=2020-02-20&basis=cumulative"),
        Row(department, NOBODY_HERE, READ_ONLY),
    ],
    "unit_changes": [
        Row(unit, ALL_READ, READ_ONLY),
        Row(unit, ALL_READ, READ_ONLY, query="as_of=2020-02-20&metric=temporary_party_orgs&own=1"),
        Row(department, NOBODY_HERE, READ_ONLY),
    ],
    "unit_print": [
        Row(unit, READ_ONLY, TAKEN, query="as_of=2020-02-20"),
        Row(department, READ_ONLY, NOBODY_HERE),
    ],
    "unit_add": [
        Row(unit, MANAGE, MANAGED, lambda here: {"name": "新所", "code": "new-unit", "kind": "station"})
    ],
    "unit_edit": [
        Row(
            unit,
            MANAGE,
            MANAGED,
            lambda here: {"name": "新名公安局", "kind": "sub_bureau", "version": here.unit.version},
        )
    ],
    "unit_figures": [Row(unit, MANAGE, MANAGED, lambda here: {"figure_0": "frontline_people"})],
    "unit_move": [
        Row(
            spare,
            MANAGE,
            MANAGED,
            lambda here: {"superior": here.station.code, "on": "2020-03-01", "reason": "理顺"},
        )
    ],
    "unit_merge": [
        Row(
            spare,
            MANAGE,
            MANAGED,
            lambda here: {"into": here.station.code, "on": "2020-03-01", "reason": "并", "confirmed": ""},
        )
    ],
    "unit_close": [Row(spare, MANAGE, MANAGED, lambda here: {"on": "2020-03-01", "reason": "撤"})],
    "organization_register": [
        Row(
            unit,
            ENTER,
            ENTERED,
            lambda here: {
                "kind": "commando_team",
                "name": "新突击队",
                "code": "new-team",
                "established_on": "2020-03-01",
                "secretary": here.people[1].key,
                "parent": here.branch.code,
            },
        )
    ],
    "organization_suggest": [
        Row(
            unit,
            ENTER,
            "302 405 405 405 405 405 | 405",
            query="kind=branch&established_on=2020-03-01&parent=yi-branch",
        )
    ],
    "organizations_found": [
        Row(
            unit,
            ENTER,
            "302 403 200 403 200 403 | 404",
            lambda here: {"units": [here.station.code], "kind": "branch", "established_on": "2020-03-01"},
        ),
        Row(
            unit,
            ENTER,
            ENTERED,
            lambda here: {
                "units": [here.station.code, here.spare.code],
                "kind": "branch",
                "established_on": "2020-03-01",
                "parent": "ting-committee",
                "groups": "甲班",
                "confirmed": "",
            },
        ),
    ],
    "organization_copy": [
        Row(
            branch,
            "302 403 200 403 200 403 | 404",
            "302 403 302 403 302 403 | 404",
            lambda here: {"unit": here.spare.code, "with_members": "on"},
        )
    ],
    "person_add": [
        Row(
            unit,
            ENTER,
            ENTERED,
            lambda here: {
                "name": "新人",
                "number": "NEW-1",
                "category": "officer",
                "political_status": "masses",
                "phone": "1",
            },
        )
    ],
    "tree": [Row(nothing, EVERYBODY, READ_ONLY, query="unit=jia")],
    "tree_side": [
        Row(nothing, EVERYBODY, READ_ONLY, query="unit=jia"),
        Row(nothing, EVERYBODY, READ_ONLY, query="unit=ting"),
    ],
    "tree_unit": [
        Row(unit, ALL_READ, READ_ONLY, query="as_of=2020-02-20"),
        Row(department, NOBODY_HERE, READ_ONLY),
    ],
    "tree_organization": [
        Row(branch, ALL_READ, READ_ONLY, query="as_of=2020-02-20"),
        Row(committee, NOBODY_HERE, READ_ONLY),
    ],
    # campaigns: seen at the lead unit, below and above it
    "campaigns": [
        Row(nothing, EVERYBODY, READ_ONLY),
        Row(nothing, EVERYBODY, READ_ONLY, query="state=over&sort=-name"),
    ],
    "campaigns_export": [Row(nothing, READ_ONLY, TAKEN_BY_ALL)],
    "campaign": [
        Row(campaign, ALL_READ, READ_ONLY),
        Row(over, ALL_READ, READ_ONLY, query="as_of=2020-02-20"),
        Row(lambda here: ["yiqing"], EVERYBODY, READ_ONLY),
    ],
    "campaign_start": [
        Row(
            nothing,
            "302 403 403 403 200 403 | 403 403 403 200 403",
            # From outside the unit is not found: the form comes back.
            "302 403 403 403 302+ 403 | 403 403 403 200 403",
            lambda here: {"name": "新任务", "started_on": "2020-03-01", "lead_unit": here.unit.code},
        )
    ],
    "campaign_edit": [
        Row(
            campaign,
            MANAGE,
            MANAGED,
            lambda here: {
                "name": "新名",
                "started_on": "2020-01-20",
                "lead_unit": here.unit.code,
                "version": here.campaign.version,
            },
        )
    ],
    # closing a campaign: its consequences are for who may do it, what it came to for whoever sees it
    "campaign_close": [
        Row(
            campaign,
            MANAGE,
            MANAGED,
            lambda here: {"on": "2020-03-01", "document_number": "31号", "reason": "结束", "confirmed": ""},
        ),
        Row(closed, "302 403 403 403 302 403 | 404", "302 403 403 403 302 403 | 404"),
    ],
    "campaign_close_settle": [
        Row(campaign, MANAGE, MANAGE, lambda here: {"on": "2020-03-01", "reason": ""}),
    ],
    "campaign_close_reopen": [Row(closed, MANAGE, MANAGED, lambda here: {"reason": "误结束"})],
    "campaign_close_cancel": [Row(closed, MANAGE, MANAGE)],
    "campaign_close_progress": [
        Row(closed, ALL_READ, READ_ONLY),
        Row(campaign, NOBODY_HERE, READ_ONLY),
    ],
    "campaign_close_organizations": [
        Row(closed, ALL_READ, READ_ONLY),
        Row(campaign, MANAGE, READ_ONLY, query="on=2020-03-01&what=pending&at=jia-station"),
    ],
    "campaign_close_assignments": [
        Row(closed, ALL_READ, READ_ONLY),
        Row(campaign, MANAGE, READ_ONLY, query="on=2020-03-01&at=own"),
    ],
    "campaign_close_homes": [Row(closed, ALL_READ, READ_ONLY), Row(campaign, MANAGE, READ_ONLY)],
    "closing_organizations_export": [
        Row(closed, READ_ONLY, TAKEN),
        Row(campaign, READ_ONLY, "302 403 403 403 200+ 403 | 404"),
    ],
    "closing_assignments_export": [Row(closed, READ_ONLY, TAKEN, lambda here: {"format": "csv"})],
    "closing_homes_export": [Row(closed, READ_ONLY, TAKEN)],
    "campaign_reopen": [Row(over, MANAGE, MANAGED, lambda here: {"reason": "误结束"})],
    # service records of a campaign
    "service": [
        Row(nothing, "302 302 302 302 302 302 | 302", READ_ONLY),
        Row(nothing, ALL_READ, READ_ONLY, query=OVER),
        Row(nothing, ALL_READ, READ_ONLY, query=f"{OVER}&unit=jia"),
        Row(nothing, NOBODY_HERE, READ_ONLY, query=f"{OVER}&unit=ting"),
    ],
    "service_people": [
        Row(nothing, ALL_READ, READ_ONLY, query=OVER),
        Row(nothing, ALL_READ, READ_ONLY, query=f"{OVER}&at=served&state=waiting"),
        Row(nothing, NOBODY_HERE, READ_ONLY, query=f"{OVER}&unit=ting"),
    ],
    "service_branches": [Row(nothing, ALL_READ, READ_ONLY, query=OVER)],
    "service_opinions": [Row(nothing, ALL_READ, READ_ONLY, query=OVER)],
    "service_organizations": [Row(nothing, ALL_READ, READ_ONLY, query=OVER)],
    "service_people_export": [
        Row(nothing, READ_ONLY, TAKEN, query=OVER),
        Row(nothing, READ_ONLY, NOBODY_HERE),
    ],
    "service_branches_export": [Row(nothing, READ_ONLY, TAKEN, query=OVER)],
    "service_opinions_export": [Row(nothing, READ_ONLY, TAKEN, query=OVER)],
    "service_organizations_export": [Row(nothing, READ_ONLY, TAKEN, query=OVER)],
    "service_papers": [
        Row(nothing, READ_ONLY, TAKEN, lambda here: {"all": "1"}, query=OVER),
        Row(
            nothing,
            READ_ONLY,
            TAKEN,
            lambda here: {"row": [here.unsigned.pk]},
            query=f"{OVER}&kind=certificates",
        ),
        Row(nothing, READ_ONLY, NOBODY_HERE, lambda here: {"all": "1"}, query=f"{OVER}&kind=x"),
    ],
    "service_sign": [
        Row(
            nothing,
            MANY,
            "302 403 302+ 403 302+ 403 | 403 404 403 404 403",
            lambda here: {"rows": here.unsigned.pk, "on": "2020-03-03"},
            query=OVER,
        )
    ],
    "service_return": [
        Row(nothing, MANY, DONE, lambda here: {"rows": here.signed.pk, "reason": "误签"}, query=OVER)
    ],
    "service_remind": [
        Row(unit, MANAGE, MANAGED, lambda here: {"due_on": TODAY}, query=OVER),
        Row(department, NOBODY_HERE, NOBODY_HERE, lambda here: {"due_on": TODAY}, query=OVER),
    ],
    "person_service": [
        Row(unsigned, ALL_READ, READ_ONLY, query=OVER),
        Row(signed, ALL_READ, READ_ONLY, query=OVER),
        Row(person, NOBODY_HERE, READ_ONLY, query=OVER),
    ],
    "person_service_sign": [Row(unsigned, ENTER, ENTERED, lambda here: {"on": "2020-03-03"}, query=OVER)],
    "person_service_return": [Row(signed, ENTER, ENTERED, lambda here: {"reason": "误签"}, query=OVER)],
    "organization_opinions": [
        Row(
            served,
            ENTER,
            ENTERED,
            lambda here: {f"text_{here.unsigned.pk}": "好", f"version_{here.unsigned.pk}": ""},
        ),
        Row(branch, "302 403 404 403 404 403 | 404", "302 403 404 403 404 403 | 404"),
    ],
    # organizations
    "organizations": [
        Row(nothing, EVERYBODY, READ_ONLY, query="as_of=2020-02-20&state=all"),
        Row(nothing, ALL_READ, READ_ONLY, query="unit=jia"),
        Row(nothing, ALL_READ, READ_ONLY, query="party_line=jia-branch"),
        Row(nothing, NOBODY_HERE, READ_ONLY, query="party_line=ting-committee"),
        Row(nothing, NOBODY_HERE, READ_ONLY, query="unit=ting"),
    ],
    "organization": [
        Row(branch, ALL_READ, READ_ONLY),
        Row(branch, ALL_READ, READ_ONLY, query="as_of=2020-02-20"),
        Row(committee, NOBODY_HERE, READ_ONLY),
    ],
    "organization_print": [
        Row(branch, READ_ONLY, TAKEN, query="as_of=2020-02-20"),
        Row(branch, READ_ONLY, TAKEN, lambda here: {"history": "1"}),
        Row(committee, READ_ONLY, NOBODY_HERE),
    ],
    "organization_edit": [
        Row(
            branch,
            ENTER,
            ENTERED,
            lambda here: {
                "name": "新名",
                "established_on": "2020-02-01",
                "version": here.branch.version,
                "reason": "更正",
            },
        )
    ],
    "organization_correct": [
        Row(
            branch,
            ENTER,
            ENTERED,
            lambda here: {
                "kind": "general_branch",
                "is_temporary": "on",
                "unit": here.unit.code,
                "parent": "ting-committee",
                "established_on": "2020-02-01",
                "version": here.branch.version,
                "reason": "登记有误",
            },
        )
    ],
    "organization_move": [
        Row(branch, ENTER, ENTERED, lambda here: {"no_parent": "on", "reason": "理顺"}),
        Row(
            lambda here: [f"{here.code}-team"],
            ENTER,
            ENTERED,
            lambda here: {"parent": "ting-committee", "reason": "理顺"},
        ),
    ],
    "organization_transfer": [
        Row(
            branch,
            ENTER,
            ENTERED,
            lambda here: {"unit": here.station.code, "on": "2020-03-01", "reason": "转"},
        )
    ],
    "organization_cover": [
        Row(
            joint,
            ENTER,
            ENTERED,
            lambda here: {"units": [here.spare.code], "on": "2020-03-01", "reason": "合署"},
        )
    ],
    "organization_merge": [Row(branch, ENTER, ENTERED, merged)],
    "organization_split": [Row(branch, ENTER, ENTERED, split_off)],
    "organization_reconstitute": [
        Row(
            branch,
            ENTER,
            ENTERED,
            lambda here: {
                "kind": "general_branch",
                "name": "改设的总支",
                "parent": here.branch.parent.code,
                "on": "2020-03-01",
                "reason": "改设",
                "confirmed": "",
            },
        )
    ],
    "organization_dissolve": [
        Row(branch, ENTER, ENTERED, lambda here: {"on": "2020-03-01", "reason": "结束", "confirmed": ""})
    ],
    "organization_withdraw": [Row(branch, ENTER, ENTERED, lambda here: {"reason": "误录"})],
    "organization_submit": [Row(draft, ENTER, ENTERED)],
    "organization_approve": [Row(submitted, APPROVE, APPROVED, decided)],
    "organization_return": [Row(submitted, APPROVE, APPROVED, lambda here: {"reason": "不全"})],
    "organization_members_add": [
        Row(  # asked for people only: nothing is written
            branch,
            ENTER,
            "302 403 200 403 200 403 | 404",
            lambda here: {"check": "1", "numbers": f"{here.people[2].number}"},
        ),
        Row(
            branch,
            ENTER,
            ENTERED,
            lambda here: {
                "members": [here.people[2].key],
                "members_role": ["member"],
                "started_on": "2020-02-10",
            },
        ),
    ],
    "organization_members_end": [
        Row(branch, ENTER, ENTERED, lambda here: {"everyone": "on", "on": "2020-03-01", "reason": "结束"})
    ],
    # people and their assignments
    "people": [
        Row(nothing, EVERYBODY, READ_ONLY, query="sort=-number"),
        Row(nothing, EVERYBODY, READ_ONLY, query="q=JIA-9"),
        Row(nothing, ALL_READ, READ_ONLY, query="unit=jia&metric=frontline_people&as_of=2020-02-20"),
        Row(nothing, NOBODY_HERE, READ_ONLY, query="unit=ting"),
    ],
    "person": [Row(person, ALL_READ, READ_ONLY), Row(person, ALL_READ, READ_ONLY, query="as_of=2020-02-20")],
    "person_reveal": [
        Row(person, "302 403 302 302 302 403 | 404", "302 403 200+ 200+ 200+ 403 | 404"),
    ],
    "person_edit": [
        Row(
            person,
            "302 403 200+ 403 200+ 403 | 404",
            ENTERED,
            lambda here: {
                "name": "新名",
                "number": here.person.number,
                "category": "officer",
                "version": here.person.version + 1,
                "reason": "更正",
            },
        )
    ],
    "person_status": [
        Row(person, ENTER, ENTERED, lambda here: {"status": "masses", "on": "2020-03-01", "reason": "变"})
    ],
    "person_transfer": [
        Row(
            person,
            ENTER,
            ENTERED,
            lambda here: {
                "home_unit": here.station.code,
                "home_branch": "",
                "on": "2020-03-01",
                "reason": "调动",
            },
        )
    ],
    "person_leave": [
        Row(
            person,
            ENTER,
            ENTERED,
            lambda here: {"leaving": "retired", "on": "2020-03-01", "reason": "到龄", "confirmed": ""},
        )
    ],
    "person_restore": [Row(left, ENTER, ENTERED, lambda here: {"reason": "误登"})],
    "person_merge": [  # the first step leads to the second, which shows both entries
        Row(
            person,
            MANAGE,
            "302 403 403 403 302 403 | 404",
            lambda here: {"other": here.people[2].key},
        ),
    ],
    "person_assign": [
        Row(
            person,
            ENTER,
            ENTERED,
            lambda here: {"organization": here.team.code, "role": "member", "started_on": "2020-02-10"},
        )
    ],
    # who is placed beyond one's units: anybody by number and name
    "person_borrow": [
        Row(
            nothing,
            "302 403 200 403 200 403 | 403 200 403 200 403",
            "302 403 302+ 403 302+ 403 | 403 200 403 200 403",
            lambda here: {
                "number": "YI-90001",
                "name": "乙密赵",
                "organization": here.team.code,
                "role": "member",
                "started_on": "2020-02-10",
            },
        ),
        Row(  # a wrong name says nothing and places nobody; that a number was asked for is recorded
            nothing,
            "302 403 200 403 200 403 | 403 200 403 200 403",
            "302 403 200+ 403 200+ 403 | 403 200+ 403 200+ 403",
            lambda here: {
                "number": "YI-1",
                "name": "赵",
                "organization": here.team.code,
                "role": "member",
                "started_on": "2020-02-10",
            },
        ),
    ],
    "lent": [
        Row(nothing, EVERYBODY, READ_ONLY),
        Row(nothing, ALL_READ, READ_ONLY, query="unit=jia&q=密"),
        Row(nothing, NOBODY_HERE, READ_ONLY, query="unit=ting"),
    ],
    "lent_export": [
        Row(nothing, READ_ONLY, TAKEN_BY_ALL),
        Row(nothing, READ_ONLY, TAKEN, query="unit=jia"),
    ],
    "assignments": [
        Row(nothing, EVERYBODY, READ_ONLY, query="as_of=2020-02-20&sort=number"),
        Row(nothing, ALL_READ, READ_ONLY, query="unit=jia&as_of=2020-02-20"),
    ],
    # many at once: who does it somewhere is led back to the list; what is ticked elsewhere does not exist
    "assignments_end": [Row(nothing, MANY, DONE, lambda here: {**ticked(here), "on": "2020-03-01"})],
    "assignments_transfer": [
        Row(
            nothing,
            MANY,
            DONE,
            lambda here: {**ticked(here), "organization": here.team.code, "on": "2020-03-01"},
        )
    ],
    "assignments_role": [
        Row(
            nothing,
            MANY,
            DONE,
            lambda here: {**ticked(here), "role": "leader", "on": "2020-03-01", "confirmed": ""},
        )
    ],
    "assignments_edit": [
        Row(nothing, MANY, DONE, lambda here: {**ticked(here), "started_on": "2020-02-10", "reason": "笔误"})
    ],
    "assignments_withdraw": [Row(nothing, MANY, DONE, lambda here: {**ticked(here), "reason": "误录"})],
    # logbooks and their entries
    "logbooks": [
        Row(nothing, EVERYBODY, READ_ONLY),
        Row(nothing, ALL_READ, READ_ONLY, query="unit=jia"),
        Row(nothing, NOBODY_HERE, READ_ONLY, query="unit=ting"),
    ],
    "album": [
        Row(nothing, EVERYBODY, READ_ONLY),
        Row(nothing, ALL_READ, READ_ONLY, query="unit=jia"),
    ],
    "logbook": [
        Row(log, ALL_READ, READ_ONLY),
        Row(log, ALL_READ, READ_ONLY, query="state=all&f_money=100 至 900&f_visitors=甲密赵&sort=-f_money"),
        Row(log, NOBODY_HERE, READ_ONLY, query="unit=ting"),
    ],
    "entries_counted": [
        Row(nothing, ALL_READ, READ_ONLY, query="metric=log.jia-log.money&state=pending"),
        Row(nothing, ALL_READ, READ_ONLY, query="metric=log.jia-log.people&state=pending"),
        Row(nothing, NOBODY_HERE, READ_ONLY, query="metric=nonsense"),
    ],
    "entries_export": [Row(log, READ_ONLY, TAKEN, query="state=all")],
    "entries_checked": [
        Row(nothing, EVERYBODY, READ_ONLY),
        Row(nothing, ALL_READ, READ_ONLY, query="unit=jia&rule=entry_award_once"),
        Row(nothing, NOBODY_HERE, READ_ONLY, query="unit=ting"),
    ],
    "entries_checked_export": [Row(nothing, READ_ONLY, TAKEN, query="unit=jia")],
    "entries_idle": [
        Row(log, ALL_READ, READ_ONLY),
        Row(log, ALL_READ, READ_ONLY, query="idle=30&unit=jia"),
    ],
    "entries_idle_export": [Row(log, READ_ONLY, TAKEN)],
    "logbook_add": [Row(unit, MANAGE, MANAGED, lambda here: designed(f"{here.mark}新台账", do="start"))],
    "logbooks_shipped": [
        Row(unit, MANAGE, MANAGED, lambda here: {"started_on": "2020-02-01", "codes": ["oath"]})
    ],
    "logbook_design": [Row(log, ALL_READ, READ_ONLY)],
    "logbook_edit": [
        Row(
            log,
            MANAGE,
            MANAGED,
            lambda here: designed(
                f"{here.mark}走访改", here.logbook.design, do="save", version=str(here.logbook.version)
            ),
        )
    ],
    "logbook_end": [Row(log, MANAGE, MANAGED, lambda here: {"on": "2020-03-01", "reason": "任务结束"})],
    # It is in use.
    "logbook_start": [Row(log, MANAGE, MANAGE, lambda here: {"on": "2020-03-01"})],
    "logbook_fields": [
        Row(
            lambda here: [here.logbook.code, here.station.code],
            MANAGE,
            MANAGED,
            lambda here: designed(
                "", {"fields": [{"key": "f1", "label": "车辆", "type": "text"}]}, do="save"
            ),
        )
    ],
    "entry_add": [Row(log, ENTER, ENTERED, visit, query="unit=jia-station")],
    "entry": [Row(logged, ALL_READ, READ_ONLY)],
    "entry_edit": [
        Row(logged, ENTER, ENTERED, lambda here: {**visit(here), "version": here.logged.version}),
    ],
    "entry_step": [
        Row(
            logged,
            ENTER,
            ENTERED,
            lambda here: {"step": "closed", "on": "2020-02-12"},
            query="step=closed",
        )
    ],
    "entry_place": [
        Row(
            logged,
            ENTER,
            ENTERED,
            lambda here: {"people": here.person.pk, "organization": here.team.code, "on": "2020-02-12"},
        )
    ],
    "entry_submit": [Row(drafted, ENTER, ENTERED)],
    "entry_approve": [Row(logged, APPROVE, APPROVED, decided)],
    "entry_return": [Row(logged, APPROVE, APPROVED, lambda here: {"reason": "缺照片"})],
    "entry_withdraw": [Row(logged, ENTER, ENTERED, lambda here: {"reason": "误录"})],
    "entries_submit": [
        Row(nothing, MANY, DONE, lambda here: {"rows": here.drafted.pk}, query="logbook=jia-log"),
    ],
    "entries_approve": [
        Row(
            nothing,
            "302 403 403 302 302 403 | 403 403 302 302 403",
            "302 403 403 302+ 302+ 403 | 403 403 404 404 403",
            lambda here: {"rows": here.logged.pk},
            query="logbook=jia-log",
        ),
    ],
    "entries_return": [
        Row(
            nothing,
            "302 403 403 302 302 403 | 403 403 302 302 403",
            "302 403 403 302+ 302+ 403 | 403 403 404 404 403",
            lambda here: {"rows": here.logged.pk, "reason": "缺照片"},
            query="logbook=jia-log",
        ),
    ],
    "entries_withdraw": [
        Row(
            nothing,
            MANY,
            DONE,
            lambda here: {"rows": here.logged.pk, "reason": "误录"},
            query="logbook=jia-log",
        ),
    ],
    "submissions": [
        Row(nothing, EVERYBODY, READ_ONLY),
        Row(nothing, EVERYBODY, READ_ONLY, query="state=all"),
    ],
    "submissions_export": [Row(nothing, READ_ONLY, TAKEN_BY_ALL, query="state=all")],
    "submission": [Row(waits, ALL_READ, READ_ONLY)],
    "submission_approve": [Row(waits, APPROVE, APPROVED)],
    "submission_return": [Row(waits, APPROVE, APPROVED, lambda here: {"reason": "不妥"})],
    # what waits is not submitted again; only who submitted it withdraws it
    "submission_submit": [Row(waits, ENTER, ENTER)],
    "submission_withdraw": [
        Row(waits, ENTER, "302 403 302+ 403 200 403 | 404", lambda here: {"reason": "不要了"})
    ],
    "submissions_approve": [
        Row(
            nothing,
            "302 403 403 302 302 403 | 403 403 302 302 403",
            "302 403 403 302+ 302+ 403 | 403 403 404 404 403",
            lambda here: {"rows": here.submission.pk},
        ),
    ],
    "submissions_return": [
        Row(
            nothing,
            "302 403 403 302 302 403 | 403 403 302 302 403",
            "302 403 403 302+ 302+ 403 | 403 403 404 404 403",
            lambda here: {"rows": here.submission.pk, "reason": "不妥"},
        ),
    ],
    "organizations_submit": [
        Row(nothing, MANY, DONE, lambda here: {"rows": pk_of(draft(here))}),
    ],
    "organizations_approve": [
        Row(
            nothing,
            "302 403 403 302 302 403 | 403 403 302 302 403",
            "302 403 403 302+ 302+ 403 | 403 403 404 404 403",
            lambda here: {"rows": pk_of(submitted(here)), **decided(here)},
        ),
    ],
    "organizations_return": [
        Row(
            nothing,
            "302 403 403 302 302 403 | 403 403 302 302 403",
            "302 403 403 302+ 302+ 403 | 403 403 404 404 403",
            lambda here: {"rows": pk_of(submitted(here)), "reason": "不全"},
        ),
    ],
    "organizations_dissolve": [
        Row(
            nothing,
            MANY,
            DONE,
            lambda here: {
                "rows": here.branch.pk,
                "on": "2020-03-01",
                "reason": "结束",
                "confirmed": "",
            },
        )
    ],
    "assignment_edit": [
        Row(
            placed,
            ENTER,
            ENTERED,
            lambda here: {
                "started_on": "2020-02-10",
                "version": here.assignment.version,
                "reason": "笔误",
            },
        )
    ],
    "assignment_role": [
        Row(
            placed,
            ENTER,
            ENTERED,
            lambda here: {"role": "member", "on": "2020-02-10", "version": here.assignment.version},
        )
    ],
    "assignment_end": [
        Row(
            placed,
            ENTER,
            ENTERED,
            lambda here: {"on": "2020-03-01", "version": here.assignment.version, "reason": "结束"},
        )
    ],
    "assignment_withdraw": [Row(placed, ENTER, ENTERED, lambda here: {"reason": "误录"})],
    # what breaks the rules
    "compliance": [
        Row(nothing, EVERYBODY, READ_ONLY, query="as_of=2020-02-20"),
        Row(nothing, ALL_READ, READ_ONLY, query="unit=jia&as_of=2020-02-20"),
        Row(nothing, NOBODY_HERE, READ_ONLY, query="unit=ting"),
    ],
    "compliance_line": [
        Row(unit, ALL_READ, READ_ONLY, query="as_of=2020-02-20"),
        Row(department, NOBODY_HERE, READ_ONLY),
    ],
    "organization_compliance": [
        Row(branch, ALL_READ, READ_ONLY, query="as_of=2020-02-20"),
        Row(committee, NOBODY_HERE, READ_ONLY),
    ],
    "breaches": [
        Row(nothing, EVERYBODY, READ_ONLY, query="as_of=2020-02-20"),
        Row(nothing, ALL_READ, READ_ONLY, query="unit=jia&as_of=2020-02-20&level=violation"),
        Row(nothing, NOBODY_HERE, READ_ONLY, query="unit=ting"),
    ],
    "breaches_export": [
        Row(nothing, READ_ONLY, TAKEN_BY_ALL, query="as_of=2020-02-20"),
        Row(nothing, READ_ONLY, TAKEN, query="unit=jia&as_of=2020-02-20"),
        Row(nothing, READ_ONLY, NOBODY_HERE, query="unit=ting"),
    ],
    "exceptions": [
        Row(nothing, EVERYBODY, READ_ONLY),
        Row(nothing, ALL_READ, READ_ONLY, query="unit=jia&state=now&as_of=2020-02-20"),
    ],
    "exceptions_export": [
        Row(nothing, READ_ONLY, TAKEN_BY_ALL),
        Row(nothing, READ_ONLY, TAKEN, query="unit=jia"),
    ],
    "exception_grant": [
        Row(
            branch,
            APPROVE,
            APPROVED,
            lambda here: {
                "slug": "group_min",
                "document_number": "2号",
                "reason": "人少",
                "started_on": "2020-02-20",
                "ended_on": "2020-03-20",
            },
        ),
        Row(committee, NOBODY_HERE, NOBODY_HERE),
    ],
    "exception_end": [
        Row(
            lambda here: [here.exception.pk],
            APPROVE,
            APPROVED,
            lambda here: {"on": "2020-02-20", "reason": "已补批"},
        )
    ],
    # what holds for everybody is set at the top of the tree: nobody here
    "rules": [Row(nothing, EVERYBODY, READ_ONLY)],
    "rules_export": [Row(nothing, READ_ONLY, TAKEN_BY_ALL)],
    "rule": [
        Row(lambda here: ["group_min"], EVERYBODY, READ_ONLY),
        Row(lambda here: ["nonsense"], NOBODY_HERE, READ_ONLY),
    ],
    "rule_set": [
        Row(
            lambda here: ["temp_branch_appointed"],
            AT_THE_TOP,
            AT_THE_TOP,
            lambda here: {"is_on": "off", "since": "2020-02-20"},
        )
    ],
    "workdays": [Row(nothing, EVERYBODY, READ_ONLY, query="year=2020")],
    "workdays_set": [
        Row(
            nothing,
            AT_THE_TOP,
            AT_THE_TOP,
            lambda here: {"days": "2020-01-24", "kind": "free", "name": "春节"},
        )
    ],
    "workdays_load": [Row(nothing, AT_THE_TOP, AT_THE_TOP, query="year=2020")],
    # what articles report
    "reconciliation": [
        Row(nothing, EVERYBODY, READ_ONLY),
        Row(nothing, ALL_READ, READ_ONLY, query="unit=jia"),
    ],
    "sources": [
        Row(nothing, EVERYBODY, READ_ONLY),
        Row(nothing, EVERYBODY, READ_ONLY, query="state=all&q=简报&sort=-figures"),
    ],
    "source": [
        Row(lambda here: [1], EVERYBODY, READ_ONLY),
        Row(article, ALL_READ, READ_ONLY),
        Row(mistake, ALL_READ, READ_ONLY),
    ],
    "source_add": [
        Row(
            nothing,
            "302 403 403 403 200 403 | 403 403 403 200 403",
            # From outside the unit is not found: the form comes back.
            "302 403 403 403 302+ 403 | 403 403 403 200 403",
            lambda here: {"title": "新简报", "unit": here.unit.code},
        )
    ],
    "source_edit": [
        Row(article, MANAGE, MANAGED, lambda here: {"title": "新名", "version": here.article.version})
    ],
    "source_withdraw": [Row(article, MANAGE, MANAGED, lambda here: {"reason": "误录"})],
    "source_restore": [Row(mistake, MANAGE, MANAGED, lambda here: {"reason": "没有误录"})],
    "figure_add": [Row(article, MANAGE, MANAGED, reported)],
    "figure_edit": [Row(figure, MANAGE, MANAGED, reported_again)],
    "figure_withdraw": [Row(figure, MANAGE, MANAGED, lambda here: {"reason": "误录"})],
    "figure_restore": [
        Row(lambda here: [here.withdrawn.pk], MANAGE, MANAGED, lambda here: {"reason": "没有误录"})
    ],
    # pickers
    "pick_metrics": [Row(nothing, EVERYBODY, READ_ONLY, query="q=宣誓")],
    "pick_units": [Row(nothing, EVERYBODY, READ_ONLY, query="q=密")],
    "pick_organizations": [
        Row(nothing, EVERYBODY, READ_ONLY, query="q=密"),
        Row(nothing, EVERYBODY, READ_ONLY, query="q=党&kind=branch&below=jia"),
    ],
    "pick_people": [
        Row(nothing, EVERYBODY, READ_ONLY, query="q=密"),
        Row(nothing, EVERYBODY, READ_ONLY, query="q=JIA-9"),
    ],
    # Excel in: one's own imports only
    # exports that the worker makes: one's own
    "exports": [Row(nothing, EVERYBODY, READ_ONLY)],
    "export": [Row(asked, MANAGERS_OWN, READ_ONLY)],
    "export_progress": [Row(asked, MANAGERS_OWN, READ_ONLY)],
    "export_file": [Row(asked, READ_ONLY, "302 404 404 404 200+ 404 | 404")],
    "export_cancel": [Row(asked, READ_ONLY, "302 404 404 404 302+ 404 | 404")],
    # photos and files: an upload is one's own until its form is saved
    "file_upload": [
        Row(
            nothing,
            "302 403 200 403 200 403 | 403 200 403 200 403",
            "302 403 201+ 403 201+ 403 | 403 201+ 403 201+ 403",
            lambda here: {
                "kind": "file",
                "name": "papers",
                "file": SimpleUploadedFile("名单.csv", "姓名\n".encode()),
            },
        ),
    ],
    "file": [Row(upload, MANAGERS_OWN, READ_ONLY), Row(dropped, MANAGERS_OWN, READ_ONLY)],
    "file_shown": [
        Row(lambda here: [here.upload.pk, "full"], MANAGERS_OWN, READ_ONLY),
        Row(lambda here: [here.upload.pk, "thumb"], NOBODY_HERE, READ_ONLY),
    ],
    "file_caption": [
        Row(upload, MANAGERS_OWN, "302 404 404 404 302+ 404 | 404", lambda here: {"caption": "名单"})
    ],
    "file_remove": [
        Row(upload, MANAGERS_OWN, "302 404 404 404 302+ 404 | 404", lambda here: {"reason": "误传"})
    ],
    "file_restore": [Row(dropped, MANAGERS_OWN, "302 404 404 404 302+ 404 | 404")],
    "imports": [
        Row(
            nothing,
            "302 403 200 403 200 403 | 403 200 403 200 403",
            "302 403 302+ 403 302+ 403 | 403 302+ 403 302+ 403",
            lambda here: {"file": SimpleUploadedFile("new.csv", "警号,姓名\n1,张三\n".encode())},
        )
    ],
    "import_template": [
        Row(lambda here: ["people"], "302 403 200 403 200 403 | 403 200 403 200 403", READ_ONLY)
    ],
    "import": [Row(handed_in, OWN, READ_ONLY), Row(mistaken, OWN, READ_ONLY, query="verdict=wrong")],
    "import_progress": [Row(handed_in, OWN, READ_ONLY)],
    "import_write": [Row(handed_in, READ_ONLY, OWN_CHANGED)],
    "import_cancel": [Row(handed_in, READ_ONLY, OWN_CHANGED)],
    "import_undo": [Row(handed_in, NOT_WRITTEN, NOT_WRITTEN, lambda here: {"reason": "传错了"})],
    "import_recheck": [Row(handed_in, READ_ONLY, OWN_CHANGED)],
    "import_mistakes": [Row(mistaken, READ_ONLY, "302 403 404 403 200+ 403 | 403 404 403 404 403")],
    # the record
    "record": [
        Row(nothing, "302 403 403 403 200 200 | 403 403 403 200 200", READ_ONLY),
        Row(nothing, "302 403 403 403 200 200 | 403 403 403 404 404", READ_ONLY, query="unit=jia"),
    ],
    "record_export": [
        Row(
            nothing,
            READ_ONLY,
            "302 403 403 403 200+ 200+ | 403 403 403 200+ 200+",
        )
    ],
    "record_undo": [
        Row(lambda here: [here.entry.pk], ENTER, ENTERED, lambda here: {"reason": "改错了"}),
        Row(lambda here: [here.act.pk], ENTER, ENTERED, lambda here: {"reason": "办错了"}),
    ],
    # users, for managers
    "users": [
        Row(nothing, "302 403 403 403 200 403 | 403 403 403 200 403", READ_ONLY),
        Row(nothing, USERS, READ_ONLY, query="unit=jia"),
    ],
    "user_add": [
        Row(
            nothing,
            "302 403 403 403 200 403 | 403 403 403 200 403",
            # From outside the unit is not found: the form comes back.
            "302 403 403 403 200+ 403 | 403 403 403 200 403",
            lambda here: {
                "username": "newcomer",
                "display_name": "新用户",
                "unit": here.unit.code,
                "role": "viewer",
                "started_on": TODAY,
            },
        )
    ],
    "user_slips": [
        Row(
            nothing,
            "302 403 403 403 200 403 | 403 403 403 200 403",
            # From outside nobody of these can be ticked: the form comes back.
            "302 403 403 403 200+ 403 | 403 403 403 200 403",
            lambda here: {"users": [here.waiting.pk]},
        )
    ],
    "proposals": [Row(nothing, "302 403 403 403 200 403 | 403 403 403 200 403", READ_ONLY)],
    "proposal_confirm": [Row(lambda here: [here.proposal.pk], USERS, USERS_CHANGED)],
    "proposal_drop": [
        Row(lambda here: [here.proposal.pk], USERS, USERS_CHANGED, lambda here: {"reason": "否"})
    ],
    "user": [Row(user, USERS, READ_ONLY)],
    "user_edit": [
        Row(
            user,
            USERS,
            USERS_CHANGED,
            lambda here: {"username": "corrected", "display_name": "更正", "reason": "姓名写错"},
        )
    ],
    "user_grant": [
        Row(
            user,
            USERS,
            USERS_CHANGED,
            lambda here: {"unit": here.unit.code, "role": "clerk", "started_on": TODAY},
        )
    ],
    "user_disable": [Row(user, USERS, USERS_CHANGED, lambda here: {"reason": "离职"})],
    "user_enable": [Row(gone, USERS, USERS_CHANGED, lambda here: {"reason": "复职"})],
    "user_password": [
        Row(
            user, USERS, "302 403 403 403 200+ 403 | 403 403 403 404 403", lambda here: {"reason": "忘记密码"}
        )
    ],
    "grant_end": [
        Row(lambda here: [here.grant.pk], USERS, USERS_CHANGED, lambda here: {"reason": "调离"}),
    ],
    # one's own account
    "login": [
        Row(
            nothing,
            "200 302 302 302 302 302 | 302",
            "200+ 302 302 302 302 302 | 302",
            lambda here: {"username": "jia-manager", "password": "wrong"},
        )
    ],
    "login_code": [Row(nothing, "302 302 302 302 302 302 | 302", "302 302 302 302 302 302 | 302")],
    "logout": [Row(nothing, READ_ONLY.replace("302 ", "405 "), "302 302+ 302+ 302+ 302+ 302+ | 302+")],
    "account": [Row(nothing, EVERYBODY, READ_ONLY)],
    "account_password": [
        Row(
            nothing,
            EVERYBODY,
            "302 302+ 302+ 302+ 302+ 302+ | 302+",
            lambda here: {
                "old_password": PASSWORD,
                "new_password": "Tian-Di_2026-Ren",
                "again": "Tian-Di_2026-Ren",
            },
        )
    ],
    "account_end_sessions": [Row(nothing, READ_ONLY, "302 302+ 302+ 302+ 302+ 302+ | 302+")],
    "account_mail": [
        Row(
            nothing,
            EVERYBODY,
            "302 302+ 302+ 302+ 302+ 302+ | 302+",
            lambda here: {"email": "somebody@example.org", "wants_mail": "on"},
        )
    ],
    "account_columns": [
        Row(
            nothing,
            READ_ONLY,
            "302 302+ 302+ 302+ 302+ 302+ | 302+",
            lambda here: {"list": "people_export", "columns": ["category"], "back": "/people/"},
        )
    ],
    "desk": [Row(nothing, EVERYBODY, READ_ONLY)],
    "desk_approve": [
        Row(
            nothing,
            "302 403 403 302 302 403 | 403 403 302 302 403",
            "302 403 403 302+ 302+ 403 | 403 403 404 404 403",
            lambda here: {"rows": f"organization-{pk_of(submitted(here))}", **decided(here)},
        ),
    ],
    "desk_return": [
        Row(
            nothing,
            "302 403 403 302 302 403 | 403 403 302 302 403",
            "302 403 403 302+ 302+ 403 | 403 403 404 404 403",
            lambda here: {"rows": f"submission-{here.submission.pk}", "reason": "缺批复"},
        ),
    ],
    # one's own right to approve, for the days of an absence
    "delegate": [
        Row(
            nothing,
            "302 403 403 200 200 403 | 403 403 200 200 403",
            "302 403 403 302+ 200 403 | 403 403 200 200 403",
            lambda here: {
                "user_to": here.users["manager"].pk,
                "grant": here.users["approver"].grants.get().pk,
                "started_on": TODAY,
                "ended_on": (timezone.localdate() + timedelta(days=3)).isoformat(),
                "reason": "外出学习",
            },
        )
    ],
    "delegation_end": [
        Row(
            lambda here: [here.delegation.pk],
            "302 404 404 200 200 404 | 404",
            "302 404 404 302+ 302+ 404 | 404",
        )
    ],
    "account_second_step": [
        # The key stands in the answer.
        Row(nothing, EVERYBODY, EVERYBODY, lambda here: {"password": PASSWORD})
    ],
    "account_second_step_off": [
        Row(nothing, "302 302 302 302 302 302 | 302", "302 302 302 302 302 302 | 302")
    ],
    "account_recovery_codes": [
        Row(nothing, "302 302 302 302 302 302 | 302", "302 302 302 302 302 302 | 302")
    ],
    # the admin, for superusers and for reading: see tests/views/test_admin.py
    "admin:index": [Row(nothing, ADMIN_WITHOUT_LOGIN, ADMIN_WITHOUT_LOGIN)],
    "admin:login": [Row(nothing, "302 403 403 403 403 403 | 403", "302 403 403 403 403 403 | 403")],
    "admin:logout": [Row(nothing, "302 302 302 302 302 302 | 302", "302 302 302 302 302 302 | 302")],
    "admin:password_change": [Row(nothing, ADMIN_WITHOUT_LOGIN, ADMIN_WITHOUT_LOGIN)],
    "admin:password_change_done": [Row(nothing, ADMIN_WITHOUT_LOGIN, ADMIN_WITHOUT_LOGIN)],
    "admin:autocomplete": [Row(nothing, ADMIN_WITHOUT_LOGIN, ADMIN_WITHOUT_LOGIN)],
    "admin:jsi18n": [Row(nothing, ADMIN_WITHOUT_LOGIN, ADMIN_WITHOUT_LOGIN)],
    "admin:view_on_site": [Row(lambda here: [1, 1], ADMIN_WITHOUT_LOGIN, ADMIN_WITHOUT_LOGIN)],
    "admin:app_list": [Row(lambda here: ["registry"], ADMIN_WITHOUT_LOGIN, ADMIN_WITHOUT_LOGIN)],
    "admin:": [Row(lambda here: ["nowhere/"], ADMIN_WITHOUT_LOGIN, ADMIN_WITHOUT_LOGIN)],
}
"""The one table. The models' pages in the admin come in ``_ADMIN``, the same for each model."""

_ADMIN = {
    "changelist": [],
    "add": [],
    "history": [1],
    "delete": [1],
    "change": [1],
}
for _model in apps.get_app_config("registry").get_models():
    for _page, _args in _ADMIN.items():
        TABLE[f"admin:registry_{_model._meta.model_name}_{_page}"] = [
            Row(lambda here, _args=_args: _args, ADMIN_WITHOUT_LOGIN, ADMIN_WITHOUT_LOGIN)  # type: ignore[misc]
        ]

NOT_IN_THE_ADMIN = (
    *("session", "oldpassword", "sentform", "import", "importfile", "importline"),
    *("unitterm", "organizationterm", "nameterm"),
    "proposal",
)
for _name in NOT_IN_THE_ADMIN:
    for _page in _ADMIN:
        TABLE.pop(f"admin:registry_{_name}_{_page}", None)


def build_world() -> TwoBureaus:
    """One world for the whole file; each request is taken back."""
    return TwoBureaus()


def names_of(resolver: URLResolver, prefix: str = "") -> Iterator[str]:
    """Yield the name of every address, with its namespace; one without a name by its pattern."""
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            space = f"{prefix}{pattern.namespace}:" if pattern.namespace else prefix
            yield from names_of(pattern, space)
        else:
            assert isinstance(pattern, URLPattern)
            yield f"{prefix}{pattern.name or ''}"


def test_every_address_is_in_the_table() -> None:
    known = set(names_of(get_resolver()))
    assert known - TABLE.keys() == set(), "new addresses: say in TABLE what each role gets"
    assert TABLE.keys() - known == set(), "addresses that are gone"


NOT_THERE = ("| 404", "| 405")
Answers = dict[str, list[tuple[str, str] | None]]
"""What GET and POST of each row gave; None: it was not this one's turn to ask."""


def answers(
    visitor: Visitor, here: Bureau, hidden: list[str], *, outside: bool = False, turn: int | None = None
) -> Answers:
    """Ask every address of the table for ``here``; nothing ``hidden`` may stand in any answer.

    With a ``turn`` (0 to 3), of what is not there for anybody outside only every fourth row.
    """
    number = 0
    found: Answers = {}
    for name, rows in TABLE.items():
        if name.startswith("admin:") and (outside or connection.vendor != "sqlite"):
            continue  # it knows no bureaus, and who is no superuser is led away: on every database the same
        found[name] = []
        for row in rows:
            number += 1
            is_there = not (row.get.endswith(NOT_THERE) and row.post.endswith(NOT_THERE))
            if turn is not None and not is_there and number % 4 != turn:
                found[name].append(None)
                continue
            url = reverse(name, args=row.args(here)) if name != "admin:" else "/admin/nowhere/"
            full = f"{url}?{row.query}" if row.query else url
            got, page = visitor.ask("GET", full)
            sent, after = visitor.ask("POST", full, row.data(here))
            asked_for = "phones" in row.data(here) and "JIA-9000" not in hidden
            for text in hidden:
                may_show = PHONE in text and (_shows_phone(name, got, sent) or asked_for)
                assert may_show or text not in page, f"{visitor.user} GET {full} shows {text}"
                assert may_show or text not in after, f"{visitor.user} POST {full} shows {text}"
            found[name].append((got, sent))
    return found


def _shows_phone(name: str, got: str, sent: str) -> bool:
    """Whether this is one of the two pages that show a telephone number, recorded."""
    return name in ("person_reveal", "person_edit") and "200+" in (got, sent)


def expected(place: int, *, outside: bool) -> Answers:
    """Return the column of the table: of nobody (0), of the roles in their order (1 to 5)."""

    def cell(line: str) -> str:
        inside, _bar, others = line.partition("|")
        if not outside:
            return inside.split()[place]
        cells = others.split()
        return cells[0] if len(cells) == 1 else cells[place - 1]

    return {name: [(cell(row.get), cell(row.post)) for row in rows] for name, rows in TABLE.items()}


def differences(found: Answers, table: Answers) -> list[str]:
    return [
        f"{name} {TABLE[name][at].query}: GET, POST gave {got}, the table says {said}"
        for name in found
        for at, (got, said) in enumerate(zip(found[name], table[name], strict=True))
        if got is not None and got != said
    ]


@pytest.mark.look
def test_without_a_login(world: TwoBureaus) -> None:
    found = answers(Visitor(None), world.here, ["甲密", "乙密", PHONE, GUEST, "省公安厅"])
    assert differences(found, expected(0, outside=False)) == []


def once(*asking_all: str) -> list[Any]:
    """Return all roles; those that ask the database nothing that these do not ask come on SQLite only."""
    return [role if role in asking_all else pytest.param(role, marks=pytest.mark.look) for role in ROLES]


@pytest.mark.parametrize("role", once("manager", "viewer", "auditor"))
def test_inside(world: TwoBureaus, role: str) -> None:
    hidden = ["乙密", "YI-9000", PHONE, GUEST]
    if role in ("viewer", "auditor"):
        hidden.append("JIA-9000")
    found = answers(Visitor(world.here.users[role]), world.here, hidden)
    assert differences(found, expected(ROLES.index(role) + 1, outside=False)) == []


@pytest.mark.parametrize("role", once("manager"))
def test_outside(world: TwoBureaus, role: str) -> None:
    """A manager asks all; the others, who may do less, take turns at what is not there for anybody."""
    # Police numbers of their own they may see; of the addresses of 甲 they learn nothing.
    hidden = ["甲密", "JIA-9000", PHONE, GUEST]
    turn = None if role == "manager" else [each for each in ROLES if each != "manager"].index(role)
    found = answers(Visitor(world.there.users[role]), world.here, hidden, outside=True, turn=turn)
    assert differences(found, expected(ROLES.index(role) + 1, outside=True)) == []
