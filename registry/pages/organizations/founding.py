"""Founding the same organization, perhaps with its groups, at many units at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, cast

from django import forms
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from registry import access
from registry.models import Organization, OrganizationKind, Unit
from registry.models.base import in_spans
from registry.models.hierarchy import Span
from registry.models.kinds import PARTY_KINDS
from registry.operations import organizations as operations
from registry.pages.organizations.forms import (
    KIND_GROUPS,
    REGISTERED_KINDS,
    kind_words,
    suggest_parent,
    superior_at,
)
from registry.rules import organizations as rules
from registry.rules import workflow
from registry.rules.findings import Severity
from registry.web.address import Address, actor_of, address_of
from registry.web.campaigns import CampaignField, campaign_of
from registry.web.changes import change, changes_something, fingerprint, posted
from registry.web.fields import DayField, PickerField, ScopedForm, document_field, wide
from registry.web.links import way_to
from registry.web.text import cleaned

UNIT_MARK = "{单位}"
SHOWN = 200
"""The most units that are shown to tick from; others are found by typing."""
NAMED = 20
"""The most new organizations that are named, with links, once they are founded."""


@dataclass
class Planned:
    """One organization that would be founded, and what the rules say of it."""

    organization: Organization
    is_group: bool = False
    refusals: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


class FoundingForm(ScopedForm):
    """What is founded at each of the units ticked."""

    units = forms.ModelMultipleChoiceField(
        label="单位",
        queryset=Unit.objects.none(),
        to_field_name="code",
        error_messages={"required": "请至少勾选一个单位。"},
    )
    kind = forms.ChoiceField(label="组织类型", choices=REGISTERED_KINDS)
    pattern = forms.CharField(
        label="名称",
        max_length=110,
        required=False,
        widget=wide(placeholder=f"{UNIT_MARK}临时党支部"),
        help_text=f"{UNIT_MARK}处填各单位的名称;不填就是“单位名+类型”。",
    )
    established_on = DayField(label="成立日期")
    approval_number = document_field("批复文号")
    campaign = CampaignField()
    parent = PickerField(
        "organization",
        label="上级组织",
        required=False,
        help_text="填写后都设在它之下;不填就各设在本单位或上级单位最近的党组织之下。",
    )
    is_standing = forms.BooleanField(label="常设党组织(不是临时党组织)", required=False)
    groups = forms.CharField(
        label="下设的组",
        required=False,
        widget=forms.Textarea(attrs={"rows": "3", "placeholder": "甲班党小组\n乙班党小组"}),
        help_text="每行一个,接在组织名称后面;不设就留空。",
    )
    group_kind = forms.ChoiceField(
        label="组的类型", choices=KIND_GROUPS, initial=OrganizationKind.GROUP.value, required=False
    )

    renames = {"is_temporary": "is_standing"}

    def __init__(self, *args: Any, unit: Unit, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.unit = unit
        cast(CampaignField, self.fields["campaign"]).offer(self.user)
        inside = in_spans([Span(unit.tree_id, unit.lft, unit.rght)])
        rows = access.visible(self.user, Unit.objects.filter(inside), "establish_organization")
        self.all_units = rows.filter(closed_on__isnull=True).select_related("parent").order_by("lft")
        cast(Any, self.fields["units"]).queryset = self.all_units
        kind = self.data.get("kind") or self.initial.get("kind") or ""
        superior_at(cast(PickerField, self.fields["parent"]), self.user, unit, kind)

    def main_fields(self) -> list[forms.BoundField]:
        """The fields beside the list of units."""
        return [each for each in super().main_fields() if each.name != "units"]

    def is_valid(self) -> bool:
        """Whether it may be saved: not when it was sent for the preview alone."""
        return super().is_valid() and "check" not in self.data

    # --- The units ---

    @property
    def unit_query(self) -> str:
        """What the list of units is filtered by."""
        return cleaned(self.data.get("unit_q", ""))

    @cached_property
    def ticked(self) -> set[str]:
        """The codes of the units ticked."""
        data: Any = self.data
        return {code for code in data.getlist("units") if "\x00" not in code} if self.is_bound else set()

    @cached_property
    def listed_units(self) -> list[Unit]:
        """The units to tick from: those ticked, then what the filter leaves."""
        ticked = list(self.all_units.filter(code__in=self.ticked))
        rows = self.all_units.exclude(code__in=self.ticked)
        if self.unit_query:
            found = Unit.objects.matching(self.unit_query).order_by().values("pk")
            rows = rows.filter(pk__in=found)
        self.are_more = rows.count() > SHOWN
        return [*ticked, *rows[:SHOWN]]

    # --- What would be founded ---

    def clean(self) -> dict[str, Any]:
        """Plan it; the preview shows at each row what the rules refuse."""
        sent: dict[str, Any] = super().clean() or self.cleaned_data
        pattern = sent.get("pattern", "")
        if sent.get("is_standing") and sent.get("kind", "") not in ("", *PARTY_KINDS):
            self.add_error("is_standing", "只有党组织分临时和常设。")
        if pattern and UNIT_MARK not in pattern and len(sent.get("units", ())) > 1:
            self.add_error("pattern", f"多个单位不能同名,请在名称中写上{UNIT_MARK}。")
        wrong = sum(bool(each.refusals) for each in self.plan)
        if wrong:
            self.add_error(None, f"有 {wrong} 个组织不能成立,原因见预览;改正后全部一起成立。")
        return sent

    @cached_property
    def plan(self) -> list[Planned]:
        """Every organization that would be founded, each with what the rules find."""
        sent = self.cleaned_data
        if not sent.get("units") or not sent.keys() >= {"kind", "established_on", "parent", "campaign"}:
            return []
        planned: list[Planned] = []
        for unit in sent["units"]:
            main = self._main(unit)
            planned.append(Planned(main))
            group_kind = sent.get("group_kind") or OrganizationKind.GROUP.value
            for words in dict.fromkeys(filter(None, map(str.strip, sent.get("groups", "").splitlines()))):
                group = self._planned(unit, group_kind, f"{main.name}{words}", main)
                planned.append(Planned(group, is_group=True))
        self._judge(planned)
        return planned

    def _main(self, unit: Unit) -> Organization:
        """Return the unit's organization: named by the pattern, under the superior chosen or the nearest."""
        sent, kind = self.cleaned_data, self.cleaned_data["kind"]
        is_temporary = self._is_temporary(kind)
        pattern = sent.get("pattern") or f"{UNIT_MARK}{kind_words(kind, is_temporary)}"
        parent = sent["parent"] or suggest_parent(self.user, unit, kind, is_temporary, sent["established_on"])
        return self._planned(unit, kind, pattern.replace(UNIT_MARK, unit.label), parent)

    def _is_temporary(self, kind: str) -> bool:
        return kind in PARTY_KINDS and not self.cleaned_data.get("is_standing")

    def _planned(self, unit: Unit, kind: str, name: str, parent: Organization | None) -> Organization:
        sent = self.cleaned_data
        return Organization(
            unit=unit,
            kind=kind,
            name=name,
            parent=parent,
            is_temporary=self._is_temporary(kind),
            established_on=sent["established_on"],
            approval_number=sent.get("approval_number", ""),
            campaign=sent["campaign"],
        )

    def _judge(self, planned: list[Planned]) -> None:
        """Ask the rules; that nobody is in yet is said once, on the page."""
        proposals = {
            rules.Establishment(
                row.kind,
                row.unit,
                row.established_on,
                row.is_temporary,
                row.parent,
                campaign=row.campaign,
                name=row.name,
            ): each
            for each in planned
            for row in [each.organization]
        }
        for finding in rules.findings(list(proposals), self.user):
            about = proposals.get(cast(rules.Establishment, finding.subject))
            if about is None or finding.field == "members":
                continue
            said = about.refusals if finding.severity == Severity.REFUSE else about.warnings
            said.append(finding.message)
        for each in planned:
            if len(each.organization.name) > 120:
                each.refusals.append("名称超过 120 个字,请缩短。")

    @property
    def mark(self) -> str:
        """A mark of what the preview shows, sent with it: when it has changed, the preview is shown again."""
        return fingerprint([f"{each.organization.name} {';'.join(each.warnings)}" for each in self.plan])

    def warnings(self) -> list[str]:
        """Show the preview before anything is founded."""
        if self.data.get("previewed") == self.mark:
            return []
        return [f"将一次成立 {len(self.plan):,} 个组织,请核对预览后再确认。"]


@changes_something
def found(request: HttpRequest, code: str) -> HttpResponse:
    """Found the same organization with its groups at the units ticked: all of them or none."""
    unit = access.get_unit(request.user, code, "establish_organization")
    request.current_unit = unit.code  # type: ignore[attr-defined]
    address = address_of(request)
    campaign = campaign_of(request.user, address)
    initial = {
        "kind": OrganizationKind.BRANCH.value,
        "established_on": address.as_of,
        "campaign": campaign.code if campaign else None,
    }
    form = FoundingForm(posted(request), user=request.user, unit=unit, initial=initial)
    url = address.url(unit.get_absolute_url())

    def act() -> list[Organization]:
        rows = [each.organization for each in form.plan]
        for row in rows:
            row.state = workflow.ENTER.to.value
        return list(operations.establish_organizations(actor=actor_of(request), organizations=rows))

    return change(
        request,
        form,
        act,
        done=lambda made: _founded(made, unit, address),
        back=url,
        template="pages/organizations/founding.html",
        context={
            "unit": unit,
            "title": "批量成立组织",
            "subtitle": f"{unit.name}及下级单位",
            "crumbs": [{"name": unit.label, "url": url}, {"name": "批量成立组织"}],
            "cancel_url": url,
            "submit_label": "全部提交审批",
        },
        warn=form.warnings,
    )


def _founded(made: list[Organization], unit: Unit, address: Address) -> SafeString:
    """Say what was founded, with links to the first of them."""
    mains = [row for row in made if row.parent not in made]
    links = format_html_join(
        "、",
        '<a href="{}">{}</a>',
        ((address.url(row.get_absolute_url()), row.name) for row in mains[:NAMED]),
    )
    more = "等" if len(mains) > NAMED else ""
    units = len({row.unit_id for row in made})
    said = format_html(
        "已在 {} 个单位成立 {} 个组织:{}{}。已提交审批,批准前不计入统计。", units, len(made), links, more
    )
    ledger = address.url(reverse("organizations"), unit=unit.code)
    return format_html('{} <a href="{}">在台账中查看</a>{}', said, ledger, way_to(address, unit))
