"""The page of a comparison over time."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from registry.pages.comparison.tables import ComparisonTable
from registry.web.tables import show


@require_safe
def comparison(request: HttpRequest) -> HttpResponse:
    """Show two to six units, or several metrics of one unit, over the days of a period."""
    table = ComparisonTable(request)
    if table.above is not None:
        request.current_unit = table.above.code  # type: ignore[attr-defined]
    return show(table, "pages/comparison/comparison.html")
