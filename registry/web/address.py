"""Campaign, as-of date and basis: read from the address and kept on every link.

An address that names no day stands on the last day of its campaign, if that is over; else on the day that an
app hands up (``openings`` on its ``AppConfig``); else on today.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property, lru_cache
from typing import Any, NamedTuple
from urllib.parse import quote_plus

from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme

from registry import access, nouns
from registry.audit import Actor
from registry.counting.basis import Question
from registry.models import Basis, Campaign, User, days
from registry.models.hierarchy import as_values, from_values
from registry.models.prepared import Values, read_objects

EARLIEST = date(1921, 7, 1)
"""The earliest day that an address may ask for."""
KEPT = ("campaign", "as_of", "basis", "since")


class Opening(NamedTuple):
    """The day on which the pages of an installation open instead of today, and why, in a sentence."""

    day: date
    why: str


Opens = Callable[[list[Campaign]], Opening | None]
"""A function that an app lists under ``openings``: returns the opening for these campaigns, or None."""


@dataclass(frozen=True)
class Address:
    """The question in a page's address, and the problems of the address."""

    question: Question
    today: date
    problems: tuple[str, ...] = field(default_factory=tuple)
    opening: Opening | None = None
    names_day: bool = True
    """Whether the address itself says which day."""

    @property
    def as_of(self) -> date:
        """The day the page is about."""
        return self.question.as_of

    @property
    def opens_on(self) -> date:
        """The day of a page of this campaign whose address names none."""
        return _opens_on(self.question.campaign, self.opening, self.today)

    def said(self, day: date) -> str | None:
        """Return ``as_of`` for that day in an address of this campaign; None where it opens on it anyway."""
        return None if day == self.opens_on else day.isoformat()

    @property
    def said_today(self) -> str:
        """The ``as_of`` of today in an address of this campaign."""
        return self.said(self.today) or ""

    def query(self, **changes: str | None) -> str:
        """Return the query string that keeps campaign, date and basis, with ``changes`` (None: leave out).

        Other parameters are added in the order given.
        """
        kept = self._kept
        if "campaign" in changes:  # of another campaign than this one it is not known on which day it opens
            kept = {**kept, "as_of": self.as_of.isoformat()}
        pairs = {**kept, **changes}.items()
        return "&".join([f"{_quoted(key)}={_quoted(value)}" for key, value in pairs if value])

    @cached_property
    def known(self) -> dict[Any, Any]:
        """The addresses of rows that were built from this one (``links.RowLinks``)."""
        return {}

    @cached_property
    def _kept(self) -> dict[str, str | None]:
        return {
            "campaign": self.question.campaign.code if self.question.campaign else None,
            "as_of": self.said(self.as_of),
            "basis": None if self.question.basis == Basis.CURRENT else self.question.basis,
            "since": self.question.since.isoformat() if self.question.since else None,
        }

    @cached_property
    def keep(self) -> str:
        """The query string that keeps campaign, date and basis."""
        return self.query()

    def url(self, path: str, **changes: str | None) -> str:
        """Return ``path`` with the kept query string and ``changes``."""
        query = self.query(**changes) if changes else self.keep
        return f"{path}?{query}" if query else path


@lru_cache(maxsize=2000)
def _quoted(text: str) -> str:
    """Return a text as it stands in a query string: a page has a hundred addresses of the same few."""
    return quote_plus(str(text))


def address_of(request: HttpRequest) -> Address:
    """Read the address of ``request`` once; problems are named, and the page then shows today."""
    known: Address | None = getattr(request, "_registry_address", None)
    if known is None:
        known = _read(request)
        request._registry_address = known  # type: ignore[attr-defined]
    return known


def _read(request: HttpRequest) -> Address:
    today = timezone.localdate()
    problems: list[str] = []
    raw = {key: request.GET.get(key, "").replace("\x00", "").strip() for key in KEPT}

    def day(key: str, word: str, near: date) -> date | None:
        try:
            return days.from_text(raw[key], year=near.year) if raw[key] else None
        except days.NoDay as error:
            problems.append(f"{word}有误:{error}。")
            return None

    known = campaigns_of(request)
    campaign = next((each for each in known if each.code == raw["campaign"]), None)
    opening = _opening(known)
    opens_on = _opens_on(campaign, opening, today)
    as_of = day("as_of", "截至日期", opens_on) or opens_on
    if as_of > today:
        problems.append(f"截至日期“{raw['as_of']}”晚于今天。")
    elif as_of < EARLIEST:
        problems.append(f"截至日期“{raw['as_of']}”太早。")
    basis = raw["basis"] or Basis.CURRENT.value
    if basis not in Basis.values:
        problems.append(f"统计口径“{basis}”不存在,可用:{'、'.join(str(label) for label in Basis.labels)}。")
    since = day("since", "起始日期", as_of)
    if since is not None and not EARLIEST <= since <= as_of:
        problems.append(f"起始日期“{raw['since']}”{'太早' if since < EARLIEST else '晚于截至日期'}。")
    if basis in (Basis.NEW, Basis.ENDED) and since is None:
        since = as_of - timedelta(days=6)
    if basis in (Basis.CURRENT, Basis.CUMULATIVE):
        since = None
    wrong = bool(problems)
    scope = access.counting_scope(request.user)
    if raw["campaign"] and campaign is None:
        problems.append(f"没有代码为“{raw['campaign']}”的专项任务,已显示全部任务。")
    if wrong:
        problems.append("以下是今天的现有数。")
        return Address(Question(today, campaign=campaign, scope=scope), today, tuple(problems), opening)
    asked = Question(as_of, basis, since, campaign, scope)
    return Address(asked, today, tuple(problems), opening, bool(raw["as_of"]))


def campaigns_of(request: HttpRequest) -> list[Campaign]:
    """Return the campaigns that the user sees, read once for each request."""
    known: list[Campaign] | None = getattr(request, "_registry_campaigns", None)
    if known is None:
        scope = access.spans(request.user)
        ends, number = as_values(scope)
        known = read_objects(_campaigns, ends, number, planned_once=number is None)
        request._registry_campaigns = known  # type: ignore[attr-defined]
    return known


def _campaigns(ends: Values, number: int | None) -> QuerySet[Campaign]:
    """Return those seen from so many intervals with these ends; None: from everywhere."""
    rows, spans = Campaign.objects.all(), from_values(ends, number)
    return rows if spans is None else nouns.of(Campaign).seen(rows, spans)


def _opening(campaigns: list[Campaign]) -> Opening | None:
    """Return the first opening that an app knows."""
    return next((found for knows in nouns.handed_up("openings") if (found := knows(campaigns))), None)


def _opens_on(campaign: Campaign | None, opening: Opening | None, today: date) -> date:
    if campaign is not None and (last := campaign.last_day) is not None and last < today:
        return last
    return opening.day if opening else today


def back_of(request: HttpRequest) -> str:
    """Return the page of ours that a form names as ``back``, else home."""
    wanted = request.POST.get("back", "")
    is_ours = url_has_allowed_host_and_scheme(wanted, allowed_hosts=None) and wanted.startswith("/")
    return wanted if is_ours else address_of(request).url(reverse("home"))


def actor_of(request: HttpRequest) -> Actor:
    """Return the user of the request as an actor for the record."""
    user = request.user if isinstance(request.user, User) else None
    return Actor(
        user=user,
        name=str(user) if user else "匿名",
        address=str(request.META.get("REMOTE_ADDR", "")),
        request_number=str(getattr(request, "request_number", "")),
    )
