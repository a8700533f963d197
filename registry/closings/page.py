"""What the page of a closing says: its consequences as counts with their lists, and what it came to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.urls import reverse

from registry import access
from registry.closings.extent import Ended, Extent, Numbers
from registry.closings.models import Closing, ClosingState
from registry.closings.rules import closing_refusals
from registry.closings.tables import last_closing, seen_homes
from registry.models import Campaign
from registry.web.address import Address


@dataclass(frozen=True)
class Figure:
    """One number with the way to its rows; ``note`` says what of it is not listed."""

    label: str
    number: int
    measure: str
    url: str = ""
    note: str = ""
    is_waiting: bool = False


@dataclass(frozen=True)
class Line:
    """The numbers of one unit below the lead unit: (number, address of its rows, class of the cell)."""

    name: str
    numbers: Sequence[tuple[int, str, str]]
    pending: int
    pending_url: str


class Consequences:
    """What closing a campaign ends, or ended."""

    def __init__(self, extent: Extent, address: Address) -> None:
        self.extent, self.address = extent, address

    def url(self, name: str, **more: str | None) -> str:
        """Return the address of a list of the closing."""
        extent = self.extent
        on = None if isinstance(extent, Ended) else extent.on.isoformat()
        return self.address.url(reverse(name, args=[extent.campaign.code]), on=on, **more)

    @property
    def heads(self) -> list[tuple[str, str]]:
        """The heads of the table of units, each with the class of its column."""
        heads = [("党组织", "n"), ("岗、队、专班", "n drop-2"), ("编入人次", "n"), ("在编人员", "n drop")]
        return [*heads, *((due.label, "n drop") for due in self.extent.dues)]

    def by_unit(self) -> tuple[list[Line], Line]:
        """Return the lines of the table of units, and the line of the whole."""
        extent, found = self.extent, self.extent.by_unit()
        lines = [self._line(*extent.places[key], numbers) for key, numbers in found.items()]
        dues = {due.slug: sum(each.dues.get(due.slug, 0) for each in found.values()) for due in extent.dues}
        return lines, self._line(None, "合计", replace(extent.whole, dues=dues))

    def _line(self, at: str | None, name: str, numbers: Numbers) -> Line:
        organizations, assignments = "campaign_close_organizations", "campaign_close_assignments"
        placed = self.url(assignments, at=at)
        cells = [
            (numbers.party, self.url(organizations, at=at, what="party")),
            (numbers.formations, self.url(organizations, at=at, what="formations")),
            (numbers.placed, placed),
            (numbers.people, placed),
            *(
                (numbers.dues.get(due.slug, 0), self.address.url(due.url(self.extent.campaign)))
                for due in self.extent.dues
            ),
        ]
        styled = [(*cell, css) for cell, (_head, css) in zip(cells, self.heads, strict=True)]
        return Line(name, styled, numbers.pending, self.url(organizations, at=at, what="pending"))

    def figures(self) -> list[Figure]:
        """Return the consequences of the whole."""
        extent, homes, whole = self.extent, self.extent.homes(), self.extent.whole
        seen = seen_homes(extent).count()
        unseen = homes["branches"] - seen
        said = [f"另有 {unseen:,} 个支部不在您的管理范围"] if unseen else []
        said += [f"{homes['without']:,} 人没有登记支部"] if homes["without"] else []
        organizations = "campaign_close_organizations"
        already = "已" if isinstance(extent, Ended) else ""
        figures = [
            Figure(f"{already}撤销党组织", whole.party, "个", self.url(organizations, what="party")),
            Figure(
                f"{already}撤销先锋岗、先锋队、突击队、专班等",
                whole.formations,
                "个",
                self.url(organizations, what="formations"),
            ),
            Figure(f"{already}结束编入", whole.placed, "人次", self.url("campaign_close_assignments")),
            Figure("在本任务中服务过的人员", homes["people"], "人"),
            Figure("他们的组织关系所在支部", seen, "个", self.url("campaign_close_homes"), ";".join(said)),
        ]
        if isinstance(extent, Ended):
            return figures
        if staying := extent.staying().count():
            url = self.url(organizations, what="staying")
            figures.append(Figure("常设党组织", staying, "个", url, "不随任务撤销"))
        return [*figures, *self.waiting()]

    def waiting(self) -> list[Figure]:
        """Return what waits for a decision and comes first: organizations, and what else can be settled."""
        extent = self.extent
        url = self.url("campaign_close_organizations", what="pending")
        waits = [("待审批的组织", extent.whole.pending, "个", url)]
        for due, number in extent.waiting:
            waits.append((due.label, number, due.measure, self.address.url(due.url(extent.campaign))))
        return [Figure(*each, note="先批准或退回", is_waiting=True) for each in waits if each[1]]


def preview(extent: Extent, address: Address) -> dict[str, Any]:
    """Return what the page shows before the act."""
    consequences = Consequences(extent, address)
    lines, whole = consequences.by_unit()
    named, unseen = extent.outside_named()
    figures = consequences.figures()
    return {
        "heads": consequences.heads,
        "lines": lines,
        "whole": whole,
        "figures": figures,
        "waiting": [each for each in figures if each.is_waiting],
        "outside": named,
        "outside_unseen": unseen,
        "obstacles": [finding.message for finding in closing_refusals(extent)],
        "return_url": consequences.url("campaign_close_settle"),
    }


def sentences(extent: Extent) -> list[str]:
    """Return what will be done, in words; a form that was sent for other numbers is asked again."""
    whole, name = extent.whole, extent.campaign.name
    said = (
        f"“{name}”自 {extent.on.isoformat()} 起结束:撤销组织 {whole.organizations:,} 个,"
        f"结束编入 {whole.placed:,} 人次,前一日仍计入统计。"
    )
    return [said, "办理后到次日结束为止,可以在本任务页上整体恢复。"]


@dataclass(frozen=True)
class Panel:
    """What the campaign's page says of its closing."""

    closing: Closing
    facts: Sequence[tuple[str, object]]
    figures: list[Figure]
    url: str
    """The page of the closing, for who may close or reopen it."""
    reopen_url: str
    cancel_url: str


def panel_of(user: access.AnyUser, campaign: Campaign, address: Address) -> Panel | None:
    """Return what the campaign's page says of its closing; None where there is nothing to say."""
    closing = last_closing(campaign)
    is_over = closing is not None and closing.state in (ClosingState.FAILED, ClosingState.REOPENED)
    if closing is None or (is_over and campaign.ended_on is not None):
        return None
    may = access.may(user, "close_campaign", campaign)
    if closing.state == ClosingState.FAILED and not may:
        return None
    is_closed = closing.has_closed and campaign.ended_on is not None
    figures = Consequences(Ended(closing, user), address).figures() if is_closed else []
    code = [campaign.code]
    return Panel(
        closing,
        [
            ("结束日期", closing.on.isoformat()),
            ("撤销文号", closing.document_number or "无"),
            ("结束原因", closing.reason),
        ],
        figures,
        address.url(reverse("campaign_close", args=code)) if may else "",
        address.url(reverse("campaign_close_reopen", args=code)) if may and closing.may_be_reopened else "",
        address.url(reverse("campaign_close_cancel", args=code)) if may else "",
    )
