"""Table cells made here and not by templates: a table of a country's units has hundreds of them.

What they look like is that of ``components/count.html`` and ``components/bar.html``.
"""

from __future__ import annotations

from typing import Any

from django import template
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from registry.views.unit_page import SHARE_AFTER_COLUMN, Count, Row

register = template.Library()


@register.simple_tag
def number_cell(value: int | None, url: str = "") -> SafeString:
    """Return a number, linked to its rows; zero is a grey 0 without a link, nothing a dash."""
    if not value:
        return format_html('<span class="zero">{}</span>', "–" if value is None else value)
    if not url:
        return SafeString(escape(value))
    return format_html('<a href="{}">{}</a>', url, value)


@register.simple_tag
def unit_cells(row: Row, with_bar: bool = False) -> SafeString:
    """Return the number cells of one line of the table of units; ``with_bar``: draw one at the first."""
    cells: list[Any] = []
    for place, count in enumerate(row.counts):
        number = number_cell(count.value, count.url)
        if place:
            cells += ['<td class="n">', number, _pending(count), "</td>"]
        elif with_bar:
            cells += ['<td class="nowrap">', _bar(row.bar, number), _pending(count), "</td>"]
        else:
            cells += [
                '<td class="nowrap"><span class="bar-row"><span class="bar"></span><span class="num">',
                number,
                _pending(count),
                "</span></span></td>",
            ]
        if place == SHARE_AFTER_COLUMN:
            cells += ['<td class="n">', _share(row.members), "</td>"]
    return SafeString("".join(cells))


def _bar(share: float, number: SafeString) -> SafeString:
    return format_html(
        '<span class="bar-row"><svg class="bar" viewBox="0 0 1 1" preserveAspectRatio="none" '
        'aria-hidden="true"><rect width="{}" height="1"/></svg><span class="num">{}</span></span>',
        f"{share:.4f}",
        number,
    )


def _pending(count: Count) -> SafeString:
    """What is not approved, beside a number."""
    if not count.pending:
        return SafeString("")
    word = _("未批准")
    if not count.pending_url:
        return format_html(' <span class="tag warn">{} {}</span>', word, count.pending)
    return format_html(
        ' <a class="tag warn" href="{}" title="{}">{} {}</a>',
        count.pending_url,
        _("未批准的不计入"),
        word,
        count.pending,
    )


def _share(members: Count) -> SafeString:
    if not members.share:
        return SafeString('<span class="zero">–</span>')
    if not members.url:
        return SafeString(escape(members.share))
    return format_html('<a href="{}" title="{}">{}</a>', members.url, members.value, members.share)
