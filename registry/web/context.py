"""The frame of every page: campaign, as-of date, navigation, the current unit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from django.apps import apps
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from registry import access
from registry.models import Campaign, GrantRole, modes
from registry.models.addresses import list_address
from registry.models.faults import is_read_only
from registry.web import desk
from registry.web.address import Address, address_of, campaigns_of

TITLE = "战时党建组织登记系统"

NAVIGATION = (
    ("home", "总览", ("home", "unit", "comparison")),
    ("desk", "待办", ("desk", "delegate", "delegation")),
    ("tree", "单位树", ("tree",)),
    ("organizations", "组织台账", ("organization",)),
    ("campaigns", "专项任务", ("campaign",)),
    ("people", "人员", ("person", "assignments", "assignment", "lent")),
    ("reconciliation", "来源核对", ("reconciliation",)),
    ("sources", "来源", ("source", "figure")),
)

NAVIGATION_FOR: tuple[tuple[str, str, tuple[str, ...], str], ...] = (
    ("imports", "导入", ("import",), "upload_import"),
    ("users", "用户", ("user", "grant"), "add_user"),
    ("record", "操作记录", (), "read_record"),
)
"""Shown to those who may do the verb somewhere. Apps hand up more of them, as ``navigation``."""


@dataclass(frozen=True)
class NavItem:
    """One entry of the navigation."""

    label: str
    url: str
    on: bool
    number: int = 0
    """How much waits there."""


class Frame:
    """The frame of a page; each part is worked out when it is used."""

    title = TITLE

    def __init__(self, request: HttpRequest) -> None:
        self.request = request
        self.user = request.user
        self.address: Address = address_of(request)

    @property
    def campaign(self) -> Campaign | None:
        """The campaign of the address."""
        return self.address.question.campaign

    @cached_property
    def campaigns(self) -> list[Campaign]:
        """The campaigns to choose from, those still running first."""
        return sorted(campaigns_of(self.request), key=lambda each: each.ended_on is not None)

    @property
    def read_only(self) -> bool:
        """Whether nothing can be changed now, which a line on top says."""
        return is_read_only()

    @property
    def mode_said(self) -> str:
        """What whoever switched the mode says to users."""
        return modes.standing().said

    @property
    def replica_as_of(self) -> datetime | None:
        """Up to when the page knows everything, where it was read from a second database."""
        return getattr(self.request, "replica_as_of", None)

    @property
    def request_number(self) -> str:
        """The number of the request."""
        return str(getattr(self.request, "request_number", ""))

    @property
    def other(self) -> list[tuple[str, str]]:
        """The other parameters, which the top bar must keep; a page number is not kept."""
        return [
            (key, value)
            for key, values in self.request.GET.lists()
            if key not in ("campaign", "as_of", "page")
            for value in values
        ]

    @property
    def query(self) -> str:
        """The text of the search."""
        on_search = self.request.resolver_match and self.request.resolver_match.url_name == "search"
        return self.request.GET.get("q", "") if on_search else ""

    @property
    def unit_code(self) -> str:
        """The unit that the page is about: set by views as ``request.current_unit``."""
        return str(getattr(self.request, "current_unit", "") or self.request.GET.get("unit", ""))

    @property
    def organization_code(self) -> str:
        """The organization that the page is about: set by views as ``request.current_organization``."""
        return str(getattr(self.request, "current_organization", ""))

    @cached_property
    def role(self) -> str:
        """The user's roles, in a word or two."""
        if self.user.is_superuser:
            return "系统管理员"
        held = access.roles_held(self.user)
        return "、".join(f"{unit.label} {GrantRole(role).label}" for role, unit in held)

    @property
    def nav(self) -> list[NavItem]:
        """The navigation."""
        match = self.request.resolver_match
        name = (match.url_name or "") if match else ""
        # What only those at the top see is about the system, and comes last.
        every = sorted((*_of_the_apps(), *NAVIGATION_FOR), key=lambda entry: entry[4:])
        more = [entry[:3] for entry in every if self._leads_to(*entry[3:])]
        return [
            NavItem(
                label,
                self.address.url(list_address(url)),
                name == url or any(name == on or name.startswith(f"{on}_") for on in ons),
                desk.number(self.user) if url == "desk" else 0,
            )
            for url, label, ons in (*NAVIGATION, *more)
        ]

    def _leads_to(self, verb: str, is_of_the_top: bool = False) -> bool:
        """Whether an entry is for this user, who may do the verb somewhere, or at the top of the tree."""
        if not is_of_the_top:
            return access.may_somewhere(self.user, verb)
        if access.sees_everything(self.user):
            return True
        return any(unit.parent_id is None for unit in access.top_units(self.user, verb))


def _of_the_apps() -> list[tuple[Any, ...]]:
    return [entry for config in apps.get_app_configs() for entry in getattr(config, "navigation", ())]


def frame(request: HttpRequest) -> dict[str, Any]:
    """Context processor: the page's frame, read when the template uses it."""
    return {"frame": SimpleLazyObject(lambda: Frame(request))}
