"""The demo's logins, for a trial on one machine only: their passwords are printed."""

from __future__ import annotations

from dataclasses import dataclass

from registry.accounts.operations import close_login, open_login
from registry.audit import Actor
from registry.models import Unit, User


@dataclass(frozen=True)
class Login:
    """A demo login; ``what`` describes it."""

    username: str
    password: str
    name: str
    role: str
    unit: str
    what: str
    is_superuser: bool = False


LOGINS = (
    Login(
        "admin",
        "demo-admin-2020",
        "系统管理员",
        "manager",
        "gonganbu",
        "系统管理员 · 部级管理员,可看全部",
        True,
    ),
    Login(
        "dezhou",
        "demo-dezhou-2020",
        "德州管理员",
        "manager",
        "dezhou-shi-gonganju",
        "德州市局机关党委 · 管理员",
    ),
    Login("luru", "demo-luru-2020", "德城录入员", "clerk", "dezhou-decheng-fenju", "德城分局 · 录入"),
    Login("shenpi", "demo-shenpi-2020", "德州审批人", "approver", "dezhou-shi-gonganju", "德州市局 · 审批"),
    Login("shenji", "demo-shenji-2020", "德州审计员", "auditor", "dezhou-shi-gonganju", "德州市局 · 审计"),
    Login(
        "lingdao",
        "demo-lingdao-2020",
        "内蒙古厅领导",
        "viewer",
        "neimenggu-gonganting",
        "内蒙古公安厅 · 领导(只看)",
    ),
)


def open_logins(actor: Actor) -> None:
    """Make the demo's logins."""
    for login in LOGINS:
        open_login(
            actor=actor,
            username=login.username,
            password=login.password,
            display_name=login.name,
            unit=Unit.objects.get(code=login.unit),
            role=login.role,
            is_superuser=login.is_superuser,
        )


def usable_logins() -> list[Login]:
    """Return the demo's logins that work: whose password is still the printed one."""
    users = {
        user.username: user
        for user in User.objects.filter(username__in=[login.username for login in LOGINS], is_active=True)
    }
    return [
        login
        for login in LOGINS
        if login.username in users and users[login.username].check_password(login.password)
    ]


def close_logins(actor: Actor) -> list[Login]:
    """Close the demo's logins that still work, and return them."""
    open_ones = usable_logins()
    for login in open_ones:
        close_login(
            actor=actor,
            user=User.objects.get(username=login.username),
            reason="DEBUG 已关闭,演示账号的密码是公开的",
        )
    return open_ones
