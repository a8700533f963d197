"""Users, for managers: who may do what in one's own subtree."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.views.decorators.http import require_http_methods, require_safe
from django_otp.plugins.otp_totp.models import TOTPDevice

from registry import access
from registry.accounts import operations as accounts
from registry.accounts import user_forms as forms
from registry.models import Grant, GrantRole, Unit, User
from registry.models.base import in_spans, on_day
from registry.refusals import OperationRefused
from registry.web.address import actor_of, address_of
from registry.web.changes import change, posted
from registry.web.lists import chips, export_url, others, paged, sorted_by
from registry.web.typed import cleaned

changes_something = require_http_methods(["GET", "HEAD", "POST"])

COLUMNS = {
    "username": ("username",),
    "name": ("display_name", "username"),
    "seen": ("last_login", "username"),
}
FILTERS = ("unit", "unit_text", "role", "state", "q")


@dataclass(frozen=True)
class Held:
    """A grant as the pages show it."""

    grant: Grant
    is_over: bool
    is_coming: bool


@dataclass(frozen=True)
class Row:
    """One user of the list."""

    user: User
    held: list[Held]
    elsewhere: bool
    second_factor: bool


def _manager(request: HttpRequest) -> None:
    """Go on only for those who manage something; for others there is no such page."""
    if not access.may_somewhere(request.user, "add_user"):
        raise Http404("您没有管理用户的权限。")


@dataclass(frozen=True)
class Asked:
    """What the address asks of the list: its rows in order, and each filter in words."""

    unit: Unit | None
    wanted: dict[str, str]
    rows: QuerySet[User]
    sort: str
    shown: dict[str, str]


def asked(request: HttpRequest) -> Asked:
    """Read the address, for managers; the page and its export list the same rows."""
    _manager(request)
    wanted = {name: cleaned(request.GET.get(name, "")) for name in ("role", "state", "q")}
    code = cleaned(request.GET.get("unit", "") or request.GET.get("unit_text", ""))
    unit = access.get_unit(request.user, code, "add_user") if code else None
    rows = _filtered(request, unit, wanted)
    ordered, sort = sorted_by(request, rows, COLUMNS, "username")
    shown = {"unit": f"单位:{unit.name}"} if unit else {}
    if wanted["role"] in GrantRole.values:
        shown["role"] = f"角色:{GrantRole(wanted['role']).label}"
    if label := dict(forms.STATES[1:]).get(wanted["state"]):
        shown["state"] = str(label)
    if wanted["q"]:
        shown["q"] = f"含“{wanted['q']}”"
    return Asked(unit, wanted, ordered, sort, shown)


@require_safe
def users(request: HttpRequest) -> HttpResponse:
    """Those with a grant, now or before, in the manager's subtree."""
    address, found = address_of(request), asked(request)
    page = paged(request, found.rows)
    return render(
        request,
        "users/list.html",
        {
            "filters": forms.UserFilter(
                user=request.user, initial={**found.wanted, "unit": found.unit}, auto_id="filter_%s"
            ),
            "others": others(request, FILTERS),
            "chips": chips(request, found.shown),
            "clear_url": address.url(request.path),
            "page_obj": page,
            "rows": rows_of(request, list(page.object_list)),
            "export_url": export_url(request, "users_export"),
            "sort": found.sort,
            "actions": [{"label": "添加用户", "url": address.url(reverse("user_add")), "tone": "main"}],
        },
    )


def _inside(request: HttpRequest) -> QuerySet[Grant]:
    """Return the grants inside the manager's scope: what is granted elsewhere is neither shown nor found."""
    if request.user.is_superuser:
        return Grant.objects.all()
    return Grant.objects.filter(in_spans(access.spans(request.user, "add_user"), "unit__"))


def _filtered(request: HttpRequest, unit: Unit | None, wanted: dict[str, str]) -> QuerySet[User]:
    rows, inside = access.users_seen(request.user), _inside(request)
    if unit is not None:
        inside = inside.filter(unit__tree_id=unit.tree_id, unit__lft__range=(unit.lft, unit.rght))
        rows = rows.filter(pk__in=inside.values("user_id"))
    valid = inside.filter(on_day(timezone.localdate()))
    if wanted["role"] in GrantRole.values:
        rows = rows.filter(pk__in=valid.filter(role=wanted["role"]).values("user_id"))
    if wanted["state"] == "disabled":
        rows = rows.filter(is_active=False)
    elif wanted["state"] == "valid":
        rows = rows.filter(pk__in=valid.values("user_id"), is_active=True)
    elif wanted["state"] == "none":
        rows = rows.exclude(pk__in=valid.values("user_id"))
    if wanted["q"]:
        rows = rows.filter(Q(username__icontains=wanted["q"]) | Q(display_name__icontains=wanted["q"]))
    return rows


def rows_of(request: HttpRequest, found: list[User]) -> list[Row]:
    """Return the rows of these users with what they hold: two queries, whatever their number."""
    held, elsewhere = _held(request, found)
    guarded = set(TOTPDevice.objects.filter(user__in=found, confirmed=True).values_list("user_id", flat=True))
    return [Row(user, held[user.pk], user.pk in elsewhere, user.pk in guarded) for user in found]


def _held(request: HttpRequest, found: Iterable[User]) -> tuple[dict[int, list[Held]], set[int]]:
    """Return the grants inside the manager's scope by user, valid ones first, and who holds others."""
    today = timezone.localdate()
    seen: dict[int, list[Held]] = defaultdict(list)
    elsewhere = set()
    everything = request.user.is_superuser
    scope = access.spans(request.user, "add_user")
    rows = Grant.objects.filter(user__in=list(found)).select_related("unit").order_by("-started_on", "pk")
    for grant in rows:
        is_over = grant.ended_on is not None and grant.ended_on <= today
        if everything or access.inside(grant.unit, scope):
            seen[grant.user_id].append(Held(grant, is_over, grant.started_on > today))
        elif not is_over:
            elsewhere.add(grant.user_id)
    for held in seen.values():
        held.sort(key=lambda one: one.is_over)
    return seen, elsewhere


@require_safe
def user(request: HttpRequest, pk: int) -> HttpResponse:
    """A user: what is granted inside the manager's subtree, and what can be done."""
    _manager(request)
    found = access.get_user(request.user, pk)
    row = rows_of(request, [found])[0]
    return render(
        request,
        "users/user.html",
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
    _manager(request)
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
        "users/form.html",
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
    return render(request, "users/password.html", context)


def _controlled(request: HttpRequest, pk: int) -> User:
    _manager(request)
    found = access.get_user(request.user, pk)
    if not access.may_control(request.user, found):
        raise Http404("该用户不能由您管理。")
    return found


@changes_something
def grant(request: HttpRequest, pk: int) -> HttpResponse:
    """Give a user of the list a further grant."""
    _manager(request)
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
        template="users/form.html",
    )


@changes_something
def end_grant(request: HttpRequest, pk: int) -> HttpResponse:
    """End a grant that lies inside the manager's subtree."""
    _manager(request)
    held = _inside(request).select_related("user", "unit").filter(pk=pk).first()
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
        "users/confirm.html",
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
    template: str = "users/confirm.html",
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
