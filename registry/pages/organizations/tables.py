"""The ledger of organizations (组织台账): those behind a number, or all in scope."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

from django.db.models import (
    Case,
    Count,
    F,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils.functional import cached_property

from registry import access
from registry.counting.basis import organization_rows
from registry.counting.metric import APPROVED
from registry.counting.metrics import OrganizationMetric
from registry.counting.rollup import Counts
from registry.models import Assignment, Basis, Organization, OrganizationKind, Role, WorkflowState
from registry.models.hierarchy import holds
from registry.models.kinds import FORMATION_KINDS, PARTY_KINDS, PENDING_STATES, place_of_kind
from registry.models.prepared import read_by_keys
from registry.nouns.organization import ORGANIZATION
from registry.pages.organizations import numbers
from registry.pages.organizations.forms import KIND_GROUPS, kind_words
from registry.pages.organizations.listed import (
    ListedOrganization,
    heads_cell,
    members_cell,
    name_cell,
    parent_cell,
)
from registry.pages.people.roll import roll_prints
from registry.rules import covering, waiting
from registry.spreadsheets.sheets import Kind
from registry.web.columns import Column, noun_column, read_back, tag_cell, tick_column
from registry.web.drill import PlacedTable
from registry.web.filters import BasisFilter, ChoiceFilter, SinceFilter, TextFilter, UnitFilter
from registry.web.links import PENDING
from registry.web.lists import AnyPart, Length, Shown, with_query
from registry.web.tables import Act, Empty, Table

HEADS = (Role.SECRETARY.value, Role.LEADER.value)
NATURES = (("temporary", "临时党组织"), ("formation", "队伍"), ("standing", "常设党组织"))
"""In the order of the ledger."""
OVERDUE = "overdue"
STATES = (
    ("", "已批准(计入统计)"),
    (PENDING, "待审批(含草稿、已退回)"),
    (OVERDUE, "超过期限未批准"),
    *((state.value, state.label) for state in WorkflowState if state != WorkflowState.APPROVED),
    ("all", "全部状态"),
)
_NEVER = date(9999, 12, 31)
FIRST = "first"
"""The order of the ledger: temporary Party organizations, formations, standing Party organizations."""
GONE_SAID = "已撤销的组织,书记/负责人和人数为撤销前最后一日的。"


@dataclass(frozen=True)
class KindTotal:
    """How many of the listed organizations are of one kind."""

    nature: str
    label: str
    number: int
    url: str


@dataclass(frozen=True)
class _StateFilter(ChoiceFilter):
    """The state; approved ones are listed without being asked for."""

    def read(self, table: Table[Any]) -> Any:
        """Return the state, nothing for approved ones."""
        if table.request.GET.get(self.name, "").strip() == WorkflowState.APPROVED:
            return ""
        return super().read(table)

    def is_kept(self, value: Any) -> bool:
        """Whether statements with this state are kept: "overdue" asks about another day than the page's."""
        return bool(value != OVERDUE)


def _of_nature(table: OrganizationTable, rows: Any, nature: str) -> Any:
    if nature == "formation":
        return rows.filter(kind__in=FORMATION_KINDS)
    return rows.filter(kind__in=PARTY_KINDS, is_temporary=nature == "temporary")


def _named(table: OrganizationTable, rows: Any, text: str) -> Any:
    return rows.matching(text)


def _held_then(day: date, gone_on: Any) -> Q:
    """Return the condition of the assignments that held on the day, or on the last before ``gone_on``."""
    still = Q(ended_on__isnull=True) | Q(ended_on__gt=day) | Q(ended_on__gte=gone_on)
    return Q(started_on__lte=day, started_on__lt=gone_on) & still


def _gone_on(path: str = "") -> Coalesce:
    return Coalesce(f"{path}dissolved_on", Value(_NEVER))


def _joined(rows: Any, day: date) -> QuerySet[Any]:
    """Join what a line shows and is sorted by."""
    placed = (
        Assignment.objects.valid()
        .filter(_held_then(day, OuterRef("gone_on")), organization=OuterRef("pk"))
        .order_by()
        .values("organization")
        .annotate(number=Count("pk"))
        .values("number")
    )
    joined: QuerySet[Any] = (
        rows.with_host_facts()
        .select_related("parent__unit", "unit")
        .annotate(
            kind_place=place_of_kind(),
            nature_place=Case(
                When(is_temporary=True, then=Value(0)),
                When(kind__in=FORMATION_KINDS, then=Value(1)),
                default=Value(2),
            ),
            gone_on=_gone_on(),
            members=Coalesce(Subquery(placed, output_field=IntegerField()), Value(0)),
        )
    )
    return joined


def _on_day(day: date) -> QuerySet[Any]:
    return _joined(Organization.objects.hosted_on(day), day)


def _heads(day: date) -> QuerySet[Assignment]:
    """Return who heads organizations, with the home units that decide what is shown of a person."""
    held = Assignment.objects.valid().filter(role__in=HEADS)
    held = held.annotate(gone_on=_gone_on("organization__")).filter(_held_then(day, F("gone_on")))
    return held.select_related("person__home_unit").order_by("started_on", "pk")


_fact = partial(noun_column, ORGANIZATION)


class OrganizationTable(PlacedTable[ListedOrganization]):
    """The organizations behind a number (``metric``), or all in scope, by the question of the address."""

    name = "组织台账"
    tab = "组织"
    file = "organizations_export"
    heading = "组织数"
    unit_word = "个"
    nothing_found = "没有符合筛选条件的组织。"
    css = "ledger"
    can_be_samples = True
    is_kept = True
    default_sort = FIRST
    counted_by = OrganizationMetric
    counted_word = "组织"
    noun = ORGANIZATION
    acts = (
        Act("submit_organization", "organizations_submit", "提交审批"),
        Act("approve_organization", "organizations_approve", "批准"),
        Act("return_organization", "organizations_return", "退回"),
        Act("dissolve_organization", "organizations_dissolve", "撤销组织"),
    )
    columns: Sequence[Column[ListedOrganization]] = (
        tick_column(lambda row: row.organization.pk if row.is_seen else None),
        _fact(
            "name",
            "名称",
            key="name",
            sort=("order_key",),
            cell=name_cell,
            css="ledger-name",
            is_heading=True,
        ),
        _fact(
            "kind",
            "类型",
            "organization.kind_label",
            key="kind",
            sort=("kind_place", "is_temporary", "order_key"),
            css="nowrap",
        ),
        _fact("honour_title", only="file"),
        _fact(
            "unit_name",
            "所在单位",
            "organization.host_name",
            key="unit",
            sort=("host_tree_id", "host_lft", "kind_place", "order_key"),
            url="unit_url",
            text=lambda row: row.organization.host_short_name or row.organization.host_name,
            css="ledger-unit",
            is_of_the_day=True,
        ),
        _fact(
            "covered",
            "",
            "covered_said",
            css="text",
            rank=4,
            is_of_the_day=True,
        ),
        _fact(
            "parent_name",
            "",
            "parent_name",
            cell=parent_cell,
            css="ledger-parent",
            rank=3,
        ),
        Column(
            "书记/负责人",
            "heads_said",
            key="heads",
            cell=heads_cell,
            css="ledger-heads",
        ),
        Column(
            "人数",
            "organization.members",
            Kind.NUMBER,
            key="members",
            sort=("members", "order_key"),
            url="members_url",
            cell=members_cell,
            css="nowrap",
        ),
        _fact("established_on", "成立", key="established", sort=("established_on", "order_key"), rank=2),
        _fact("dissolved_on", "撤销", key="dissolved", sort=("gone_on", "order_key"), rank=3),
        _fact("approval_number", "文号", css="ledger-document", rank=3),
        Column("当日状态", "state", key="state", only="file"),
        Column(
            "状态",
            "state",
            key="state",
            sort=("state", "order_key"),
            cell=tag_cell,
            only="page",
        ),
        *(read_back(ORGANIZATION, slug) for slug in ("approved_on", "state", "is_temporary")),
        read_back(ORGANIZATION, "code", lambda row: row.organization.code if row.is_seen else None),
        read_back(ORGANIZATION, "unit", lambda row: row.organization.unit.code if row.is_seen else None),
        read_back(
            ORGANIZATION, "parent", lambda row: row.organization.parent.code if row.is_parent_seen else None
        ),
    )
    filters = (
        UnitFilter(label="单位(含下级)"),
        ChoiceFilter("kind", "类型", "kind", choices=KIND_GROUPS, is_plain=True),
        ChoiceFilter("nature", "性质", _of_nature, choices=NATURES, is_plain=True),
        _StateFilter("state", "状态", choices=STATES, anything=None),
        BasisFilter(),
        SinceFilter(),
        TextFilter("q", "名称、代码或文号", _named),
    )

    @property
    def prints(self) -> list[dict[str, Any]]:
        """The list itself, and the roll of its place."""
        place = {name: self.request.GET.get(name) for name in ("unit", "own", "party_line")}
        return [{"label": "本列表", "url": self.file_url}, *roll_prints(self.user, self.address, **place)]

    def every(self) -> QuerySet[Organization]:
        """Return the organizations in the state that is asked for."""
        rows = self.in_states(self.states)
        return rows.filter(waiting.overdue(self.question.as_of)) if self.wanted["state"] == OVERDUE else rows

    def in_states(self, states: tuple[str, ...]) -> QuerySet[Organization]:
        """Return the organizations in these states."""
        rows: QuerySet[Organization] = organization_rows(self.metric, self.question, self.at.rows, states)
        return rows

    @property
    def has_workflow(self) -> bool:
        """Organizations may be not approved."""
        return True

    @property
    def states(self) -> tuple[str, ...]:
        """The states that are asked for."""
        state = self.wanted["state"]
        if state in (PENDING, OVERDUE):
            return PENDING_STATES
        if state == "all":
            return tuple(WorkflowState.values)
        return (state,) if state else APPROVED

    def sortable(self, rows: Any) -> QuerySet[Any]:
        """Join what a line shows and is sorted by."""
        return _joined(rows, self.address.as_of)

    def page_rows(self) -> Shown:
        """Read the organizations of a page by their keys."""
        return Shown(_on_day, [self.address.as_of])

    def lines(self, found: list[Any]) -> list[ListedOrganization]:
        """Return these organizations with who heads them: one query, whatever their number."""
        scope = access.spans(self.user)
        heads: dict[int, list[Assignment]] = defaultdict(list)
        keys = [each.pk for each in found]
        for assignment in read_by_keys(_heads, [self.address.as_of], keys, "organization"):
            heads[assignment.organization_id].append(assignment)

        covered, lines = covering.covered_on(found, self.address.as_of), []
        for each in found:
            is_seen, parent = access.inside(each.unit, scope), each.parent
            is_parent_seen = parent is not None and access.inside(parent.unit, scope)
            is_host_seen = holds(scope, each.host_tree_id, each.host_lft)
            shown = heads[each.pk] if is_seen else []
            units = covered.get(each.pk, ())
            lines.append(ListedOrganization(self, each, is_seen, is_host_seen, is_parent_seen, shown, units))
        return lines

    @cached_property
    def sorts(self) -> Mapping[str, Any]:
        """The order of the ledger, and those of the columns."""
        return {
            FIRST: ("nature_place", "host_tree_id", "host_lft", "kind_place", "order_key"),
            **super().sorts,
        }

    @cached_property
    def order_links(self) -> list[dict[str, Any]]:
        """A link to each nature in the list, in the order of the ledger; none in another order."""
        if self.sort != FIRST or len(self._of_natures) < 2:
            return []
        return [
            {"label": label, "number": number, "url": with_query(self.request, nature=nature)}
            for nature, label in NATURES
            if (number := self._of_natures[nature])
        ]

    def parts(self) -> Sequence[AnyPart]:
        """Return the ledger by its natures: each is in the order of the unit tree, which an index holds."""
        if self.sort != FIRST:
            return super().parts()
        by = self.sorts[FIRST][1:]
        return [self.part(self._of_natures.get(nature, 0), nature, by) for nature, _label in NATURES]

    def of_nature(self, rows: Any, nature: str) -> Any:
        """Return those of one nature; "": all."""
        return _of_nature(self, rows, nature) if nature else rows

    @cached_property
    def _of_natures(self) -> Counter[str]:
        """How many organizations of each nature."""
        found: Counter[str] = Counter()
        for total in self.totals:
            found[total.nature] += total.number
        return found

    @cached_property
    def _kept(self) -> Counts | None:
        """The totals of the place, where nothing but metric and campaign narrows the list; else None."""
        is_narrowed = any(self.wanted[name] for name in ("kind", "nature", "state", "q"))
        if is_narrowed or self.at.whole is None:
            return None
        return numbers.kept_of_ledger(self.at.whole, self.question)

    @cached_property
    def totals(self) -> list[KindTotal]:
        """The whole list, not only the page, by kind, in the order of display."""
        counted = numbers.by_kind(self.rows, self.metric, self._kept)
        order = {kind: place for place, kind in enumerate(OrganizationKind.values)}
        found = sorted(counted, key=lambda row: (not row[1] and row[0] in PARTY_KINDS, order[row[0]]))
        return [
            KindTotal(
                _nature(kind, is_temporary),
                kind_words(kind, is_temporary)
                if is_temporary or kind in FORMATION_KINDS
                else f"常设{kind_words(kind, is_temporary)}",
                number,
                with_query(self.request, kind=kind, nature=_nature(kind, is_temporary)),
            )
            for kind, is_temporary, number in found
        ]

    @cached_property
    def length(self) -> Length:
        """How many organizations there are."""
        return Length(sum(total.number for total in self.totals))

    def people(self) -> dict[str, int]:
        """Count who is in the listed organizations on the day: distinct people, and person-times."""
        if self.metric is None and self._kept is not None and self.at.whole is not None:
            return numbers.people_at(self.rows, self.question, self.at.whole, self.at.spans, self._kept)
        return numbers.people_in(self.rows, self.question.as_of)

    def file_footnotes(self) -> list[str]:
        """Return the note about the people of dissolved organizations."""
        return [GONE_SAID] if self.question.basis != Basis.CURRENT else []

    @property
    def clear_url(self) -> str:
        """The basis is a filter here."""
        return self.address.url(self.request.path, basis=None, since=None)

    @property
    def empty(self) -> Empty:
        """Where nothing is found, an organization can be registered."""
        unit = self.unit
        if self.pending:
            sentence = f"没有符合条件的已批准组织,另有待审批的 {self.pending:,} 个。"
            return Empty(sentence, self.pending_url, "查看待审批的组织")
        if not self.shown:
            day = self.question.as_of.isoformat()
            sentence = f"管理范围内在 {day} 没有组织。登记从单位页开始。"
            return Empty(sentence, reverse("home"), "到单位页")
        if (
            unit is None
            or unit.closed_on is not None
            or not access.may(self.user, "establish_organization", unit)
        ):
            return super().empty
        url = self.address.url(reverse("organization_register", args=[unit.code]))
        return Empty(self.nothing_found, url, "登记组织")

    def context(self) -> dict[str, Any]:
        """Add the numbers of the whole list."""
        return super().context() | {
            "totals": self.totals,
            "order_links": self.order_links,
            "gone_said": GONE_SAID * any(row.is_gone for row in self.grid.rows),
            "people": self.people(),
        }


def _nature(kind: str, is_temporary: bool) -> str:
    if kind in FORMATION_KINDS:
        return "formation"
    return "temporary" if is_temporary else "standing"
