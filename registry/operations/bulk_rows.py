"""The rows that ``registry.operations.bulk`` loads; references are codes and numbers, not keys."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from registry.models import PoliticalStatus, Role


@dataclass(frozen=True, slots=True)
class UnitRow:
    """A unit to load; ``parent`` is the code of an earlier row or of a unit that is there.

    ``parent`` is today's superior. ``formerly`` are (superior, until) before it, the earliest first: the
    unit stood below that superior until that day, when it got the next one. An empty superior is none.
    """

    code: str
    name: str
    kind: str
    parent: str = ""
    formerly: tuple[tuple[str, date], ...] = ()
    short_name: str = ""
    aliases: str = ""
    region_code: str = ""
    sequence: int | None = None
    opened_on: date | None = None
    closed_on: date | None = None
    mention: str = ""
    note: str = ""
    is_sample: bool = False


@dataclass(frozen=True, slots=True)
class OrganizationRow:
    """An organization to load; references are codes.

    ``unit`` is today's host, or the last one. ``formerly`` are (host, until) before it, the earliest first.
    """

    code: str
    name: str
    kind: str
    unit: str
    established_on: date
    parent: str = ""
    formerly: tuple[tuple[str, date], ...] = ()
    is_temporary: bool = False
    campaign: str = ""
    task_body: str = ""
    dissolved_on: date | None = None
    aliases: str = ""
    honour_title: str = ""
    parent_inferred: bool = False
    approval_number: str = ""
    dissolution_number: str = ""
    state: str = field(kw_only=True)  # no default: none may skip the approval unsaid
    source: int | None = None
    note: str = ""
    is_sample: bool = False


@dataclass(frozen=True, slots=True)
class PersonRow:
    """A person to load. ``status`` holds from the beginning; ``changes`` are (day, status) after it."""

    number: str
    name: str
    category: str
    home_unit: str
    status: str = PoliticalStatus.UNKNOWN.value
    changes: tuple[tuple[date, str], ...] = ()
    home_branch: str = ""
    joined_on: date | None = None
    confirmed_on: date | None = None
    title: str = ""
    phone: str = ""
    source: int | None = None
    note: str = ""
    is_sample: bool = False


@dataclass(frozen=True, slots=True)
class AssignmentRow:
    """A placement to load: a person's number in an organization's code."""

    person: str
    organization: str
    started_on: date
    role: str = Role.MEMBER.value
    ended_on: date | None = None
    document_number: str = ""
    is_sample: bool = False


@dataclass(frozen=True)
class Load:
    """What is loaded together. Each iterable can be read more than once."""

    units: Iterable[UnitRow] = ()
    organizations: Iterable[OrganizationRow] = ()
    people: Iterable[PersonRow] = ()
    assignments: Iterable[AssignmentRow] = ()
