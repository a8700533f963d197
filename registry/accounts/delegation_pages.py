"""The pages by which somebody is asked to approve in one's place for some days."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone

from registry import access
from registry.accounts import delegations
from registry.models import Grant
from registry.web.address import actor_of, address_of
from registry.web.changes import Job, Subject, change, changes_something, posted
from registry.web.fields import DayField, ScopedForm, reason_field

TITLE = "委托他人代批"


class DelegateForm(ScopedForm):
    """Who approves in one's place, at which unit, from day to day."""

    user_to = forms.TypedChoiceField(label="受托人", coerce=int, help_text="管理范围内的其他审批人和管理员。")
    grant = forms.TypedChoiceField(label="委托的权限", coerce=int)
    started_on = DayField(label="开始日期")
    ended_on = DayField(
        label="结束日期", help_text=f"自该日起失效,一次最多 {delegations.MOST_DAYS} 天;可以随时提前结束。"
    )
    reason = reason_field("原因", required=True)

    may_be_future = ("started_on", "ended_on")
    renames = {"user": "user_to", "role": "grant", "unit": "grant"}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        today = timezone.localdate()
        begin = {"started_on": today, "ended_on": today + timedelta(days=7)}
        kwargs["initial"] = {**begin, **(kwargs.get("initial") or {})}
        super().__init__(*args, **kwargs)
        self.own = {row.pk: row for row in delegations.own(self.user, today)}
        self.others = {row.user_id: row for row in delegations.others(self.user)}
        named = [
            (pk, f"{row.user}({row.unit.label} {row.get_role_display()})") for pk, row in self.others.items()
        ]
        self._choices("user_to", [("", "请选择"), *named])
        self._choices("grant", [(pk, f"{row.unit.label} 审批") for pk, row in self.own.items()])

    def _choices(self, name: str, choices: list[tuple[Any, str]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.TypedChoiceField)
        field.choices = choices

    def arguments(self) -> dict[str, Any]:
        """Return the rows that were chosen."""
        sent = super().arguments()
        return {"grant": self.own[sent.pop("grant")], "user": self.others[sent.pop("user_to")].user, **sent}


def _back(request: HttpRequest) -> str:
    return f"{address_of(request).url(reverse('account'))}#grants"


@changes_something
def delegate(request: HttpRequest) -> HttpResponse:
    """Ask who approves in one's place, and from when to when."""
    access.need_somewhere(request.user, "delegate_approval")
    form = DelegateForm(posted(request), user=request.user)
    said = ["受托人在这些日子里可以审批您负责审批的事项,但不能批准自己提交或修改的;记录写明由受托人办理。"]
    if not form.own:
        said = ["您没有自己的审批授权:系统管理员的权限、别人委托来的权限不能再委托。"]
    elif not form.others:
        said = [
            "您的管理范围内没有其他审批人或管理员。请先由管理员授予一位同志审批角色(须两人办理),再来委托。"
        ]
    return change(
        request,
        form,
        lambda: delegations.delegate_approval(actor=actor_of(request), **form.arguments()),
        done=lambda made: (
            f"已委托“{made.user}”在{made.unit.label}代批,"
            f"自 {made.started_on.isoformat()} 起,{made.ended_on:%Y-%m-%d} 失效。"
        ),
        back=_back(request),
        template="accounts/delegate.html",
        context={
            "title": TITLE,
            "submit_label": "委托",
            "sentences": said,
            "can": bool(form.own and form.others),
            "cancel_url": address_of(request).url(reverse("desk")),
        },
    )


def _found(request: HttpRequest, pk: int, _verb: str) -> Grant:
    found = delegations.about(request.user).filter(pk=pk).first()
    if found is None:
        raise Http404("没有这项委托,或不是您给出、收到的。")
    return found


def _around(job: Job) -> dict[str, Any]:
    return {"cancel_url": _back(job.request)}


end = Subject("grant", _found, _around, "accounts/confirm.html").change(
    delegations.end_delegation,
    ScopedForm,
    "结束委托",
    submit_label="结束委托",
    sentences=lambda job: [
        f"“{job.row.delegated_from.user}”委托“{job.row.user}”在{job.row.unit.label}代批,"
        f"自 {job.row.started_on.isoformat()} 至 {job.row.ended_on.isoformat()} 前。",
        "结束后立即失效,已经办理的不受影响。",
    ],
    done=lambda job, grant: f"已结束委托“{grant.user}”代批。",
)
