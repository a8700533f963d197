"""What the regulations find in entries: on the page of one, on the page of all rules, and as a list."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from registry import access
from registry.counting.basis import Question, rows_of
from registry.counting.metric import APPROVED_OR_PENDING
from registry.logbooks.checking import CHECKED, EntryBreach, breaches_of
from registry.logbooks.models import Entry
from registry.logbooks.pages.tables import ENTRIES
from registry.models import Unit
from registry.models.hierarchy import Span, UnitHierarchy
from registry.rules.checks import BY_SLUG, ENTRY_CHECKS
from registry.spreadsheets.sheets import Kind
from registry.web.address import address_of
from registry.web.columns import Column, tag_cell
from registry.web.drill import UnitTable
from registry.web.filters import ChoiceFilter, UnitFilter
from registry.web.levels import TONES, OfLevel
from registry.web.tables import show

MOST = 3000
"""Of more entries at a place the newest are judged, which its page says."""


def of_entry(request: HttpRequest, row: Entry) -> tuple[str, dict[str, Any]] | None:
    """Return the card of an entry's page: what is wrong with it on the day of the page."""
    found = breaches_of([row], address_of(request).as_of)
    lines = [(each.check.level.label, TONES[each.check.level], each.message) for each in found]
    return ("logbooks/_checked.html", {"lines": lines}) if lines else None


def of_place(
    request: HttpRequest, unit: Unit | None, question: Question
) -> tuple[str, dict[str, Any]] | None:
    """Return the card of the page of all rules: how many entries at a place break which."""
    address = address_of(request)
    found, is_cut = _found(request, unit, question)
    numbers = Counter(each.slug for each in found)
    lines = [
        {
            "label": check.label,
            "rule_url": address.url(reverse("rule", args=[check.slug])),
            "level": check.level.label,
            "tone": TONES[check.level],
            "about": check.about,
            "number": numbers[check.slug],
            "url": address.url(reverse("entries_checked"), unit=unit.code if unit else None, rule=check.slug),
        }
        for check in ENTRY_CHECKS
        if numbers[check.slug]
    ]
    return ("logbooks/_checks.html", {"lines": lines, "most": MOST if is_cut else 0}) if lines else None


def _found(request: HttpRequest, unit: Unit | None, question: Question) -> tuple[list[EntryBreach], bool]:
    """Return what is wrong with entries at a place, and whether there are more than were judged."""
    shape = UnitHierarchy.on(question.as_of)
    tops = [unit] if unit is not None else access.top_units(request.user)
    spans: list[Span] = [span for top in tops for span in shape.spans(top)]
    rows = rows_of(ENTRIES, question.current(), spans, APPROVED_OR_PENDING)
    rows = rows.filter(logbook__shipped__in=CHECKED, logbook__is_walled=False)
    newest = list(
        rows.select_related("logbook", "unit", "person").order_by("-happened_on", "-pk")[: MOST + 1]
    )
    return breaches_of(newest[:MOST], question.as_of), len(newest) > MOST


@dataclass(frozen=True)
class ListedEntryBreach(OfLevel):
    """One line of the list."""

    table: CheckedTable
    breach: EntryBreach

    @property
    def entry(self) -> Entry:
        """The entry."""
        return self.breach.entry

    @property
    def url(self) -> str:
        """Its page."""
        return self.table.address.url(self.entry.get_absolute_url())

    @property
    def who(self) -> str:
        """Whom it is about, where it is about a person."""
        return self.entry.person.name if self.entry.person is not None else ""


class CheckedTable(UnitTable[ListedEntryBreach]):
    """The entries at a unit and below it that break a rule, on the day of the page."""

    title = "台账条目检查"
    file = "entries_checked_export"
    unit_word = "项"
    heading = "问题"
    nothing = "没有发现问题。"
    can_be_samples = True
    nothing_found = "没有符合条件的问题。"
    columns: Sequence[Column[ListedEntryBreach]] = (
        Column("条目", "entry.name", url="url", is_sample="entry.is_sample", css="text", is_heading=True),
        Column("人员", "who", css="nowrap"),
        Column("台账", "entry.logbook.name", css="nowrap", rank=2),
        Column("单位", "entry.unit.name", text="entry.unit.label"),
        Column("日期", "entry.happened_on", Kind.DATE, rank=2),
        Column("规则", "breach.check.label", rank=2),
        Column("级别", "level", cell=tag_cell),
        Column("问题", "breach.message", css="text"),
    )
    filters = (
        UnitFilter(label="单位(含下级)"),
        ChoiceFilter(
            "rule",
            "规则",
            lambda _table, rows, value: [row for row in rows if row.slug == value],
            choices=[(check.slug, check.label) for check in ENTRY_CHECKS],
        ),
    )

    def every(self) -> list[EntryBreach]:
        """Return everything that is wrong, rule by rule."""
        rules = {slug: at for at, slug in enumerate(BY_SLUG)}
        found, _is_cut = _found(self.request, self.unit, self.question)
        return sorted(found, key=lambda each: rules[each.slug])

    def has_samples(self) -> bool:
        """Whether an entry is an invented one."""
        return any(each.entry.is_sample for each in self.rows)

    def lines(self, found: list[Any]) -> list[ListedEntryBreach]:
        """Return these with their entries, which are at hand."""
        return [ListedEntryBreach(self, each) for each in found]


@require_safe
def checked(request: HttpRequest) -> HttpResponse:
    """The entries that break a rule, at a unit and below it."""
    table = CheckedTable(request)
    code = table.unit.code if table.unit is not None else None
    if code is not None:
        request.current_unit = code  # type: ignore[attr-defined]
    crumbs = [{"name": "工作台账", "url": table.address.url(reverse("logbooks"), unit=code)}]
    return show(table, crumbs=[*crumbs, {"name": table.title}])
