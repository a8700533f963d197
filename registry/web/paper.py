"""Paper: tables and pages laid out for A4; a page shows them first, and the browser prints them.

A print is one more way out of a list (``web.exports``): it is asked for, limited and recorded as a file is.
Decision 0031 says how it is laid out, and why no library makes the pages.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby, islice
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from registry import audit
from registry.models import Unit
from registry.spreadsheets.sheets import NUMBERS, Cell, Head, Kind, Sheet
from registry.spreadsheets.writing import width_of
from registry.web.address import actor_of, address_of, back_of
from registry.web.columns import Column, Line, words
from registry.web.making import Made, TooLong, making_of

FORMAT = "print"
"""What the button of a print sends as ``format``."""
MOST_ROWS = 3000
"""The most rows of a print, about a hundred pages; a longer list goes out as a file."""

PORTRAIT, LANDSCAPE = 116, 171
"""Letters (half a Chinese character) that a line of A4 holds at the size of print.css."""
_SPACE = 2.5
"""The padding of a cell, in letters."""
_WRAPS_AT, _LEAST, _LONGEST = 24, 6, 72
"""Text wraps beyond so many letters; the narrowest column; what the widest may take where there is room."""

_TITLES_WRAP_AT = 12, 6
"""Longer titles are set in two lines; where a table would not fit across, shorter ones too."""
_ON_ONE_PAGE = 12
"""The most rows of a table that is kept on one page."""

_FIGURES = (*NUMBERS, Kind.DATE, Kind.TIME)
_CSS = {**dict.fromkeys(NUMBERS, "n"), Kind.DATE: "num", Kind.TIME: "num", Kind.CODE: "num"}


def printed(kind: Kind, cell: Cell) -> str:
    """Return a cell as paper shows it; nothing known is a dash."""
    if cell is None or cell == "":
        return "–"
    if isinstance(cell, str | date):
        return words(cell)
    return f"{cell:.1%}" if kind == Kind.SHARE else f"{cell:,}"


def _letters(text: str) -> float:
    """Return how wide a text is, in halves of a Chinese character: figures are a bit wider."""
    width = width_of(text)
    return width * 1.15 if text.isascii() else width


class PaperTable:
    """A sheet as paper shows it: every column, as wide as what it holds needs, and headings over its rows."""

    def __init__(self, sheet: Sheet) -> None:
        """Read the rows, one more than is printed at most: then it is known that they are too many."""
        self.sheet = sheet
        first, kinds = sheet.sections, [head.kind for head in sheet.heads]
        self.rows = [
            [*map(str, row[:first]), *map(printed, kinds, row[first:])]
            for row in islice(sheet.rows, MOST_ROWS + 1)
        ]
        self.totals = [
            "" if cell is None else printed(kind, cell)
            for kind, cell in zip(kinds, sheet.totals, strict=False)
        ]

    @cached_property
    def _needs(self) -> list[tuple[float, float]]:
        """The width that each column should have, and the most that it could use. Titles give way first.

        A few long texts wrap: nine rows of ten decide.
        """
        long_titles, short_titles = (self._measured(wraps_at) for wraps_at in _TITLES_WRAP_AT)
        fits = sum(should for should, _could in long_titles) <= LANDSCAPE
        return long_titles if fits else short_titles

    def _measured(self, titles_wrap_at: int) -> list[tuple[float, float]]:
        first, needs = self.sheet.sections, []
        for at, head in enumerate(self.sheet.heads):
            title = _letters(head.header)
            title = title if title <= titles_wrap_at else title / 2 + 1
            held = sorted(_letters(row[first + at]) for row in self.rows) or [0]
            most = max(held[-1], _letters(self.totals[at]) if self.totals else 0)
            usual = held[(len(held) - 1) * 9 // 10]
            should = most if head.kind in _FIGURES else min(usual, _WRAPS_AT)
            should = max(_LEAST, title, should)
            needs.append((should + _SPACE, max(should, min(most, _LONGEST)) + _SPACE))
        return needs

    @property
    def need(self) -> float:
        """How many letters a line needs, so that nothing short wraps."""
        return sum(should for should, _could in self._needs)

    @property
    def is_wide(self) -> bool:
        """Whether the table needs the paper across."""
        return self.need > PORTRAIT

    @property
    def css(self) -> str:
        """Its classes: too wide for letters of the usual size; short enough to stay on one page."""
        return " ".join(["tight"] * (self.need > LANDSCAPE) + ["whole"] * (len(self.rows) <= _ON_ONE_PAGE))

    @property
    def widths(self) -> list[str]:
        """The width of each column in per cent: first what each needs, then what long texts lack.

        What is left is for the columns of text.
        """
        room = max(0.0, (LANDSCAPE if self.is_wide else PORTRAIT) - self.need)
        lacks = [could - should for should, could in self._needs]
        share = min(1.0, room / sum(lacks)) if any(lacks) else 0.0
        given = [should + lack * share for (should, _could), lack in zip(self._needs, lacks, strict=True)]
        texts = [
            each * (head.kind not in _FIGURES) for each, head in zip(given, self.sheet.heads, strict=True)
        ]
        if any(texts):
            left = room - sum(lacks) * share
            given = [each + left * text / sum(texts) for each, text in zip(given, texts, strict=True)]
        return [f"{100 * each / sum(given):.2f}" for each in given]

    @property
    def head(self) -> SafeString:
        """The rows of the header: one, or two where columns stand under a common word."""
        heads = self.sheet.heads
        if not any(head.group for head in heads):
            return format_html("<tr>{}</tr>", self._titles(heads))
        upper = format_html_join(
            "",
            '<th colspan="{}" scope="colgroup">{}</th>',
            ((len(list(run)), group) for group, run in groupby(heads, key=lambda head: head.group)),
        )
        return format_html("<tr>{}</tr><tr>{}</tr>", upper, self._titles(heads))

    def _titles(self, heads: Sequence[Head]) -> SafeString:
        return format_html_join(
            "",
            '<th scope="col" class="{}">{}</th>',
            ((_CSS.get(head.kind, ""), head.header) for head in heads),
        )

    @property
    def body(self) -> SafeString:
        """The rows, with a heading wherever one of the leading cells changes."""
        return mark_safe("".join(self._lines()))

    def _lines(self) -> Iterator[str]:
        first, across = self.sheet.sections, len(self.sheet.heads)
        opened = [
            f'<td class="{css}">' if (css := _CSS.get(head.kind, "")) else "<td>" for head in self.sheet.heads
        ]
        above: list[str] = [""] * first
        for row in self.rows:
            for level in range(first):
                if row[: level + 1] != above[: level + 1]:
                    above = [*row[: level + 1], *[""] * (first - level - 1)]
                    if row[level]:
                        yield f'<tr class="section level-{level + 1}">'
                        yield f'<th colspan="{across}" scope="colgroup">{escape(row[level])}</th></tr>'
            cells = (f"{tag}{escape(text)}</td>" for tag, text in zip(opened, row[first:], strict=True))
            yield f"<tr>{''.join(cells)}</tr>"

    @property
    def foot(self) -> SafeString:
        """The cells of the total."""
        cells = (
            (_CSS.get(head.kind, ""), text) for head, text in zip(self.sheet.heads, self.totals, strict=False)
        )
        return format_html_join("", '<td class="{}">{}</td>', cells)


def table_of(columns: Sequence[Column[Line]], rows: Iterable[Line]) -> PaperTable:
    """Return rows as a table on paper."""
    heads = [each.paper_head for each in columns]
    return PaperTable(Sheet("", "", heads, ([each.printed(row) for each in columns] for row in rows)))


@dataclass(frozen=True)
class Paper:
    """One document: what stands above and below its tables, or above and below what a template shows."""

    title: str
    said: Sequence[str] = ()
    """Lines under the title: place, date, basis, filters, how many."""
    tables: Sequence[PaperTable] = ()
    notes: Sequence[str] = ()
    """Lines below: what is left out and what is not approved."""
    signature: str = ""
    shape: str = ""
    """Further classes of its page, where a template draws it."""
    is_one_each: bool = False
    """Whether the template draws pages that each have a title of their own: none stands above them."""

    @classmethod
    def of(cls, sheet: Sheet) -> Paper:
        """Return a sheet as a document."""
        return cls(sheet.title, sheet.facts, [PaperTable(sheet)], sheet.notes, sheet.signature)

    @property
    def css(self) -> str:
        """The class of its page."""
        return self.shape or ("landscape" if any(table.is_wide for table in self.tables) else "")

    @property
    def word(self) -> str:
        """What its length is counted in."""
        return "页,一人一页" if self.is_one_each else "行"

    @property
    def way(self) -> str:
        """How the paper lies, in words."""
        return "横向" if "landscape" in self.css else "纵向"


def is_print(request: HttpRequest) -> bool:
    """Whether the button of a print was pressed."""
    return request.POST.get("format") == FORMAT


def show_paper(
    request: HttpRequest,
    paper: Paper,
    *,
    rows: int,
    unit: Unit | None = None,
    filters: Sequence[str] = (),
    template: str = "parts/print.html",
    more: Mapping[str, Any] | None = None,
) -> HttpResponse:
    """Show a document as it will be printed, and put into the record that it was taken out."""
    actor = actor_of(request)
    after = {"filters": list(filters), "rows": rows} if filters else {"rows": rows}
    context = {
        "paper": paper,
        "extent": f"A4 {paper.way},共 {rows:,} {paper.word}" if rows else f"A4 {paper.way}",
        "unit_name": unit.name if unit else "",
        "campaign": address_of(request).question.campaign,
        "printed_by": actor.name,
        "printed_at": timezone.localtime(),
        **(more or {}),
    }
    if (making := making_of(request)) is not None:  # the sheet alone: its page is made when it is looked at
        making.made = Made("print", paper.title, unit, after, rows, paper.title, "text/html", is_print=True)
        return render(request, "parts/paper.html", context)
    audit.record_event(actor, "print", subject=paper.title, unit=unit, after=after)
    return render(request, template, {"back": back_of(request), **context})


def too_long(
    request: HttpRequest,
    title: str,
    rows: int | None = None,
    *,
    most: int | None = None,
    has_file: bool = True,
) -> HttpResponse:
    """Show that a list is too long for paper, and what to do; ``rows``: its length, if that is known."""
    if making_of(request) is not None:
        raise TooLong(most or MOST_ROWS)
    ways = "请导出文件,或返回加上筛选条件后再打印。" if has_file else "请返回,到下级单位分别打印。"
    context = {
        "title": title,
        "said": f"{f'共 {rows:,} 行,' if rows else ''}一次最多 {most or MOST_ROWS:,} 行。{ways}",
        "has_file": has_file,
        "url": request.get_full_path(),
        "back": back_of(request),
    }
    return render(request, "parts/print_too_long.html", context)
