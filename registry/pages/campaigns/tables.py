"""The list of campaigns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count
from django.urls import reverse

from registry import access
from registry.counting.basis import organization_rows
from registry.models import Campaign
from registry.pages.campaigns.page import address_within, list_url, places, state_tag
from registry.spreadsheets.sheets import Kind
from registry.web.address import Address
from registry.web.columns import Column, tag_cell
from registry.web.filters import ChoiceFilter, TextFilter
from registry.web.tables import Empty, Table


@dataclass(frozen=True)
class ListedCampaign:
    """One campaign of the list."""

    address: Address
    campaign: Campaign
    number: int
    is_lead_seen: bool

    @property
    def url(self) -> str:
        """The campaign's page."""
        return self.address.url(self.campaign.get_absolute_url())

    @property
    def lead_url(self) -> str:
        """The page of the lead unit, where it is in scope."""
        unit = self.campaign.lead_unit
        return self.address.url(unit.get_absolute_url()) if unit and self.is_lead_seen else ""

    @property
    def organizations_url(self) -> str:
        """The organizations that stand in it."""
        return list_url(address_within(self.address, self.campaign), "organizations")

    @property
    def state(self) -> str:
        """Whether it goes on, on the day."""
        return state_tag(self.campaign, self.address.as_of)[1]

    @property
    def tone(self) -> str:
        """The tone of the state."""
        return state_tag(self.campaign, self.address.as_of)[0]


def _in_state(table: CampaignTable, rows: Any, state: str) -> Any:
    return rows.filter(ended_on__isnull=state == "open")


class CampaignTable(Table[ListedCampaign]):
    """The campaigns of the user's units, of those above and of those below."""

    title = "专项任务"
    file = "campaigns_export"
    unit_word = "项"
    nothing = "还没有专项任务,由管理员在牵头单位启动。"
    nothing_found = "没有符合筛选条件的专项任务。"
    default_sort = "-started"
    columns: Sequence[Column[ListedCampaign]] = (
        Column("名称", "campaign.name", key="name", sort=("name",), url="url", css="text", is_heading=True),
        Column("状态", "state", cell=tag_cell),
        Column("启动", "campaign.started_on", Kind.DATE, key="started", sort=("started_on",)),
        Column("结束", "campaign.ended_on", Kind.DATE, key="ended", sort=("ended_on",)),
        Column("牵头单位", "campaign.lead_unit.name", url="lead_url", text="campaign.lead_unit.label"),
        Column("现有组织", "number", Kind.NUMBER, url="organizations_url"),
        Column("任务代码", "campaign.code", Kind.CODE, only="file"),
    )
    filters = (
        ChoiceFilter("state", "状态", _in_state, "{}", choices=[("open", "进行中"), ("over", "已结束")]),
        TextFilter("q", "名称", "name__icontains"),
    )

    def every(self) -> Any:
        """Return the campaigns that the user sees."""
        return access.visible(self.user, Campaign.objects.order_by())

    def sortable(self, rows: Any) -> Any:
        """Join the lead unit."""
        return rows.select_related("lead_unit")

    def lines(self, found: list[Any]) -> list[ListedCampaign]:
        """Return these campaigns, each with the number of organizations that stand in it."""
        question, scope = self.question.current(), access.spans(self.user)
        rows = organization_rows(None, question, places(self.user, question)).filter(campaign__in=found)
        numbers = dict(rows.order_by().values_list("campaign_id").annotate(number=Count("pk")))
        return [
            ListedCampaign(
                self.address,
                row,
                numbers.get(row.pk, 0),
                row.lead_unit is not None and access.inside(row.lead_unit, scope),
            )
            for row in found
        ]

    @property
    def actions(self) -> list[dict[str, str]]:
        """The button that starts a campaign."""
        if not access.may_somewhere(self.user, "start_campaign"):
            return []
        url = self.address.url(reverse("campaign_start"))
        return [{"label": "启动专项任务", "url": url, "tone": "main"}]

    @property
    def empty(self) -> Empty:
        """Without filters, the first one can be started."""
        if self.is_filtered or not self.actions:
            return super().empty
        return Empty(
            "还没有专项任务。启动以后,登记组织时可以选用它。", self.actions[0]["url"], "启动专项任务"
        )
