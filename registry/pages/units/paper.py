"""A unit on A4: key figures, the trend, every unit below, and what changed. Nobody is named on it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from registry.counting.metrics import METRICS
from registry.models.hierarchy import Moves, UnitHierarchy, within
from registry.operations.key_figures import chosen_at
from registry.pages.units import events as unit_events
from registry.pages.units import page as unit_page
from registry.pages.units.tables import UnitsBelowTable
from registry.spreadsheets.sheets import Kind
from registry.web.address import address_of
from registry.web.columns import Column
from registry.web.paper import Paper, PaperTable, show_paper, table_of
from registry.web.periods import period_of

_DAYS: tuple[Column[unit_events.Day], ...] = (
    Column("日期", "day", Kind.DATE),
    Column("变动", "said"),
    Column("组织", lambda day: "、".join(f"{change.word}{_named(change)}" for change in day.changes)),
)


def _named(change: unit_events.Change) -> str:
    """Return the organization by name, several by their kind and number."""
    if change.number == 1:
        return change.name
    return f"{change.metric.label if change.metric else '组织'} {change.number:,} 个"


@require_POST
def paper(request: HttpRequest, code: str) -> HttpResponse:
    """Show the unit's numbers as they will be printed."""
    table = UnitsBelowTable.of(request, code)
    unit, address = table.top, address_of(request)
    request.current_unit = unit.code  # type: ignore[attr-defined]
    question, period = address.question, period_of(request, address)
    Moves.after(unit_page.first_day(question, period))
    spans = within(UnitHierarchy.on(question.as_of).spans(unit), question.scope)
    charted = unit_page.charted_of(request)
    chosen = chosen_at(unit) or unit_page.KEY_FIGURES
    course = unit_page.course(unit, question, charted, period, chosen)
    sheet = table.sheet(on_paper=True)
    days = unit_events.last_days(question, spans)
    below = PaperTable(sheet) if table.below.rows else None
    changes = table_of(_DAYS, days) if days else None
    return show_paper(
        request,
        Paper(unit.name, sheet.facts, [each for each in (below, changes) if each], sheet.notes),
        rows=len(below.rows) if below else 0,
        unit=unit,
        more={
            "paper_template": "pages/units/paper.html",
            "key_figures": unit_page.key_figures(address, table.counts, course, chosen),
            "chart": unit_page.trend(unit, charted, course, period),
            "chart_label": METRICS[charted].label,
            "below": below,
            "changes": changes,
        },
    )
