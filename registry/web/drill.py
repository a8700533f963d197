"""The metric and the place in the address of a list: the drill-down from a number to its rows."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from django.utils.functional import cached_property

from registry import access
from registry.counting.basis import Made, Question, read, statement
from registry.counting.metric import APPROVED, Metric
from registry.counting.metrics import METRICS, PeopleMetric
from registry.models import Basis, Organization, Unit
from registry.models.hierarchy import Span, UnitHierarchy
from registry.models.kinds import PENDING_STATES
from registry.models.prepared import how_many, read_part
from registry.search.named import find_by_code_or_name
from registry.web.address import Address
from registry.web.columns import Line
from registry.web.filters import Filter
from registry.web.links import PENDING, rows_behind
from registry.web.lists import LAST, PAGE_SIZE, AnyPart, Part, in_order, with_query
from registry.web.tables import Table
from registry.web.text import cleaned


@dataclass(frozen=True)
class Place:
    """The place of a list: a unit with all below it or alone, a Party line, or the user's whole scope."""

    unit: Unit | None
    organization: Organization | None
    own: bool
    spans: list[Span]
    """The intervals of the unit tree on the day; empty on the Party line."""
    whole: Unit | None = None
    """The unit that the list covers with all below it."""

    @property
    def rows(self) -> Organization | list[Span]:
        """The place as ``registry.counting.basis`` takes it."""
        return self.organization or self.spans

    @property
    def label(self) -> str:
        """The place in words, for a chip or a heading."""
        if self.organization is not None:
            return f"{self.organization.name}及党组织线下级"
        if self.unit is None:
            return "管理范围内全部单位"
        return f"{self.unit.name}(仅本单位)" if self.own else f"{self.unit.name}及下级单位"


def place_of(request: HttpRequest, question: Question) -> Place:
    """Read ``unit``, ``own`` and ``party_line`` from the address; out of scope is 404."""
    line = cleaned(request.GET.get("party_line", ""))
    if line:
        return Place(None, access.get_organization(request.user, line), False, [])
    shape = UnitHierarchy.on(question.as_of)
    unit = unit_of(request)
    if unit is None:
        tops = access.top_units(request.user)
        spans = [span for top in tops for span in shape.spans(top)]
        return Place(None, None, False, spans, tops[0] if len(tops) == 1 else None)
    if request.GET.get("own") == "1":
        return Place(unit, None, True, [Span(unit.tree_id, unit.lft, unit.lft)])
    return Place(unit, None, False, shape.spans(unit), unit)


@dataclass(frozen=True)
class PendingFilter(Filter):
    """Only what is not approved, behind a number that counts in approved organizations. It has no field."""

    name: str = "state"
    label: str = "状态"
    is_plain: bool = True

    def field(self, table: Table[Any]) -> None:
        """Return none: the tag beside a number leads there."""
        return None

    def read(self, table: Table[Any]) -> Any:
        """Return whether it is asked for, where the list can have such rows."""
        assert isinstance(table, PlacedTable)
        return super().read(table) == PENDING and table.has_workflow and PENDING

    def narrow(self, table: Table[Any], rows: Any, value: Any) -> Any:
        """Return the rows as they are: the list has read them in that state."""
        return rows

    def shown(self, table: Table[Any], value: Any) -> str:
        """Return the words of a number's tag."""
        return "待审批"


class UnitTable(Table[Line]):
    """A list at the unit of the address and below it; without one, at all that the user sees."""

    @cached_property
    def unit(self) -> Unit | None:
        """The unit of the address."""
        return unit_of(self.request)

    @property
    def place_chips(self) -> dict[str, str]:
        """The unit."""
        return self.chip_of_unit(self.unit.name) if self.unit is not None else {}


class PlacedTable(Table[Line]):
    """A list at a place, perhaps of the rows behind a number."""

    name = ""
    """What the list is called when the address names no metric."""
    counted_by: type[Metric] = PeopleMetric
    """The kind of metric whose rows are listed."""
    counted_word = "人员"
    is_kept = False
    """Whether the list's statements are put together once (``models/prepared.py``).

    Its rows, their order and its plain filters must then follow from the question, the place, the metric and
    the values of the filters alone.
    """

    @cached_property
    def metric(self) -> Any:
        """The metric that the address names, of the kind that the list shows the rows of."""
        slug = cleaned(self.request.GET.get("metric", ""))
        metric = METRICS.get(slug)
        if slug and not isinstance(metric, self.counted_by):
            raise Http404(f"没有名为“{slug}”的{self.counted_word}统计指标。")
        return metric

    @cached_property
    def at(self) -> Place:
        """The place of the address."""
        return place_of(self.request, self.question)

    def in_states(self, states: tuple[str, ...]) -> Any:
        """Return the rows of the list in these workflow states, before the filters."""
        raise NotImplementedError

    @property
    def states(self) -> tuple[str, ...]:
        """The workflow states whose rows are listed: approved ones unless the address asks otherwise."""
        return PENDING_STATES if self.wanted["state"] else APPROVED

    @cached_property
    def pending(self) -> int | None:
        """How many rows are not approved, beside the list; None where that is not asked."""
        if "state" not in self.wanted or self.wanted["state"] or not self.has_workflow:
            return None
        if self._shape is None:
            return int(self.narrowed(self.in_states(PENDING_STATES)).count())
        found = read(_number, self.question, self.at.spans, self._shape, PENDING_STATES)
        return sum(int(number) for (number,) in found)

    @cached_property
    def _shape(self) -> tuple[Any, ...] | None:
        """What tells one kept statement from another: the kind of list, the metric, the filters that are on.

        None: this list's statements are not kept.
        """
        if not self.is_kept or self.at.organization is not None:
            return None
        on = [(each, value) for each in self.filters if (value := self.wanted[each.name])]
        if not all(each.is_kept(value) for each, value in on):
            return None
        return type(self), self.metric, tuple((each.name, value) for each, value in on)

    def kept_statement(self, make: Made, *more: Hashable) -> tuple[str, tuple[Any, ...]] | None:
        """Return the statement of a query of a list of this shape; None: it can have no rows."""
        return statement(make, self.question, self.at.spans, self._shape, *more)

    def part(self, number: int = LAST * PAGE_SIZE, nature: str = "", by: Sequence[Any] = ()) -> AnyPart:
        """Return a part of the list, in order: those ``of_nature``, by the fields ``by`` or its own order."""
        fields, sort = self.order
        by = by or fields
        if self._shape is not None and all(isinstance(each, str) for each in by):
            return KeptPart(self, nature, tuple(by), sort, number)
        return Part(in_order(self.of_nature(self.sortable(self.rows), nature), by, sort), number)

    def of_nature(self, rows: Any, nature: str) -> Any:
        """Return the rows of one of the list's parts."""
        return rows

    def parts(self) -> Sequence[AnyPart]:
        """Return the whole list as one part, where its statement is kept."""
        return [self.part()] if self._shape is not None else ()

    @property
    def has_workflow(self) -> bool:
        """Whether what is listed may be not approved: the rows behind a number that says so."""
        return self.metric is not None and bool(self.metric.source.state)

    @property
    def pending_url(self) -> str:
        """The list of what is not approved."""
        return with_query(self.request, state=PENDING)

    def waiting(self) -> list[tuple[str, int]]:
        """Return how many are not approved."""
        return [(self.counted_word, self.pending or 0)]

    @property
    def title(self) -> str:
        """The metric, or what the list is called."""
        return str(self.metric.label) if self.metric else self.name

    @property
    def place(self) -> str:
        """The place in words."""
        return self.at.label

    @property
    def then(self) -> list[Span]:
        """The intervals of the place."""
        return self.at.spans

    @property
    def unit(self) -> Unit | None:
        """The unit of the place."""
        return self.at.unit

    @property
    def file_unit(self) -> Unit | None:
        """The unit of the place, or of the organization whose Party line it is."""
        return self.at.organization.unit if self.at.organization else self.at.unit

    @property
    def file_place(self) -> str:
        """The place in words."""
        return self.at.label

    @property
    def unit_chip(self) -> str:
        """What the unit is to the rows."""
        return "单位"

    @property
    def place_chips(self) -> dict[str, str]:
        """The metric, and the Party line or the unit."""
        shown, at = {}, self.at
        if self.metric is not None:
            shown["metric"] = f"指标:{self.metric.label}"
        if at.organization is not None:
            shown["party_line"] = f"党组织线:{at.organization.name}"
        elif at.unit is not None:
            shown |= self.chip_of_unit(at.unit.name, self.unit_chip)
            if at.own:
                shown["own"] = "仅本单位"
        return shown

    def context(self) -> dict[str, Any]:
        """Add the metric and the place."""
        return super().context() | {"metric": self.metric, "place": self.at}


@dataclass(frozen=True)
class KeptPart:
    """A part of a list whose keys are found by a statement that is put together once."""

    table: PlacedTable[Any]
    nature: str
    by: tuple[str, ...]
    sort: str
    number: int

    def keys(self, first: int, end: int) -> list[Any]:
        """Return the keys of the rows from one place to another."""
        found = self.table.kept_statement(_keys, self.nature, self.by, self.sort)
        return [row[0] for row in read_part(found, first, end)]


def _like(question: Question, place: list[Span] | None, shape: tuple[Any, ...]) -> PlacedTable[Any]:
    """Return a list of this shape that has neither request nor user, so its rows cannot hang on them."""
    kind, metric, on = shape
    table: PlacedTable[Any] = kind.__new__(kind)
    table.question, table.address = question, Address(question, question.as_of)
    table.wanted = {**dict.fromkeys((each.name for each in kind.filters), ""), **dict(on)}
    table.metric = metric
    table.at = Place(None, None, False, place)  # type: ignore[arg-type]  # None: everywhere
    return table


def _keys(
    question: Question,
    place: list[Span] | None,
    shape: tuple[Any, ...],
    nature: str,
    by: tuple[str, ...],
    sort: str,
) -> QuerySet[Any]:
    table = _like(question, place, shape)
    rows = in_order(table.of_nature(table.sortable(table.rows), nature), by, sort)
    return rows.values_list("pk")


def _number(
    question: Question, place: list[Span] | None, shape: tuple[Any, ...], states: tuple[str, ...]
) -> QuerySet[Any]:
    table = _like(question, place, shape)
    return how_many(table.narrowed(table.in_states(states)))


def unit_of(request: HttpRequest, verb: str = access.SEE, scope: str = "管理") -> Unit | None:
    """Return the unit of the address (``unit``, or ``unit_text`` as typed without scripts).

    It must be one where the user may do ``verb``, which is the ``scope`` in words.
    """
    code = cleaned(request.GET.get("unit", ""))
    if code:
        return access.get_unit(request.user, code, verb)
    typed = cleaned(request.GET.get("unit_text", ""))
    if not typed:
        return None
    if named := find_by_code_or_name(request.user, "unit", [typed], verb)[typed]:
        unit: Unit = named[0]
        return unit
    found = access.visible(request.user, Unit.objects.matching(typed), verb).order_by("tree_id", "lft")
    if (first := found.first()) is None:
        raise Http404(f"没有名称或代码含“{typed}”的单位,或不在您的{scope}范围内。")
    return first


def rows_url(metric: Metric, unit: Unit, address: Address, *, day: date, basis: str) -> str:
    """Return the address of the rows behind a count on another day and basis, for all campaigns."""
    return rows_behind(
        address,
        unit.code,
        metric.slug,
        campaign=None,
        as_of=day.isoformat(),
        basis=None if basis == Basis.CURRENT else basis,
        since=day.isoformat() if basis in (Basis.NEW, Basis.ENDED) else None,
    )
