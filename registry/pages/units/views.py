"""The page of a unit."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_safe

from registry import access
from registry.accounts.proposals import to_confirm
from registry.counting.metrics import CHARTED, METRICS
from registry.counting.rollup import Line
from registry.models import Basis, Unit, UnitPlacement, WorkflowState
from registry.models.base import in_spans
from registry.models.hierarchy import Moves, Span, UnitHierarchy, as_values, from_values, within
from registry.models.prepared import Values, how_many, read_objects, read_rows
from registry.operations.key_figures import chosen_at
from registry.pages.comparison.asked import comparison_query, comparison_url
from registry.pages.organizations.tables import OVERDUE
from registry.pages.panels import panels_of
from registry.pages.people.lent import card as lent_card
from registry.pages.people.roll import roll_prints
from registry.pages.units import events as unit_events
from registry.pages.units import page as unit_page
from registry.pages.units.notice import notices
from registry.pages.units.recent import LINES_SHOWN
from registry.pages.units.recent import card as recent_card
from registry.pages.units.tables import UnitsBelowTable
from registry.web import history
from registry.web.address import Address, address_of
from registry.web.links import RowLinks, Tab, buttons, linked
from registry.web.lists import export_url, others, paged, with_query
from registry.web.periods import period_of
from registry.web.templatetags.parts import thousands
from registry.web.text import period as days_said

CHILDREN_ON_A_PAGE = 100

_MAINTENANCE = (
    ("add_unit", "unit_add", "增设下级单位"),
    ("edit_unit", "unit_edit", "修改单位资料"),
    ("choose_key_figures", "unit_figures", "选择首页指标"),
    ("move_unit", "unit_move", "调整上级单位"),
    ("merge_unit", "unit_merge", "并入其他单位"),
    ("close_unit", "unit_close", "撤销单位"),
)

_WAITING = (
    (WorkflowState.SUBMITTED.value, "approve_organization", "已提交"),
    (WorkflowState.RETURNED.value, "submit_organization", "被退回,待修改"),
    (WorkflowState.DRAFT.value, "submit_organization", "草稿,未提交"),
)
"""What waits for a user: the state, the verb that goes on with it, the words."""


@require_safe
def unit(request: HttpRequest, code: str) -> HttpResponse:
    """Show what is counted at a unit and below it, and the way to the rows."""
    shown = access.get_unit(request.user, code)
    request.current_unit = shown.code  # type: ignore[attr-defined]
    address = address_of(request)
    question, scope = address.question, access.spans(request.user)
    period = period_of(request, address)
    # what all the days of this page are made of, read at once; what happened is compared with the day before
    Moves.after(unit_page.first_day(question, period) - timedelta(days=1))
    shape = UnitHierarchy.on(question.as_of)
    then = shape.spans(shown)
    spans = within(then, question.scope)
    below = UnitsBelowTable(request, shown)
    counts = below.counts
    charted = unit_page.charted_of(request)
    kept = {
        "chart": charted if charted != CHARTED[0] else None,
        "sort": request.GET.get("sort"),
        **period.kept,
    }
    chosen = chosen_at(shown) or unit_page.KEY_FIGURES
    course = unit_page.course(shown, question, charted, period, chosen)
    reported = unit_page.reported(address, shown)
    recent = unit_events.recent(shown, question, spans, LINES_SHOWN)
    standing, standing_number = unit_events.standing_at(shown, question)
    actions = _actions(request, address, shown)
    context = {
        "unit": shown,
        "question": question,
        "crumbs": _crumbs(address, shape, shown, scope),
        "subtitle": _subtitle(address, shown, spans),
        "facts": _facts(address, shown, scope),
        "is_open": shown.is_open_on(question.as_of),
        "merged_into": linked(address, shown.merged_into, scope) if shown.merged_into_id else "",
        "actions": actions,
        "may_register": actions[-1].get("tone") == "main",
        "head_tabs": _bases(address, shown, kept),
        "head_tabs_label": "统计口径",
        "kept_by_period": others(request, ("since",)),
        "key_figures": unit_page.key_figures(address, counts, course, chosen),
        "chart": unit_page.trend(shown, charted, course, period, reported),
        "charts": [
            Tab(
                unit_page.short_label(slug),
                address.url(request.path, **{**kept, "chart": slug}),
                slug == charted,
            )
            for slug in CHARTED
        ]
        + [Tab("几项同图", comparison_url(address, [shown.code], CHARTED, period), on=False)],
        "chart_period": period,
        "compared_by": comparison_query(address, [], [charted], period),
        "chart_label": METRICS[charted].label,
        "chart_count": unit_page.counted(RowLinks(address), shown, counts.total, charted),
        "reported": reported,
        "sort_url": _open_end(address.url(request.path, **{**kept, "sort": None})) + "sort=",
        **(_below(request, below) if counts.children else {"table": None}),
        "notices": notices(address, shown, recent),
        **recent_card(address, shown, [line.unit for line in counts.children], recent),
        "statement": below.statement,
        "standing": standing,
        "standing_number": standing_number,
        "waiting": _waiting(request, address, shown, counts.total),
        "panels": panels_of(request, shown),
        **lent_card(request, then),
        **history.of_page(request.user, shown, address),
    }
    return render(request, "pages/units/unit.html", context)


def _below(request: HttpRequest, table: UnitsBelowTable) -> dict[str, Any]:
    """Return the table of the units below."""
    return {
        "table": table.below,
        "table_head": table.grid,
        "has_week": not table.question.is_period,
        "page_obj": paged(request, table.below.rows, CHILDREN_ON_A_PAGE),
        "table_export_url": export_url(request, "unit_table_export", table.top.code),
    }


def _waiting(request: HttpRequest, address: Address, shown: Unit, total: Line) -> list[dict[str, Any]]:
    """Return what waits for this user here and below: what to approve, what came back and what is a draft.

    Everybody is told what is not approved for too long.
    """
    ways = [way for way in _WAITING if access.may(request.user, way[1], shown)]
    if not (ways or address.question.is_period or any(total.pending.values())):
        return []
    found, overdue = unit_events.waiting(shown, address.question)
    late = f"成立超过 {settings.APPROVAL_DAYS} 日未批准", overdue, OVERDUE
    lines = [
        _organizations(address, shown, *line)
        for line in (*((said, found.get(state, 0), state) for state, _verb, said in ways), late)
        if line[1]
    ]
    confirm = to_confirm(request.user).count() if access.may(request.user, "confirm_proposal", shown) else 0
    accounts = {
        "said": "账号事项待确认",
        "number": confirm,
        "measure": "件",
        "url": address.url(reverse("proposals")),
    }
    return [*lines, *([accounts] if confirm else [])]


def _organizations(address: Address, shown: Unit, said: str, number: int, state: str) -> dict[str, Any]:
    url = address.url(reverse("organizations"), unit=shown.code, state=state, basis=None, since=None)
    return {"said": said, "number": number, "measure": "个组织", "url": url}


def _crumbs(address: Address, shape: UnitHierarchy, shown: Unit, scope: list[Span]) -> list[dict[str, str]]:
    """The units above on the day; those above the user's own are named without a link."""
    path = shape.path(shown)
    return [
        {
            "name": each.label,
            "url": address.url(each.get_absolute_url())
            if each.pk != shown.pk and access.inside(each, scope)
            else "",
        }
        for each in path
    ]


def _subtitle(address: Address, shown: Unit, spans: list[Span]) -> SafeString:
    """One grey line: kind, region, units below on the day, start of the campaign, what is counted."""
    below = units_below(shown, spans, address.as_of)
    parts = [format_html("{}", shown.get_kind_display())]
    if shown.region_code:
        parts.append(format_html("行政区划 {}", shown.region_code))
    if below:
        tree = address.url(reverse("tree"), unit=shown.code)
        parts.append(format_html('下辖 <a href="{}">{} 个单位</a>', tree, thousands(below)))
    campaign = address.question.campaign
    if campaign is not None:
        parts.append(format_html("{} 启动{}", campaign.started_on.isoformat(), campaign.label))
    if address.question.basis == Basis.CURRENT:
        parts.append(SafeString("现有,含全部下级"))
    elif address.question.basis == Basis.CUMULATIVE:
        parts.append(format_html("截至 {} 成立或编入过的,含已撤销、已结束的", address.as_of))
    return SafeString(" · ".join(parts))


def units_below(shown: Unit, spans: list[Span], day: date) -> int:
    """Return how many units of the intervals, which are whole subtrees, exist on the day, without ``shown``.

    Each unit has two of the numbers of an interval, so only those that do not exist are counted by rows.
    """
    there = sum(span.hi - span.lo + 1 for span in spans) // 2 - 1
    ends, intervals = as_values(spans)
    missing: int = sum(number for (number,) in read_rows(_missing, [day, shown.pk, *ends], intervals))
    return there - missing


def _missing(values: Values, intervals: int | None) -> Any:
    """Return how many units do not exist on a day, but for one, in the intervals (None: everywhere)."""
    day, pk, *ends = values
    spans = from_values(ends, intervals)
    rows = Unit.objects.filter(Q(opened_on__gt=day) | Q(closed_on__lte=day)).exclude(pk=pk)
    return how_many(rows if spans is None else rows.filter(in_spans(spans)))


def _facts(address: Address, shown: Unit, scope: list[Span]) -> list[tuple[str, str | SafeString]]:
    """What is registered of the unit itself, and its superiors with their days."""
    facts: list[tuple[str, str | SafeString]] = [("单位代码", shown.code), ("全称", shown.name)]
    if shown.aliases:
        facts.append(("别名", shown.aliases))
    dated = sorted(read_objects(_placements, [shown.pk]), key=lambda each: each.started_on or date.min)
    for each in dated:
        above = linked(address, each.superior, scope) if each.superior else "无"
        days = days_said(each.started_on, each.ended_on) if len(dated) > 1 else ""
        facts.append(("上级单位", format_html("{} {}", above, days)))
    for label, value in (
        ("序号", shown.sequence),
        ("设立日期", shown.opened_on),
        ("撤并日期", shown.closed_on),
        ("备注", shown.note),
    ):
        if value not in (None, ""):
            facts.append((label, str(value)))
    return facts


def _placements(values: Values) -> QuerySet[UnitPlacement]:
    return UnitPlacement.objects.filter(unit_id=values[0]).select_related("superior").order_by("pk")


def _bases(address: Address, shown: Unit, kept: dict[str, str | None]) -> list[Tab]:
    """Label and address of each counting basis, and whether it is the page's."""
    path, asked = reverse("unit", args=[shown.code]), address.question
    found = []
    for value, label in Basis.choices:
        keeps_period = asked.is_period and value in (Basis.NEW, Basis.ENDED)
        changes: dict[str, str | None] = {"basis": None if value == Basis.CURRENT else value}
        if not keeps_period:
            changes["since"] = None
        found.append(Tab(str(label), address.url(path, **changes, **kept), value == asked.basis))
    return found


def _open_end(url: str) -> str:
    """Return the address so that a parameter can follow."""
    return f"{url}&" if "?" in url else f"{url}?"


def _prints(request: HttpRequest, address: Address, shown: Unit) -> list[dict[str, Any]]:
    """Return what can be printed here: the unit's numbers, and the roll."""
    url = with_query(request, reverse("unit_print", args=[shown.code]))
    return [{"label": "本单位", "url": url}, *roll_prints(request.user, address, unit=shown.code)]


def _actions(request: HttpRequest, address: Address, shown: Unit) -> list[dict[str, Any]]:
    """What the user may do here, the red button last."""
    actions: list[dict[str, Any]] = [
        {"label": "打印", "prints": _prints(request, address, shown)},
        {"label": "上报表格", "url": address.url(reverse("unit_sheets", args=[shown.code]))},
    ]
    if shown.closed_on is not None:
        return actions

    if menu := buttons(request.user, shown, address, *_MAINTENANCE):
        actions.append({"label": "单位维护", "menu": menu})
    actions += buttons(
        request.user,
        shown,
        address,
        ("add_person", "person_add", "添加人员"),
        ("establish_organization", "organizations_found", "批量成立"),
        ("establish_organization", "organization_register", "登记临时党组织", "main"),
    )
    return actions
