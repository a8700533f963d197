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
from registry.counting.basis import Question
from registry.counting.metrics import METRICS, OrganizationMetric
from registry.counting.rollup import rollup
from registry.models import Organization, Unit
from registry.models.shape import Span
from registry.pages.organizations import page as organization_page
from registry.pages.search import matching_units
from registry.pages.units import page as unit_page
from registry.reports import reconciliation as figures
from registry.spreadsheets.columns import ASSIGNMENTS, UNITS
from registry.spreadsheets.sheets import Cell, Head, Kind, Sheet
from registry.web.address import address_of
from registry.web.drill import Place, unit_of
from registry.web.exports import above, answer, head_of
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
    column = _columns(ASSIGNMENTS)
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
    heads = [head_of(UNITS, slug) for slug in (*slugs, "opened_on", "closed_on", "note")]
    return Sheet(UNITS.title, "单位名录", heads, in_chunks(rows.select_related("parent"), lines))


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
