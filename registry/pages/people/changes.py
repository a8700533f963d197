"""Changing people and their assignments.

A person is changed by who may enter at the home unit; an assignment by who may enter at the unit
where the organization stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from registry import access
from registry.models import (
    BEGINNING,
    Assignment,
    Organization,
    Person,
    PersonPlacement,
    Role,
    StatusPeriod,
    Unit,
)
from registry.operations import assignments, people, seen
from registry.pages.people.forms import (
    AssignForm,
    AssignmentEditForm,
    AssignOneForm,
    BorrowForm,
    EndForm,
    EndManyForm,
    PersonEditForm,
    PersonForm,
    RoleForm,
    StatusForm,
    TransferForm,
    WithdrawForm,
)
from registry.pages.people.views import record_view
from registry.rules import placements, standing
from registry.rules.findings import warnings
from registry.rules.people import Naming, Numbering, namesake_warnings, number_findings
from registry.rules.placements import Ending, Placement, RoleChange
from registry.web.address import actor_of, address_of
from registry.web.changes import Asked, Job, Subject, change, changes_something, posted
from registry.web.links import person_url, way_to
from registry.web.text import cleaned

FORM = "pages/people/form.html"


def _page(title: str, cancel_url: str, *crumbs: tuple[str, str]) -> dict[str, Any]:
    return {
        "title": title,
        "cancel_url": cancel_url,
        "crumbs": [{"name": name, "url": url} for name, url in (*crumbs, (title, ""))],
    }


def _number(job: Job, person: Person) -> str:
    return access.shown_number(job.user, person)


# --- People ---------------------------------------------------------------------------------------


def _unit_at_hand(request: HttpRequest, code: str, verb: str) -> Unit:
    return access.get_unit(request.user, code, verb)


def _around_unit(job: Job) -> dict[str, Any]:
    url = job.url(job.row)
    return _page(f"在{job.row.name}添加人员", url, (job.row.label, url))


def person_at_hand(request: HttpRequest, number: str, verb: str) -> Person:
    """Return the person if the user may do ``verb`` at the home unit; being placed in scope is not enough."""
    person = access.get_person(request.user, cleaned(number), verb)
    return access.need(request.user, verb, person, f"警号为“{number}”的人员所属单位不在您的管理范围内。")


def _person_to_place(request: HttpRequest, number: str, verb: str) -> Person:
    """Return the person for who may place people somewhere."""
    person = access.get_person(request.user, cleaned(number))
    access.need_somewhere(request.user, verb)
    return person


def person_around(job: Job) -> dict[str, Any]:
    """Return what stands around a form about a person."""
    person, url = job.row, _page_of(job, job.row)
    crumbs = ("人员", job.address.url(reverse("people"))), (person.name, url)
    subtitle = f"{_number(job, person)} · {person.home_unit.name}"
    page = _page(f"{person.name}:{job.title}", url, *crumbs)
    return page | {"sample": person.is_sample, "subtitle": subtitle}


def _page_of(job: Job, person: Person) -> str:
    return person_url(job.user, person, job.address)


def _status_now(job: Job) -> list[str]:
    current = StatusPeriod.objects.get(person=job.row, ended_on__isnull=True)
    said = f"{job.row.name}现为{job.row.get_political_status_display()}"
    if current.started_on > BEGINNING:
        said += f",自 {current.started_on} 起"
    return [f"{said}。"]


def _home_now(job: Job) -> list[str]:
    said = ["只改变正式的所属单位和组织关系;在临时党组织和先锋队伍中的编入照旧。"]
    newest = PersonPlacement.objects.filter(person=job.row).latest("started_on")
    if newest.started_on > BEGINNING:
        said.append(
            f"现在的所属单位和组织关系自 {newest.started_on} 起;填同一天即更正,只改日期即更正起始日,"
            "均须说明原因。"
        )
    return said


def _joining_warnings(job: Job) -> list[str]:
    """Say what to look at in the days of a membership, where they change."""
    sent, row = job.sent, job.row if isinstance(job.row, Person) else None
    days = sent["joined_on"], sent["confirmed_on"]
    if row is not None and days == (row.joined_on, row.confirmed_on):
        return []
    status = row.political_status if row is not None else sent["political_status"]
    return warnings(standing.warnings([standing.Joining(row, status, *days)]))


def _number_warnings(job: Job, pk: int | None = None) -> list[str]:
    return warnings(number_findings([Numbering(job.sent["number"], job.sent["name"], pk)], job.user))


PERSON = Subject("person", person_at_hand, person_around, FORM)


def _namesakes(job: Job) -> list[str]:
    """Say who has the same name in the unit, where name or unit is new."""
    person = job.row if isinstance(job.row, Person) else None
    unit = job.sent.get("home_unit") or (person.home_unit if person is not None else job.row)
    name = job.sent.get("name") or job.row.name
    if person is not None and (name, unit) == (person.name, person.home_unit):
        return []
    number = person.number if person is not None else job.sent["number"]
    return warnings(namesake_warnings([Naming(name, unit, number)], job.user))


add = Subject("home_unit", _unit_at_hand, _around_unit, FORM).change(
    people.add_person,
    PersonForm,
    "添加人员",
    submit_label="登记",
    warn=lambda job: [*_number_warnings(job), *_namesakes(job), *_joining_warnings(job)],
    done=lambda job, person: format_html(
        '已登记 {}({}),所属单位 {}。<a href="{}">回到该单位</a> · <a href="{}">继续添加</a>',
        person.name,
        _number(job, person),
        job.row.name,
        job.url(job.row),
        job.address.url(job.request.path),
    ),
    back=_page_of,
)
# The form holds the telephone number, so opening it is recorded.
edit = PERSON.change(
    people.edit_person,
    PersonEditForm,
    "修改资料",
    submit_label="保存",
    warn=lambda job: [
        *(_number_warnings(job, job.row.pk) if job.sent["number"] != job.row.number else []),
        *_namesakes(job),
        *_joining_warnings(job),
    ],
    opened=lambda job: record_view(job.request, job.row),
    done=lambda job, row: f"已保存 {row.name}({_number(job, row)})的资料。",
    back=_page_of,
)
status = PERSON.change(
    people.change_political_status,
    StatusForm,
    "变更政治面貌",
    sentences=_status_now,
    initial=lambda job: {"status": job.row.political_status},
    done=lambda job, row: f"{row.name} 自 {job.sent['on']} 起为{row.get_political_status_display()}。",
)
transfer = PERSON.change(
    people.transfer_person,
    TransferForm,
    "调整所属单位和组织关系",
    submit_label="调整组织关系",
    warn=lambda job: _namesakes(job),
    sentences=_home_now,
    done=lambda job, row: (
        f"{row.name} 自 {job.sent['on']} 起的所属单位为 {row.home_unit.name},"
        f"组织关系在 {row.home_branch.name if row.home_branch else '(未登记)'}。"
    ),
    link=lambda job, row: way_to(job.address, job.row.home_unit, "查看原单位"),
)
assign_one = PERSON.change(
    assignments.assign_person,
    AssignOneForm,
    "编入组织",
    submit_label="编入",
    find=_person_to_place,
    sentences=lambda job: ["正式的组织关系不变。"],
    initial=lambda job: {"started_on": job.address.as_of, "role": Role.MEMBER.value},
    warn=lambda job: _warnings(job, job.sent["organization"], [(job.row, job.sent["role"])]),
    done=lambda job, placed: (
        f"{job.row.name} 自 {placed.started_on} 起编入 {placed.organization.name},"
        f"任{placed.get_role_display()}。"
    ),
    link=lambda job, placed: way_to(job.address, placed.organization, "查看该组织"),
)


@changes_something
def borrow(request: HttpRequest) -> HttpResponse:
    """Place somebody of another unit, found by whole number and name."""
    access.need_somewhere(request.user, "assign_person")
    address = address_of(request)
    given = {name: cleaned(request.GET.get(name, "")) for name in ("number", "name", "organization")}
    initial = {"started_on": address.as_of, "role": Role.MEMBER.value, **given}
    form = BorrowForm(posted(request), user=request.user, initial=initial)
    people_url = address.url(reverse("people"))

    def warn() -> list[str]:
        sent = form.cleaned_data
        proposal = Placement(sent["person"], sent["organization"], sent["role"], sent["started_on"])
        return warnings(placements.findings([proposal], request.user))

    return change(
        request,
        form,
        lambda: assignments.assign_person(actor=actor_of(request), **form.arguments()),
        done=lambda placed: (
            f"已将 {placed.person.name} 借调编入 {placed.organization.name},任{placed.get_role_display()}。"
            "其所属单位可在“被借调人员”中看到。"
        ),
        back=lambda placed: address.url(placed.organization.get_absolute_url()),
        template=FORM,
        context={
            **_page("借调编入", people_url, ("人员", people_url)),
            "submit_label": "编入",
            "sentences": [
                "其他单位的人员按完整警号和姓名编入,正式组织关系不变,两个单位的操作记录都会写明。",
                "警号和姓名须都对;对不上时不说明是哪一项。",
            ],
        },
        warn=warn,
    )


# --- The members of an organization ---------------------------------------------------------------


def _organization_at_hand(request: HttpRequest, code: str, verb: str) -> Organization:
    return access.get_organization(request.user, code, verb)


def _around_organization(job: Job) -> dict[str, Any]:
    return _page_about(job, job.row, job.title)


def _page_about(job: Job, organization: Organization, title: str) -> dict[str, Any]:
    unit, url = organization.unit, job.url(organization)
    job.request.current_unit = unit.code  # type: ignore[attr-defined]
    page = _page(title, url, (unit.label, job.url(unit)), (organization.name, url))
    return page | {"sample": organization.is_sample, "subtitle": organization.name}


def _to_unit(job: Job, _result: object) -> SafeString:
    """Return the way back to the organization's unit."""
    about = job.row if isinstance(job.row, Organization) else job.row.organization
    return way_to(job.address, about.unit, "回到{}")


def _warnings(job: Job, organization: Organization, members: Sequence[tuple[Person, str]]) -> list[str]:
    """Say what to look at before people are placed in an organization."""
    days = job.sent["started_on"], job.sent.get("ended_on")
    proposals = [Placement(person, organization, role, *days) for person, role in members]
    return warnings(placements.findings(proposals, job.user))


def end_warnings(job: Asked, rows: Sequence[Assignment]) -> list[str]:
    """Return the warnings about ending assignments on the day that was sent."""
    return warnings(placements.end_findings([Ending(row, job.sent["on"]) for row in rows]))


_ORGANIZATION = Subject("organization", _organization_at_hand, _around_organization, FORM, _to_unit)

assign = _ORGANIZATION.change(
    assignments.assign_people,
    AssignForm,
    "编入人员",
    verb="assign_person",
    submit_label="编入",
    initial=lambda job: {"started_on": max(job.address.as_of, job.row.established_on)},
    warn=lambda job: _warnings(job, job.row, job.sent["members"]),
    done=lambda job, placed: f"已将 {len(placed):,} 人编入 {job.row.name}。",
)
end_many = _ORGANIZATION.change(
    assignments.end_assignments,
    EndManyForm,
    "结束编入",
    verb="end_assignment",
    submit_label="结束所选人员的编入",
    warn=lambda job: end_warnings(job, [row for row, _on in job.form.arguments()["ends"]]),
    done=lambda job, ended: f"{job.row.name} 的 {len(ended):,} 人自 {ended[0].ended_on} 起结束编入。",
    template="pages/people/end_many.html",
    name="",
    beside=(seen.MEMBERS,),
)


# --- One assignment -------------------------------------------------------------------------------


def _assignment_at_hand(request: HttpRequest, pk: int, verb: str) -> Assignment:
    rows = Assignment.objects.select_related("person__home_unit", "organization__unit")
    assignment = rows.filter(pk=pk).first()
    return access.need(request.user, verb, assignment, "没有这条编入记录,或不在您的管理范围内。")


def _around_assignment(job: Job) -> dict[str, Any]:
    """``from=person`` leads back to the person."""
    person = job.row.person
    page = _page_about(job, job.row.organization, f"{person.name}:{job.title}") | {"sample": person.is_sample}
    if job.request.GET.get("from") == "person":
        page["cancel_url"] = _page_of(job, person)
    return page


def _placed(assignment: Assignment) -> str:
    return f"任{assignment.get_role_display()},{assignment.started_on} 编入。"


def _corrected(job: Job, row: Assignment, number: int) -> str:
    others = f"等 {number} 人" if number > 1 else ""
    return f"已更正 {row.person.name}{others}在 {row.organization.name} 的编入,编入日期为 {row.started_on}。"


def role_warnings(job: Asked, rows: Sequence[Assignment]) -> list[str]:
    """Return the warnings about changing assignments to the role that was sent."""
    changes = [RoleChange(row, job.sent["role"], job.sent["on"]) for row in rows]
    return warnings(placements.role_findings(changes, job.user))


_ASSIGNMENT = Subject("assignment", _assignment_at_hand, _around_assignment, FORM, _to_unit)

edit_assignment = _ASSIGNMENT.change(
    assignments.edit_assignment,
    AssignmentEditForm,
    "更正编入",
    submit_label="保存",
    sentences=lambda job: [
        f"{job.row.person.name}({_number(job, job.row.person)}){_placed(job.row)}",
        "更正用于登记有误:各日的统计按更正后的日期重新计算。任务结束请用“结束编入”。",
    ],
    done=lambda job, row: _corrected(job, row, 1 + len(job.form.arguments()["also"])),
)
role = _ASSIGNMENT.change(
    assignments.change_role,
    RoleForm,
    "调整职责",
    sentences=lambda job: [f"现{_placed(job.row)}"],
    initial=lambda job: {"on": max(job.address.as_of, job.row.started_on)},
    warn=lambda job: role_warnings(job, [job.row]),
    done=lambda job, row: f"{job.row.person.name} 自 {job.sent['on']} 起任{row.get_role_display()}。",
)
end = _ASSIGNMENT.change(
    assignments.end_assignment,
    EndForm,
    "结束编入",
    sentences=lambda job: [_placed(job.row)],
    warn=lambda job: end_warnings(job, [job.row]),
    done=lambda job, row: (
        f"{job.row.person.name} 在 {job.row.organization.name} 的编入自 {row.ended_on} 起结束。"
    ),
)
withdraw = _ASSIGNMENT.change(
    assignments.withdraw_assignment,
    WithdrawForm,
    "撤回误录的编入",
    sentences=lambda job: [
        f"{job.row.person.name}({_number(job, job.row.person)}){_placed(job.row)}",
        "撤回后该编入在任何一天都不计入,记录保留。如果编入确有其事、只是已经结束,请改用“结束编入”。",
    ],
    done=lambda job, row: (
        f"已撤回 {job.row.person.name} 在 {job.row.organization.name} 的编入,各日统计均不再计入。"
    ),
)
