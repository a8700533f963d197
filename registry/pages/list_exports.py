"""Every list as a file: the rows, the order and the columns that its page shows.

The rows come from what the page itself asks (``asked``) and shows (``rows_of``), so a file and its page
cannot differ. Lists of the four nouns carry the codes, too, by which they are read back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol

from django.db.models import QuerySet
from django.http import FileResponse, Http404, HttpRequest
from django.utils import timezone
from django.views.decorators.http import require_POST

from registry import access
from registry.accounts import users as user_list
from registry.counting.basis import Question
from registry.counting.metrics import METRICS, OrganizationMetric
from registry.counting.rollup import rollup
from registry.models import Organization, Unit, WorkflowState
from registry.models.shape import Span
from registry.nouns.assignment import ASSIGNMENT
from registry.nouns.columns import NO, YES
from registry.nouns.organization import ORGANIZATION
from registry.nouns.person import PERSON
from registry.nouns.unit import UNIT
from registry.pages.organizations import page as organization_page
from registry.pages.organizations import views as ledger
from registry.pages.people import assignments as assignment_list
from registry.pages.people import views as people_list
from registry.pages.search import matching_units
from registry.pages.units import page as unit_page
from registry.reports import reconciliation as figures
from registry.spreadsheets.sheets import Cell, Head, Kind, Sheet
from registry.web.address import address_of
from registry.web.drill import Place, unit_of
from registry.web.exports import above, answer, head_of, on_a_day
from registry.web.lists import in_chunks
from registry.web.typed import cleaned


class _Found(Protocol):
    """What a list page asked: its place, its rows without order, its filters in words."""

    @property
    def place(self) -> Place: ...
    @property
    def rows(self) -> QuerySet[Any]: ...
    @property
    def shown(self) -> dict[str, str]: ...


def _filed(
    request: HttpRequest,
    found: _Found,
    noun: str,
    title: str,
    heads: Sequence[Head],
    rows: Iterable[list[Cell]],
    *,
    printed: int,
    called: str = "",
) -> FileResponse:
    """Answer with the rows of a list as one sheet; ``called``: the file's name, where it is not the title."""
    question = address_of(request).question
    facts = above(
        request,
        found.place.label,
        found.rows.count(),
        question=question,
        filters=found.shown,
        has_samples=_has_samples(found.rows),
    )
    return answer(
        request,
        [Sheet(noun, title, heads, rows, facts, printed=printed)],
        name=_named(called or title, found.place.label, question),
        unit=_unit_of(found.place),
        filters=found.shown.values(),
    )


# --- Organizations --------------------------------------------------------------------------------


@require_POST
def organizations(request: HttpRequest) -> FileResponse:
    """The ledger."""
    address, found = address_of(request), ledger.asked(request)
    question, scope = address.question, access.spans(request.user)

    def lines(chunk: list[Any]) -> Iterator[list[Cell]]:
        for row in ledger.rows_of(request, chunk, address):
            each, parent = row.organization, row.organization.parent
            seen = access.inside(each.unit, scope)
            parent_name = parent.name if parent else None
            if parent and each.parent_inferred:
                parent_name = f"{parent.name}(推定)"
            yield [
                each.name,
                each.kind_label,
                each.honour_title,
                each.host_name,
                parent_name,
                "、".join(head.person.name for head in row.heads),
                each.members,
                each.established_on,
                each.dissolved_on,
                each.approval_number,
                row.state,
                str(WorkflowState(each.state).label),
                each.code if seen else None,
                YES if each.is_temporary else NO,
                each.unit.code if seen else None,
                parent.code if parent and access.inside(parent.unit, scope) else None,
            ]

    column = _columns(ORGANIZATION)
    heads = [
        column("name"),
        column("kind"),
        column("honour_title"),
        on_a_day(column("unit_name"), question),
        column("parent_name"),
        Head("书记/负责人"),
        Head("人数", Kind.NUMBER),
        column("established_on"),
        column("dissolved_on"),
        column("approval_number"),
        Head("当日状态"),
        column("state"),
        column("code"),
        column("is_temporary"),
        column("unit"),
        column("parent"),
    ]
    title = str(found.metric.label) if found.metric else "组织台账"
    rows = in_chunks(found.ordered, lines)
    return _filed(request, found, "组织", title, heads, rows, printed=11)


@require_POST
def members(request: HttpRequest, code: str) -> FileResponse:
    """The people of an organization: on the day, later and before."""
    found = access.get_organization(request.user, code)
    address = address_of(request)
    parts = organization_page.members(found, address.as_of, access.spans(request.user))
    rows = [
        (row, word)
        for part, word in (
            (parts.now, "在册"),
            (parts.later, "此后编入"),
            (parts.before, "以前"),
        )
        for row in part
    ]
    column = _columns(ASSIGNMENT)
    heads = [
        column("name"),
        column("number"),
        column("role"),
        column("started_on"),
        column("ended_on"),
        Head("在册情况"),
        Head("当日政治面貌"),
        Head("人员类别"),
        Head("正式组织关系"),
        column("document_number"),
        column("organization"),
        column("organization_name"),
    ]

    def lines() -> Iterator[list[Cell]]:
        for row, word in rows:
            person, placed = row.assignment.person, row.assignment
            branch = person.home_branch if not row.is_guest else None
            yield [
                person.name,
                access.shown_number(request.user, person),
                row.role,
                placed.started_on,
                placed.ended_on,
                word,
                row.status,
                person.get_category_display(),
                " · ".join([*([branch.name] if branch else []), person.home_unit.name]),
                placed.document_number,
                found.code,
                found.name,
            ]

    title = f"{found.name}人员名册"
    samples = any(row.assignment.is_sample for row, _word in rows)
    facts = above(request, found.unit.name, len(rows), question=address.question, has_samples=samples)
    sheet = Sheet("编入", title, heads, lines(), facts, printed=10)
    return answer(request, [sheet], name=_named(title, "", address.question), unit=found.unit)


# --- People ---------------------------------------------------------------------------------------


@require_POST
def people(request: HttpRequest) -> FileResponse:
    """The list of people, or those behind a number."""
    address, found = address_of(request), people_list.asked(request)
    question, scope = address.question, access.spans(request.user)

    def lines(chunk: list[Any]) -> Iterator[list[Cell]]:
        for row in people_list.rows_of(request, chunk, address.as_of):
            person, own = row.person, not row.is_guest
            branch = person.home_branch if own else None
            yield [
                person.name,
                access.shown_number(request.user, person),
                person.get_category_display(),
                row.status,
                person.title,
                person.home_unit.name,
                branch.name if branch else None,
                ";".join(_placed(placed) for placed in row.placed),
                person.home_unit.code if access.inside(person.home_unit, scope) else None,
                branch.code if branch else None,
            ]

    column = _columns(PERSON)
    heads = [
        column("name"),
        column("number"),
        column("category"),
        on_a_day(column("political_status"), question),
        column("title"),
        column("home_unit_name"),
        column("home_branch_name"),
        Head("一线编入"),
        column("home_unit"),
        column("home_branch"),
    ]
    title = str(found.metric.label) if found.metric else "人员"
    listed = people_list.full(found.ordered, address.as_of)
    rows = in_chunks(listed, lines)
    return _filed(request, found, "人员", title, heads, rows, printed=8)


def _placed(placed: people_list.Placed) -> str:
    pending = "(未批准)" if placed.is_pending else ""
    return f"{placed.organization.name} {placed.role}{pending}"


@require_POST
def assignments(request: HttpRequest) -> FileResponse:
    """The assignments behind a number of person-times."""
    address, found = address_of(request), assignment_list.asked(request)
    _question, scope = address.question, access.spans(request.user)

    def lines(chunk: list[Any]) -> Iterator[list[Cell]]:
        for row in assignment_list.rows_of(request, chunk):
            placed = row.assignment
            seen = access.inside(placed.organization.unit, scope)
            yield [
                placed.person.name,
                access.shown_number(request.user, placed.person),
                placed.organization.name,
                row.unit.name,
                row.role,
                placed.started_on,
                placed.ended_on,
                placed.document_number,
                placed.organization.code if seen else None,
            ]

    column = _columns(ASSIGNMENT)
    heads = [
        column("name"),
        column("number"),
        column("organization_name"),
        Head("组织当日所在单位"),
        column("role"),
        column("started_on"),
        column("ended_on"),
        column("document_number"),
        column("organization"),
    ]
    title = str(found.metric.label)
    rows = in_chunks(found.ordered, lines)
    return _filed(request, found, "编入", title, heads, rows, printed=8, called=f"{title}(人次)")


# --- Units ----------------------------------------------------------------------------------------


@require_POST
def units(request: HttpRequest) -> FileResponse:
    """The units that a search finds (``q``), or a unit with all below it (``unit``), on the day."""
    address, text = address_of(request), cleaned(request.GET.get("q", ""))
    top = None if text else unit_of(request)
    if text:
        rows = matching_units(request.user, text)
        place, filters = "管理范围内全部单位", {"q": f"含“{text}”"}
    elif top is not None:
        rows = access.visible(request.user, Unit.objects.in_subtree(top, address.as_of).as_of(address.as_of))
        rows, filters = rows.order_by("tree_id", "lft"), {}
        place = f"{top.name}及下级单位"
    else:
        raise Http404("请先选择单位,或输入要查找的名称。")
    scope = access.spans(request.user)
    sheet = unit_sheet(rows, scope)
    facts = above(
        request,
        place,
        rows.count(),
        question=address.question,
        filters=filters,
        has_samples=_has_samples(rows),
    )
    title = "单位名录"
    return answer(
        request,
        [Sheet(sheet.name, title, sheet.heads, sheet.rows, facts)],
        name=_named(title, top.label if top else text, address.question),
        unit=top,
        filters=filters.values(),
    )


def unit_sheet(rows: QuerySet[Unit], scope: Sequence[Span]) -> Sheet:
    """Return units with everything registered of them; codes of superiors outside the scope are left out."""

    def lines(chunk: list[Unit]) -> Iterator[list[Cell]]:
        for each in chunk:
            above_it = each.parent
            seen = above_it is not None and access.inside(above_it, scope)
            yield [
                each.name,
                each.get_kind_display(),
                above_it.name if above_it else None,
                each.code,
                each.short_name,
                each.aliases,
                each.region_code,
                above_it.code if above_it and seen else None,
                each.opened_on,
                each.closed_on,
                each.note,
            ]

    slugs = ("name", "kind", "superior_name", "code", "short_name", "aliases", "region_code", "superior")
    heads = [head_of(UNIT, slug) for slug in (*slugs, "opened_on", "closed_on", "note")]
    return Sheet(UNIT.label, "单位名录", heads, in_chunks(rows.select_related("parent"), lines))


@require_POST
def unit_table(request: HttpRequest, code: str) -> FileResponse:
    """The table of the units below a unit, as its page shows it: with the unit itself and the total."""
    shown = access.get_unit(request.user, code)
    address = address_of(request)
    counts = rollup(shown, address.question)
    table = unit_page.table(address, counts, access.spans(request.user), request.GET.get("sort", ""))
    share_at = unit_page.COLUMNS.index(unit_page.SHARE_AFTER) + 1

    def cells(name: str, row: unit_page.Row) -> list[Cell]:
        numbers: list[Cell] = [count.value for count in row.counts]
        share = row.share if row.share >= 0 else None
        return [name, *numbers[:share_at], share, *numbers[share_at:]]

    columns = [Head(_full_label(slug), Kind.NUMBER) for slug, _label in table.columns]
    heads = [Head("单位"), *columns[:share_at], Head("党员占比", Kind.SHARE), *columns[share_at:]]
    rows = [cells(row.unit.name, row) for row in table.rows]
    title = f"{shown.name}下级单位汇总"
    facts = above(request, shown.name, len(rows) + 1, question=address.question)
    sheet = Sheet(
        "下级单位汇总",
        title,
        heads,
        [*rows, cells("本单位", table.own)],
        facts,
        totals=cells("合计", table.total),
        notes=_notes(table.total),
    )
    return answer(request, [sheet], name=_named(title, "", address.question), unit=shown)


def _full_label(slug: str) -> str:
    return str(METRICS[slug].label)


def _notes(total: unit_page.Row) -> list[str]:
    said = ["人数按人去重:同一人编入多个单位的组织时各单位分别计入,合计只计一次。"]
    waiting = [
        f"{_full_label(slug)} {count.pending}"
        for slug, count in zip(unit_page.COLUMNS, total.counts, strict=True)
        if count.pending and isinstance(METRICS[slug], OrganizationMetric)
    ]
    if waiting:
        said.append("另有未批准、未计入的:{}。".format("、".join(waiting)))
    return said


# --- Reported figures and users -------------------------------------------------------------------


@require_POST
def reconciliation(request: HttpRequest) -> FileResponse:
    """What articles report beside what is registered."""
    address, found = address_of(request), figures.asked(request)

    def lines() -> Iterator[list[Cell]]:
        for comparison in found.rows:
            line, figure = figures.line_of(comparison, address), comparison.figure
            yield [
                figure.label,
                figure.code,
                figure.organization.name if figure.organization else None,
                figure.source.number,
                figure.source.title,
                figure.unit.name if figure.unit else None,
                line.days,
                figure.get_basis_display(),
                line.value,
                figure.measure,
                comparison.registered,
                line.measure,
                comparison.day if comparison.registered is not None else None,
                line.verdict,
                comparison.explanation,
            ]

    heads = [
        Head("指标"),
        Head("报道数编号", Kind.CODE),
        Head("文中的组织"),
        Head("来源", Kind.NUMBER),
        Head("来源标题"),
        Head("单位"),
        Head("报道日期"),
        Head("口径"),
        Head("报道"),
        Head("报道计量"),
        Head("登记", Kind.NUMBER),
        Head("登记计量"),
        Head("核对日期", Kind.DATE),
        Head("结论"),
        Head("说明"),
    ]
    place = f"{found.unit.name}及下级单位" if found.unit else "管理范围内全部单位"
    title = "来源核对"
    facts = above(request, place, len(found.rows), filters=found.shown)
    facts.insert(1, "登记数按每条报道自己的口径和日期统计,不分专项任务。")
    sheet = Sheet(title, "报道数与登记数核对", heads, lines(), facts)
    return answer(
        request,
        [sheet],
        name=_named(title, found.unit.label if found.unit else "", None),
        unit=found.unit,
        filters=found.shown.values(),
    )


@require_POST
def sources(request: HttpRequest) -> FileResponse:
    """The published articles."""
    rows, _sort = figures.sources_asked(request)
    heads = [
        Head("标题"),
        Head("编号", Kind.NUMBER),
        Head("发布单位"),
        Head("发布日期", Kind.DATE),
        Head("最早", Kind.DATE),
        Head("最晚", Kind.DATE),
        Head("地区"),
        Head("报送单位"),
        Head("可查看的报道数", Kind.NUMBER),
    ]

    def lines(chunk: list[Any]) -> Iterator[list[Cell]]:
        for source in chunk:
            bounds = [None, None] if source.published_on else [source.earliest, source.latest]
            yield [
                source.title,
                source.number,
                source.publisher,
                source.published_on,
                *bounds,
                source.region,
                source.reporting_organ,
                source.seen,
            ]

    title = "来源"
    facts = above(request, "管理范围内全部单位", rows.count())
    sheet = Sheet(title, "来源目录", heads, in_chunks(rows, lines), facts)
    return answer(request, [sheet], name=_named(title, "", None))


@require_POST
def users(request: HttpRequest) -> FileResponse:
    """The users of the manager's subtree."""
    found = user_list.asked(request)

    def lines(chunk: list[Any]) -> Iterator[list[Cell]]:
        for row in user_list.rows_of(request, chunk):
            states = [
                word
                for on, word in (
                    (not row.user.is_active, "已停用"),
                    (row.user.is_superuser, "系统管理员"),
                    (row.user.must_change_password, "待改密码"),
                    (row.second_factor, "二次验证"),
                    (row.elsewhere, "另有其他单位授权"),
                )
                if on
            ]
            yield [
                row.user.username,
                row.user.display_name,
                ";".join(_held(held) for held in row.held),
                "、".join(states),
                row.user.last_login,
            ]

    heads = [
        Head("用户名", Kind.CODE),
        Head("姓名"),
        Head("授权"),
        Head("状态"),
        Head("最近登录", Kind.TIME),
    ]
    place = f"{found.unit.name}及下级单位" if found.unit else "管理范围内全部单位"
    title = "用户"
    facts = above(request, place, found.rows.count(), filters=found.shown)
    sheet = Sheet(title, title, heads, in_chunks(found.rows, lines), facts)
    return answer(
        request,
        [sheet],
        name=_named(title, found.unit.label if found.unit else "", None),
        unit=found.unit,
        filters=found.shown.values(),
    )


def _held(held: user_list.Held) -> str:
    grant = held.grant
    words = f"{grant.unit.label} {grant.get_role_display()}"
    if held.is_over:
        return f"{words}({grant.ended_on} 已结束)"
    if held.is_coming:
        return f"{words}({grant.started_on} 起)"
    return f"{words}(至 {grant.ended_on})" if grant.ended_on else words


# --- What they share ------------------------------------------------------------------------------


def _columns(noun: Any) -> Any:
    return lambda slug: head_of(noun, slug)


def _has_samples(rows: QuerySet[Any]) -> bool:
    return bool(rows.order_by().filter(is_sample=True).exists())


def _unit_of(place: Any) -> Unit | None:
    organization: Organization | None = place.organization
    unit: Unit | None = organization.unit if organization is not None else place.unit
    return unit


def _named(title: str, place: str, question: Question | None) -> str:
    """Return the file's name: what, where, as of when."""
    day = question.as_of if question else timezone.localdate()
    return "-".join(part for part in (title, place, day.isoformat()) if part)
