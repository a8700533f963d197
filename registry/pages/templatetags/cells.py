"""Table cells made here and not by templates: a table of a country's units has hundreds of them.

What they look like is that of ``components/count.html`` and ``components/bar.html``.
"""

from __future__ import annotations

from html import escape
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from registry.pages.units.page import SHARE_AFTER_COLUMN, Count, Row

register = template.Library()


@register.simple_tag
def number_cell(value: int | None, url: str = "") -> SafeString:
    """Return a number, linked to its rows; zero is a grey 0 without a link, nothing a dash."""
    return SafeString(_number(value, url))


def _number(value: int | None, url: str = "") -> str:
    if not value:
        return f'<span class="zero">{"–" if value is None else 0}</span>'
    return f'<a href="{escape(url)}">{value:d}</a>' if url else f"{value:d}"


@register.simple_tag
def unit_name(row: Row) -> SafeString:
    """Return the name of a line of the table of units, linked to its page, with what is to be said of it."""
    name = row.unit.label
    shown = format_html('<a href="{}">{}</a>', row.url, name) if row.url else SafeString(escape(name))
    if not row.is_open:
        shown += format_html(' <span class="tag plain">{}</span>', "已撤并")
    if row.unit.is_sample:
        shown += format_html(
            ' <span class="tag sample" title="{}">{}</span>', "演示用的样例数据,不是真实登记", "演示"
        )
    return shown


@register.simple_tag
def chart_cells(rows: list[list[Any]]) -> SafeString:
    """Return the lines of the table behind a chart: a heading, then numbers."""
    return SafeString(
        "".join(
            f'<tr><th scope="row">{escape(head)}</th>'
            + "".join(f'<td class="n">{_number(each)}</td>' for each in numbers)
            + "</tr>"
            for head, *numbers in rows
        )
    )


@register.simple_tag
def unit_cells(row: Row, with_bar: bool = False) -> SafeString:
    """Return the number cells of one line of the table of units; ``with_bar``: draw one at the first."""
    cells = []
    for place, count in enumerate(row.counts):
        number, pending = _number(count.value, count.url), _pending(count)
        if place:
            cells.append(f'<td class="n">{number}{pending}</td>')
        elif with_bar:
            cells.append(f'<td class="nowrap">{_bar(row.bar, number)}{pending}</td>')
        else:
            cells.append(
                '<td class="nowrap"><span class="bar-row"><span class="bar"></span>'
                f'<span class="num">{number}{pending}</span></span></td>'
            )
        if place == SHARE_AFTER_COLUMN:
            cells.append(f'<td class="n">{_share(row.members)}</td>')
    return SafeString("".join(cells))


def _bar(share: float, number: str) -> str:
    return (
        '<span class="bar-row"><svg class="bar" viewBox="0 0 1 1" preserveAspectRatio="none" '
        f'aria-hidden="true"><rect width="{share:.4f}" height="1"/></svg>'
        f'<span class="num">{number}</span></span>'
    )


def _pending(count: Count) -> str:
    """What is not approved, beside a number."""
    if not count.pending:
        return ""
    word = escape("未批准")
    if not count.pending_url:
        return f' <span class="tag warn">{word} {count.pending:d}</span>'
    title = escape("未批准的不计入")
    url = escape(count.pending_url)
    return f' <a class="tag warn" href="{url}" title="{title}">{word} {count.pending:d}</a>'


def _share(members: Count) -> str:
    if not members.share:
        return '<span class="zero">–</span>'
    share = escape(members.share)
    return f'<a href="{escape(members.url)}" title="{members.value:d}">{share}</a>' if members.url else share
