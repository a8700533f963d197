"""The list of a logbook's entries: all of them at a place, or those behind a number."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet, Subquery, Sum
from django.http import Http404, HttpRequest
from django.urls import reverse
from django.utils.functional import cached_property

from registry import access
from registry.counting.basis import counted_rows, rows_of
from registry.counting.metric import APPROVED, APPROVED_OR_PENDING, CountSource
from registry.counting.shown import Number, scaled
from registry.files import album
from registry.logbooks.design import OF_FILES, Field, FieldType, Way
from registry.logbooks.models import Entry, EntryFact, EntryPerson, EntryTerm, Logbook
from registry.logbooks.operations.parts import items_of, whole_design
from registry.logbooks.pages.books import (
    enter_url,
    get_logbook,
    idle_title,
    metric_called,
    state_word,
    watched,
)
from registry.logbooks.pages.filters import day_filter, filters_of, row_filters, step_filter
from registry.logbooks.pages.listed import BY_VALUE, ListedEntry, columns_of, key_of
from registry.logbooks.pages.sums import Sums, sums_of
from registry.logbooks.values import rows_named
from registry.models import Unit, WorkflowState
from registry.models.kinds import PENDING_STATES
from registry.models.term import found_by
from registry.spreadsheets.sheets import Kind
from registry.web.columns import Column
from registry.web.drill import PlacedTable
from registry.web.filters import BasisFilter, ChoiceFilter, Filter, SinceFilter, TextFilter, UnitFilter
from registry.web.links import PENDING
from registry.web.lists import LONGEST_SORTED, Length, Part, Shown, export_url, length_of, with_query
from registry.web.tables import Act
from registry.web.text import cleaned

ENTRIES = CountSource(
    Entry,
    starts="happened_on",
    unit="unit",
    state="state",
    campaign="campaign",
    organization="organization__",
)
"""The entries themselves, at their unit from the day on which it happened."""
ALL = "all"
MOST_COUNTED = 5_000
"""So many rows of a filtered list are counted; of a longer one it is said that there are more."""
SHOWN_FILTERS = 3
"""So many fields have their filter in sight; the others are behind 更多条件."""


@dataclass(frozen=True)
class _StateFilter(ChoiceFilter):
    """The state: what counts unless asked otherwise, and what was withdrawn only when asked for."""

    anything: str | None = None

    def options(self, table: Any) -> list[Any]:
        """Return the states as this logbook calls them."""
        word = state_word(table.logbook, WorkflowState.APPROVED)
        return [
            ("", f"{word}(计入统计)"),
            (PENDING, "未计入(草稿、待审批、已退回)"),
            *((state.value, state.label) for state in WorkflowState if state != WorkflowState.APPROVED),
            (ALL, "全部(不含已撤回)"),
        ]

    def narrow(self, table: Any, rows: Any, value: Any) -> Any:
        """Return the rows as they are: the list has read them in that state."""
        return rows


def _joined(rows: QuerySet[Entry]) -> QuerySet[Entry]:
    return rows.select_related("logbook", "unit", "organization__unit", "person__home_unit", "campaign")


def _entries() -> QuerySet[Entry]:
    return _joined(Entry.objects.all())


class EntryTable(PlacedTable[ListedEntry]):
    """The entries of one logbook at a place: all of them, or those that a number counts (``metric``)."""

    file = "entries_export"
    unit_word = "条"
    nothing = "还没有条目。"
    nothing_found = "没有符合条件的条目。"
    can_be_samples = True
    default_sort = "-date"
    counted_word = "条目"
    acts: Sequence[Act] = (
        Act("submit_entry", "entries_submit", "提交"),
        Act("approve_entry", "entries_approve", "批准"),
        Act("return_entry", "entries_return", "退回"),
        Act("withdraw_entry", "entries_withdraw", "撤回"),
    )

    def __init__(self, request: HttpRequest, code: str = "") -> None:
        self.request, self.user = request, request.user
        self.found_first: dict[int, list[int]] = {}
        """Of each filter of a field, by its item, the entries that it found first (``filters.having``)."""
        self.logbook = self._logbook(code)
        self.design, self.items = whole_design(self.logbook), items_of(self.logbook)
        about, is_walled = self.logbook.about, self.logbook.is_walled
        self.columns = columns_of(self.design, self.items, about, is_walled=is_walled)
        self.filters = self._filters(request)
        super().__init__(request)
        if self.metric is not None and self.metric.way != Way.ENTRIES:
            self.columns.insert(
                -1, Column(str(self.metric.label), "counted", Kind.NUMBER, key="counted", rank=1)
            )

    def _logbook(self, code: str) -> Logbook:
        if self.metric is not None:
            code = self.metric.logbook
        return get_logbook(self.user, code or cleaned(self.request.GET.get("logbook", "")))

    def _filters(self, request: HttpRequest) -> list[Filter]:
        of_fields = [] if self.logbook.is_walled else list(filters_of(self.design, self.items))
        self.folded = tuple(each.name for each in of_fields[SHOWN_FILTERS:])
        is_other = bool(request.GET.get("basis"))  # what happened does not end: the bases are for numbers
        found = [
            UnitFilter(label="单位(含下级)"),
            day_filter(),
            *row_filters(self.logbook, self.design),
            *of_fields[:SHOWN_FILTERS],
            *step_filter(self.design),
            _StateFilter("state", "状态"),
            *([BasisFilter(), SinceFilter()] if is_other else []),
            *of_fields[SHOWN_FILTERS:],
        ]
        return found if self.logbook.is_walled else [*found, TextFilter("q", "摘要", _called)]

    @cached_property
    def metric(self) -> Any:
        """The metric that the address names."""
        slug = cleaned(self.request.GET.get("metric", ""))
        metric = metric_called(slug)
        if slug and metric is None:
            raise Http404(f"没有名为“{slug}”的台账统计指标。")
        return metric

    # --- What it says ---

    @property
    def name(self) -> str:  # type: ignore[override]
        """The logbook."""
        return self.logbook.name

    @property
    def tab(self) -> str:  # type: ignore[override]
        """The title of the sheet in a file: by it an import knows the logbook."""
        return self.logbook.name[:31]

    @property
    def kept_as(self) -> str:
        """The columns of each logbook are chosen by themselves."""
        return f"{self.file}:{self.logbook.code}"

    @property
    def file_url(self) -> str:
        """The list as a file."""
        return export_url(self.request, self.file, self.logbook.code)

    @property
    def bar(self) -> list[dict[str, str]]:
        """The buttons of what the user may do to ticked rows somewhere, with the logbook in their address."""
        return [
            {
                "label": each.label,
                "url": with_query(self.request, reverse(each.name), logbook=self.logbook.code),
            }
            for each in self.acts
            if access.may_somewhere(self.user, each.verb)
            and (self.logbook.needs_approval or each.verb != "approve_entry")
        ]

    @property
    def actions(self) -> list[dict[str, str]]:
        """The way to its design, and the button of a new entry where one may be entered."""
        design = self.address.url(reverse("logbook_design", args=[self.logbook.code]))
        about_it = [*self._idle, {"label": "字段和计数", "url": design}]
        day = self.address.as_of
        is_used = self.logbook.started_on is not None and self.logbook.started_on <= day
        if (
            not is_used
            or self.logbook.ended_on is not None
            or not access.may_somewhere(self.user, "add_entry")
        ):
            return about_it
        about = {"unit": self.unit.code} if self.unit is not None else {}
        return [
            *about_it,
            {"label": "登记", "url": enter_url(self.address, self.logbook, **about), "tone": "main"},
        ]

    @property
    def _idle(self) -> list[dict[str, str]]:
        """The way to the units that wait for an entry in another logbook, where that is agreed on."""
        watch = self.design.watch
        if watch is None:
            return []
        url = self.address.url(
            reverse("entries_idle", args=[self.logbook.code]), unit=self.unit.code if self.unit else None
        )
        return [{"label": idle_title(watched(self.logbook), watch.days), "url": url}]

    def context(self) -> dict[str, Any]:
        """Add what its page says of the logbook."""
        address, book = self.address, self.logbook
        crumbs = [
            {
                "name": "工作台账",
                "url": address.url(reverse("logbooks"), unit=self.unit.code if self.unit else None),
            }
        ]
        if self.title != book.name:
            crumbs.append({"name": book.name, "url": address.url(book.get_absolute_url())})
        return super().context() | {
            "crumbs": [*crumbs, {"name": self.title}],
            "logbook": book,
            "subtitle": " · ".join(filter(None, [self.place, *told_of(book)])),
            "sums": self.sums.figures,
            "sums_url": self.sums.more_url,
        }

    def form(self) -> Any:
        """Return the form of the filters, the less usual ones folded away."""
        form = super().form()
        form.folded = self.folded
        return form

    # --- The rows ---

    @property
    def has_workflow(self) -> bool:
        """Entries may be not approved."""
        return True

    @property
    def states(self) -> tuple[str, ...]:
        """The states that are asked for."""
        state = self.wanted["state"]
        if state == PENDING:
            return PENDING_STATES
        return APPROVED_OR_PENDING if state == ALL else (state,) if state else APPROVED

    def every(self) -> QuerySet[Entry]:
        """Return the entries in the states that are asked for."""
        return self.in_states(self.states)

    def in_states(self, states: tuple[str, ...]) -> QuerySet[Entry]:
        """Return the entries in these states, before the filters."""
        if self.metric is not None:
            facts = counted_rows(self.metric, self.question, self.at.rows, states)
            return Entry.objects.filter(pk__in=facts.values("entry"))
        return rows_of(ENTRIES, self.question, self.at.rows, states).filter(logbook=self.logbook)

    @cached_property
    def length(self) -> Length:
        """How many rows there are: of those that filters leave, found one by one, fewer are counted."""
        if not self.is_filtered:
            return super().length
        rows = self.rows
        if many := next((keys for keys in self.found_first.values() if len(keys) > MOST_COUNTED), None):
            among = length_of(rows.filter(pk__in=many), MOST_COUNTED)
            if not among.is_exact:
                return among
        return length_of(rows, MOST_COUNTED)

    @property
    def is_long(self) -> bool:
        """Whether it is too long to be sorted by what no index holds."""
        return not self.length.is_exact or self.length.number > LONGEST_SORTED

    @cached_property
    def sorts(self) -> Mapping[str, Any]:
        """What it is sorted by; a long list only by what an index holds: the day, and fields."""
        found = super().sorts
        if not self.is_long:
            return found
        return {key: by for key, by in found.items() if key == "date" or self._fields.get(key) is not None}

    @cached_property
    def _fields(self) -> dict[str, Field]:
        """The fields of which an index holds the order, by the key of their column."""
        joined = (FieldType.UNIT, FieldType.ORGANIZATION)
        return {key_of(each): each for each in self.design.fields if each.type not in joined}

    @property
    def _sorted_by(self) -> Field | None:
        """The field that the list is sorted by, if it is one."""
        key = self.request.GET.get("sort", "").removeprefix("-")
        return next((each for each in self.design.fields if key_of(each) == key and key in self.sorts), None)

    def sortable(self, rows: Any) -> Any:
        """Annotate the value of the field that the list is sorted by."""
        field = self._sorted_by
        if field is None:
            return rows
        facts = EntryFact.objects.filter(entry=OuterRef("pk"), item=self.items[field.key])
        if field.type == FieldType.UNIT:
            named = Unit.objects.filter(pk=OuterRef("number")).values("lft")[:1]
            return rows.annotate(**{BY_VALUE: Subquery(facts.values(at=Subquery(named))[:1])})
        name = "number" if field.is_number or field.type == FieldType.ORGANIZATION else "text"
        return rows.annotate(**{BY_VALUE: Subquery(facts.values(name)[:1])})

    def parts(self) -> Sequence[Part]:
        """Return a long list that is sorted by a field in two parts: with a value, and without."""
        field, sort = self._sorted_by, self.sort
        if field is None or not self.is_long:
            return ()
        item, sign = self.items[field.key], "-" if sort.startswith("-") else ""
        path = "facts__number" if field.is_number else "facts__text"
        has_text = {} if field.is_number else {"text__gt": ""}
        has_value = {"facts__item": item, **{f"facts__{name}": each for name, each in has_text.items()}}
        valued = self.rows.filter(**has_value).order_by(f"{sign}{path}", f"{sign}pk")
        none = self.rows.filter(~Exists(EntryFact.objects.filter(entry=OuterRef("pk"), item=item)))
        # Counted from the index alone where there are many: who pages so far is not kept waiting for it.
        length = length_of(EntryFact.objects.filter(item=item, **has_text))
        length = length_of(valued) if length.is_exact else length
        most = length.number if length.is_exact else 10_000_000
        return [Part(valued, most), Part(none.order_by("-happened_on", "-pk"), 10_000_000)]

    def detailed(self, rows: Any) -> Any:
        """Return the rows with all that a line shows."""
        return _joined(rows)

    def page_rows(self) -> QuerySet[Entry] | Shown:
        """Return where the rows of one page are read by their keys."""
        return Shown(_entries)

    def lines(self, found: list[Any]) -> list[ListedEntry]:
        """Return these entries with what they name: as many queries for many as for one."""
        people: dict[int, dict[str, list[EntryPerson]]] = defaultdict(lambda: defaultdict(list))
        if any(each.is_of_people for each in self.design.fields):
            rows = EntryPerson.objects.filter(entry__in=[each.pk for each in found])
            for one in rows.select_related("person"):
                people[one.entry_id][one.field].append(one)
        by_key = self.design.by_key
        named = rows_named(
            (by_key[key], value) for each in found for key, value in each.values.items() if key in by_key
        )
        files: dict[int, Counter[str]] = defaultdict(Counter)
        if any(each.type in OF_FILES for each in self.design.fields):
            held = album.files_by_row("entry", [each.pk for each in found])
            files |= {pk: Counter(file.field for file in some) for pk, some in held.items()}
        personal, counted = access.spans(self.user, access.PERSONAL), self._counted(found)
        return [
            ListedEntry(
                self.user,
                self.address,
                each,
                self.design,
                people[each.pk],
                named,
                personal,
                files[each.pk],
                counted.get(each.pk, 0),
            )
            for each in found
        ]

    def _counted(self, found: list[Any]) -> dict[int, Number]:
        """Return what the number counts of each of these entries."""
        if self.metric is None:
            return {}
        rows = counted_rows(self.metric, self.question, self.at.rows, self.states)
        rows = rows.filter(entry__in=[each.pk for each in found]).order_by()
        added = rows.values("entry").annotate(added=Sum("number")).values_list("entry", "added")
        return {pk: scaled(self.metric, number or 0) for pk, number in added}

    # --- The numbers over the list ---

    @cached_property
    def sums(self) -> Sums:
        """What the list comes to: the numbers of the logbook, each with its rows."""
        return sums_of(self)

    def facts(self, source: CountSource, states: tuple[str, ...]) -> QuerySet[EntryFact]:
        """Return what is worked out of the entries that the filters leave, as the question counts it."""
        rows: QuerySet[EntryFact] = rows_of(source, self.question, self.at.rows, states)
        if not self.is_filtered:
            return rows
        left = self.narrowed(Entry.objects.filter(logbook=self.logbook))
        return rows.filter(entry__in=left.order_by().values("pk"))

    def file_notes(self) -> list[str]:
        """Return what the list comes to."""
        figures = self.sums.figures
        return ["合计:" + " · ".join(map(str, figures))] if figures else []


def _called(_table: Any, rows: Any, text: str) -> Any:
    return rows.filter(found_by(EntryTerm, text, "entry", "pk"))


def told_of(book: Logbook) -> list[str]:
    """Return whose logbook it is, which edition, and who reads and approves its entries."""
    return [
        f"{book.unit.name}的台账,第 {book.edition} 版",
        "限阅:内容只有经办人和审批人能看" if book.is_walled else "",
        "批准后计入统计" if book.needs_approval else "登记即计入统计",
        f"已于 {book.ended_on:%Y-%m-%d} 停用" if book.ended_on else "" if book.started_on else "还没有启用",
    ]
