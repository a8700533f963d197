"""Users, for managers: who may do what in one's own subtree."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.html import format_html
from django.views.decorators.http import require_http_methods, require_safe

from registry import access
from registry.accounts import operations as accounts
from registry.accounts import user_forms as forms
from registry.accounts.tables import UserTable, grants_inside, listed, require_manager
from registry.models import User
from registry.refusals import OperationRefused
from registry.web.address import actor_of, address_of
from registry.web.changes import change, posted
from registry.web.tables import show

changes_something = require_http_methods(["GET", "HEAD", "POST"])


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
            "crumbs": _crumbs(request, found.username),
        },
    )


def _actions(request: HttpRequest, found: User) -> list[dict[str, str]]:
    def button(label: str, name: str, tone: str = "") -> dict[str, str]:
        return {"label": label, "url": address_of(request).url(reverse(name, args=[found.pk])), "tone": tone}

    made = []
    if access.may_control(request.user, found):
        made.append(button("设一次性密码", "user_password"))
        made.append(button("停用", "user_disable") if found.is_active else button("启用", "user_enable"))
    if access.may_grant_to(request.user, found):
        made.append(button("增加授权", "user_grant", "main"))
    return made


def _crumbs(request: HttpRequest, name: str) -> list[dict[str, str]]:
    return [{"name": "用户", "url": address_of(request).url(reverse("users"))}, {"name": name, "url": ""}]


@changes_something
def add(request: HttpRequest) -> HttpResponse:
    """Add a user with a first grant; the one-time password is shown in the answer and nowhere else."""
    require_manager(request.user)
    tops = access.top_units(request.user, "add_user")
    initial = {"unit": tops[0]} if len(tops) == 1 else {}
    form = forms.AddUserForm(posted(request), user=request.user, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            made, password = accounts.add_user(
                actor=actor_of(request),
                username=form.cleaned_data["username"],
                display_name=form.cleaned_data["display_name"],
                **form.granted(),
            )
        except OperationRefused as refusal:
            form.apply_refusal(refusal)
        else:
            return _show_password(request, made, password, is_new=True)
    return render(
        request,
        "accounts/users/form.html",
        {
            "form": form,
            "title": "添加用户",
            "submit_label": "添加用户",
            "crumbs": _crumbs(request, "添加用户"),
            "cancel_url": address_of(request).url(reverse("users")),
        },
    )


def _show_password(request: HttpRequest, made: User, password: str, *, is_new: bool) -> HttpResponse:
    """Show a one-time password in the answer itself: kept for a next page it would be stored somewhere."""
    context = {
        "account": made,
        "password": password,
        "is_new": is_new,
        "crumbs": _crumbs(request, made.username),
    }
    return render(request, "accounts/users/password.html", context)


def _controlled(request: HttpRequest, pk: int) -> User:
    require_manager(request.user)
    found = access.get_user(request.user, pk)
    if not access.may_control(request.user, found):
        raise Http404("该用户不能由您管理。")
    return found


@changes_something
def grant(request: HttpRequest, pk: int) -> HttpResponse:
    """Give a user of the list a further grant."""
    require_manager(request.user)
    found = access.get_user(request.user, pk)
    if not access.may_grant_to(request.user, found):
        raise Http404("该用户不能由您授权。")
    form = forms.GrantForm(posted(request), user=request.user)
    return _change(
        request,
        found,
        form,
        lambda: accounts.grant_role(actor=actor_of(request), user=found, **form.granted()),
        done=lambda made: f"已授予“{found}”在{made.unit.label}的“{made.get_role_display()}”角色。",
        title="增加授权",
        submit_label="授权",
        template="accounts/users/form.html",
    )


@changes_something
def end_grant(request: HttpRequest, pk: int) -> HttpResponse:
    """End a grant that lies inside the manager's subtree."""
    require_manager(request.user)
    held = grants_inside(request.user).select_related("user", "unit").filter(pk=pk).first()
    if held is None or not access.may_grant_to(request.user, held.user):
        raise Http404("没有这项授权,或不在您的管理范围内。")
    form = forms.ReasonForm(posted(request), user=request.user)
    return _change(
        request,
        held.user,
        form,
        lambda: accounts.end_grant(actor=actor_of(request), grant=held, reason=form.cleaned_data["reason"]),
        done=lambda row: f"已结束“{held.user}”在{held.unit.label}的“{held.get_role_display()}”授权。",
        title="结束授权",
        submit_label="结束授权",
        sentences=[f"“{held.user}”在{held.unit.name}的“{held.get_role_display()}”授权将立即失效。"],
    )


@changes_something
def disable(request: HttpRequest, pk: int) -> HttpResponse:
    """Let a user in no more."""
    found = _controlled(request, pk)
    form = forms.ReasonForm(posted(request), user=request.user)
    return _change(
        request,
        found,
        form,
        lambda: accounts.disable_user(
            actor=actor_of(request), user=found, reason=form.cleaned_data["reason"]
        ),
        done=lambda row: f"已停用“{row}”,其登录已全部退出。",
        title="停用用户",
        submit_label="停用该用户",
        sentences=[f"停用后“{found}”不能登录,正在使用的登录立即退出。可以随时再启用。"],
    )


@changes_something
def enable(request: HttpRequest, pk: int) -> HttpResponse:
    """Let a disabled user in again."""
    found = _controlled(request, pk)
    form = forms.EnableForm(posted(request), user=request.user)
    return _change(
        request,
        found,
        form,
        lambda: accounts.enable_user(actor=actor_of(request), user=found, reason=form.cleaned_data["reason"]),
        done=lambda row: f"已启用“{row}”。",
        title="启用用户",
        submit_label="启用该用户",
        sentences=[f"启用后“{found}”可用原密码登录。"],
    )


@changes_something
def password(request: HttpRequest, pk: int) -> HttpResponse:
    """Set a one-time password, shown in the answer and nowhere else."""
    found = _controlled(request, pk)
    form = forms.OneTimePasswordForm(posted(request), user=request.user)
    if request.method == "POST" and form.is_valid():
        try:
            made = accounts.set_one_time_password(actor=actor_of(request), user=found, **form.cleaned_data)
        except OperationRefused as refusal:
            form.apply_refusal(refusal)
        else:
            accounts.unlock(username=found.username)
            return _show_password(request, found, made, is_new=False)
    return render(
        request,
        "accounts/users/confirm.html",
        {
            "form": form,
            "account": found,
            "title": "设一次性密码",
            "submit_label": "生成一次性密码",
            "sentences": [
                f"“{found}”的原密码立即失效,正在使用的登录全部退出,登录锁定解除。",
                "请先核实本人身份。新密码只显示一次,三天内有效,首次登录须修改。",
            ],
            "crumbs": _crumbs(request, found.username),
            "cancel_url": address_of(request).url(reverse("user", args=[found.pk])),
        },
    )


def _change(
    request: HttpRequest,
    found: User,
    form: Any,
    act: Callable[[], Any],
    *,
    done: Callable[[Any], str],
    title: str,
    template: str = "accounts/users/confirm.html",
    **context: Any,
) -> HttpResponse:
    page = address_of(request).url(reverse("user", args=[found.pk]))
    listed = address_of(request).url(reverse("users"))
    shown = {
        "account": found,
        "title": title,
        "crumbs": _crumbs(request, found.username),
        "cancel_url": page,
        **context,
    }
    return change(
        request,
        form,
        act,
        done=lambda row: format_html('{} <a href="{}">{}</a>', done(row), listed, "返回用户列表"),
        back=page,
        template=template,
        context=shown,
    )
