"""A list, declared once: columns and filters give the page, its sorted header and chips, the file, the print.

A capability that wants a list declares it in its own folder, in five steps:
1. a ``Table`` with ``columns``, ``filters``, ``every()`` (rows in scope) and ``lines()`` (what they show);
2. a view of one line, ``return show(ThingTable(request))``; the page ``parts/list.html`` may be extended;
3. the file's address: ``path("export/things/", export(ThingTable), name="things_export")``;
4. a template for a cell that is more than a text with a link: ``cell="pages/people/cells/placed.html"``;
5. nothing for the print: it is a format of the file's address, with all columns of the page; nor for 列, the
   menu by which a user leaves columns out of page, file and print.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic

from django.core.paginator import Page
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.views.decorators.http import require_POST

from registry import access
from registry.models import Basis, Unit
from registry.models.hierarchy import Span
from registry.nouns import Noun
from registry.spreadsheets.sheets import Cell, Head, Sheet
from registry.web.address import address_of
from registry.web.choosing import Choosing
from registry.web.columns import Column, Grid, Line, head_of, orders
from registry.web.exports import above, answer, later, on_a_day
from registry.web.fields import ScopedForm
from registry.web.filters import Filter, FilterForm, choice_field
from registry.web.lists import (
    AnyPart,
    Length,
    Shown,
    chips,
    export_url,
    in_chunks,
    length_of,
    order_of,
    others,
    paged,
    paged_long,
    sorted_by,
    sorts_of,
    with_query,
)
from registry.web.making import is_long
from registry.web.paper import MOST_ROWS, is_print, too_long
from registry.web.selects import frozen
from registry.web.statement import Statement, units_left_out


@dataclass(frozen=True)
class Empty:
    """What an empty list says, and the button that helps."""

    sentence: str
    url: str = ""
    label: str = ""


@dataclass(frozen=True)
class Act:
    """A button above a list: what is done to the ticked rows, after its page asked (``web.ticked``)."""

    verb: str
    name: str
    """The name of the page's address."""
    label: str


class Table(Choosing, Generic[Line]):
    """One list for one request. What a list declares stands first, what follows from it below."""

    tab = ""
    """What the file's tab is called, if not as the title."""
    noun: Noun | None = None
    """The noun whose sheets an import reads, where the file is one of them."""
    columns: Sequence[Column[Any]] = ()
    filters: Sequence[Filter] = ()
    acts: Sequence[Act] = ()
    """What can be done to ticked rows; a ``tick_column`` has the boxes."""
    default_sort = ""
    file = ""
    """The name of the address that hands the list on as a file."""
    unit_word = "条"
    nothing = "还没有记录。"
    nothing_found = "没有符合筛选条件的记录。"
    css = ""
    is_dated = True
    """Whether the list speaks of the day and basis of the address."""
    can_be_samples = False
    """Whether rows may be invented ones, which the file then says."""
    section_levels = 0
    """The number of headings over the rows on paper (``sections``)."""

    def __init__(self, request: HttpRequest) -> None:
        self.request, self.user = request, request.user
        self.address = address_of(request)
        self.question = self.address.question
        self.problems: list[str] = []
        """What of the address could not be used."""
        self.wanted: dict[str, Any] = {}
        """The value of each filter."""
        for each in self.filters:
            try:
                self.wanted[each.name] = each.read(self)
            except ValueError as error:
                self.problems.append(str(error))
                self.wanted[each.name] = ""

    # --- What a list says ---

    @property
    def title(self) -> str:
        """The heading of the page and of the file."""
        raise NotImplementedError

    @property
    def heading(self) -> str:
        """The words before the number of rows over the list; none: no such line."""
        return ""

    def every(self) -> Any:
        """Return the rows in scope at the place of the address: before the filters, in no order."""
        raise NotImplementedError

    def lines(self, found: list[Any]) -> Sequence[Line]:
        """Return these rows with what they show: as many queries for many as for one."""
        return found

    def sortable(self, rows: Any) -> Any:
        """Return the rows with what they are sorted by; a list that nobody sorts is ordered here."""
        return rows

    def detailed(self, rows: Any) -> Any:
        """Return the rows with all that ``lines`` needs."""
        return rows

    def page_rows(self) -> QuerySet[Any] | Shown | None:
        """Return where the rows of one page are read by their keys; None: from the list itself."""
        return None

    def parts(self) -> Sequence[AnyPart]:
        """Return the ordered rows in parts that follow one another; none: they are sorted all at once."""
        return ()

    @property
    def place(self) -> str:
        """Where the list looks, in words."""
        return f"{self.unit.name}及下级单位" if self.unit else "管理范围内全部单位"

    @property
    def unit(self) -> Unit | None:
        """The unit that the list looks at."""
        return None

    @property
    def file_unit(self) -> Unit | None:
        """The unit whose record says that the list was taken out."""
        return self.unit

    @property
    def place_chips(self) -> dict[str, str]:
        """The words of each chip that says where the list looks, by its parameter."""
        return {}

    def chip_of_unit(self, words: str, label: str = "单位") -> dict[str, str]:
        """Return the chip of the unit that the address names, by its parameter."""
        named = "unit" if self.request.GET.get("unit", "").strip() else "unit_text"
        return {named: f"{label}:{words}"}

    @property
    def empty(self) -> Empty:
        """What the list says when it has no row."""
        if self.shown.keys() - self.off.keys():
            return Empty(self.nothing_found, self.clear_url, "清除筛选")
        if self.actions:
            return Empty(self.nothing, self.actions[0]["url"], self.actions[0]["label"])
        return Empty(self.nothing)

    @property
    def actions(self) -> list[dict[str, str]]:
        """The buttons of the page."""
        return []

    @property
    def prints(self) -> list[dict[str, Any]]:
        """The entries of the menu 打印, the list itself first (``parts/prints.html``); none: a button."""
        return []

    # --- What follows ---

    @cached_property
    def bar(self) -> list[dict[str, str]]:
        """The buttons of what the user may do to ticked rows somewhere."""
        return [
            {"label": each.label, "url": with_query(self.request, reverse(each.name))}
            for each in self.acts
            if access.may_somewhere(self.user, each.verb)
        ]

    @cached_property
    def rows(self) -> Any:
        """The rows that the filters leave, without order and details: for counting."""
        return self.narrowed(self.every())

    def narrowed(self, rows: Any, but: str = "") -> Any:
        """Return those of ``rows`` that the filters leave, all of them but the one named."""
        for each in self.filters:
            if self.wanted[each.name] and each.name != but:
                rows = each.narrow(self, rows, self.wanted[each.name])
        return rows

    @cached_property
    def length(self) -> Length:
        """How many rows there are."""
        return length_of(self.rows) if isinstance(self.rows, QuerySet) else Length(len(self.rows))

    @cached_property
    def sorts(self) -> Mapping[str, Any]:
        """What the list can be sorted by: police numbers only for who sees them."""
        return sorts_of(self.user, {each.key: each.sort for each in self.allowed if each.sort})

    @property
    def _first_sort(self) -> str:
        """The order without being asked for: the list's own, unless only others may see it."""
        if self.default_sort.removeprefix("-") in self.sorts:
            return self.default_sort
        return next(iter(self.sorts), "")

    @cached_property
    def ordered(self) -> Any:
        """The rows in order."""
        rows = self.sortable(self.rows)
        return sorted_by(self.request, rows, self.sorts, self._first_sort)[0] if self.sorts else rows

    @cached_property
    def order(self) -> tuple[Any, str]:
        """The fields that the rows are sorted by, and the sort in force."""
        return order_of(self.request, self.sorts, self._first_sort) if self.sorts else ((), "")

    @property
    def sort(self) -> str:
        """What the rows are sorted by."""
        return self.order[1]

    @cached_property
    def shown(self) -> dict[str, str]:
        """The words of each filter that is on, by its parameter."""
        on = [each for each in self.filters if self.wanted[each.name]]
        return self.place_chips | {each.name: each.words(self, self.wanted[each.name]) for each in on}

    @property
    def recorded(self) -> dict[str, str]:
        """The same as the record of an export holds it."""
        on = [each for each in self.filters if self.wanted[each.name] and each.name in self.shown]
        return self.shown | {each.name: each.recorded(self, self.wanted[each.name]) for each in on}

    @cached_property
    def off(self) -> dict[str, str]:
        """The values in the address that switch off the filters that are on by default."""
        return {each.name: each.off for each in self.filters if each.off}

    @property
    def is_filtered(self) -> bool:
        """Whether a filter is on, beside the place."""
        return any(self.wanted.values())

    @property
    def clear_url(self) -> str:
        """The address of the list without filters."""
        return self.address.url(self.request.path)

    @cached_property
    def page_obj(self) -> Page[Any]:
        """The page of the address."""
        parts, shown = self.parts(), self.page_rows()
        if parts and shown is not None:
            return paged_long(self.request, None, self.length, shown, parts=parts)
        if not isinstance(self.ordered, QuerySet):
            return paged(self.request, self.ordered)
        return paged_long(self.request, self.ordered, self.length, shown, parts=parts)

    @cached_property
    def grid(self) -> Grid[Line]:
        """The page's columns and rows."""
        rows = self.lines(list(self.page_obj.object_list))
        return Grid(
            self.visible,
            rows,
            self.sort,
            self.sorts,
            self.css,
            self.address.as_of,
            default_sort=self._first_sort,
            folds=True,
        )

    def form(self) -> ScopedForm:
        """Return the form of the filters."""
        fields: dict[str, Any] = {each.name: each.field(self) for each in self.filters}
        initial = {each.name: each.initial(self) for each in self.filters}
        if self.sorts:  # where a phone shows cards there are no heads to sort by
            fields["sort"] = choice_field("排序", frozen(orders(self.visible, self.sorts)), required=True)
            initial["sort"] = "" if self.sort == self._first_sort else self.sort
        made = {name: field for name, field in fields.items() if field}
        return FilterForm(made, user=self.user, initial=initial, auto_id="filter_%s")

    def context(self) -> dict[str, Any]:
        """Return what ``parts/list.html`` shows."""
        names = ["sort", *(name for each in self.filters for name in each.names)]
        return {
            "table": self,
            "title": self.title,
            "subtitle": self.place,
            "actions": self.actions,
            "filters": self.form() if self.filters else None,
            "others": others(self.request, names),
            "chips": chips(self.request, self.shown, self.off),
            "clear_url": self.clear_url if self.shown.keys() - self.off.keys() else "",
            "filter_problems": self.problems,
            "page_obj": self.page_obj,
            "rows": self.grid.rows,
            "question": self.question,
            "is_dated": self.is_dated,
            "statement": self.statement if self.is_dated else None,
            "basis": Basis(self.question.basis).label,
            "export_url": self.file_url,
            "prints": self.prints,
            "column_menu": self.column_menu,
        }

    # --- What page, file and print say of the numbers ---

    @property
    def then(self) -> list[Span]:
        """The intervals of the unit tree in which the list looks, on the day; none: it has no such place."""
        return []

    def waiting(self) -> Sequence[tuple[str, int]]:
        """Return what is not approved, so not listed: (what, how many)."""
        return ()

    @cached_property
    def statement(self) -> Statement:
        """What is said of the numbers."""
        left_out = units_left_out(self.question, self.then) if self.then else 0
        return Statement(self.question, self.place, left_out, self.waiting())

    # --- The file ---

    @property
    def file_url(self) -> str:
        """The address of the list as a file; "" where it has none."""
        return export_url(self.request, self.file) if self.file else ""

    @property
    def file_title(self) -> str:
        """The title of the table in the file."""
        return self.title

    @property
    def file_name(self) -> str:
        """What the file's name begins with."""
        return self.title

    @property
    def file_place(self) -> str:
        """The place as the file's name says it."""
        return self.unit.label if self.unit else ""

    def file_rows(self) -> Any:
        """Return all rows in order with all that a line needs."""
        return self.detailed(self.ordered)

    def asked_along(self) -> list[str]:
        """Return what the record of an export holds beside the filters."""
        return []

    def file_notes(self) -> list[str]:
        """Return what stands above the table in the file beside place, filters and who took it out."""
        return []

    def file_totals(self) -> Sequence[Cell]:
        """Return the last row of the table in the file, if it has one."""
        return ()

    def file_footnotes(self) -> list[str]:
        """Return what stands under the table in the file."""
        return []

    def has_samples(self) -> bool:
        """Whether a row is an invented one."""
        return self.can_be_samples and bool(self.rows.order_by().filter(is_sample=True).exists())

    def sections(self, line: Line) -> Sequence[str]:
        """Return the headings over a line on paper, the outer one first: ``section_levels`` of them."""
        return ()

    def sheet(self, *, on_paper: bool = False) -> Sheet:
        """Return the whole list as a table; its rows are read while they are written.

        Paper has the columns of the page, a file also those that serve reading it back.
        """
        columns = self.paper_columns if on_paper else [each for each in self.visible if each.only != "page"]
        heads = [each.paper_head if on_paper else self._head(each) for each in columns]
        rows = self.rows
        place, *said = above(
            self.request,
            self.place,
            rows.count() if isinstance(rows, QuerySet) else len(rows),
            statement=self.statement if self.is_dated else None,
            filters=self.shown,
            has_samples=self.has_samples(),
            on_paper=on_paper,
        )
        cautions = self.statement.cautions if on_paper and self.is_dated else []

        def cells(chunk: list[Any]) -> Iterator[list[Cell]]:
            for line in self.lines(chunk):
                if on_paper:
                    yield [*self.sections(line), *(each.printed(line) for each in columns)]
                else:
                    yield [each.of(line) for each in columns]

        return Sheet(
            self.tab or self.title,
            self.file_title,
            heads,
            in_chunks(self.file_rows(), cells),
            [place, *self.file_notes(), *said],
            totals=self.file_totals(),
            notes=[*self.file_footnotes(), *cautions],
            sections=self.section_levels if on_paper else 0,
            printed=sum(not each.is_key for each in columns) % len(columns),
        )

    def _head(self, column: Column[Any]) -> Head:
        if not column.slug or self.noun is None:
            return column.file_head
        head = head_of(self.noun, column.slug)
        return on_a_day(head, self.question) if column.is_of_the_day else head

    @property
    def paper_columns(self) -> list[Column[Any]]:
        """The columns of a print: all of the page but those to act with."""
        return [each for each in self.visible if each.only != "file" and "no-print" not in each.css.split()]

    def paper_more(self) -> dict[str, Any]:
        """Return the context of a print beside its rows: ``paper_template`` and what that needs."""
        return {}

    def as_file(self) -> HttpResponseBase:
        """Answer with the list as a file, or as it will be printed."""
        on_paper = is_print(self.request)
        if on_paper and self.length.number > MOST_ROWS:
            return too_long(self.request, self.file_title, self.length.number)
        if is_long(self.request, self.length.number):
            return later(self.request, self.file_title, self.length.number)
        day = self.question.as_of if self.is_dated else timezone.localdate()
        named = [part for part in (self.file_name, self.file_place, day.isoformat()) if part]
        return answer(
            self.request,
            [self.sheet(on_paper=on_paper)],
            name="-".join(named),
            unit=self.file_unit,
            filters=[*self.recorded.values(), *self.asked_along()],
            more=self.paper_more() if on_paper else None,
        )


def show(table: Table[Any], template: str = "parts/list.html", **more: Any) -> HttpResponse:
    """Answer with the page of a list; ``more`` is what its template shows beside the list."""
    return render(table.request, template, {**table.context(), **more})


def export(make: Callable[..., Table[Any]]) -> Callable[..., HttpResponseBase]:
    """Return the view that hands a list on as a file; what the address names goes to ``make``."""

    @require_POST
    def view(request: HttpRequest, **named: Any) -> HttpResponseBase:
        """Answer with the list as a file."""
        return make(request, **named).as_file()

    return view
