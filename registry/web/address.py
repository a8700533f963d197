"""Campaign, as-of date and basis: read from the address and kept on every link."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from urllib.parse import urlencode

from django.http import HttpRequest
from django.utils import timezone

from registry import access
from registry.audit import Actor
from registry.counting.basis import Question
from registry.models import Basis, Campaign, User, days

EARLIEST = date(1921, 7, 1)
"""The earliest day that an address may ask for."""
KEPT = ("campaign", "as_of", "basis", "since")


@dataclass(frozen=True)
class Address:
    """The question in a page's address, and the problems of the address."""

    question: Question
    today: date
    problems: tuple[str, ...] = field(default_factory=tuple)

    @property
    def as_of(self) -> date:
        """The day the page is about."""
        return self.question.as_of

    def query(self, **changes: str | None) -> str:
        """Return the query string that keeps campaign, date and basis, with ``changes`` (None: leave out).

        Other parameters are added in the order given.
        """
        kept: dict[str, str | None] = {
            "campaign": self.question.campaign.code if self.question.campaign else None,
            "as_of": None if self.as_of == self.today else self.as_of.isoformat(),
            "basis": None if self.question.basis == Basis.CURRENT else self.question.basis,
            "since": self.question.since.isoformat() if self.question.since else None,
        }
        return urlencode({key: value for key, value in {**kept, **changes}.items() if value})

    @property
    def keep(self) -> str:
        """The query string that keeps campaign, date and basis."""
        return self.query()

    def url(self, path: str, **changes: str | None) -> str:
        """Return ``path`` with the kept query string and ``changes``."""
        query = self.query(**changes)
        return f"{path}?{query}" if query else path


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

    campaign = None
    if raw["campaign"]:
        campaign = access.visible(request.user, Campaign.objects.filter(code=raw["campaign"])).first()
    as_of = day("as_of", "截至日期", (campaign and campaign.ended_on) or today) or today
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
        return Address(Question(today, campaign=campaign, scope=scope), today, tuple(problems))
    return Address(Question(as_of, basis, since, campaign, scope), today, tuple(problems))


def actor_of(request: HttpRequest) -> Actor:
    """Return the user of the request as an actor for the record."""
    user = request.user if isinstance(request.user, User) else None
    return Actor(
        user=user,
        name=str(user) if user else "匿名",
        address=str(request.META.get("REMOTE_ADDR", "")),
        request_number=str(getattr(request, "request_number", "")),
    )
