"""One organization of the ledger, and its cells: drawn here because a page of the ledger has hundreds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.utils.safestring import SafeString

from registry.models import Assignment, Unit
from registry.models.addresses import page_address
from registry.pages.organizations import page as organization_page
from registry.web.links import person_url
from registry.web.templatetags.parts import count, escaped, linked_words, sample_tag

if TYPE_CHECKING:
    from registry.pages.organizations.tables import OrganizationTable

THEN = "原"
"""The note about the people of a dissolved organization, who are those of its last day."""


@dataclass(frozen=True)
class ListedOrganization:
    """One organization of the ledger; addresses are empty where something is out of scope."""

    table: OrganizationTable
    organization: Any
    is_seen: bool
    is_unit_seen: bool
    is_parent_seen: bool
    heads: list[Assignment]
    covered: Sequence[Unit] = ()

    @cached_property
    def url(self) -> str:
        """The organization's page."""
        return self.table.address.url(self.organization.get_absolute_url()) if self.is_seen else ""

    @cached_property
    def unit_url(self) -> str:
        """The page of the unit where it stood on the day."""
        if not self.is_unit_seen:
            return ""
        return self.table.address.url(page_address("unit", self.organization.host_code))

    @cached_property
    def parent_url(self) -> str:
        """The superior's page."""
        parent = self.organization.parent
        return self.table.address.url(parent.get_absolute_url()) if self.is_parent_seen else ""

    @cached_property
    def parent_name(self) -> str | None:
        """The superior, with a word if it is only inferred."""
        each = self.organization
        if each.parent is None:
            return None
        return f"{each.parent.name}(推定)" if each.parent_inferred else str(each.parent.name)

    @property
    def covered_said(self) -> str:
        """The units that it covers beside its own: by name, wherever they are."""
        return "、".join(unit.name for unit in self.covered)

    @cached_property
    def is_gone(self) -> bool:
        """Whether it was dissolved by the day; its people are then those of its last day."""
        end = self.organization.dissolved_on
        return end is not None and end <= self.table.address.as_of

    @property
    def then(self) -> str:
        """The note about its people, where it is dissolved."""
        return THEN if self.is_gone else ""

    @cached_property
    def heads_said(self) -> str:
        """The names of its heads, with the note."""
        said = "、".join(head.person.name for head in self.heads)
        return f"{self.then}{said}" if said else ""

    @cached_property
    def members_url(self) -> str:
        """The list of its members, on its last day where it is dissolved."""
        if not self.is_seen:
            return ""
        end = self.organization.dissolved_on
        last = {"as_of": (end - timedelta(days=1)).isoformat()} if end and self.is_gone else {}
        return f"{self.table.address.url(self.organization.get_absolute_url(), **last)}#members"

    @property
    def state(self) -> str:
        """Where it is: in the workflow, or on the day."""
        return self._state[1]

    @property
    def tone(self) -> str:
        """The tone of the state."""
        return self._state[0]

    @cached_property
    def _state(self) -> tuple[str, str]:
        return organization_page.state_tag(self.organization, self.table.address.as_of)


_OUTSIDE = SafeString(' <span class="tag plain" title="现在不在您的管理范围内">范围外</span>')
_INFERRED = SafeString(' <span class="quiet small">推定</span>')


def name_cell(row: ListedOrganization, name: str) -> SafeString:
    """Draw the name of an organization, and its title of honour."""
    named = linked_words(name, row.url) if row.url else SafeString(escaped(name) + _OUTSIDE)
    title = row.organization.honour_title
    more = f'<br><span class="quiet small">{escaped(title)}</span>' if title else ""
    return SafeString(f"{named}{sample_tag(row.organization.is_sample)}{more}")


def parent_cell(row: ListedOrganization, _value: str) -> SafeString:
    """Draw the superior of an organization."""
    parent = row.organization.parent
    named = linked_words(parent.name if parent else "–", row.parent_url)
    return SafeString(named + _INFERRED) if parent and row.organization.parent_inferred else named


def _then(row: ListedOrganization) -> str:
    return f'<span class="quiet small">{row.then}</span> ' if row.then else ""


def heads_cell(row: ListedOrganization, _value: str) -> SafeString:
    """Draw who heads an organization, or did on its last day."""
    if not row.heads:
        return SafeString('<span class="quiet">–</span>')
    user, address = row.table.user, row.table.address
    named = (linked_words(head.person.name, person_url(user, head.person, address)) for head in row.heads)
    return SafeString(_then(row) + "、 ".join(named))


def members_cell(row: ListedOrganization, _value: str) -> SafeString:
    """Draw how many are in it, or were on its last day."""
    members = row.organization.members
    return SafeString((_then(row) if members else "") + count(members, row.members_url))
