"""The cells of the table of units, put together here because a country's table has hundreds of them."""

from __future__ import annotations

from collections.abc import Sequence

from django import template
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString

from registry.pages.units.page import SHARE_AFTER_COLUMN, Count, Row
from registry.web.templatetags.parts import bar, count, sample_tag, tag, thousands

register = template.Library()


@register.simple_tag
def unit_name(row: Row) -> SafeString:
    """Return the name of a row, linked to its page, with tags for a closed unit and for sample data."""
    name = format_html('<a href="{}">{}</a>', row.url, row.unit.label) if row.url else row.unit.label
    closed = SafeString("") if row.is_open else format_html(" {}", tag("已撤并"))
    return format_html("{}{}{}", name, closed, sample_tag(row.unit.is_sample))


@register.simple_tag
def steps(depth: Sequence[int]) -> SafeString:
    """Return the mark before the name of a subordinate organization, one step further in at each level."""
    blank = '<span class="step blank">└</span>' * (len(depth) - 1)
    return SafeString(f'{blank}<span class="step">└</span>' if depth else "")


@register.simple_tag
def unit_cells(row: Row, with_bar: bool = False) -> SafeString:
    """Return the number cells of a row; ``with_bar``: draw a bar at the first number."""
    cells = [
        f'<td class="{"n" if place else "nowrap"}">{_number(row, place, with_bar)}</td>'
        + (f'<td class="n">{_share(row.members)}</td>' if place == SHARE_AFTER_COLUMN else "")
        for place in range(len(row.counts))
    ]
    return SafeString("".join(cells))


def _number(row: Row, place: int, with_bar: bool) -> SafeString:
    cell = row.counts[place]
    number = count(cell.value, cell.url)
    if place:
        return number + _pending(cell)
    if with_bar:
        return bar(row.bar, number) + _pending(cell)
    return format_html(
        '<span class="bar-row"><span class="bar"></span><span class="num">{}{}</span></span>',
        number,
        _pending(cell),
    )


def _pending(cell: Count) -> SafeString:
    """Return what is not approved yet, shown after a number."""
    if not cell.pending:
        return SafeString("")
    if not cell.pending_url:
        return format_html(" {}", tag(f"未批准 {thousands(cell.pending)}", "warn"))
    return format_html(
        ' <a class="tag warn" href="{}" title="未批准的不计入">未批准 {}</a>',
        cell.pending_url,
        thousands(cell.pending),
    )


def _share(members: Count) -> SafeString:
    """Return the share of Party members, linked to their rows, with their number as its title."""
    if not members.share:
        return count(None)
    if not members.url:
        return conditional_escape(members.share)
    return format_html(
        '<a class="count" href="{}" title="{}">{}</a>', members.url, members.value, members.share
    )
