"""Users: who logs in. A manager sees those with a grant, now or before, in the manager's scope."""

from __future__ import annotations

from django.db.models import QuerySet

from registry.models import Grant, User
from registry.models.base import in_spans
from registry.models.hierarchy import Span
from registry.nouns.noun import Noun
from registry.nouns.verbs import MANAGE, Verb


def _within(rows: QuerySet[User], spans: list[Span], few: bool) -> QuerySet[User]:
    return rows.filter(pk__in=Grant.objects.filter(in_spans(spans, "unit__")).values("user_id"))


USER = Noun(
    key="user",
    plural="users",
    label="用户",
    model=User,
    verbs=(
        Verb("add_user", "添加用户", MANAGE),
        Verb("set_up", "建立登记系统"),
        Verb("open_login", "建立公开账号"),
        Verb("close_login", "关闭公开账号"),
        Verb("disable_user", "停用用户", MANAGE),
        Verb("enable_user", "启用用户", MANAGE),
        Verb("set_one_time_password", "设置一次性密码", MANAGE),
    ),
    within=_within,
    recorded_with=(Grant,),
)
