"""The page of what breaks the rules at a unit: how many by rule and by unit below, each with its list."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from registry import access, nouns
from registry.compliance.found import EXCEPTED, LEVELS, checked_at, citation_said, nothing_wrong
from registry.counting.basis import Question
from registry.models import Unit
from registry.models.hierarchy import UnitHierarchy
from registry.rules.checks import (
    BY_SLUG,
    CHECKS,
    Check,
    Counted,
    Level,
    Number,
    Numbers,
    Settings,
    UnitNumbers,
    count_breaches,
)
from registry.web.address import Address, address_of
from registry.web.drill import unit_of
from registry.web.levels import TONES
from registry.web.statement import Statement, units_left_out

COLUMNS = (*LEVELS, (EXCEPTED, "例外"))
"""What is counted at a place: by level, and apart from it what is excepted."""

IN_LINE = [check.slug for check in CHECKS if check.level != Level.HINT]
"""What the line on a unit's page counts."""
MOST_IN_LINE = 2000
"""Of more organizations the line has no numbers: it would take longer than the page that it stands on."""


@dataclass(frozen=True)
class Count:
    """A number with the list of its rows."""

    label: str
    value: int
    url: str


@dataclass(frozen=True)
class RuleLine:
    """One rule: what it asks, what may be quoted, and how often it is broken."""

    check: Check
    url: str
    citation: str
    tone: str
    number: Count
    excepted: Count
    is_on: bool

    @property
    def is_clean(self) -> bool:
        """Whether nothing was found, excepted or not."""
        return not (self.number.value or self.excepted.value)


@dataclass(frozen=True)
class UnitLine:
    """One unit with all below it, or the unit of the page alone."""

    name: str
    url: str
    counts: list[Count]

    @property
    def is_clean(self) -> bool:
        """Whether nothing was found."""
        return not any(each.value for each in self.counts)


class Links:
    """The addresses of lists of breaches, on the day and in the campaign of the page."""

    def __init__(self, address: Address, unit: Unit | None) -> None:
        self.address, self.unit = address, unit

    def rows(self, unit: Unit | None = None, **filters: str | None) -> str:
        """Return the list of breaches at ``unit`` (the page's when left out) with these filters."""
        at = unit or self.unit
        question = {"basis": None, "since": None, "unit": at.code if at else None}
        return self.address.url(reverse("breaches"), **question, **filters)

    def counts(self, numbers: Numbers, unit: Unit | None = None, own: str | None = None) -> list[Count]:
        """Return the numbers of a place by level, and what is excepted, each with its list."""
        sums: Counter[str] = Counter()
        for slug, number in numbers.items():
            sums[BY_SLUG[slug].level.value] += number.breaches
            sums[EXCEPTED] += number.excepted
        made = []
        for name, label in COLUMNS:
            aside = {"excepted": "yes"} if name == EXCEPTED else {"level": name, "excepted": "no"}
            url = self.rows(unit, own=own, **aside) if sums[name] else ""
            made.append(Count(label, sums[name], url))
        return made

    def page(self, unit: Unit) -> str:
        """Return the page of a unit's breaches."""
        return self.address.url(reverse("compliance"), unit=unit.code)


class Summary:
    """What was found at the unit of the page and below it; without a unit, at all units of the user."""

    def __init__(self, request: HttpRequest) -> None:
        self.address = address_of(request)
        self.question: Question = self.address.question.current()
        self.scope = access.spans(request.user)
        self.shape = UnitHierarchy.on(self.question.as_of)
        self.unit = unit_of(request) or access.only_unit(request.user)
        self.tops = [self.unit] if self.unit else access.top_units(request.user)
        counted = [count_at(self.question, top, children=self.unit is not None) for top in self.tops]
        self.numbers: Numbers = {}
        for each in counted:
            for slug, number in each.numbers.items():
                known = self.numbers.get(slug, Number())
                self.numbers[slug] = Number(
                    known.breaches + number.breaches, known.excepted + number.excepted
                )
        self.own: Numbers = counted[0].own if self.unit else {}
        self.below: Sequence[UnitNumbers | Counted] = counted[0].children if self.unit else counted

    @property
    def place(self) -> str:
        """The place in words."""
        return f"{self.unit.name}及下级单位" if self.unit else "管理范围内全部单位"

    @property
    def statement(self) -> Statement:
        """What is said of the numbers."""
        spans = [span for top in self.tops for span in self.shape.spans(top)]
        return Statement(self.question, self.place, units_left_out(self.question, spans))

    def rules(self, links: Links) -> list[RuleLine]:
        """Return a line for each rule, in their order."""
        settings, day = Settings.read(), self.question.as_of
        return [
            RuleLine(
                check,
                links.address.url(reverse("rule", args=[check.slug])),
                citation_said(check, day),
                TONES[check.level],
                Count("", number.breaches, links.rows(rule=check.slug, excepted="no")),
                Count("例外", number.excepted, links.rows(rule=check.slug, excepted="yes")),
                settings.is_on(check, day),
            )
            for check in CHECKS
            for number in [self.numbers.get(check.slug, Number())]
        ]

    def units(self, links: Links) -> list[UnitLine]:
        """Return the lines of the units below, those where anything was found."""
        lines = [
            UnitLine(
                each.unit.label,
                links.page(each.unit) if access.inside(each.unit, self.scope) else "",
                links.counts(each.numbers, each.unit),
            )
            for each in self.below
        ]
        return [line for line in lines if not line.is_clean]

    def crumbs(self, links: Links) -> list[dict[str, str]]:
        """Return the units above on the day, each with its own page of breaches."""
        if self.unit is None:
            return [{"name": "规范检查"}]
        return [
            {
                "name": each.label,
                "url": links.page(each)
                if each.pk != self.unit.pk and access.inside(each, self.scope)
                else "",
            }
            for each in self.shape.path(self.unit)
        ]


def count_at(
    question: Question, unit: Unit, *, slugs: Collection[str] | None = None, children: bool = True
) -> Counted:
    """Return what is found at a unit and below it on the day, in the campaign and scope of the question."""
    return count_breaches(
        unit,
        question.as_of,
        slugs=slugs,
        scope=question.scope,
        campaign=question.campaign,
        children=children,
    )


@require_safe
def compliance(request: HttpRequest) -> HttpResponse:
    """Show how many breaches there are at a unit and below it on the day, by rule and by unit below."""
    summary = Summary(request)
    if summary.unit:
        request.current_unit = summary.unit.code  # type: ignore[attr-defined]
    links = Links(summary.address, summary.unit)
    every, rules = links.counts(summary.numbers), summary.rules(links)
    own = UnitLine("本单位", "", links.counts(summary.own, own="1"))
    context = {
        "unit": summary.unit,
        "subtitle": f"{summary.place} · {summary.question.as_of} 现有、已批准的组织",
        "crumbs": summary.crumbs(links),
        "statement": summary.statement,
        "every": every,
        "is_clean": not any(each.value for each in every),
        "nothing_wrong": nothing_wrong(summary.question.as_of),
        "rules": [each for each in rules if not each.is_clean],
        "others": [each for each in rules if each.is_clean],
        "units": summary.units(links),
        "own": None if own.is_clean else own,
        "heads": [label for _name, label in COLUMNS],
        "list_url": links.rows(),
        "panels": [
            panel
            for make in nouns.handed_up("compliance_panels")
            if (panel := make(request, summary.unit, summary.question))
        ],
        "actions": _actions(summary),
    }
    return render(request, "compliance/compliance.html", context)


def _actions(summary: Summary) -> list[dict[str, Any]]:
    """Return the ways to what stands beside it: exceptions, rules, workdays."""
    url = summary.address.url
    return [
        {"label": "打印", "tone": "print"},
        {
            "label": "例外",
            "url": url(reverse("exceptions"), unit=summary.unit.code if summary.unit else None),
        },
        {"label": "规则", "url": url(reverse("rules"))},
        {"label": "工作日历", "url": url(reverse("workdays"))},
    ]


@require_safe
def line(request: HttpRequest, code: str) -> HttpResponse:
    """Answer the page of a unit with the line that leads here."""
    unit = access.get_unit(request.user, code)
    links = Links(address_of(request), unit)
    question = links.address.question.current()
    spans = UnitHierarchy.on(question.as_of).spans(unit)
    is_large = checked_at(question, spans).order_by()[: MOST_IN_LINE + 1].count() > MOST_IN_LINE
    shown = []
    if not is_large:
        counted = count_at(question, unit, slugs=IN_LINE, children=False)
        shown = [each for each in links.counts(counted.numbers)[:2] if each.value]
    panel = {"counts": shown, "is_large": is_large, "url": links.page(unit)}
    return render(request, "compliance/_line.html", {"panel": panel})


def unit_panel(request: HttpRequest, unit: Unit) -> tuple[str, dict[str, Any]]:
    """Return the part of a unit's page that asks for its line once the page is there: no query here."""
    links = Links(address_of(request), unit)
    asks = links.address.url(reverse("compliance_line", args=[unit.code]))
    return "compliance/_line.html", {"url": links.page(unit), "asks": asks}
