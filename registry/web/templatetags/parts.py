"""The small parts that pages share: tags, numbers, bars, and what an empty list says.

They are made in Python because a table of a country's units has hundreds of them; the larger parts are
templates (templates/parts/README.md lists both).
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from django import template
from django.forms import BoundField, Textarea
from django.template import Context
from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from registry.web.charts import MARKS, SPARK_HEIGHT, SPARK_WIDTH, Hit, spark_of
from registry.web.fields import DayInput
from registry.web.lists import with_query
from registry.web.once import FIELD, key_of
from registry.web.written import draw

register = template.Library()
_SPECIAL = re.compile(r"""[&<>"']""").search
"""Most texts hold nothing to escape."""


def escaped(text: object) -> str:
    """Return what Django's ``conditional_escape`` returns, but faster. Not for lazy texts."""
    if hasattr(text, "__html__"):
        made: str = text.__html__()
        return made
    plain = str(text)
    return html.escape(plain) if _SPECIAL(plain) else plain


def linked_words(words: object, url: str, css: str = "") -> SafeString:
    """Return words as a link; without an address the words alone."""
    if not url:
        return SafeString(escaped(words))
    named = f' class="{css}"' if css else ""
    return SafeString(f'<a{named} href="{escaped(url)}">{escaped(words)}</a>')


@register.simple_tag(takes_context=True)
def form_key(context: Context) -> SafeString:
    """Return the hidden fields with which a form is done once only (``web.once``), and on what was seen."""
    marks = context.get("seen") or ()
    fields = [(FIELD, key_of(context["request"])), *(("seen", mark) for mark in marks)]
    return format_html_join("", '<input type="hidden" name="{}" value="{}">', fields)


@register.simple_tag
def tag(text: object, tone: str = "plain") -> SafeString:
    """Return a small coloured word; ``tone`` is ok, warn, bad, info or plain."""
    return SafeString(f'<span class="tag {escaped(tone or "plain")}">{escaped(text)}</span>')


@register.simple_tag
def sample_tag(is_sample: bool) -> SafeString:
    """Return the mark of sample data after a name (with the space between), or nothing."""
    if not is_sample:
        return SafeString("")
    return SafeString(' <span class="tag sample" title="演示用的样例数据,不是真实登记">演示</span>')


@register.simple_tag
def field_class(field: BoundField) -> str:
    """Return the classes of a field's frame: whether it has an error, whether it spans both columns."""
    widget = field.field.widget
    is_wide = (
        isinstance(widget, Textarea) or getattr(widget, "is_picker", False) or "data-wide" in widget.attrs
    )
    return "field" + " has-error" * bool(field.errors) + " field-wide" * is_wide


@register.filter
def thousands(value: object) -> str:
    """Return a count with commas (10,152); what is no number as it is."""
    return f"{value:,}" if isinstance(value, int | Decimal) and not isinstance(value, bool) else str(value)


@register.simple_tag
def day_box(name: str, day: date, near: date, label: str, default: date | None = None) -> SafeString:
    """Return the box of a date that is no form's field; ``near`` as in ``DayField``.

    The address does without ``default``, the day that holds anyway.
    """
    box = DayInput({"aria-label": label} | ({"data-default": default.isoformat()} if default else {}))
    box.near = near
    return box.render(name, day, {"id": f"day-{name}"})


@register.simple_tag
def count(value: int | None, url: str = "") -> SafeString:
    """Return a number, linked to its rows; zero is a grey 0 without a link, None a dash."""
    if not value:
        return SafeString(f'<span class="zero">{"–" if value is None else 0}</span>')
    if url:
        return linked_words(thousands(value), url, "count")
    return SafeString(thousands(value))


@register.simple_tag
def delta(change: int | None, url: str = "", same: str = "持平") -> SafeString:
    """Return the change of a number, in ink (growth is not good in itself), linked to what changed.

    ``same`` are the words for no change; nothing if it is not known.
    """
    if not change:
        said = "" if change is None else f'<span class="delta same">{escaped(same)}</span>'
        return SafeString(said)
    mark, words = ("▲", "增加") if change > 0 else ("▼", "减少")
    said = f'<span aria-hidden="true">{mark}</span><span class="sr-only">{words}</span>\u00a0{abs(change):,}'
    if not url:
        return SafeString(f'<span class="delta">{said}</span>')
    return SafeString(f'<a class="delta" href="{escaped(url)}">{said}</a>')


@register.simple_block_tag
def table(content: str, *heads: str, css: str = "", label: str = "") -> SafeString:
    """Frame the rows of a table under its heads; on a phone one of five columns and more is shown as cards.

    A head is the words over a column, with classes after a bar (``行数|n``); the content may have its own.
    """
    return draw(_head(heads) + content, css, label)


def _head(heads: Sequence[str]) -> SafeString:
    if not heads:
        return SafeString("")
    parted = (head.partition("|") for head in heads)
    cells = ((format_html(' class="{}"', css) if css else "", words) for words, _bar, css in parted)
    return format_html("<thead><tr>{}</tr></thead>", format_html_join("", '<th scope="col"{}>{}</th>', cells))


@register.simple_tag(takes_context=True)
def grid_rows(context: template.Context, grid: Any) -> SafeString:
    """Return the rows of a list; a column may have a template, which gets ``row`` and ``value``."""
    made = []
    for row, cells in grid.lines:
        made.append('\n        <tr role="row">')
        for cell in cells:
            column = cell.column
            inner = _inner(context, row, cell) if column.cell else cell.drawn
            made += (column.opening, inner, column.closing)
        made.append("</tr>\n      ")
    return SafeString("".join(made))


def _inner(context: template.Context, row: object, cell: Any) -> SafeString:
    """Return the content of a cell."""
    how = cell.column.cell
    if not how:
        drawn: SafeString = cell.drawn
        return drawn
    if callable(how):
        made: SafeString = how(row, cell.text)
        return made
    with context.push(row=row, value=cell.text):
        return context.template.engine.get_template(how).render(context)  # type: ignore[union-attr]


@register.simple_tag(takes_context=True)
def grid_alike(context: template.Context, grid: Any) -> SafeString:
    """Return the line above the rows with the values that are the same in all of them."""
    said = format_html_join(
        "",
        "<span>{} {}</span>",
        ((_title(context, grid, cell), _inner(context, grid.rows[0], cell)) for cell in grid.alike),
    )
    titles = format_html_join("、", "{}", ((_title(context, grid, cell),) for cell in grid.empty))
    if not said and not titles:
        return said
    empty = format_html("<span>{} 均未填写</span>", titles) if titles else ""
    return format_html('<p class="alike"><b>本页各行相同</b>{}{}</p>', said, empty)


def _title(context: template.Context, grid: Any, cell: Any) -> SafeString:
    """Return the title of a column, which sorts the list as its header would."""
    key, title = cell.column.key, escape(cell.column.title)
    if key not in grid.sorts:
        return title
    first = f"-{key}" if cell.column.is_number else key
    url = with_query(context["request"], sort=first)
    return format_html('<a class="sort" href="{}#rows">{}</a>', url, title)


@register.simple_tag
def spark(numbers: Sequence[Any]) -> SafeString:
    """Return a sparkline: numbers of successive days, or a course of (day, number) from ``counting.series``.

    The picture says nothing to a screen reader; the words beside it do. No line where nothing moves. For the
    rows of a table read all courses at once::

        courses = series_of(units, METRICS[slug], since, until, question)  # one query, by the unit's id
        {% spark row.course %}
    """
    drawn = spark_of([each[1] if isinstance(each, tuple) else each for each in numbers])
    if not drawn.path:
        return SafeString(f'<span class="zero" aria-hidden="true">–</span>{_spoken(drawn.words)}')
    x, y = drawn.end
    return mark_safe(
        f'<svg class="spark" width="{SPARK_WIDTH}" height="{SPARK_HEIGHT}" '
        f'viewBox="0 0 {SPARK_WIDTH} {SPARK_HEIGHT}" aria-hidden="true">'
        f'<path d="{drawn.path}" fill="none" stroke="currentColor" stroke-width="1.5"/>'
        f'<circle cx="{x}" cy="{y}" r="2.5"/></svg>{_spoken(drawn.words)}'
    )


def _spoken(words: str) -> SafeString:
    return mark_safe(f'<span class="sr-only">{words}</span>')  # numbers and words of ours


@register.simple_tag
def line_key(tone: str) -> SafeString:
    """Return the sample of a chart's line, with its mark, that stands before its name."""
    return format_html(
        '<svg class="line-key" width="34" height="12" aria-hidden="true">'
        '<path class="course {}" d="M0 6H22"/>'
        '<path class="dot {}" d="{}" transform="translate(15 6)"/></svg>',
        tone,
        tone,
        MARKS[tone],
    )


@register.simple_tag
def chart_hits(hits: Sequence[Hit], height: int) -> SafeString:
    """Return the strips of a chart's days, each with its values as its title."""
    return mark_safe(
        "".join(
            f'<rect class="hit" data-at="{hit.at}" x="{hit.x}" width="{hit.width}" height="{height}">'
            f"<title>{escape(hit.title)}</title></rect>"
            for hit in hits
        )
    )


@register.simple_tag
def chart_rows(rows: list[list[Any]]) -> SafeString:
    """Return the rows of the table behind a chart: a heading, then numbers."""
    drawn = []
    for head, *numbers in rows:
        cells = "".join(f'<td class="n">{count(each)}</td>' for each in numbers)
        drawn.append(f'<tr><th scope="row">{escape(head)}</th>{cells}</tr>')
    return mark_safe("".join(drawn))


@register.inclusion_tag("parts/empty.html")
def no_rows(sentence: str, url: str = "", label: str = "") -> dict[str, str]:
    """Say why there is nothing to list, with a button that helps when ``url`` is given."""
    return {"sentence": sentence, "url": url, "label": label}
