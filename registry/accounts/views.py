"""Logging in and out, and one's own account: password, sessions, second step."""

from __future__ import annotations

import io
import re
from base64 import b32encode
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import segno
from django.conf import settings
from django.contrib import auth, messages
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import get_resolver, reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST, require_safe

from registry import access, audit
from registry.accounts import delegations, devices, second_factor
from registry.accounts import operations as accounts
from registry.accounts.forms import ChangePasswordForm, CodeForm, LoginForm, MailForm, PasswordForm
from registry.accounts.lockout import login_page
from registry.accounts.passwords import ONE_TIME_SPENT, is_due
from registry.audit import Actor
from registry.models import Grant, Session, User
from registry.refusals import refuse
from registry.web import desk, kept
from registry.web.address import actor_of, address_of, back_of
from registry.web.changes import View, change, changes_something, posted

_PENDING = "login_pending"
_PENDING_SECONDS = 300
MOST_COLUMNS = LONGEST_COLUMN = 60
"""The most columns that are kept of a list, and the length of the longest name."""
_KEY = "second_factor_key"


# --- Coming in and going out ---------------------------------------------------------------------


@login_not_required
@sensitive_post_parameters("password")
@changes_something
def login(request: HttpRequest) -> HttpResponse:
    """Ask for user name and password; then for a code, where the user wants one asked for."""
    goal, packed = _goal(request), request.POST.get("kept", "")
    if request.user.is_authenticated:
        return HttpResponseRedirect(goal or reverse(settings.LOGIN_REDIRECT_URL))
    form = LoginForm(request, data=posted(request))
    if request.method == "POST":
        if form.is_valid():
            user: Any = form.get_user()
            if second_factor.is_on(user):
                return _ask_for_code(request, user, goal)
            return _enter(request, user, user.backend, goal, packed, step="password")
        _record_failure(request, form)
    return login_page(request, form, goal=_wanted(request), packed=packed)


def _wanted(request: HttpRequest) -> str:
    return request.POST.get("next", "") or request.GET.get("next", "")


def _goal(request: HttpRequest) -> str:
    """Return where to go after the login: what was asked for, if it is ours; "" for the first page."""
    wanted = _wanted(request)
    ours = url_has_allowed_host_and_scheme(
        wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return wanted if ours and wanted != reverse(settings.LOGIN_REDIRECT_URL) else ""


def _first_page(user: User) -> str:
    """Return where who asked for nothing goes: to the desk when something waits there."""
    return reverse("desk" if desk.number(user) else settings.LOGIN_REDIRECT_URL)


def _enter(
    request: HttpRequest, user: User, backend: str, goal: str, packed: str, *, step: str
) -> HttpResponse:
    if user.must_change_password and not accounts.spend_one_time_password(user=user):
        return login_page(request, LoginForm(request), goal=goal, packed=packed, locked=ONE_TIME_SPENT)
    auth.login(request, user, backend=backend)
    if packed:
        kept.keep(request, packed)
    request.session["address"] = str(request.META.get("REMOTE_ADDR", ""))
    request.session["agent"] = str(request.META.get("HTTP_USER_AGENT", ""))[:200]
    accounts.forget_ended_sessions(user=user)
    audit.record_event(actor_of(request), "login", subject=user.username, after={"step": step})
    response = HttpResponseRedirect(goal or _first_page(user))
    devices.remember(request, response, user)
    return response


def _visitor(request: HttpRequest, user: User | None) -> Actor:
    """Return somebody who did not come in, with the account that was tried."""
    return replace(actor_of(request), user=user, name="未登录")


def _record_failure(request: HttpRequest, form: LoginForm) -> None:
    """Record a login that failed, and the moment of its lock; what is tried while locked is in the log."""
    name = form.cleaned_data.get("username")
    if not name or not form.cleaned_data.get("password"):
        return
    locked = getattr(request, "axes_locked_out", False)
    if locked and getattr(request, "axes_failures_since_start", None) is None:
        return
    known = User.objects.filter(username=name).first()
    # Somebody may have typed a password in the wrong field: a name that is nobody's is not kept.
    subject = known.username if known else "不存在的用户名"
    verb = "login_locked" if locked else "login_failed"
    audit.record_event(_visitor(request, known), verb, subject=subject)


def _ask_for_code(request: HttpRequest, user: Any, goal: str) -> HttpResponse:
    """Keep in the session whose password was right; nobody is logged in by that."""
    request.session.cycle_key()
    request.session[_PENDING] = {
        "user": user.pk,
        "backend": user.backend,
        "hash": user.get_session_auth_hash(),
        "until": timezone.now().timestamp() + _PENDING_SECONDS,
        "goal": goal,
        "kept": request.POST.get("kept", ""),
    }
    return HttpResponseRedirect(reverse("login_code"))


def _pending(request: HttpRequest) -> tuple[User, dict[str, Any]] | None:
    begun = request.session.get(_PENDING)
    if not begun or begun["until"] < timezone.now().timestamp():
        return None
    user = User.objects.filter(pk=begun["user"], is_active=True).first()
    if user is None or user.get_session_auth_hash() != begun["hash"]:
        return None
    return user, begun


@login_not_required
@sensitive_post_parameters("code")
@changes_something
def login_code(request: HttpRequest) -> HttpResponse:
    """Ask for the code of the second step."""
    found = _pending(request)
    if request.user.is_authenticated or found is None:
        return HttpResponseRedirect(reverse("login"))
    user, begun = found
    form = CodeForm(posted(request), user=request.user)
    if request.method == "POST" and form.is_valid():
        wait = second_factor.seconds_to_wait(user)
        step = "" if wait else second_factor.verify(user, form.cleaned_data["code"])
        if step:
            del request.session[_PENDING]
            return _enter(request, user, begun["backend"], begun["goal"], begun["kept"], step=step)
        audit.record_event(
            _visitor(request, user), "login_failed", subject=user.username, after={"step": "code"}
        )
        if wait:
            form.add_error("code", f"错误次数过多,请 {wait} 秒后再试。")
        else:
            form.add_error("code", "验证码不正确或已用过。")
    return render(request, "accounts/code.html", {"form": form, "account": user})


@login_not_required
@require_POST
def logout(request: HttpRequest) -> HttpResponse:
    """End the session."""
    if request.user.is_authenticated:
        audit.record_event(actor_of(request), "logout", subject=request.user.get_username())
    auth.logout(request)
    return HttpResponseRedirect(reverse("login"))


# --- One's own account ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Sitting:
    """One of the user's sessions."""

    started_at: datetime
    seen_at: datetime
    address: str
    browser: str
    is_this: bool


_BROWSERS = (("Edg/", "Edge"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


def _browser(agent: str) -> str:
    """Return browser and system in a word each."""
    browser = next((name for sign, name in _BROWSERS if sign in agent), "")
    version = re.search(r"(?:Edg|Firefox|Chrome|Version)/(\d+)", agent)
    system = next((name for sign, name in _SYSTEMS if sign in agent), "")
    named = f"{browser} {version[1]}" if browser and version else browser
    return " · ".join(part for part in (named, system) if part) or "未知浏览器"


def _sittings(request: HttpRequest, user: User) -> list[Sitting]:
    rows = Session.objects.filter(user=user, expire_date__gt=timezone.now()).order_by("-seen_at")[:50]
    made = []
    for row in rows:
        data = row.get_decoded()
        made.append(
            Sitting(
                row.started_at,
                row.seen_at,
                str(data.get("address", "")),
                _browser(str(data.get("agent", ""))),
                row.session_key == request.session.session_key,
            )
        )
    return made


def _own(request: HttpRequest) -> User:
    """Return the user's row: the request's own object is a wrapper around it."""
    return User.objects.get(pk=request.user.pk or 0)


@require_safe
def account(request: HttpRequest) -> HttpResponse:
    """What was granted to oneself, password, second step, sessions."""
    user, today = _own(request), timezone.localdate()
    held = Grant.objects.filter(user=user).select_related("unit", "delegated_from__user")
    grants = held.order_by("-started_on", "pk")
    shown = [(grant, grant.ended_on is not None and grant.ended_on <= today) for grant in grants]
    sittings = _sittings(request, user)
    return render(
        request,
        "accounts/account.html",
        {
            "account": user,
            "grants": shown,
            "today": today,
            "given": [row for row in delegations.about(user) if row.user_id != user.pk],
            "may_delegate": access.may_somewhere(request.user, "delegate_approval"),
            "sessions": sittings,
            "others": len(sittings) - 1,
            "second_factor": second_factor.is_on(user),
            "codes_left": second_factor.codes_left(user),
            "days": settings.PASSWORD_DAYS,
            "has_mail": bool(settings.EMAIL_HOST),
        },
    )


def _need_password(request: HttpRequest, password: str, field: str = "password") -> None:
    """Refuse unless it is the user's: wrong ones count as failed logins, and lock like them."""
    user = _own(request)
    if auth.authenticate(request, username=user.username, password=password) is None:
        failed = {"step": "account"}
        audit.record_event(actor_of(request), "login_failed", subject=user.username, after=failed)
        raise refuse(field, "当前密码不正确。")


@sensitive_post_parameters()
@changes_something
def password(request: HttpRequest) -> HttpResponse:
    """Change one's own password; all other sessions end."""
    user = _own(request)
    form = ChangePasswordForm(posted(request), user=request.user)
    due = is_due(user)

    def act() -> None:
        _need_password(request, form.cleaned_data["old_password"], "old_password")
        changed = accounts.change_password(
            actor=actor_of(request), user=user, password=form.cleaned_data["new_password"]
        )
        auth.update_session_auth_hash(request, changed)
        accounts.forget_sessions(user=changed, keep=request.session.session_key)

    return change(
        request,
        form,
        act,
        done=lambda _none: "密码已修改,其他登录已全部退出。",
        back=reverse("home" if due else "account"),
        template="accounts/password.html",
        context={"due": due, "account": user},
    )


@changes_something
def mail(request: HttpRequest) -> HttpResponse:
    """Ask whether to send a line when something waits, and where to."""
    user = _own(request)
    form = MailForm(posted(request), user=request.user, row=user)
    return change(
        request,
        form,
        lambda: accounts.choose_mail(actor=actor_of(request), user=user, **form.arguments()),
        done=lambda kept: "有待办时会发邮件提醒。" if kept.wants_mail else "不再发邮件提醒。",
        back=address_of(request).url(reverse("account")),
        template="accounts/confirm.html",
        context={
            "title": "邮件提醒",
            "submit_label": "保存",
            "sentences": ["邮件只写有几件待办,不写姓名和内容。"],
            "cancel_url": address_of(request).url(reverse("account")),
        },
    )


@require_POST
def end_sessions(request: HttpRequest) -> HttpResponse:
    """End all other sessions of one's own."""
    number = accounts.end_sessions(
        actor=actor_of(request), user=_own(request), keep=request.session.session_key or ""
    )
    messages.success(request, f"已退出其他 {number} 个登录。")
    return HttpResponseRedirect(address_of(request).url(reverse("account")))


@require_POST
def columns(request: HttpRequest) -> HttpResponse:
    """Keep the columns that were ticked for a list, or all of them again, and show the list."""
    of = request.POST.get("list", "")
    # A list is called as the address of its file, one of several at that address with its key behind.
    if len(of) > LONGEST_COLUMN or of.partition(":")[0] not in get_resolver().reverse_dict:
        raise Http404("没有这个列表。")
    ticked = [] if "all" in request.POST else request.POST.getlist("columns")[:MOST_COLUMNS]
    ticked = [name[:LONGEST_COLUMN] for name in ticked]
    accounts.choose_columns(actor=actor_of(request), user=_own(request), of=of, columns=ticked)
    return HttpResponseRedirect(back_of(request))


@sensitive_post_parameters("code", "password")
@changes_something
def second_step(request: HttpRequest) -> HttpResponse:
    """Turn the second step on: ask for the password, show the key once, take the first code.

    The key stands in the answer to the password only. Whoever opens the page again, or goes back to it,
    is asked for the password and gets another key.
    """
    user = _own(request)
    if second_factor.is_on(user):
        return HttpResponseRedirect(reverse("account"))
    if request.method != "POST":
        request.session.pop(_KEY, None)
    key = request.session.get(_KEY)
    if key is None or "password" in request.POST:
        return _with_password(
            request,
            user,
            _show_key,
            "启用二次验证",
            "下一步",
            "启用后,登录时除密码外还要输入手机验证器应用(离线可用)显示的六位数字。密钥只显示一次,请先备好手机。",
        )
    form = CodeForm(posted(request), user=request.user)

    def act() -> list[str]:
        codes = second_factor.turn_on(
            actor=actor_of(request), user=user, key=key, code=form.cleaned_data["code"]
        )
        del request.session[_KEY]
        accounts.forget_sessions(user=user, keep=request.session.session_key)
        return codes

    return change(
        request,
        form,
        act,
        back=lambda codes: render(request, "accounts/codes.html", {"codes": codes, "first": True}),
        template="accounts/second_step.html",
    )


def _with_password(
    request: HttpRequest,
    user: User,
    act: Callable[[HttpRequest, User], HttpResponse],
    title: str,
    submit: str,
    sentence: str,
) -> HttpResponse:
    """Ask for the password; answer with ``act`` once it is right."""
    form = PasswordForm(posted(request), user=request.user)
    return change(
        request,
        form,
        lambda: _need_password(request, form.cleaned_data["password"]),
        back=lambda _none: act(request, user),
        template="accounts/confirm.html",
        context={
            "title": title,
            "submit_label": submit,
            "sentences": [sentence],
            "cancel_url": reverse("account"),
        },
    )


def _show_key(request: HttpRequest, user: User) -> HttpResponse:
    request.session[_KEY] = key = second_factor.new_key()
    device = second_factor.authenticator(user, key)
    context = {
        "form": CodeForm(user=request.user),
        "drawing": _drawing(device.config_url),
        "key": _readable(device.bin_key),
    }
    return render(request, "accounts/second_step.html", context)


def _turn_off(request: HttpRequest, user: User) -> HttpResponse:
    second_factor.turn_off(actor=actor_of(request), user=user)
    messages.success(request, "已停用二次验证。")
    return HttpResponseRedirect(reverse("account"))


def _renew_codes(request: HttpRequest, user: User) -> HttpResponse:
    codes = second_factor.renew_codes(actor=actor_of(request), user=user)
    return render(request, "accounts/codes.html", {"codes": codes, "first": False})


def _drawing(text: str) -> SafeString:
    """Return the square code as SVG without styles."""
    out = io.BytesIO()
    segno.make(text, error="m").save(
        out, kind="svg", scale=5, border=3, xmldecl=False, svgns=True, nl=False, svgclass="qr", lineclass=None
    )
    return mark_safe(out.getvalue().decode())


def _readable(key: bytes) -> str:
    """Return the key as authenticators take it, in groups of four."""
    said = b32encode(key).decode()
    return " ".join(said[place : place + 4] for place in range(0, len(said), 4))


def _for_those_with_it(
    act: Callable[[HttpRequest, User], HttpResponse], title: str, submit: str, sentence: str
) -> View:
    """Return a view that asks for the password of somebody who has the second step on."""

    @sensitive_post_parameters("password")
    @changes_something
    def view(request: HttpRequest) -> HttpResponse:
        """Ask for the password, then do it."""
        user = _own(request)
        if not second_factor.is_on(user):
            return HttpResponseRedirect(reverse("account"))
        return _with_password(request, user, act, title, submit, sentence)

    return view


second_step_off = _for_those_with_it(
    _turn_off, "停用二次验证", "停用", "停用后,登录只需密码;验证器里的条目和备用码都不再有效。"
)
# The new codes are shown once.
recovery_codes = _for_those_with_it(
    _renew_codes, "重新生成备用码", "生成", "将生成十个新的备用码,原有备用码立即失效。"
)
