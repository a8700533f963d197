"""The first steps of an empty registry: unit, units, people, campaign. The database says what is done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from registry import access
from registry.accounts.operations import skip_start
from registry.models import Campaign, Person, Unit, User
from registry.operations.units import add_unit
from registry.pages.units.forms import AddUnitForm
from registry.web.address import actor_of, address_of
from registry.web.changes import change, changes_something, posted

NEW_UNITS = "add_unit"
"""Whoever may do this at the top of the tree sees the first steps."""


@dataclass(frozen=True)
class Step:
    """One step; ``doors`` are (label, verb, name of the address, whether it takes the top unit)."""

    title: str
    about: str
    needs: str
    is_done: Callable[[], bool]
    doors: tuple[tuple[str, str, str, bool], ...] = ()
    template: str = ""


STEPS = (
    Step("首个单位", "本机关,最上一级", "名称、类型、行政区划代码", lambda: Unit.objects.exists()),
    Step(
        "下级单位",
        "导入表格或逐个添加",
        "单位名单:名称、类型、上级单位",
        lambda: Unit.objects.filter(parent__isnull=False).exists(),
        (("导入单位", "upload_import", "imports", False), ("逐个添加", NEW_UNITS, "unit_add", True)),
        "units",
    ),
    Step(
        "人员",
        "导入花名册",
        "花名册:警号、姓名、人员类别、所在单位、政治面貌",
        lambda: Person.objects.exists(),
        (("导入人员", "upload_import", "imports", False), ("逐个登记", "add_person", "person_add", True)),
        "people",
    ),
    Step(
        "专项任务",
        "名称和启动日期",
        "任务名称、启动日期、牵头单位",
        lambda: Campaign.objects.exists(),
        (("启动专项任务", "start_campaign", "campaign_start", False),),
    ),
)


@dataclass(frozen=True)
class ShownStep:
    """A step as the page shows it."""

    number: int
    step: Step
    is_done: bool
    is_next: bool
    buttons: list[dict[str, str]]


def may_begin(user: access.AnyUser) -> bool:
    """Whether the steps are for this user: a manager at the top of the tree, or an administrator."""
    if access.sees_everything(user):
        return True
    return any(unit.parent_id is None for unit in access.top_units(user, NEW_UNITS))


def is_beginning(user: access.AnyUser) -> bool:
    """Whether this user's home is the page of the first steps."""
    if not isinstance(user, User) or user.skips_start or not may_begin(user):
        return False
    return not all(step.is_done() for step in reversed(STEPS))


@require_safe
def start(request: HttpRequest) -> HttpResponse:
    """The steps, with what is done and the buttons that do the rest; gone when all is done."""
    _need(request)
    shown = _shown(request)
    if all(step.is_done for step in shown):
        return HttpResponseRedirect(address_of(request).url(reverse("home")))
    has_unit = shown[0].is_done
    form = None if has_unit or not request.user.is_superuser else _form(request)
    context = {
        "subtitle": "登记系统刚刚建立。按顺序办四步;每一步都可以以后再改。",
        "steps": shown,
        "form": form,
        "has_unit": has_unit,
        "action": reverse("first_unit"),
    }
    return render(request, "pages/start/start.html", context)


@require_POST
def skip(request: HttpRequest) -> HttpResponse:
    """Go to the usual pages from now on."""
    _need(request)
    assert isinstance(request.user, User)
    skip_start(actor=actor_of(request), user=request.user)
    return HttpResponseRedirect(reverse("home"))


@changes_something
def first_unit(request: HttpRequest) -> HttpResponse:
    """Add a unit that has none above it: for administrators, as nobody holds anything above it."""
    if not request.user.is_superuser:
        raise Http404("最上级单位由系统管理员登记。")
    form = _form(request)
    return change(
        request,
        form,
        lambda: add_unit(actor=actor_of(request), superior=None, **form.arguments()),
        done=lambda made: f"已登记“{made.name}”。",
        back=lambda made: reverse("home") if is_beginning(request.user) else made.get_absolute_url(),
        template="pages/start/unit.html",
        context={"cancel_url": reverse("home"), "submit_label": "登记单位"},
    )


def _form(request: HttpRequest) -> AddUnitForm:
    return AddUnitForm(posted(request), user=request.user, initial={"kind": "bureau"})


def _need(request: HttpRequest) -> None:
    if not may_begin(request.user):
        raise Http404("“开始使用”由最上级单位的管理员办理。")


def _shown(request: HttpRequest) -> list[ShownStep]:
    done = [step.is_done() for step in STEPS]
    following = done.index(False) if False in done else -1
    tops = access.top_units(request.user, NEW_UNITS)
    return [
        ShownStep(at + 1, step, done[at], at == following, _buttons(request, step, tops))
        for at, step in enumerate(STEPS)
    ]


def _buttons(request: HttpRequest, step: Step, tops: list[Unit]) -> list[dict[str, str]]:
    """Return the buttons that the user may press; there is none before the first unit is there."""
    return [
        {
            "label": label,
            "url": address_of(request).url(reverse(name, args=[tops[0].code] if takes_unit else [])),
        }
        for label, verb, name, takes_unit in step.doors
        if tops and access.may(request.user, verb, tops[0])
    ]
