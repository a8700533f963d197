"""Users, for managers: who may do what in one's own subtree."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_safe

from registry import access
from registry.accounts import grants, passwords, proposals
from registry.accounts import operations as accounts
from registry.accounts import user_forms as forms
from registry.accounts.proposals import or_propose
from registry.accounts.tables import ListedUser, UserTable, grants_inside, listed, require_manager
from registry.models import Grant, Person, Proposal, Unit, User
from registry.operations import seen
from registry.rules import separation
from registry.web.address import actor_of, address_of
from registry.web.changes import Job, Subject, change, changes_something, posted
from registry.web.fields import ReasonForm
from registry.web.links import person_url
from registry.web.tables import show

FORM = "accounts/users/form.html"


@require_safe
def users(request: HttpRequest) -> HttpResponse:
    """Those with a grant, now or before, in the manager's subtree."""
    return show(UserTable(request), subtitle="在您管理的单位及其下级单位现有或曾有授权的用户")


@require_safe
def user(request: HttpRequest, pk: int) -> HttpResponse:
    """A user: what is granted inside the manager's subtree, and what can be done."""
    require_manager(request.user)
    found = access.get_user(request.user, pk)
    (row,) = listed(request, [found])
    return render(
        request,
        "accounts/users/user.html",
        {
            "row": row,
            "account": found,
            "actions": _actions(request, found),
            "may_grant": access.may_grant_to(request.user, found),
            "may_control": access.may_control(request.user, found),
            "is_oneself": found.pk == request.user.pk,
            "person": person_link(request, found),
            "proposals": proposal_lines(request, found),
            "crumbs": _crumbs(request, found.username),
        },
    )


def person_link(request: HttpRequest, found: User) -> dict[str, str] | None:
    """Return the person behind a user, with the page where the manager sees it."""
    if found.person is None:
        return None
    is_seen = access.visible(request.user, Person.objects.filter(pk=found.person.pk), few=True).exists()
    url = person_url(request.user, found.person, address_of(request)) if is_seen else ""
    return {"name": found.person.name, "url": url}


def _actions(request: HttpRequest, found: User) -> list[dict[str, str]]:
    may_control, state = access.may_control(request.user, found), ("停用", "user_disable")
    wanted = (
        (may_control or found.pk == request.user.pk, "修改", "user_edit", ""),
        (may_control, "设一次性密码", "user_password", ""),
        (may_control, *(state if found.is_active else ("启用", "user_enable")), ""),
        (access.may_grant_to(request.user, found), "增加授权", "user_grant", "main"),
    )
    return [
        {"label": label, "url": address_of(request).url(reverse(name, args=[found.pk])), "tone": tone}
        for may, label, name, tone in wanted
        if may
    ]


def _crumbs(request: HttpRequest, name: str) -> list[dict[str, str]]:
    return [{"name": "用户", "url": address_of(request).url(reverse("users"))}, {"name": name, "url": ""}]


@changes_something
def add(request: HttpRequest) -> HttpResponse:
    """Add a user with a first grant; the one-time password is shown in the answer and nowhere else."""
    require_manager(request.user)
    initial = {"unit": access.only_unit(request.user, "add_user")}
    form = forms.AddUserForm(posted(request), user=request.user, initial=initial)
    return change(
        request,
        form,
        lambda: or_propose(accounts.add_user)(actor=actor_of(request), **form.arguments()),
        warn=lambda: _namesakes(request, form.cleaned_data["display_name"]),
        back=lambda made: _added(request, made),
        template=FORM,
        context={
            "title": "添加用户",
            "submit_label": "添加用户",
            "crumbs": _crumbs(request, "添加用户"),
            "cancel_url": address_of(request).url(reverse("users")),
        },
    )


def _namesakes(request: HttpRequest, name: str) -> list[str]:
    """Say which users of the same name the manager sees: one may be taken for the other."""
    there = access.users_seen(request.user).filter(display_name=name).order_by("username")
    names = "、".join(there.values_list("username", flat=True)[:5])
    return [f"已有姓名同为“{name}”的用户({names}),请确认不是同一人。"] if names else []


def _added(request: HttpRequest, made: tuple[User, str] | Proposal) -> HttpResponse:
    return (
        show_half(request, made) if isinstance(made, Proposal) else show_password(request, *made, is_new=True)
    )


def show_password(
    request: HttpRequest, made: User, password: str, *, is_new: bool = False, is_half: bool = False
) -> HttpResponse:
    """Show a one-time password in the answer itself: kept for a next page it would be stored somewhere."""
    context = {"account": made, "password": password, "is_new": is_new, "is_half": is_half}
    crumbs = _crumbs(request, made.username)
    return render(request, "accounts/users/password.html", {**context, "crumbs": crumbs})


def show_half(request: HttpRequest, proposal: Proposal) -> HttpResponse:
    """Show the half of a proposed password that its proposer hands over."""
    context = {
        "said": proposals.described([proposal])[0],
        "half": proposal.first_half,
        "confirmers": proposals.who_confirms(request.user, [proposal])[0],
        "days": proposals.DAYS,
        "crumbs": _crumbs(request, "已提出"),
    }
    return render(request, "accounts/users/half.html", context)


def proposal_lines(request: HttpRequest, about: User | None = None) -> list[dict[str, Any]]:
    """Return what waits for a second manager where the user manages, all or about one user."""
    waiting = proposals.seen(request.user)
    rows = list(waiting if about is None else waiting.filter(user=about))
    said, confirmers = proposals.described(rows), proposals.who_confirms(request.user, rows)
    address = address_of(request)
    return [
        {
            "proposal": row,
            "said": what,
            "confirmers": who,
            "is_own": row.proposed_by_id == request.user.pk,
            "confirm_url": address.url(reverse("proposal_confirm", args=[row.pk]))
            if proposals.may_confirm(request.user, row)
            else "",
            "drop_url": address.url(reverse("proposal_drop", args=[row.pk]))
            if row.user_id != request.user.pk
            else "",
        }
        for row, what, who in zip(rows, said, confirmers, strict=True)
    ]


def desk_card(request: HttpRequest) -> tuple[str, dict[str, Any]] | None:
    """Return the card of the desk with what waits for this manager to confirm."""
    if not proposals.to_confirm(request.user).exists():
        return None
    lines = [line for line in proposal_lines(request) if line["confirm_url"]]
    return "accounts/users/_desk.html", {"lines": lines}


def waiting(request: HttpRequest) -> list[ListedUser]:
    """Return who never logged in and may be given a password by the manager, one batch of slips at most.

    Not whose password takes two managers: that is proposed on the user's page.
    """
    is_root = request.user.is_superuser
    rows = access.users_seen(request.user).filter(is_active=True, must_change_password=True, last_login=None)
    rows = rows.exclude(username=request.user.get_username()).order_by("display_name", "username")
    found = rows if is_root else rows.filter(is_superuser=False)
    listing = listed(request, list(found[: 4 * accounts.MOST_SLIPS]))
    alone = [each for each in listing if is_root or not (each.elsewhere or _takes_two(request, each))]
    return alone[: accounts.MOST_SLIPS]


def _takes_two(request: HttpRequest, row: ListedUser) -> bool:
    held = (each.grant for each in row.held if not each.is_over)
    units = [grant.unit for grant in held if grant.role in separation.GUARDED]
    return not access.is_above(request.user, "set_one_time_password", units)


@changes_something
def slips(request: HttpRequest) -> HttpResponse:
    """Give one-time passwords to those who never logged in: slips to print, shown in the answer only."""
    require_manager(request.user)
    found = waiting(request)
    rows = User.objects.filter(pk__in={each.user.pk for each in found}).order_by("display_name", "username")
    form = forms.SlipsForm(posted(request), user=request.user, rows=rows)
    return change(
        request,
        form,
        lambda: accounts.set_one_time_passwords(
            actor=actor_of(request), users=list(form.cleaned_data["users"])
        ),
        back=lambda made: _show_slips(request, made),
        template="accounts/users/slips_form.html",
        context={
            "subtitle": "给还没有登录过的用户各设一个一次性密码,打印后当面交给本人",
            "listed": found,
            "most": accounts.MOST_SLIPS,
            "crumbs": _crumbs(request, "印发密码条"),
            "cancel_url": address_of(request).url(reverse("users")),
        },
    )


def _show_slips(request: HttpRequest, made: list[tuple[User, str]]) -> HttpResponse:
    """Show the slips in the answer itself, as a single password is."""
    by_user = {row.user.pk: row for row in listed(request, [user for user, _ in made])}
    context = {
        "subtitle": "只显示这一次:请现在打印,沿虚线裁开,当面交给本人",
        "slips": [(by_user[user.pk], password) for user, password in made],
        "until": timezone.localdate() + timedelta(days=passwords.ONE_TIME_DAYS),
        "login_url": request.build_absolute_uri(reverse("login")),
        "crumbs": _crumbs(request, "密码条"),
    }
    return render(request, "accounts/users/slips.html", context)


# --- Changes of one user --------------------------------------------------------------------------


def _controlled(request: HttpRequest, pk: int, _verb: str) -> User:
    require_manager(request.user)
    found = access.get_user(request.user, pk)
    if not access.may_control(request.user, found):
        raise Http404("该用户不能由您管理。")
    return found


def _correctable(request: HttpRequest, pk: int, verb: str) -> User:
    """Return a user whom the manager controls, or the manager: another name gives nobody a right."""
    require_manager(request.user)
    return access.get_user(request.user, pk) if pk == request.user.pk else _controlled(request, pk, verb)


def _to_grant(request: HttpRequest, pk: int, _verb: str) -> User:
    require_manager(request.user)
    found = access.get_user(request.user, pk)
    if not access.may_grant_to(request.user, found):
        raise Http404("该用户不能由您授权。")
    return found


def _held(request: HttpRequest, pk: int, _verb: str) -> Grant:
    """Return a grant that lies inside the manager's subtree."""
    require_manager(request.user)
    held = grants_inside(request.user).select_related("user", "unit").filter(pk=pk).first()
    if held is None or not access.may_grant_to(request.user, held.user):
        raise Http404("没有这项授权,或不在您的管理范围内。")
    return held


def _around(job: Job) -> dict[str, Any]:
    found = job.row.user if isinstance(job.row, Grant) else job.row
    return {
        "account": found,
        "crumbs": _crumbs(job.request, found.username),
        "cancel_url": job.address.url(reverse("user", args=[found.pk])),
    }


def _to_users(job: Job, _result: object) -> SafeString:
    return format_html(' <a href="{}">{}</a>', job.address.url(reverse("users")), "返回用户列表")


def _second(job: Job, verb: str, units: list[Unit]) -> list[str]:
    """Say that another manager must confirm it, where that is so."""
    if access.is_above(job.user, verb, units):
        return []
    return ["此人担任审计、审批或管理员:提交后须由另一位管理员确认才生效。"]


def _done(say: Callable[[Job, Any], str]) -> Callable[[Job, Any], str]:
    """Return what says that it was done, or what it waits for."""

    def said(job: Job, result: Any) -> str:
        if not isinstance(result, Proposal):
            return say(job, result)
        (who,) = proposals.who_confirms(job.user, [result])
        return f"已提出,{proposals.DAYS} 天内由另一位管理员确认后生效。可以确认的有:{who}。"

    return said


_USER = Subject("user", _controlled, _around, "accounts/users/confirm.html", _to_users)

edit = _USER.change(
    or_propose(accounts.edit_user),
    forms.EditUserForm,
    "修改用户",
    submit_label="保存",
    find=_correctable,
    done=_done(lambda job, row: f"已保存“{row}”的修改。"),
    template=FORM,
)
grant = _USER.change(
    or_propose(grants.grant_role),
    forms.GrantForm,
    "增加授权",
    submit_label="授权",
    find=_to_grant,
    done=_done(lambda job, made: f"已授予“{job.row}”在{made.unit.label}的“{made.get_role_display()}”角色。"),
    template=FORM,
    beside=(seen.GRANTS,),
)
end_grant = _USER.change(
    or_propose(grants.end_grant),
    ReasonForm,
    "结束授权",
    name="grant",
    find=_held,
    sentences=lambda job: [
        f"“{job.row.user}”在{job.row.unit.name}的“{job.row.get_role_display()}”授权将立即失效。",
        *_second(job, "end_grant", [job.row.unit] if job.row.role in separation.GUARDED else []),
    ],
    done=_done(
        lambda job, row: f"已结束“{job.row.user}”在{job.row.unit.label}的“{job.row.get_role_display()}”授权。"
    ),
)
disable = _USER.change(
    or_propose(accounts.disable_user),
    ReasonForm,
    "停用用户",
    submit_label="停用该用户",
    sentences=lambda job: [
        f"停用后“{job.row}”不能登录,正在使用的登录立即退出。可以随时再启用。",
        *_second(job, "disable_user", grants.guarded_units(job.row)),
    ],
    done=_done(lambda job, row: f"已停用“{row}”,其登录已全部退出。"),
    beside=(seen.GRANTS,),
)
enable = _USER.change(
    or_propose(accounts.enable_user),
    forms.EnableForm,
    "启用用户",
    submit_label="启用该用户",
    sentences=lambda job: [
        f"启用后“{job.row}”可用原密码登录。",
        *_second(job, "enable_user", grants.guarded_units(job.row)),
    ],
    done=_done(lambda job, row: f"已启用“{row}”。"),
    beside=(seen.GRANTS,),
)
# The password is shown in the answer and nowhere else.
password = _USER.change(
    or_propose(accounts.set_one_time_password),
    forms.OneTimePasswordForm,
    "设一次性密码",
    submit_label="生成一次性密码",
    sentences=lambda job: [
        f"“{job.row}”的原密码立即失效,正在使用的登录全部退出,登录锁定解除。",
        "请先核实本人身份。新密码只显示一次,三天内有效,只能登录一次并须修改。",
        *_second(job, "set_one_time_password", grants.guarded_units(job.row)),
    ],
    back=lambda job, made: (
        show_half(job.request, made)
        if isinstance(made, Proposal)
        else show_password(job.request, job.row, made)
    ),
)
