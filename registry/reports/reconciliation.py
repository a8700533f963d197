"""What articles report, beside what the registry counts; the sources and what each of them says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from registry import access
from registry.counting.metrics import measured
from registry.counting.reconciliation import Comparison, Verdict, reconcile
from registry.models import Figure, Organization, Person, Qualifier, Source, Unit
from registry.models.base import in_spans
from registry.reports.forms import ReconciliationFilter
from registry.web.address import Address, address_of
from registry.web.drill import rows_url, unit_of
from registry.web.lists import chips, export_url, others, paged, sorted_by
from registry.web.typed import cleaned

VERDICTS = {Verdict.AGREES: "一致", Verdict.DIFFERS: "不一致", Verdict.REPORTED_ONLY: "仅报道"}
TONES = {Verdict.AGREES: "ok", Verdict.DIFFERS: "warn", Verdict.REPORTED_ONLY: "plain"}
CATEGORIES = {
    "organization": "组织",
    "people": "人员",
    "operations": "警务",
    "activity": "活动",
    "publicity": "宣传",
    "care": "关爱",
    "commendation": "表彰",
}
DATE_BASES = {
    "stated": "文中注明",
    "not stated": "文中未注明",
    "inferred from title prefix": "据标题推断",
}
FILTERS = ("unit", "unit_text", "verdict", "source", "category", "countable")
KEYS: dict[str, Callable[[Comparison], Any]] = {
    "source": lambda row: (row.figure.source.number, row.figure.code),
    "unit": lambda row: (row.figure.unit.tree_id, row.figure.unit.lft) if row.figure.unit else (0, 0),
    "label": lambda row: row.figure.label,
    "day": lambda row: row.day.toordinal() if row.day else 0,
    "reported": lambda row: -1 if row.figure.number is None else row.figure.number,
    "registered": lambda row: -1 if row.registered is None else row.registered,
    "verdict": lambda row: (list(VERDICTS).index(row.verdict), abs(row.difference or 0)),
}


@dataclass(frozen=True)
class Line:
    """One figure as the pages show it."""

    comparison: Comparison
    value: str
    days: str
    verdict: str
    tone: str
    rows_url: str
    measure: str

    @property
    def figure(self) -> Figure:
        """The figure itself."""
        return self.comparison.figure


@dataclass(frozen=True)
class Asked:
    """What the address asks of the list: its rows in order, and each filter in words."""

    unit: Unit | None
    wanted: dict[str, str]
    compared: list[Comparison]
    """Every figure of the unit, whatever the filters."""
    rows: list[Comparison]
    sort: str
    sources: dict[int, Source]
    shown: dict[str, str]


def asked(request: HttpRequest) -> Asked:
    """Read the address and compare; the page and its export list the same rows."""
    unit = _unit(request)
    compared = reconcile(_figures(request, unit), address_of(request).question.scope)
    wanted = {name: cleaned(request.GET.get(name, "")) for name in FILTERS[2:]}
    rows, sort = _sorted(request, [row for row in compared if _wanted(row, wanted)])
    sources = {row.figure.source.number: row.figure.source for row in compared}
    shown = _shown_filters(request, unit, wanted, sources)
    return Asked(unit, wanted, compared, rows, sort, sources, shown)


@require_safe
def reconciliation(request: HttpRequest) -> HttpResponse:
    """Every figure reported of a unit's subtree, beside the registered count on its own basis and day."""
    address, found = address_of(request), asked(request)
    unit, wanted, compared, rows = found.unit, found.wanted, found.compared, found.rows
    page = paged(request, rows)
    return render(
        request,
        "reconciliation/list.html",
        {
            "unit": unit,
            "unit_url": address.url(unit.get_absolute_url()) if unit else "",
            "filters": ReconciliationFilter(
                user=request.user,
                initial={**wanted, "unit": unit},
                verdicts=[(key.value, word) for key, word in VERDICTS.items()],
                sources=[(str(key), f"{key} {one.title[:18]}") for key, one in sorted(found.sources.items())],
                categories=_categories(compared),
            ),
            "others": others(request, FILTERS),
            "chips": chips(request, found.shown),
            "clear_url": address.url(request.path),
            "page_obj": page,
            "lines": [line_of(row, address) for row in page.object_list],
            "summary": _summary(rows, request),
            "is_filtered": any(wanted.values()),
            "number_of_all": len(compared),
            "sort": found.sort,
            "export_url": export_url(request, "reconciliation_export"),
        },
    )


def sources_asked(request: HttpRequest) -> tuple[Any, str]:
    """Return the articles with the number of their figures in the user's scope, in order, and the order."""
    scope = access.spans(request.user)
    seen = in_spans(scope, "figures__unit__") | Q(figures__unit__isnull=True, figures__isnull=False)
    rows = Source.objects.annotate(seen=Count("figures", filter=seen))
    columns = {
        "number": ("number",),
        "title": ("title",),
        "published": ("published_on", "latest", "number"),
        "figures": ("seen",),
    }
    return sorted_by(request, rows, columns, "number")


@require_safe
def sources(request: HttpRequest) -> HttpResponse:
    """The published articles, each with the number of its figures in the user's scope."""
    ordered, sort = sources_asked(request)
    return render(
        request,
        "sources/list.html",
        {
            "page_obj": paged(request, ordered),
            "sort": sort,
            "export_url": export_url(request, "sources_export"),
        },
    )


@require_safe
def source(request: HttpRequest, number: int) -> HttpResponse:
    """One article: its facts, its figures with verdicts, the organizations and people it names."""
    found = Source.objects.filter(number=number).first()
    if found is None:
        raise Http404(f"没有编号为“{number}”的来源。")
    address = address_of(request)
    scope = access.spans(request.user)
    figures = found.figures.select_related("source", "unit", "organization").order_by("code")
    mine = figures.filter(in_spans(scope, "unit__") | Q(unit__isnull=True))
    compared = reconcile(mine, address.question.scope)
    organizations = access.visible(request.user, Organization.objects.filter(source=found, is_sample=False))
    people = access.visible(request.user, Person.objects.filter(source=found, is_sample=False))
    return render(
        request,
        "sources/source.html",
        {
            "source": found,
            "date_basis": DATE_BASES.get(found.date_basis, found.date_basis),
            "crumbs": [
                {"name": "来源", "url": address.url(reverse("sources"))},
                {"name": f"来源 {found.number}", "url": ""},
            ],
            "lines": [line_of(row, address) for row in compared],
            "out_of_scope": found.figures.count() - len(compared),
            "summary": _summary(compared),
            "organizations": [
                (row, address.url(row.get_absolute_url()))
                for row in organizations.select_related("unit").order_by("code")
            ],
            "people": [
                (row, address.url(row.get_absolute_url()))
                for row in people.select_related("home_unit").order_by("number")
            ],
        },
    )


def _unit(request: HttpRequest) -> Unit | None:
    """Return the unit of the address, or the user's top unit when there is one only."""
    unit = unit_of(request)
    if unit is None:
        tops = access.top_units(request.user)
        unit = tops[0] if len(tops) == 1 else None
    if unit is not None:
        request.current_unit = unit.code  # type: ignore[attr-defined]
    return unit


def _figures(request: HttpRequest, unit: Unit | None) -> Any:
    rows = Figure.objects.select_related("source", "unit", "organization").order_by("source__number", "code")
    if unit is None:
        return rows.filter(in_spans(access.spans(request.user), "unit__"))
    return rows.filter(unit__tree_id=unit.tree_id, unit__lft__range=(unit.lft, unit.rght))


def _wanted(row: Comparison, wanted: dict[str, str]) -> bool:
    return (
        (not wanted["verdict"] or row.verdict == wanted["verdict"])
        and (not wanted["source"] or str(row.figure.source.number) == wanted["source"])
        and (not wanted["category"] or row.figure.category == wanted["category"])
        and (wanted["countable"] != "1" or row.verdict != Verdict.REPORTED_ONLY)
    )


def _sorted(request: HttpRequest, rows: list[Comparison]) -> tuple[list[Comparison], str]:
    sort = request.GET.get("sort", "")
    if sort.removeprefix("-") not in KEYS:
        sort = "source"
    rows = sorted(rows, key=KEYS["source"])
    return sorted(rows, key=KEYS[sort.removeprefix("-")], reverse=sort.startswith("-")), sort


def _categories(rows: Sequence[Comparison]) -> list[tuple[str, str]]:
    there = {row.figure.category for row in rows if row.figure.category}
    known = [(key, word) for key, word in CATEGORIES.items() if key in there]
    return known + [(key, key) for key in sorted(there - CATEGORIES.keys())]


def _shown_filters(
    request: HttpRequest, unit: Unit | None, wanted: dict[str, str], sources: dict[int, Source]
) -> dict[str, str]:
    shown = {}
    if unit is not None and unit_of_address(request):
        shown["unit"] = f"单位:{unit.name}及下级单位"
    if wanted["verdict"]:
        words = {key.value: word for key, word in VERDICTS.items()}
        shown["verdict"] = f"结论:{words.get(wanted['verdict'], wanted['verdict'])}"
    if wanted["source"]:
        shown["source"] = f"来源:{wanted['source']}"
    if wanted["category"]:
        shown["category"] = f"类别:{CATEGORIES.get(wanted['category'], wanted['category'])}"
    if wanted["countable"] == "1":
        shown["countable"] = "只看可核对的"
    return shown


def unit_of_address(request: HttpRequest) -> bool:
    """Whether the address itself names a unit."""
    return bool(request.GET.get("unit") or request.GET.get("unit_text"))


def _summary(rows: Sequence[Comparison], request: HttpRequest | None = None) -> list[dict[str, Any]]:
    """Count the figures by verdict; on the list each number leads to its lines."""
    numbers = Counter(row.verdict for row in rows)
    made = []
    for verdict, word in VERDICTS.items():
        url = ""
        if request is not None:
            query = request.GET.copy()
            query.pop("page", None)
            query["verdict"] = verdict.value
            url = f"{request.path}?{query.urlencode()}"
        made.append({"word": word, "number": numbers[verdict], "tone": TONES[verdict], "url": url})
    return made


def line_of(row: Comparison, address: Address) -> Line:
    """Return a comparison in the words of the pages."""
    figure = row.figure
    url = _rows_url(row, address)
    verdict = VERDICTS[row.verdict]
    difference = row.difference
    if row.verdict == Verdict.DIFFERS and difference is not None:
        verdict = f"不一致 {'多' if difference > 0 else '少'} {abs(difference)}"
    return Line(
        row,
        reported_value(figure),
        reported_days(figure),
        verdict,
        TONES[row.verdict],
        url,
        measured(row.metric) if row.metric else "",
    )


def _rows_url(row: Comparison, address: Address) -> str:
    """Return the rows behind the registered count: on the figure's day and basis, of every campaign."""
    figure, day = row.figure, row.day
    if row.registered is None or row.metric is None or day is None or figure.unit is None:
        return ""
    return rows_url(row.metric, figure.unit, address, day=day, basis=figure.basis)


def reported_value(figure: Figure) -> str:
    """Return the value with the word the source puts to it: 13, 约100000, 3000余 or 40以上, 近80000."""
    value = figure.value
    if figure.qualifier == Qualifier.ABOUT:
        return value if "约" in value else f"约{value}"
    if figure.qualifier == Qualifier.NEARLY:
        return value if "近" in value else f"近{value}"
    if figure.qualifier == Qualifier.AT_LEAST:
        return value if any(word in value for word in ("余", "多", "以上")) else f"{value}以上"
    return value


def reported_days(figure: Figure) -> str:
    """Return the figure's day, or the bounds that its article's date allows."""
    if figure.as_of is not None:
        return f"{figure.as_of:%Y-%m-%d}"
    if figure.earliest is not None and figure.latest is not None:
        if figure.earliest == figure.latest:
            return f"{figure.earliest:%Y-%m-%d}"
        return f"{figure.earliest:%Y-%m-%d} 至 {figure.latest:%Y-%m-%d} 之间"
    if figure.earliest is not None:
        return f"{figure.earliest:%Y-%m-%d} 以后"
    if figure.latest is not None:
        return f"{figure.latest:%Y-%m-%d} 以前"
    return "未注明"
