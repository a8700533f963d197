"""The units of a logbook without an entry of another one for so many days: areas not visited (M18)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django import forms
from django.db.models import Exists, F, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.utils.functional import cached_property
from django.views.decorators.http import require_POST, require_safe

from registry import access
from registry.counting.metric import APPROVED
from registry.logbooks.agreed import LONGEST_WATCH
from registry.logbooks.design import Watch
from registry.logbooks.models import Entry, EntryFact, EntryStep, Logbook
from registry.logbooks.pages.books import enter_url, idle_title, watched
from registry.logbooks.pages.filters import PREFIX
from registry.logbooks.pages.listed import ListedEntry
from registry.logbooks.pages.sums import Sums
from registry.logbooks.pages.tables import EntryTable
from registry.models import Unit
from registry.models.kinds import WorkflowState
from registry.spreadsheets.sheets import Kind
from registry.web.columns import Column
from registry.web.filters import Filter
from registry.web.tables import Act, show

_AREA = ("tree_id", "lft", "rght")


@dataclass(frozen=True)
class _DaysFilter(Filter):
    """For how many days: as the logbook says unless the address says otherwise."""

    def field(self, table: Any) -> forms.Field:
        """Return the box."""
        box = forms.TextInput(attrs={"inputmode": "numeric", "size": "5"})
        return forms.CharField(label=self.label, required=False, max_length=4, widget=box)

    def initial(self, table: Any) -> int:
        """Return the days in force."""
        days: int = table.days
        return days

    def read(self, table: Any) -> int | None:
        """Return the days where they are other ones."""
        text = str(super().read(table))
        if not text:
            return None
        if not text.isdecimal() or not 1 <= int(text) <= LONGEST_WATCH:
            raise ValueError(f"天数请填 1 至 {LONGEST_WATCH},“{text}”没有使用。")
        return None if int(text) == table.watch.days else int(text)

    def shown(self, table: Any, value: Any) -> str:
        """Return the days in words."""
        return f"{value} 天以上"


class IdleTable(EntryTable):
    """The entries of a logbook that name a unit where for so many days nothing was entered in the other one.

    An entry at the unit, or at one that stands below it today, is one there.
    """

    file = "entries_idle_export"
    unit_word = "个单位"
    default_sort = "-idle"
    acts: Sequence[Act] = ()

    def __init__(self, request: HttpRequest, code: str = "") -> None:
        super().__init__(request, code)
        name = self.others[0].name if self.others else "登记"
        self.columns = [
            *(each for each in self.columns if each.key not in ("step", "state")),
            Column(f"最近一次{name}", "entry.last_on", Kind.DATE, key="last", rank=1, text=_last_said),
            Column("已过天数", self._passed, Kind.NUMBER, key="idle", sort=("-idle_since",), rank=1),
            Column("", lambda _row: "登记", url=self._enter_url, only="page"),
        ]

    def _filters(self, request: HttpRequest) -> list[Filter]:
        kept = ("unit", "person", "organization", "q")
        found = [
            each for each in super()._filters(request) if each.name in kept or each.name.startswith(PREFIX)
        ]
        return [_DaysFilter("idle", "未登记天数"), *found]

    @cached_property
    def watch(self) -> Watch:
        """What the logbook agrees on."""
        watch = self.logbook.made.watch
        if watch is None:
            raise Http404("本台账没有约定到期提醒。")
        return watch

    @cached_property
    def others(self) -> list[Logbook]:
        """The logbooks whose entries are waited for."""
        return watched(self.logbook)

    @property
    def days(self) -> int:
        """After how many days a unit is listed."""
        return self.wanted.get("idle") or self.watch.days

    @property
    def title(self) -> str:
        """What is missing, and for how long."""
        return idle_title(self.others, self.days)

    @property
    def tab(self) -> str:  # type: ignore[override]
        """The title: an import takes it for no sheet of the logbook."""
        return self.title[:31]

    @property
    def actions(self) -> list[dict[str, str]]:
        """The way back to all entries."""
        url = self.address.url(self.logbook.get_absolute_url())
        return [{"label": f"全部{self.logbook.name}", "url": url}]

    @property
    def has_workflow(self) -> bool:
        """What is not approved counts for nothing here."""
        return False

    @property
    def sums(self) -> Sums:
        """No numbers of the logbook: the list has its own."""
        return Sums()

    @property
    def states(self) -> tuple[str, ...]:
        """What counts."""
        return APPROVED

    def every(self) -> QuerySet[Entry]:
        """Return the entries that stand on the day and whose unit has waited so long."""
        day, watch = self.question.as_of, self.watch
        rows = self.in_states(self.states)
        if watch.step:
            reached = EntryStep.objects.filter(entry=OuterRef("pk"), reached_on__lte=day)
            here = reached.filter(step=watch.step)
            rows = rows.annotate(stood=Subquery(here.values("pk")[:1])).filter(stood__isnull=False)
            rows = rows.filter(~Exists(reached.filter(pk__gt=OuterRef("stood"))))
        area = EntryFact.objects.filter(entry=OuterRef("pk"), item=self.items[watch.field]).values("number")
        rows = rows.annotate(area=Subquery(area[:1])).filter(area__isnull=False)
        unit = Unit.objects.filter(pk=OuterRef("area"))
        rows = rows.annotate(**{f"area_{name}": Subquery(unit.values(name)[:1]) for name in _AREA})
        visits = Entry.objects.filter(
            logbook__in=self.others,
            state=WorkflowState.APPROVED,
            happened_on__lte=day,
            unit__tree_id=OuterRef("area_tree_id"),
            unit__lft__gte=OuterRef("area_lft"),
            unit__rght__lte=OuterRef("area_rght"),
        ).order_by("-happened_on")
        rows = rows.annotate(last_on=Subquery(visits.values("happened_on")[:1]))
        rows = rows.annotate(idle_since=Coalesce(F("last_on"), F("happened_on")))
        found: QuerySet[Entry] = rows.filter(idle_since__lte=day - timedelta(self.days))
        return found

    def page_rows(self) -> QuerySet[Entry]:
        """Return where the rows of one page are read by their keys, with their last day."""
        rows: QuerySet[Entry] = self.detailed(self.every())
        return rows

    def _passed(self, row: ListedEntry) -> int:
        since = row.entry.idle_since  # type: ignore[attr-defined]
        passed: int = (self.question.as_of - since).days
        return passed

    def _enter_url(self, row: ListedEntry) -> str:
        """Return the address of the form that enters one there."""
        unit = row.rows.get(("unit", row.entry.values.get(self.watch.field)))
        if not self.others or not isinstance(unit, Unit) or not access.may(self.user, "add_entry", unit):
            return ""
        return enter_url(self.address, self.others[0], unit=unit.code)


def _last_said(row: ListedEntry) -> str:
    last = row.entry.last_on  # type: ignore[attr-defined]
    return last.isoformat() if last is not None else "没有"


@require_safe
def idle(request: HttpRequest, code: str) -> HttpResponse:
    """The units that wait."""
    return show(IdleTable(request, code))


@require_POST
def export(request: HttpRequest, code: str) -> HttpResponseBase:
    """Hand that list on as a file."""
    return IdleTable(request, code).as_file()
