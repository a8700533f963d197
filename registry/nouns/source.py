"""Sources, published articles, and the figures that they report."""

from __future__ import annotations

from django.db.models import Q

from registry.models import Figure, Source
from registry.models.base import in_spans
from registry.models.hierarchy import Span, everything
from registry.nouns.noun import Noun, Rows
from registry.nouns.verbs import MANAGE, Verb

SOURCE = Noun(
    key="source",
    plural="sources",
    label="来源",
    model=Source,
    measure="篇",
    verbs=(
        Verb("add_source", "登记来源", MANAGE),
        Verb("edit_source", "修改来源", MANAGE),
        Verb("withdraw_source", "撤回来源", MANAGE),
        Verb("restore_source", "恢复来源", MANAGE),
    ),
    unit_path="unit",
    is_seen_below=True,
    related=("unit",),
    page="source",
    list_page="sources",
    page_key="number",
    page_key_label="编号",
    edit="edit_source",
    editable=(
        *("title", "publisher", "published_on", "date_basis", "earliest", "latest"),
        *("region", "reporting_organ", "note"),
    ),
)


def _within(rows: Rows, spans: list[Span], few: bool) -> Rows:
    """Return the figures of sources that were entered in the intervals, about units there or none."""
    if everything(spans):
        return rows
    here = Q(unit__isnull=True) | in_spans(spans, "unit__")
    return rows.filter(in_spans(spans, "source__unit__") & here)


FIGURE = Noun(
    key="figure",
    plural="figures",
    label="报道数",
    model=Figure,
    measure="项",
    verbs=(
        Verb("add_figure", "登记报道数", MANAGE),
        Verb("edit_figure", "修改报道数", MANAGE),
        Verb("withdraw_figure", "撤回报道数", MANAGE),
        Verb("restore_figure", "恢复报道数", MANAGE),
    ),
    unit_path="source__unit",
    within=_within,
    related=("source__unit", "unit", "organization"),
    page_at="source",
    page_key="id",
    page_key_label="编号",
    edit="edit_figure",
    editable=(
        *("metric", "label", "value", "number", "measure", "qualifier", "basis", "unit", "organization"),
        *("as_of", "earliest", "latest", "category", "is_comparable", "note", "tension"),
    ),
    named=("source",),
)
