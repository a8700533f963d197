"""The cells of the table of units and of formal members, put together here: a page has hundreds of them."""

from __future__ import annotations

import html
from collections.abc import Sequence

from django import template
from django.utils.safestring import SafeString, mark_safe

from registry import access
from registry.models import PoliticalStatus
from registry.pages.organizations.formal import FormalMembers
from registry.pages.units.page import SHARE_AFTER_COLUMN, Count, Row
from registry.web.address import address_of
from registry.web.links import person_url
from registry.web.templatetags.parts import count, delta, escaped, linked_words, sample_tag, spark, tag

register = template.Library()


@register.simple_tag
def unit_name(row: Row) -> SafeString:
    """Return the name of a row, linked to its page, with tags for a closed unit and for sample data."""
    closed = "" if row.is_open else f" {tag('已撤并')}"
    return SafeString(f"{linked_words(row.unit.label, row.url)}{closed}{sample_tag(row.unit.is_sample)}")


@register.simple_tag
def unit_tick(row: Row) -> SafeString:
    """Return the box that ticks a unit for a comparison, where the user may open the unit."""
    box = ""
    if row.url:
        code, label = escaped(row.unit.code), escaped(row.unit.label)
        box = f'<input type="checkbox" name="unit" value="{code}" form="compare" aria-label="对比 {label}">'
    return SafeString(f'<td class="tick no-print">{box}</td>')


@register.simple_tag(takes_context=True)
def formal_rows(context: template.Context, formal: FormalMembers) -> SafeString:
    """Return the rows of the formal members of an organization."""
    user, address = context["request"].user, address_of(context["request"])
    drawn = []
    for person in formal.people:
        name = linked_words(person.name, person_url(user, person, address))
        joined = person.joined_on.isoformat() if person.joined_on else "–"
        drawn.append(
            f"""
          <tr>
            <th scope="row">
              {name}
              {sample_tag(person.is_sample)}
            </th>
            <td class="num">{escaped(access.shown_number(user, person))}</td>
            <td>{escaped(PoliticalStatus(person.status_then).label)}</td>
            <td class="num">{joined}</td>
            <td class="text">{escaped(person.title or "–")}</td>
            <td class="text">{escaped(person.home_unit.label)}</td>
          </tr>
        """
        )
    return SafeString("".join(drawn))


@register.simple_tag
def steps(depth: Sequence[int]) -> SafeString:
    """Return the mark before the name of a subordinate organization, one step further in at each level."""
    blank = '<span class="step blank">└</span>' * (len(depth) - 1)
    return SafeString(f'{blank}<span class="step">└</span>' if depth else "")


@register.simple_tag
def unit_cells(row: Row, has_week: bool) -> SafeString:
    """Return the number cells of a row; ``has_week``: with the change over seven days and the sparkline."""
    first, *others = row.counts
    cells = [_count(first.value, first.url)]
    if has_week:
        cells += [_cell(delta(row.week, row.week_url, "0")), f'<td class="no-print">{spark(row.course)}</td>']
    cells.append(_cell(_pending(first, "")) if first.pending else _ZERO)
    before, after = others[:SHARE_AFTER_COLUMN], others[SHARE_AFTER_COLUMN:]
    cells += [*map(_number, before), _cell(_share(row.members)), *map(_number, after)]
    return mark_safe("".join(cells))


def _number(cell: Count) -> str:
    if not (cell.value or cell.pending):
        return _ZERO
    return _count(cell.value, cell.url, _pending(cell) if cell.pending else "")


def _count(value: int, url: str, more: str = "") -> str:
    """Return the cell of a number, as ``count`` draws it."""
    if not value or not url:
        return _cell(count(value) + more)
    return f'<td class="n"><a class="count" href="{html.escape(url)}">{value:,}</a>{more}</td>'


def _cell(content: str) -> str:
    return f'<td class="n">{content}</td>'


_ZERO = _cell(count(0))


def _pending(cell: Count, words: str = "待审批 ") -> str:
    """Return the tag with the number that is not approved yet, to stand after a number."""
    said, url = f"{words}{cell.pending:,}", html.escape(cell.pending_url)
    if not url:
        return f" {tag(said, 'warn')}"
    return f' <a class="tag warn" href="{url}" title="待审批的不计入">{said}</a>'


def _share(members: Count) -> SafeString:
    """Return the share of Party members, linked to their rows, with their number as its title."""
    if not members.share:
        return count(None)
    share, url = escaped(members.share), escaped(members.url)
    return SafeString(f'<a class="count" href="{url}" title="{members.value}">{share}</a>' if url else share)
