"""The columns of a list, and how a page draws them; what a file holds of them is in ``tables``."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cache
from typing import Any, Generic, Literal, NamedTuple, TypeVar

from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from registry.nouns import Noun
from registry.spreadsheets.sheets import NUMBERS, Cell, Head, Kind
from registry.web.templatetags.parts import (
    count,
    delta,
    escaped,
    linked_words,
    sample_tag,
    tag,
    thousands,
)
from registry.web.written import CARDS_FROM, RANKS

Line = TypeVar("Line")

Read = Callable[[Any], Any]
How = str | Read
"""How something is read from a row: a path (``person.home_unit.name``), or a function of the row."""

_HEAD_KINDS = {"code": Kind.CODE, "date": Kind.DATE}
Rank = Literal[1, 2, 3, 4]
_RANKS = ("", "", *RANKS)
_CSS = {**dict.fromkeys(NUMBERS, "n"), Kind.DATE: "num nowrap", Kind.TIME: "num nowrap", Kind.CODE: "num"}
WIDEST = 4
"""The rank of columns that only the widest screens show, unless a user chooses them."""
FEW = 3
"""In a list with fewer rows, columns with the same value in every row are kept."""


@dataclass(frozen=True)
class Column(Generic[Line]):
    """One column: what stands over it, what it holds, how it is drawn, sorted and handed on."""

    title: str
    value: How = ""
    """What the file holds, and the page too, unless ``cell`` or ``text`` says otherwise."""
    kind: Kind = Kind.TEXT
    """How the value is written: numbers stand at the right, days and codes in figures of one width."""
    key: str = ""
    """The name of the column in the address (``sort``) and in the columns that a user chose."""
    sort: Sequence[str] | Callable[[Any], Any] = ()
    """The fields it is sorted by; of a list that is no query, the key of a row."""
    url: How = ""
    """Where the value leads to on the page; nothing: nowhere."""
    is_sample: How = ""
    """Whether what is named is an invented one, which is then said beside it."""
    text: How = ""
    """What the page says instead of the value: a short name, a word for nothing."""
    cell: str | Callable[[Any, str], str] = ""
    """The template of the cell, which gets ``row`` and ``value``, or a function of both: much faster."""
    css: str = ""
    """Classes of the cell: text (long), nowrap, and a list's own widths."""
    rank: Rank = 1
    """From which width the page shows it: 1 always, 2 from 1024 px and in cards, 3 from 1366, 4 from 1900."""
    slug: str = ""
    """Under which of the noun's columns an import reads the value back: the file has that one's header."""
    head: Head | None = None
    """The header in the file, where it is neither that nor the title."""
    only: Literal["", "page", "file"] = ""
    is_heading: bool = False
    """Whether the cell names its row."""
    is_key: bool = False
    """Whether it is a code by which the file is read back: on the screen, but not printed."""
    is_of_the_day: bool = False
    """Whether it was so on the day of the page, which may not be so today: it is not read back."""
    is_change: bool = False
    """Whether the number is a change, which the page says as growth or decline."""
    says_day: bool = False
    """Whether the title on the page says the day."""
    seen_by: Callable[[Any], bool] | None = None
    """Who sees it: a function of the table; None: everybody."""

    @cached_property
    def name(self) -> str:
        """The name of the column in a user's choice of columns; its pair in the file has the same."""
        return self.key or self.slug or self.title

    @cached_property
    def is_fixed(self) -> bool:
        """Whether users cannot leave it out: it names, ticks or changes the row, or finds it in an import."""
        return self.is_heading or self.is_key or "no-print" in self.css.split()

    @cached_property
    def is_known_by_value(self) -> bool:
        """Whether the value is all that a cell shows: it has no template of its own that shows more."""
        return self.cell in ("", tag_cell)

    @cached_property
    def at_every_width(self) -> Column[Line]:
        """The column as shown when a user chose it: on every width."""
        return self if self.rank == 1 else replace(self, rank=1)

    @cached_property
    def is_number(self) -> bool:
        """Whether the column is one of numbers, which stand at the right."""
        return self.kind in NUMBERS

    @property
    def file_head(self) -> Head:
        """The header in the file, where no import reads the column back."""
        return self.head or Head(self.title, self.kind)

    @property
    def paper_head(self) -> Head:
        """The header on paper: that of the page, over a value as the file holds it."""
        return Head(self.title, self.head.kind if self.head else self.kind)

    @property
    def head_css(self) -> str:
        """The classes of the header's cell."""
        kept = [name for name in self.css.split() if name in ("no-print", "tick")]
        return " ".join(filter(None, ["n" * self.is_number, _RANKS[self.rank], *kept]))

    @cached_property
    def opening(self) -> SafeString:
        """The opening tag of a cell; its role and the words of its head are for the cards of a phone."""
        css = " ".join(filter(None, [_CSS.get(self.kind, ""), self.css, _RANKS[self.rank]]))
        if self.is_heading:
            return format_html('<th scope="row" role="rowheader" class="{}">', css)
        label = self.title if "tick" not in self.css.split() else ""
        return format_html('<td role="cell" class="{}" data-l="{}">', css, label)

    @cached_property
    def closing(self) -> SafeString:
        """The closing tag of a cell."""
        return mark_safe("</th>" if self.is_heading else "</td>")

    def of(self, row: Line) -> Cell:
        """Return the value of a row."""
        value: Cell = read(row, self.value)
        return value

    @cached_property
    def _readers(self) -> tuple[Read | None, ...]:
        return tuple(map(_reader, (self.value, self.text, self.url, self.is_sample)))

    def printed(self, row: Line) -> Cell:
        """Return the cell of a row for paper: the short name as on the page, or the value."""
        if self.text and not self.cell:
            shown: str | None = read(row, self.text)
            return shown or None
        value = self.of(row)
        if self.is_change and isinstance(value, int) and value:
            return f"{'▲' if value > 0 else '▼'} {thousands(abs(value))}"
        return value

    def drawn(self, row: Line) -> Drawn:
        """Return the cell of a row as the page shows it."""
        value_of, text_of, url_of, is_sample_of = self._readers
        value = value_of(row) if value_of else None
        text = text_of(row) if text_of else self._words(value)
        url = url_of(row) if url_of and value and text else None
        return Drawn(self, value, text or "–", url or "", bool(is_sample_of and is_sample_of(row)))

    def _words(self, value: Cell) -> str:
        return thousands(value) if self.kind == Kind.NUMBER and value else words(value)


def orders(columns: Sequence[Column[Any]], sorts: Collection[str]) -> list[tuple[str, str]]:
    """Return the choices of a list's order, for a phone: for numbers the largest first."""
    found = [("", "默认顺序")]
    for each in columns:
        if each.key in sorts and each.only != "file":
            up, down = (each.key, f"{each.title}:升序"), (f"-{each.key}", f"{each.title}:降序")
            found += [down, up] if each.is_number else [up, down]
    return found


def read(row: Any, how: How) -> Any:
    """Return the value that ``how`` reads from a row; None where a step of the path is empty."""
    of = _reader(how)
    return of(row) if of else None


def _reader(how: How) -> Read | None:
    """Return the function that reads it from a row; None: nothing is read."""
    return how if callable(how) else _along(how) if how else None


@cache
def _along(path: str) -> Read:
    steps = path.split(".")

    def read_along(row: Any) -> Any:
        for name in steps:
            if row is None:
                return None
            row = getattr(row, name)
            row = row() if callable(row) else row
        return row

    return read_along


def head_of(noun: Noun, slug: str) -> Head:
    """Return a column of an importable noun, so that what is exported is read back under the same header."""
    column = noun.layout.by_slug[slug]
    return Head(column.header, _HEAD_KINDS.get(column.kind, Kind.TEXT))


def noun_column(noun: Noun, slug: str, title: str = "", value: How = "", **more: Any) -> Column[Any]:
    """Return the column of a noun's sheet, which an import reads back.

    A row of the list has the noun's row under the noun's name. Title and value are those of the sheet,
    unless they are given.
    """
    column, head = noun.layout.by_slug[slug], head_of(noun, slug)
    path = f"{noun.key}.{column.path or slug}".replace("__", ".")
    stored = _along(path)
    own = lambda row: column.shown(stored(row))  # noqa: E731
    return Column(title or head.header, value or own, kind=head.kind, slug=slug, **more)


def read_back(noun: Noun, slug: str, value: How = "") -> Column[Any]:
    """Return a column of a code by which the file is read back: on the file's screen only, not printed."""
    return noun_column(noun, slug, value=value, only="file", is_key=True)


def tag_cell(row: Any, words: str) -> SafeString:
    """Draw a tag; the row has its tone."""
    return tag(words, row.tone)


def _tick_cell(_row: Any, key: str) -> SafeString:
    """Draw the box that ticks a row for the buttons of its list (``parts/bar_do.html``)."""
    if key == "–":
        return SafeString("")
    box = f'<input type="checkbox" name="row" value="{escaped(key)}" form="ticked" aria-label="选中这一行">'
    return SafeString(box)


def tick_column(key: How) -> Column[Any]:
    """Return the column that ticks rows for the buttons of the list; ``key`` is read from a row."""
    return Column(
        "选",
        key,
        cell=_tick_cell,
        css="tick no-print",
        only="page",
        seen_by=lambda table: bool(table.bar),
    )


def words(value: Cell) -> str:
    """Return a value as the page shows it; nothing for None."""
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, datetime):
        return f"{timezone.localtime(value):%Y-%m-%d %H:%M}"
    return value.isoformat() if isinstance(value, date) else str(value)


class Drawn(NamedTuple):
    """A cell as the page shows it."""

    column: Column[Any]
    value: Cell
    text: str
    url: str
    is_sample: bool

    @property
    def is_empty(self) -> bool:
        """Whether the row has nothing there."""
        return self.value is None or self.text == "–"

    @property
    def drawn(self) -> SafeString:
        """The cell without a template of its own: a text or a number, its link, the mark of a sample."""
        if self.column.is_number and not self.value:
            return count(None if self.value is None else 0)
        if self.column.is_change and isinstance(self.value, int):
            return delta(self.value)
        shown = linked_words(self.text, self.url, "count" if self.column.is_number else "")
        return SafeString(shown + sample_tag(self.is_sample)) if self.is_sample else shown


@dataclass(frozen=True)
class Grid(Generic[Line]):
    """Columns and rows as a page draws them (``parts/grid.html``)."""

    columns: Sequence[Column[Line]]
    rows: Sequence[Line]
    sort: str = ""
    sorts: Collection[str] = ()
    """What the header sorts by."""
    css: str = ""
    day: date | None = None
    default_sort: str = ""
    """The order without being asked for."""
    folds: bool = False
    """Whether a column that says the same in every row is said once above the rows instead."""

    @property
    def is_cards(self) -> bool:
        """Whether a phone shows its rows as cards."""
        return sum("tick" not in each.css.split() for each, _key, _day in self.heads) >= CARDS_FROM

    @property
    def sorted_by(self) -> str:
        """The title of the column that the list is sorted by; "" in the default order."""
        key = self.sort.removeprefix("-")
        titles = [each.title for each in self._shown if each.key == key and key]
        return titles[0] if titles and self.sort != self.default_sort else ""

    @property
    def has_counts(self) -> bool:
        """Whether a number is linked to the rows behind it."""
        return bool(self.rows) and any(each.is_number and each.url for each in self._shown)

    @property
    def heads(self) -> list[tuple[Column[Line], str, date | None]]:
        """The columns of the page, each with the key that its header sorts by and the day that it says."""
        return [
            (each, each.key if each.key in self.sorts else "", self.day if each.says_day else None)
            for at, each in enumerate(self._shown)
            if at not in self._alike
        ]

    @property
    def lines(self) -> Iterator[tuple[Line, list[Drawn]]]:
        """Each row with its cells."""
        alike = self._alike
        return (
            (row, [cell for at, cell in enumerate(cells) if at not in alike])
            for row, cells in zip(self.rows, self._cells, strict=True)
        )

    @property
    def alike(self) -> list[Drawn]:
        """The cells that are the same in every row, shown once above them."""
        return [cell for cell in self._alike.values() if not cell.is_empty]

    @property
    def empty(self) -> list[Drawn]:
        """A cell of each column that is empty in every row."""
        return [cell for cell in self._alike.values() if cell.is_empty]

    @cached_property
    def _shown(self) -> list[Column[Line]]:
        return [column for column in self.columns if column.only != "file"]

    @cached_property
    def _cells(self) -> list[list[Drawn]]:
        shown = self._shown
        return [[column.drawn(row) for column in shown] for row in self.rows]

    @cached_property
    def _alike(self) -> dict[int, Drawn]:
        """The first cell of each column with the same value in every row, by the column's place."""
        if not self.folds or len(self.rows) < FEW:
            return {}
        by = self.sort.removeprefix("-")
        return {
            at: cell
            for at, cell in enumerate(self._cells[0])
            if not cell.column.is_fixed
            and cell.column.rank < WIDEST
            and not (by and cell.column.key == by)
            and (cell.column.is_known_by_value or not cell.value)
            and all(row[at] == cell for row in self._cells)
        }
