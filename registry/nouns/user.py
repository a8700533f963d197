"""Users: who logs in. A manager sees those with a grant, now or before, in the manager's scope."""

from __future__ import annotations

from django.db.models import QuerySet

from registry.models import Grant, GrantRole, User
from registry.models.base import in_spans
from registry.models.hierarchy import Span
from registry.nouns.columns import Column, Layout
from registry.nouns.noun import Noun
from registry.nouns.verbs import MANAGE, Verb

SHEET = Layout(
    slug="users",
    title="用户",
    model=User,
    importer="registry.accounts.importer.UserImporter",
    key=("username", "unit", "role"),
    needed=("username",),
    verb="add_user",
    columns=(
        Column(
            "username",
            "用户名",
            kind="code",
            also=("账号", "帐号", "登录名", "登录账号", "用户账号"),
            help="登录用,字母、数字和 @ . + - _;已有的用户增加授权。",
            example="zhangsan",
        ),
        Column("display_name", kind="name", required=True, also=("用户姓名",), example="张三"),
        Column(
            "unit",
            "单位",
            required=True,
            also=("授权单位", "单位名称", "所在单位", "单位代码"),
            help="单位的名称或代码;授权对该单位及其全部下级单位有效。",
            example="德州市公安局德城分局",
        ),
        Column(
            "role",
            "角色",
            kind="choice",
            required=True,
            also=("权限",),
            labels={role.value: str(role.label) for role in GrantRole},
            example=GrantRole.CLERK.value,
        ),
        Column("ended_on", "到期日期", kind="date", also=("有效期至",), help="自该日起失效;留空为长期。"),
        Column("number", "警号", kind="code", also=("人员警号",), help="填写后用户与该人员关联。"),
    ),
)


def _within(rows: QuerySet[User], spans: list[Span], few: bool) -> QuerySet[User]:
    return rows.filter(pk__in=Grant.objects.filter(in_spans(spans, "unit__")).values("user_id"))


USER = Noun(
    key="user",
    plural="users",
    label="用户",
    model=User,
    verbs=(
        Verb("add_user", "添加用户", MANAGE, final="添加了用户,不能撤回;请在用户页面停用或更正。"),
        Verb("set_up", "建立登记系统"),
        Verb("open_login", "建立公开账号"),
        Verb("close_login", "关闭公开账号"),
        Verb("edit_user", "修改用户", MANAGE),
        Verb("disable_user", "停用用户", MANAGE),
        Verb("enable_user", "启用用户", MANAGE),
        Verb("set_one_time_password", "设置一次性密码", MANAGE),
        Verb("propose", "提出账号事项", MANAGE),
        Verb("confirm_proposal", "确认账号事项", MANAGE, final="由两人办理的事项不能撤回,请另行办理。"),
        Verb("drop_proposal", "撤下账号事项", MANAGE),
    ),
    within=_within,
    recorded_with=(Grant,),
    sheet=SHEET,
)
