"""What a check is: what it asks, since when which document asks it, and how its breaches are found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any, NamedTuple

from django.db.models import QuerySet

from registry.models import Organization, RuleException


class Level(StrEnum):
    """How much a breach weighs."""

    VIOLATION = "violation"
    WARNING = "warning"
    HINT = "hint"

    @property
    def label(self) -> str:
        """The Chinese word."""
        return {"violation": "违规", "warning": "提醒", "hint": "提示"}[self.value]


class Cites(StrEnum):
    """What may be quoted: document and article, the document alone, or nothing."""

    ARTICLE = "article"
    TITLE = "title"
    NONE = "none"


@dataclass(frozen=True)
class Edition:
    """An edition of a document: what happened on a day is judged by the edition that held on it.

    It holds from ``since`` until the day before ``until`` (None: it still holds). ``document`` is named with
    the ``article`` only where its number was read in a published text.
    """

    since: date
    until: date | None
    document: str
    article: str
    cites: Cites

    def __post_init__(self) -> None:
        if bool(self.article) != (self.cites == Cites.ARTICLE):
            raise ValueError(f"{self.document}: an article stands where it is cited, and nowhere else")

    def holds_on(self, day: date) -> bool:
        """Whether it is in force on the day."""
        return self.since <= day and (self.until is None or day < self.until)

    @property
    def citation(self) -> str:
        """The words that pages quote; empty where nothing may be quoted."""
        return "" if self.cites == Cites.NONE else f"《{self.document}》{self.article}"


class Found(NamedTuple):
    """The breaches of a check, a row for each: a set of organizations, perhaps joined to their people.

    ``facts`` are expressions on the rows by the names that the check's ``message`` uses: they are worked out
    for lists only, not for counts. ``person`` is the annotation with the key of whom a breach is about,
    ``happened_on`` the one with its day, where it is something that happened and not a state of the day. They
    are annotations, not paths: a further condition on a path to many rows would join these again.
    """

    rows: QuerySet[Organization]
    facts: Mapping[str, Any] = {}
    person: str = ""
    happened_on: str = ""


Find = Callable[..., Found]
"""Finds the breaches: (organizations that stand on the day, the day, thresholds by name)."""
Judge = Callable[..., bool]
"""Whether a planned organization (``planned.Planned``) breaches a check: (planned, thresholds by name)."""


@dataclass(frozen=True, eq=False)
class Check:
    """One thing that the regulations ask of organizations and their people.

    ``message`` says what is wrong, with the facts of the breach and the thresholds by name. ``judge`` says
    the same of an organization that is only planned, where the check can speak so early.
    """

    slug: str
    label: str
    level: Level
    about: str
    editions: tuple[Edition, ...]
    thresholds: Mapping[str, int] = field(kw_only=True, default_factory=dict)
    find: Find = field(kw_only=True)
    find_few: Find | None = field(kw_only=True, default=None)
    """Finds the same among a few organizations, where another statement is quicker for them."""
    message: str = field(kw_only=True)
    judge: Judge | None = field(kw_only=True, default=None)
    row: str = field(kw_only=True, default="")
    """The row of the regulations' table that it belongs to, where that has another name."""

    def __post_init__(self) -> None:
        is_quoted = all(edition.cites != Cites.NONE for edition in self.editions)
        if not is_quoted and self.level != Level.HINT:
            raise ValueError(f"{self.slug}: what no published text asks is a hint")

    def edition_on(self, day: date) -> Edition | None:
        """Return the edition by which a fact of the day is judged; None: nothing was asked then."""
        return next((edition for edition in self.editions if edition.holds_on(day)), None)

    def say(self, edition: Edition, facts: Mapping[str, Any]) -> str:
        """Return the message with its citation: what forms and previews show."""
        return with_citation(self.message.format_map(facts), edition.citation)


def with_citation(said: str, citation: str) -> str:
    """Return a sentence with its citation, if it has one."""
    return f"{said.removesuffix('。')}({citation})。" if citation else said


@dataclass(frozen=True)
class Breach:
    """One breach of a check, on the day that was asked about; ``excepted`` sets it aside."""

    check: Check
    edition: Edition
    organization_id: int
    person_id: int | None
    message: str
    excepted: RuleException | None = None
