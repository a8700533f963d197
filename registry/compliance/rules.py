"""The pages of the rules: what each asks, by which edition, and how the bureau set it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.safestring import SafeString
from django.views.decorators.http import require_safe

from registry import access
from registry.compliance.found import LEVELS, citation_said
from registry.models import RuleSetting
from registry.models.compliance import THRESHOLDS
from registry.models.hierarchy import roots
from registry.rules.checks import BY_SLUG, EVERY, Check, Settings, thresholds_of
from registry.spreadsheets.sheets import Kind
from registry.web.address import Address, address_of
from registry.web.columns import Column, tag_cell
from registry.web.filters import ChoiceFilter
from registry.web.levels import TONES
from registry.web.tables import Table, show
from registry.web.templatetags.parts import tag


def numbers_said(numbers: Mapping[str, int]) -> str:
    """Return the thresholds of a check in words."""
    return "、".join(f"{THRESHOLDS[name]} {number}" for name, number in numbers.items())


@dataclass(frozen=True)
class ListedRule:
    """One rule as the bureau set it on the day."""

    address: Address
    check: Check
    setting: RuleSetting | None

    @property
    def url(self) -> str:
        """Its page."""
        return self.address.url(reverse("rule", args=[self.check.slug]))

    @property
    def level(self) -> str:
        """The word of the level."""
        return self.check.level.label

    @property
    def level_tone(self) -> str:
        """The colour of the level."""
        return TONES[self.check.level]

    @property
    def citation(self) -> str:
        """What may be quoted."""
        return citation_said(self.check, self.address.as_of)

    @property
    def is_on(self) -> bool:
        """Whether it is switched on."""
        return self.setting is None or self.setting.is_on

    @property
    def state(self) -> str:
        """Whether it is switched on, and whether that is the default."""
        return "停用" if not self.is_on else "启用(默认)" if self.setting is None else "启用(已设置)"

    @property
    def tone(self) -> str:
        """The colour of the state."""
        return "plain" if not self.is_on else "ok"

    @property
    def numbers(self) -> str | None:
        """Its thresholds of the day in words."""
        return numbers_said(thresholds_of(self.check, self.setting)) or None

    @property
    def defaults(self) -> str | None:
        """Its declared thresholds in words."""
        return numbers_said(self.check.thresholds) or None

    @property
    def since(self) -> date | None:
        """From which day the setting holds."""
        return self.setting.since if self.setting else None


def level_cell(row: ListedRule, words: str) -> SafeString:
    """Draw the level of a rule."""
    return tag(words, row.level_tone)


class RuleTable(Table[ListedRule]):
    """All rules, as the bureau set them on the day of the page."""

    title = "检查规则"
    file = "rules_export"
    unit_word = "条"
    heading = "规则"
    columns: Sequence[Column[ListedRule]] = (
        Column("规则", "check.label", url="url", css="text", is_heading=True),
        Column("级别", "level", cell=level_cell),
        Column("要求", "check.about", css="text", rank=2),
        Column("依据", "citation", css="text", rank=3),
        Column("数值", "numbers", css="text", rank=2),
        Column("默认数值", "defaults", only="file"),
        Column("状态", "state", cell=tag_cell),
        Column("起用日期", "since", Kind.DATE, rank=3),
    )
    filters = (
        ChoiceFilter(
            "level",
            "级别",
            lambda table, rows, value: [row for row in rows if row.level == value],
            choices=LEVELS,
        ),
    )

    @property
    def place(self) -> str:
        """They hold for everybody."""
        return "全部单位"

    def every(self) -> list[Check]:
        """Return every rule."""
        return list(EVERY)

    def lines(self, found: list[Check]) -> list[ListedRule]:
        """Return these rules with their settings: one query."""
        settings, day = Settings.read(), self.question.as_of
        return [ListedRule(self.address, check, settings.on(check.slug, day)) for check in found]


@require_safe
def rules(request: HttpRequest) -> HttpResponse:
    """The list of rules."""
    crumbs = [{"name": "规范检查", "url": address_of(request).url(reverse("compliance"))}, {"name": "规则"}]
    return show(RuleTable(request), subtitle="对全部单位生效;由最上级单位的管理员设置", crumbs=crumbs)


@dataclass(frozen=True)
class Change:
    """One setting of a rule, and who made it."""

    since: date
    said: str
    by: str
    at: datetime
    reason: str


def check_of(slug: str) -> Check:
    """Return the rule with this slug, else raise ``Http404``."""
    if slug not in BY_SLUG:
        raise Http404(f"没有名为“{slug}”的规则。")
    return BY_SLUG[slug]


@require_safe
def rule(request: HttpRequest, slug: str) -> HttpResponse:
    """One rule: its setting on the day, its editions, and every setting that was made."""
    check, address = check_of(slug), address_of(request)
    settings = list(RuleSetting.objects.filter(slug=slug).select_related("set_by").order_by("-since"))
    line = ListedRule(address, check, Settings(settings).on(slug, address.as_of))
    actions = []
    if access.may(request.user, "set_rule", *roots()):
        url = address.url(reverse("rule_set", args=[slug]))
        actions = [{"label": "修改设置", "url": url, "tone": "main"}]
    context = {
        "check": check,
        "tag": check.level.label,
        "tone": line.level_tone,
        "facts": [
            ("状态", line.state),
            ("数值", line.numbers or "–"),
            ("默认数值", line.defaults or "–"),
            ("起用日期", line.since.isoformat() if line.since else "–"),
            ("依据", line.citation),
        ],
        "editions": check.editions,
        "changes": _changes(check, settings),
        "actions": actions,
        "crumbs": _crumbs(address, check),
        "day": address.as_of,
    }
    return render(request, "compliance/rule.html", context)


def _crumbs(address: Address, check: Check) -> list[dict[str, str]]:
    return [
        {"name": "规范检查", "url": address.url(reverse("compliance"))},
        {"name": "规则", "url": address.url(reverse("rules"))},
        {"name": check.label, "url": ""},
    ]


def _changes(check: Check, settings: list[RuleSetting]) -> list[Change]:
    """Return every setting in words, the newest first."""
    return [
        Change(
            each.since,
            f"启用 {numbers_said(thresholds_of(check, each))}".strip() if each.is_on else "停用",
            str(each.set_by) if each.set_by else "–",
            each.updated_at,
            each.reason,
        )
        for each in settings
    ]
