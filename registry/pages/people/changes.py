"""Changing people and their assignments.

A person is changed by who may enter at the home unit; an assignment by who may enter at the unit
where the organization stands.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_http_methods

from registry import access
from registry.models import Assignment, Organization, Person, Role, StatusPeriod
from registry.operations import assignments, people
from registry.operations.people import EDITABLE
from registry.pages.people.forms import (
    AssignForm,
    AssignOneForm,
    EndForm,
    EndManyForm,
    PersonEditForm,
    PersonForm,
    RoleForm,
    StatusForm,
    TransferForm,
    WithdrawForm,
    members_to_end,
)
from registry.pages.people.views import record_view
from registry.rules import placements
from registry.rules.findings import warnings
from registry.rules.placements import Placement, RoleChange
from registry.web.address import actor_of, address_of
from registry.web.changes import change, posted
from registry.web.fields import ScopedForm
from registry.web.links import person_url
from registry.web.text import cleaned

FORM = "pages/people/form.html"


@require_http_methods(["GET", "HEAD", "POST"])
def add(request: HttpRequest, code: str) -> HttpResponse:
    """Add a person to a unit."""
    unit = access.get_unit(request.user, code, "add_person")
    address = address_of(request)
    form = PersonForm(posted(request), user=request.user)
    unit_url = address.url(unit.get_absolute_url())
    return change(
        request,
        form,
        lambda: people.add_person(actor=actor_of(request), home_unit=unit, **form.cleaned_data),
        done=lambda person: format_html(
            '已登记 {}({}),所属单位 {}。<a href="{}">回到该单位</a> · <a href="{}">继续添加</a>',
            person.name,
            access.shown_number(request.user, person),
            unit.name,
            unit_url,
            address.url(request.path),
        ),
        back=lambda person: person_url(request.user, person, address),
        template=FORM,
        context=_page(request, f"在{unit.name}添加人员", "登记", unit_url, [(unit.label, unit_url)]),
    )


@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, number: str) -> HttpResponse:
    """Edit the plain facts of a person; the form holds the telephone number, so opening it is recorded."""
    person = _person_to_change(request, number, "edit_person")
    if request.method == "GET":
        record_view(request, person)
    address = address_of(request)
    initial = {**{name: getattr(person, name) for name in EDITABLE}, "version": person.version}
    form = PersonEditForm(posted(request), user=request.user, initial=initial)

    def act() -> Person:
        facts = dict(form.cleaned_data)
        version = facts.pop("version")
        return people.edit_person(actor=actor_of(request), person=person, changes=facts, version=version)

    return change(
        request,
        form,
        act,
        done=lambda changed: format_html(
            "已保存 {}({})的资料。", changed.name, access.shown_number(request.user, changed)
        ),
        back=lambda changed: person_url(request.user, changed, address),
        template=FORM,
        context=_person_page(request, person, "修改资料", "保存"),
    )


@require_http_methods(["GET", "HEAD", "POST"])
def status(request: HttpRequest, number: str) -> HttpResponse:
    """Change the political status from a day on."""
    person = _person_to_change(request, number, "change_political_status")
    address = address_of(request)
    initial = {"status": person.political_status, "on": address.as_of}
    form = StatusForm(posted(request), user=request.user, initial=initial)
    current = StatusPeriod.objects.get(person=person, ended_on__isnull=True)
    said = f"{person.name}现为{person.get_political_status_display()}"
    if current.started_on > StatusPeriod.BEGINNING:
        said += f",自 {current.started_on:%Y-%m-%d} 起"
    return change(
        request,
        form,
        lambda: people.change_political_status(actor=actor_of(request), person=person, **form.cleaned_data),
        done=lambda changed: format_html(
            "{} 自 {} 起为{}。",
            changed.name,
            f"{form.cleaned_data['on']:%Y-%m-%d}",
            changed.get_political_status_display(),
        ),
        back=person_url(request.user, person, address),
        template=FORM,
        context=_person_page(request, person, "变更政治面貌", "变更政治面貌", [f"{said}。"]),
    )


@require_http_methods(["GET", "HEAD", "POST"])
def transfer(request: HttpRequest, number: str) -> HttpResponse:
    """Transfer the formal membership to another unit or branch."""
    person = _person_to_change(request, number, "transfer_person")
    address = address_of(request)
    initial = {"home_unit": person.home_unit, "home_branch": person.home_branch}
    form = TransferForm(posted(request), user=request.user, initial=initial)
    return change(
        request,
        form,
        lambda: people.transfer_person(actor=actor_of(request), person=person, **form.cleaned_data),
        done=lambda moved: format_html(
            '{} 的所属单位现为 {},组织关系在 {}。<a href="{}">查看原单位</a>',
            moved.name,
            moved.home_unit.name,
            moved.home_branch.name if moved.home_branch else "(未登记)",
            address.url(person.home_unit.get_absolute_url()),
        ),
        back=person_url(request.user, person, address),
        template=FORM,
        context=_person_page(
            request,
            person,
            "调整所属单位和组织关系",
            "调整组织关系",
            ["只改变正式的所属单位和组织关系;在临时党组织和先锋队伍中的编入照旧。"],
        ),
    )


@require_http_methods(["GET", "HEAD", "POST"])
def assign_one(request: HttpRequest, number: str) -> HttpResponse:
    """Place one person in an organization where the user may enter."""
    person = access.get_person(request.user, cleaned(number))
    if not access.may_somewhere(request.user, "assign_person"):
        raise Http404(f"没有警号为“{number}”的人员,或您没有录入权限。")
    address = address_of(request)
    form = AssignOneForm(
        posted(request), user=request.user, initial={"started_on": address.as_of, "role": Role.MEMBER.value}
    )
    return change(
        request,
        form,
        lambda: assignments.assign_person(actor=actor_of(request), person=person, **form.cleaned_data),
        done=lambda placed: format_html(
            '{} 自 {} 起编入 {},任{}。<a href="{}">查看该组织</a>',
            person.name,
            f"{placed.started_on:%Y-%m-%d}",
            placed.organization.name,
            placed.get_role_display(),
            address.url(placed.organization.get_absolute_url()),
        ),
        back=person_url(request.user, person, address),
        template=FORM,
        context=_person_page(request, person, "编入组织", "编入", ["正式的组织关系不变。"]),
        warn=lambda: _warnings(
            request.user,
            form.cleaned_data["organization"],
            [(person, form.cleaned_data["role"])],
            form.cleaned_data["started_on"],
        ),
    )


@require_http_methods(["GET", "HEAD", "POST"])
def assign(request: HttpRequest, code: str) -> HttpResponse:
    """Place many people in an organization: all or none."""
    organization = access.get_organization(request.user, code, "assign_person")
    address = address_of(request)
    first_day = max(address.as_of, organization.established_on)
    form = AssignForm(posted(request), user=request.user, initial={"started_on": first_day})

    def act() -> list[Assignment]:
        return assignments.assign_people(
            actor=actor_of(request),
            organization=organization,
            members=form.people(),
            started_on=form.cleaned_data["started_on"],
            document_number=form.cleaned_data["document_number"],
            ended_on=form.cleaned_data["ended_on"],
        )

    return change(
        request,
        form,
        act,
        done=lambda placed: format_html(
            "已将 {} 人编入 {}。{}", len(placed), organization.name, _to_unit(request, organization)
        ),
        back=address.url(organization.get_absolute_url()),
        template=FORM,
        context=_organization_page(request, organization, "编入人员", "编入"),
        warn=lambda: _warnings(
            request.user,
            organization,
            form.people(),
            form.cleaned_data["started_on"],
            form.cleaned_data["ended_on"],
        ),
    )


@require_http_methods(["GET", "HEAD", "POST"])
def end_many(request: HttpRequest, code: str) -> HttpResponse:
    """End the assignments of several members of an organization on one day."""
    organization = access.get_organization(request.user, code, "end_assignment")
    address = address_of(request)
    rows = members_to_end(organization.pk, address.today)
    form = EndManyForm(posted(request), user=request.user, rows=rows, initial={"on": address.as_of})
    return change(
        request,
        form,
        lambda: assignments.end_assignments(
            actor=actor_of(request),
            ends=[(row, form.cleaned_data["on"]) for row in form.chosen()],
            reason=form.cleaned_data["reason"],
        ),
        done=lambda ended: format_html(
            "{} 的 {} 人自 {} 起结束编入。{}",
            organization.name,
            len(ended),
            f"{form.cleaned_data['on']:%Y-%m-%d}",
            _to_unit(request, organization),
        ),
        back=address.url(organization.get_absolute_url()),
        template="pages/people/end_many.html",
        context=_organization_page(request, organization, "结束编入", "结束所选人员的编入") | {"rows": rows},
    )


@require_http_methods(["GET", "HEAD", "POST"])
def role(request: HttpRequest, pk: int) -> HttpResponse:
    """Give a member another role from a day on."""
    assignment = _assignment_to_change(request, pk, "change_role")

    def warn() -> list[str]:
        proposal = RoleChange(assignment, form.cleaned_data["role"], form.cleaned_data["on"])
        return warnings(placements.role_findings([proposal], request.user))

    form = RoleForm(
        posted(request),
        user=request.user,
        initial={
            "role": assignment.role,
            "on": max(address_of(request).as_of, assignment.started_on),
            "version": assignment.version,
        },
    )
    return _assignment_change(
        request,
        assignment,
        form,
        lambda: assignments.change_role(actor=actor_of(request), assignment=assignment, **form.cleaned_data),
        done=lambda changed: format_html(
            "{} 自 {} 起任{}。",
            assignment.person.name,
            f"{form.cleaned_data['on']:%Y-%m-%d}",
            changed.get_role_display(),
        ),
        title="调整职责",
        sentences=[f"现任{assignment.get_role_display()},{assignment.started_on:%Y-%m-%d} 编入。"],
        warn=warn,
    )


@require_http_methods(["GET", "HEAD", "POST"])
def end(request: HttpRequest, pk: int) -> HttpResponse:
    """End one assignment."""
    assignment = _assignment_to_change(request, pk, "end_assignment")
    form = EndForm(
        posted(request),
        user=request.user,
        initial={"on": address_of(request).as_of, "version": assignment.version},
    )
    return _assignment_change(
        request,
        assignment,
        form,
        lambda: assignments.end_assignment(
            actor=actor_of(request), assignment=assignment, **form.cleaned_data
        ),
        done=lambda ended: format_html(
            "{} 在 {} 的编入自 {} 起结束。",
            assignment.person.name,
            assignment.organization.name,
            f"{ended.ended_on:%Y-%m-%d}",
        ),
        title="结束编入",
        sentences=[f"任{assignment.get_role_display()},{assignment.started_on:%Y-%m-%d} 编入。"],
    )


@require_http_methods(["GET", "HEAD", "POST"])
def withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """Take back an assignment entered by mistake."""
    assignment = _assignment_to_change(request, pk, "withdraw_assignment")
    number = access.shown_number(request.user, assignment.person)
    form = WithdrawForm(posted(request), user=request.user)
    return _assignment_change(
        request,
        assignment,
        form,
        lambda: assignments.withdraw_assignment(
            actor=actor_of(request), assignment=assignment, **form.cleaned_data
        ),
        done=lambda _taken: format_html(
            "已撤回 {} 在 {} 的编入,各日统计均不再计入。",
            assignment.person.name,
            assignment.organization.name,
        ),
        title="撤回误录的编入",
        sentences=[
            f"{assignment.person.name}({number})任{assignment.get_role_display()},"
            f"{assignment.started_on:%Y-%m-%d} 编入。",
            "撤回后该编入在任何一天都不计入,记录保留。如果编入确有其事、只是已经结束,请改用“结束编入”。",
        ],
    )


def _person_to_change(request: HttpRequest, number: str, verb: str) -> Person:
    """Return the person if the user may do ``verb`` at the home unit; being placed in scope is not enough."""
    person = access.get_person(request.user, cleaned(number), verb)
    if not access.may(request.user, verb, person):
        raise Http404(f"警号为“{number}”的人员所属单位不在您的录入范围内。")
    return person


def _assignment_to_change(request: HttpRequest, pk: int, verb: str) -> Assignment:
    rows = Assignment.objects.select_related("person__home_unit", "organization__unit")
    assignment = rows.filter(pk=pk).first()
    if assignment is None or not access.may(request.user, verb, assignment):
        raise Http404("没有这条编入记录,或不在您的录入范围内。")
    return assignment


def _assignment_change(
    request: HttpRequest,
    assignment: Assignment,
    form: ScopedForm,
    act: Callable[[], Assignment],
    *,
    done: Callable[[Assignment], SafeString],
    title: str,
    sentences: list[str],
    warn: Callable[[], list[str]] | None = None,
) -> HttpResponse:
    """Answer the page of one assignment's change; ``from=person`` leads back to the person."""
    address = address_of(request)
    organization, person = assignment.organization, assignment.person
    to_person = request.GET.get("from") == "person"
    organization_url = address.url(organization.get_absolute_url())
    back = person_url(request.user, person, address) if to_person else organization_url
    context = _organization_page(request, organization, f"{person.name}:{title}", title, sentences)
    return change(
        request,
        form,
        act,
        done=lambda result: format_html("{}{}", done(result), _to_unit(request, organization)),
        back=back,
        template=FORM,
        context=context | {"cancel_url": back, "sample": person.is_sample},
        warn=warn,
    )


def _warnings(
    user: access.AnyUser,
    organization: Organization,
    members: Sequence[tuple[Person, str]],
    started_on: date,
    ended_on: date | None = None,
) -> list[str]:
    """Say what to look at before people are placed in an organization."""
    proposals = [Placement(person, organization, role, started_on, ended_on) for person, role in members]
    return warnings(placements.findings(proposals, user))


def _to_unit(request: HttpRequest, organization: Organization) -> SafeString:
    url = address_of(request).url(organization.unit.get_absolute_url())
    return format_html('<a href="{}">回到{}</a>', url, organization.unit.label)


def _page(
    request: HttpRequest,
    title: str,
    submit_label: str,
    cancel_url: str,
    crumbs: Sequence[tuple[str, str]],
    sentences: Sequence[str] = (),
) -> dict[str, Any]:
    return {
        "title": title,
        "submit_label": submit_label,
        "cancel_url": cancel_url,
        "crumbs": [{"name": name, "url": url} for name, url in (*crumbs, (title, ""))],
        "sentences": list(sentences),
    }


def _person_page(
    request: HttpRequest, person: Person, title: str, submit_label: str, sentences: Sequence[str] = ()
) -> dict[str, Any]:
    address = address_of(request)
    url = person_url(request.user, person, address)
    crumbs = [("人员", address.url(reverse("people"))), (person.name, url)]
    page = _page(request, f"{person.name}:{title}", submit_label, url, crumbs, sentences)
    subtitle = f"{access.shown_number(request.user, person)} · {person.home_unit.name}"
    return page | {"sample": person.is_sample, "subtitle": subtitle}


def _organization_page(
    request: HttpRequest,
    organization: Organization,
    title: str,
    submit_label: str,
    sentences: Sequence[str] = (),
) -> dict[str, Any]:
    address = address_of(request)
    unit = organization.unit
    url = address.url(organization.get_absolute_url())
    crumbs = [(unit.label, address.url(unit.get_absolute_url())), (organization.name, url)]
    page = _page(request, title, submit_label, url, crumbs, sentences)
    request.current_unit = unit.code  # type: ignore[attr-defined]
    return page | {"sample": organization.is_sample, "subtitle": organization.name}
