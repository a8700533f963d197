"""The period of a chart: the last days up to the day asked, the whole campaign, or days of one's own.

In the address ``range`` names it (``RANGES``), ``from`` and ``to`` are one's own days. What cannot be used is
said, and the usual period is shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from django.core.exceptions import ValidationError
from django.http import HttpRequest

from registry.web.address import EARLIEST, KEPT, Address, campaigns_of
from registry.web.fields import DayField, ScopedForm, typed_day
from registry.web.links import Tab
from registry.web.lists import others
from registry.web.text import cleaned

RANGES = (("7", "7 日"), ("30", "30 日"), ("90", "90 日"), ("all", "全程"), ("own", "自定"))
USUAL = "30"
LONGEST = 5 * 366
PARAMETERS = ("range", "from", "to")


@dataclass(frozen=True)
class Period:
    """The days from ``since`` to ``until``, both included, and how the page offers others."""

    request: HttpRequest
    address: Address
    key: str
    since: date
    until: date
    problems: tuple[str, ...] = ()

    @property
    def days(self) -> int:
        """How many days there are."""
        return (self.until - self.since).days + 1

    @property
    def words(self) -> str:
        """The days as lists and files say them."""
        return f"{self.since:%Y-%m-%d} 至 {self.until:%Y-%m-%d}"

    @property
    def kept(self) -> dict[str, str | None]:
        """The parameters of an address that asks for the same."""
        is_own = self.key == "own"
        return {
            "range": None if self.key == USUAL else self.key,
            "from": self.since.isoformat() if is_own else None,
            "to": self.until.isoformat() if is_own else None,
        }

    @property
    def tabs(self) -> list[Tab]:
        """The periods to choose from: label, address, whether it is this one; 自定 begins with these days."""
        own = {"from": self.since.isoformat(), "to": self.until.isoformat()}
        return [
            Tab(
                label,
                self._url(range=None if key == USUAL else key, **(own if key == "own" else {})),
                key == self.key,
            )
            for key, label in RANGES
        ]

    def _url(self, **changes: str | None) -> str:
        query = self.request.GET.copy()
        for name in (*KEPT, *PARAMETERS, "page"):
            query.pop(name, None)
        query.update({name: value for name, value in changes.items() if value})
        words = "&".join(filter(None, [self.address.keep, query.urlencode()]))
        return f"{self.request.path}?{words}" if words else self.request.path

    @property
    def form(self) -> ScopedForm | None:
        """The form of 自定, with what was typed; None for the other periods."""
        if self.request.GET.get("range") != "own":
            return None
        fields = {"from": DayField(label="自", required=False), "to": DayField(label="至", required=False)}
        made = type("Days", (ScopedForm,), fields)
        typed = {name: self.request.GET.get(name, "") for name in ("from", "to")}
        initial = {"from": typed["from"] or self.since, "to": typed["to"] or self.until}
        form: ScopedForm = made(user=self.request.user, initial=initial, auto_id="period_%s")
        return form

    @property
    def others(self) -> list[tuple[str, str]]:
        """The other parameters of the address, which the form keeps."""
        return [*others(self.request, PARAMETERS), ("range", "own")]


def period_of(request: HttpRequest, address: Address) -> Period:
    """Read the period of the address."""
    key = cleaned(request.GET.get("range", "")) or USUAL
    try:
        since, until = _days(request, address, key)
    except ValueError as error:
        since, until = _last(address, int(USUAL))
        return Period(request, address, USUAL, since, until, (f"{error}已显示近 {USUAL} 日。",))
    return Period(request, address, key, since, until)


def _last(address: Address, days: int) -> tuple[date, date]:
    return address.as_of - timedelta(days=days - 1), address.as_of


def _days(request: HttpRequest, address: Address, key: str) -> tuple[date, date]:
    """Return the first and the last day; a ValueError says why they cannot be used."""
    if key == "own":
        return _own(request, address)
    if key == "all":
        return _whole(request, address)
    if key not in dict(RANGES):
        raise ValueError(f"没有名为“{key}”的区间。")
    return _last(address, int(key))


def _own(request: HttpRequest, address: Address) -> tuple[date, date]:
    """Return the days that were typed: without an end up to the day asked, without a start the usual."""
    until = _typed(request, address, "to", "结束日期") or address.as_of
    since = _typed(request, address, "from", "起始日期") or until - timedelta(days=int(USUAL) - 1)
    if since > until:
        raise ValueError(f"起始日期 {since} 晚于结束日期 {until},请改正。")
    if until > address.today:
        raise ValueError(f"结束日期 {until} 晚于今天,请改正。")
    if since < EARLIEST:
        raise ValueError(f"起始日期 {since} 太早,请改正。")
    if (until - since).days >= LONGEST:
        raise ValueError(f"{since} 至 {until} 太长,最多 5 年。")
    return since, until


def _typed(request: HttpRequest, address: Address, name: str, word: str) -> date | None:
    try:
        return typed_day(cleaned(request.GET.get(name, "")), address.as_of)
    except ValidationError as error:
        raise ValueError(f"{word}:{error.messages[0]}") from None


def _whole(request: HttpRequest, address: Address) -> tuple[date, date]:
    """Return the days of the campaign up to the day asked; of all campaigns, those since the first began."""
    campaign, until = address.question.campaign, address.as_of
    if campaign is not None:
        since: date | None = campaign.started_on
    else:
        since = min((each.started_on for each in campaigns_of(request)), default=None)
    if since is None:
        raise ValueError("还没有专项任务,没有“全程”可看。")
    if since > until:
        raise ValueError(f"专项任务自 {since} 启动,晚于截至日期。")
    return max(since, until - timedelta(days=LONGEST - 1)), until
