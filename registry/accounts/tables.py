"""The list of users, for managers: who holds what in one's own subtree."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django_otp.plugins.otp_totp.models import TOTPDevice

from registry import access
from registry.accounts.proposals import seen
from registry.accounts.user_forms import STATES
from registry.models import Grant, GrantRole, Unit, User
from registry.models.user import held_on
from registry.spreadsheets.sheets import Kind
from registry.web.address import Address, address_of
from registry.web.columns import Column, words
from registry.web.drill import unit_of
from registry.web.filters import ChoiceFilter, TextFilter, UnitFilter
from registry.web.tables import Table


@dataclass(frozen=True)
class Held:
    """A grant as the pages show it."""

    grant: Grant
    is_over: bool
    is_coming: bool

    @property
    def days(self) -> str:
        """When it ended, begins or ends; nothing for one that holds without an end."""
        if self.is_over:
            return f"{self.grant.ended_on} 已结束"
        if self.is_coming:
            return f"{self.grant.started_on} 起"
        return f"至 {self.grant.ended_on}" if self.grant.ended_on else ""

    def __str__(self) -> str:
        words = f"{self.grant.unit.label} {self.grant.get_role_display()}"
        return f"{words}({self.days})" if self.days else words


@dataclass(frozen=True)
class ListedUser:
    """One user of the list."""

    address: Address
    user: User
    held: list[Held]
    elsewhere: bool
    second_factor: bool

    @property
    def states(self) -> list[tuple[str, str]]:
        """The tags of the user: words and tone."""
        known = (
            (not self.user.is_active, "已停用", "bad"),
            (self.user.is_superuser, "系统管理员", "info"),
            (self.user.must_change_password, "待改密码", "warn"),
            (self.second_factor, "二次验证", "ok"),
            (self.elsewhere, "另有其他单位授权", "plain"),
        )
        return [(word, tone) for is_so, word, tone in known if is_so]

    @property
    def url(self) -> str:
        """The user's page."""
        return self.address.url(reverse("user", args=[self.user.pk]))


def require_manager(user: access.AnyUser) -> None:
    """Go on only for those who manage something."""
    access.need_somewhere(user, "add_user")


def grants_inside(user: access.AnyUser) -> QuerySet[Grant]:
    """Return the grants inside the manager's scope: what is granted elsewhere is neither shown nor found."""
    return access.visible(user, Grant.objects.all(), "add_user")


def _with_role(table: UserTable, rows: Any, role: str) -> Any:
    return rows.filter(pk__in=table.valid.filter(role=role).values("user_id"))


def _in_state(table: UserTable, rows: Any, state: str) -> Any:
    if state == "disabled":
        return rows.filter(is_active=False)
    if state == "valid":
        return rows.filter(pk__in=table.valid.values("user_id"), is_active=True)
    return rows.exclude(pk__in=table.valid.values("user_id"))


def _named(table: UserTable, rows: Any, text: str) -> Any:
    return rows.filter(Q(username__icontains=text) | Q(display_name__icontains=text))


class UserTable(Table[ListedUser]):
    """Those with a grant, now or before, in the manager's subtree."""

    title = "用户"
    file = "users_export"
    unit_word = "人"
    nothing = "您管理的单位还没有用户。"
    nothing_found = "没有符合筛选条件的用户。"
    is_dated = False
    default_sort = "username"
    columns: Sequence[Column[ListedUser]] = (
        Column(
            "用户名",
            "user.username",
            Kind.CODE,
            key="username",
            sort=("username",),
            url="url",
            is_heading=True,
        ),
        Column("姓名", "user.display_name", key="name", sort=("display_name", "username")),
        Column(
            "授权",
            lambda row: ";".join(map(str, row.held)),
            cell="accounts/users/cells/held.html",
            css="text",
        ),
        Column(
            "状态",
            lambda row: "、".join(word for word, _tone in row.states),
            cell="accounts/users/cells/states.html",
            css="text",
        ),
        Column(
            "最近登录",
            "user.last_login",
            Kind.TIME,
            key="seen",
            sort=("last_login", "username"),
            text=lambda row: words(row.user.last_login) or "从未",
        ),
    )
    filters = (
        UnitFilter(verb="add_user"),
        ChoiceFilter("role", "角色", _with_role, choices=GrantRole.choices),
        ChoiceFilter("state", "状态", _in_state, "{}", choices=STATES, anything=None),
        TextFilter("q", "用户名或姓名", _named),
    )

    def __init__(self, request: HttpRequest) -> None:
        require_manager(request.user)
        super().__init__(request)

    @cached_property
    def unit(self) -> Unit | None:
        """The unit of the address; what is not managed is not found."""
        return unit_of(self.request, "add_user")

    @property
    def place_chips(self) -> dict[str, str]:
        """The unit, if there is one."""
        return {"unit": f"单位:{self.unit.name}"} if self.unit else {}

    @property
    def actions(self) -> list[dict[str, str]]:
        """Adding users, many from a sheet, slips for who never logged in; what waits for a second."""
        number = seen(self.user).count()
        return [
            {"label": label, "url": self.address.url(reverse(name)), "tone": tone}
            for label, name, tone in (
                *([(f"待确认 {number}", "proposals", "")] if number else []),
                ("印发密码条", "user_slips", ""),
                ("批量导入", "imports", ""),
                ("添加用户", "user_add", "main"),
            )
        ]

    @cached_property
    def inside(self) -> QuerySet[Grant]:
        """The grants that the list looks at."""
        inside, unit = grants_inside(self.user), self.unit
        if unit is None:
            return inside
        return inside.filter(unit__tree_id=unit.tree_id, unit__lft__range=(unit.lft, unit.rght))

    @property
    def valid(self) -> QuerySet[Grant]:
        """Those of them that hold today."""
        return self.inside.filter(held_on(timezone.localdate()))

    def every(self) -> Any:
        """Return the users of the manager's scope, or of the unit."""
        rows = access.users_seen(self.user)
        return rows.filter(pk__in=self.inside.values("user_id")) if self.unit else rows

    def lines(self, found: list[User]) -> list[ListedUser]:
        """Return these users with what they hold."""
        return listed(self.request, found)


def listed(request: HttpRequest, found: list[User]) -> list[ListedUser]:
    """Return these users as the request's user sees them: two queries, whatever their number."""
    held, elsewhere = _held(request.user, found)
    guarded = set(TOTPDevice.objects.filter(user__in=found, confirmed=True).values_list("user_id", flat=True))
    address = address_of(request)
    return [
        ListedUser(address, each, held[each.pk], each.pk in elsewhere, each.pk in guarded) for each in found
    ]


def _held(user: access.AnyUser, found: Iterable[User]) -> tuple[dict[int, list[Held]], set[int]]:
    """Return the grants inside the manager's scope by user, valid ones first, and who holds others."""
    today = timezone.localdate()
    seen: dict[int, list[Held]] = defaultdict(list)
    elsewhere = set()
    scope = access.spans(user, "add_user")
    rows = Grant.objects.filter(user__in=list(found)).select_related("unit", "delegated_from__user")
    rows = rows.order_by("-started_on", "pk")
    for grant in rows:
        is_over = grant.ended_on is not None and grant.ended_on <= today
        if access.inside(grant.unit, scope):
            seen[grant.user_id].append(Held(grant, is_over, grant.started_on > today))
        elif not is_over:
            elsewhere.add(grant.user_id)
    for held in seen.values():
        held.sort(key=lambda one: one.is_over)
    return seen, elsewhere
