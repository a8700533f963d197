"""The nodes of the tree from the ministry to the member: any number of levels in the same queries."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import takewhile
from typing import Any

from django.db.models import Count, F, Q
from django.urls import reverse

from registry import access
from registry.counting.basis import Question, organizations
from registry.counting.metric import APPROVED_OR_PENDING
from registry.counting.rollup import count_units
from registry.models import (
    Assignment,
    Organization,
    OrganizationKind,
    Role,
    Unit,
    WorkflowState,
)
from registry.models.hierarchy import Span, UnitHierarchy
from registry.models.kinds import ROLE_ORDER
from registry.web.address import Address
from registry.web.links import person_url

AT_ONCE = 200
"""So many nodes of one level come at a time; after them stands the way to the next."""

COUNTED = "temporary_party_orgs"

_KINDS = {kind.value: place for place, kind in enumerate(OrganizationKind)}


@dataclass
class Node:
    """One node (templates/parts/tree_node.html)."""

    kind: str
    name: str
    url: str
    title: str = ""
    note: str = ""
    count: int | None = None
    sample: bool = False
    children_url: str = ""
    children: list[Node] | None = None
    current: bool = False

    @property
    def opens(self) -> bool:
        """Whether anything stands below it."""
        return bool(self.children_url or self.children)

    @property
    def is_open(self) -> bool:
        """Whether what stands below it comes with it."""
        return bool(self.children)


@dataclass
class Tree:
    """Makes the nodes for one request: its user's scope, its day and campaign.

    The tree shows what stands on the day, whatever the page's counting basis. ``wide`` is the page of
    its own, where numbers of people have room.
    """

    user: access.AnyUser
    address: Address
    wide: bool = False
    scope: list[Span] = field(init=False)

    def __post_init__(self) -> None:
        self.tops = access.top_units(self.user)
        self.scope = [Span(unit.tree_id, unit.lft, unit.rght) for unit in self.tops]

    @cached_property
    def question(self) -> Question:
        """What stands on the page's day."""
        return self.address.question.current()

    @cached_property
    def shape(self) -> UnitHierarchy:
        """The unit hierarchy of the day."""
        return UnitHierarchy.on(self.question.as_of)

    def roots(self, current: Unit | None, organization: Organization | None = None) -> list[Node]:
        """Return the user's top units, opened down to ``current``; without it the first is open.

        ``organization`` is opened to below ``current``, and marked in its place.
        A unit that is not there on the day is not in the tree: it is open down to the last one above.
        """
        tops, day = list(self.tops), self.question.as_of
        path = self.shape.path(current) if current else []
        while path and path[0] not in tops:
            path = path[1:]
        if current and not path and current.is_open_on(day):  # it stood outside the scope then
            tops, path = [*tops, current], [current]
        path = list(takewhile(lambda each: each in tops or each.is_open_on(day), path))
        levels = self._below(path or tops[:1], tops, {unit.pk for unit in path})
        made = {unit.pk: node for unit, node in levels}
        if current and current.pk in made:
            here = made[current.pk]
            here.current = organization is None or not self._open_to(organization, here)
        return [made[unit.pk] for unit in tops]

    def unit_level(self, unit: Unit, offset: int = 0) -> list[Node]:
        """Return the nodes directly below a unit from the ``offset``-th on: units, then organizations."""
        level = self._rows([unit])[unit.pk]
        shown = level[offset : offset + AT_ONCE]
        nodes = self._nodes(shown)
        made = [nodes[row] for row in shown]
        return made + self._more("tree_unit", unit.code, offset + len(shown), len(level))

    def organization_level(self, organization: Organization, offset: int = 0) -> list[Node]:
        """Return the nodes directly below an organization: subordinates at the same unit, then people."""
        day = self.question.as_of
        here = self._organizations(Q(pk=organization.pk)).values_list("host_id", flat=True)
        rows: list[Any] = list(self._organizations(Q(parent=organization, host_id__in=list(here))))
        placed = Assignment.objects.as_of(day).filter(organization=organization)
        placed = placed.select_related("person__home_unit")
        people = sorted(placed, key=lambda each: (ROLE_ORDER[each.role], each.person.order_key))
        level = [*sorted(rows, key=_by_kind), *people]
        shown = level[offset : offset + AT_ONCE]
        nodes = self._nodes(shown)
        made = [nodes[row] if row in nodes else self._person_node(row) for row in shown]
        return made + self._more("tree_organization", organization.code, offset + len(shown), len(level))

    def _open_to(self, organization: Organization, unit: Node) -> bool:
        """Open ``unit`` down to ``organization`` and mark it; False where it is not there on the day."""
        path = [*organization.get_ancestors(), organization]
        standing = {row.pk: row for row in self._organizations(Q(pk__in=[each.pk for each in path]))}
        there = [each for each in path if each.pk in standing]
        level = unit.children or []
        for step in there:
            url = self.address.url(step.get_absolute_url())
            node = next((node for node in level if node.url == url), None)
            if node is None:
                continue
            if step == organization:
                node.current = True
                return True
            level = node.children = self.organization_level(step)
        return False

    # --- Levels of units --------------------------------------------------------------------------

    def _below(
        self, opened: Sequence[Unit], tops: Sequence[Unit], wanted: Collection[int]
    ) -> list[tuple[Unit, Node]]:
        """Make the nodes of ``tops`` and of all directly below ``opened``, and hang them together."""
        units: dict[int, Unit] = {unit.pk: unit for unit in tops}
        rows = self._rows(opened)
        shown: dict[int, list[Any]] = {}
        for unit in opened:
            level, last = rows[unit.pk], AT_ONCE
            for at, row in enumerate(level):
                if isinstance(row, Unit) and row.pk in wanted and at >= last:
                    last = (at // AT_ONCE + 1) * AT_ONCE
            shown[unit.pk] = level[:last]
            units |= {row.pk: row for row in shown[unit.pk] if isinstance(row, Unit)}
        nodes = self._nodes([*units.values(), *(row for level in shown.values() for row in level)])
        for unit in opened:
            made = [nodes[row] for row in shown[unit.pk]]
            made += self._more("tree_unit", unit.code, len(shown[unit.pk]), len(rows[unit.pk]))
            nodes[unit].children = made or None
        return [(unit, nodes[unit]) for unit in units.values()]

    def _rows(self, opened: Sequence[Unit]) -> dict[int, list[Any]]:
        """Return everything directly below each of the units: its sub-units, then what stands there.

        An organization whose superior stands at the same unit is below that, not here.
        """
        rows: dict[int, list[Any]] = {unit.pk: [] for unit in opened}
        moved = set(self.shape.superior_then)
        joined = [pk for pk, superior in self.shape.superior_then.items() if superior in rows]
        children = Unit.objects.filter(Q(parent__in=list(rows)) & ~Q(pk__in=moved) | Q(pk__in=joined))
        for child in children.as_of(self.question.as_of).order_by("order_key", "pk"):
            if not self.question.sees(child):
                continue
            rows[self.shape.superior_id(child) or 0].append(child)
        standing = list(self._organizations(Q(host_id__in=list(rows))))
        hosts = {row.pk: row.host_id for row in standing}
        for row in sorted(standing, key=_by_kind):
            if hosts.get(row.parent_id) != row.host_id:
                rows[row.host_id].append(row)
        return rows

    # --- Nodes ------------------------------------------------------------------------------------

    def _nodes(self, rows: Sequence[Any]) -> dict[Any, Node]:
        """Make the nodes of the units and organizations among ``rows``."""
        units = {row.pk: row for row in rows if isinstance(row, Unit)}
        standing = {row.pk: row for row in rows if isinstance(row, Organization)}
        made = {units[pk]: node for pk, node in self._unit_nodes(list(units.values())).items()}
        found = self._organization_nodes(list(standing.values()))
        return made | {standing[pk]: node for pk, node in found.items()}

    def _unit_nodes(self, units: Sequence[Unit]) -> dict[int, Node]:
        """Make the nodes of units: two questions for all (is anything below?) and their counts."""
        pks = [unit.pk for unit in units]
        if not pks:
            return {}
        lines = count_units(units, self.question)
        open_units = Unit.objects.as_of(self.question.as_of).exclude(pk__in=set(self.shape.superior_then))
        below = set(
            open_units.filter(parent__in=pks).order_by().values_list("parent_id", flat=True).distinct()
        )
        below |= {superior for superior in self.shape.superior_then.values() if superior is not None}
        hosts = self._organizations(Q(host_id__in=pks))
        below |= set(hosts.values_list("host_id", flat=True).distinct())
        made = {}
        for unit in units:
            counts, mine = lines[unit.pk].counts, access.inside(unit, self.scope)
            people = counts["frontline_people"]
            made[unit.pk] = Node(
                "unit",
                unit.label,
                self.address.url(unit.get_absolute_url()) if mine else "",
                title=unit.name if unit.name != unit.label else "",
                note=f"一线 {people:,} 人" if self.wide and people else "",
                count=counts[COUNTED],
                sample=unit.is_sample,
                children_url=self._url("tree_unit", unit.code) if mine and unit.pk in below else "",
            )
        return made

    def _organization_nodes(self, rows: Sequence[Any]) -> dict[int, Node]:
        """Make the nodes of organizations that stand on the day (rows of ``_organizations``)."""
        pks = [row.pk for row in rows]
        if not pks:
            return {}
        placed = Assignment.objects.as_of(self.question.as_of).filter(organization__in=pks).order_by()
        members = dict(placed.values_list("organization_id").annotate(Count("person_id", distinct=True)))
        hosts = {row.pk: row.host_id for row in rows}
        below = {
            parent
            for parent, host in self._organizations(Q(parent__in=pks)).values_list("parent_id", "host_id")
            if hosts[parent] == host
        }
        made = {}
        for row in rows:
            notes = [] if row.state == WorkflowState.APPROVED else [str(WorkflowState(row.state).label)]
            if self.wide and members.get(row.pk):
                notes.append(f"{members[row.pk]:,} 人")
            opens = row.pk in members or row.pk in below
            made[row.pk] = Node(
                "organization" if row.is_party_organization else "formation",
                row.name if self.wide else _without_unit(row),
                self.address.url(row.get_absolute_url()),
                title=f"{row.name}({row.kind_label})",
                note=" · ".join(notes),
                sample=row.is_sample,
                children_url=self._url("tree_organization", row.code) if opens else "",
            )
        return made

    def _person_node(self, assignment: Assignment) -> Node:
        person = assignment.person
        leads = assignment.role != Role.MEMBER
        return Node(
            "person",
            person.name,
            person_url(self.user, person, self.address),
            note=str(Role(assignment.role).label) if leads else "",
            sample=person.is_sample,
        )

    def _organizations(self, condition: Q) -> Any:
        """What stands on the day, approved or not yet, with its host unit (``host_id``) and names of that."""
        rows: Any = organizations(self.question, APPROVED_OR_PENDING)
        return rows.annotate(
            host_id=F("host__unit"),
            host_name=F("host__unit__name"),
            host_short=F("host__unit__short_name"),
            above_short=F("host__unit__parent__short_name"),
        ).filter(condition)

    def _more(self, name: str, code: str, shown: int, number: int) -> list[Node]:
        if shown >= number:
            return []
        url = self._url(name, code, **{"from": str(shown)})
        return [Node("more", "更多(还有 %s 个)" % (number - shown), url)]

    def _url(self, name: str, code: str, **changes: str) -> str:
        wide = "1" if self.wide else None
        return self.address.url(reverse(name, args=[code]), wide=wide, **changes)


def _without_unit(row: Any) -> str:
    """Return the name without the unit it begins with, which stands right above it in the tree."""
    for unit in (row.host_name, row.host_short):
        for beginning in (f"{row.above_short or ''}{unit}", unit):
            rest = str(row.name.removeprefix(beginning))
            if unit and rest != row.name and len(rest) > 2 and rest[0] not in "((":
                return rest
    return str(row.name)


def _by_kind(row: Organization) -> tuple[int, str]:
    return _KINDS[row.kind], row.order_key
