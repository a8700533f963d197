"""Which logbooks are in use at a unit, and what of them a page needs: their addresses and their numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from django.db.models import Q, QuerySet, prefetch_related_objects
from django.urls import reverse

from registry import access
from registry.counting.metrics import METRICS
from registry.logbooks.design import Group
from registry.logbooks.metrics import LogbookMetric
from registry.logbooks.models import Logbook
from registry.logbooks.nouns import LOGBOOK
from registry.logbooks.rules import below
from registry.models import Unit
from registry.models.base import in_spans, on_day
from registry.models.hierarchy import Span
from registry.models.kinds import WorkflowState
from registry.models.prepared import Values, read_objects
from registry.nouns.noun import over
from registry.web.address import Address

TONES = {"draft": "warn", "submitted": "warn", "returned": "bad", "withdrawn": "plain", "approved": "ok"}
_GROUPS = {group: place for place, group in enumerate(Group.values)}


def get_logbook(user: access.AnyUser, code: str) -> Logbook:
    """Return a logbook that the user's units use, or that is used below them; else raise ``Http404``."""
    found: Logbook = access.get_row(user, "logbook", code)
    return found


def used_at(unit: Unit, day: date, about: str = "") -> list[Logbook]:
    """Return the logbooks in use at a unit on a day: its own and those of the units above, by group."""
    rows = read_objects(_used, [unit.tree_id, unit.lft, unit.rght, day], about)
    prefetch_related_objects(rows, "handed")
    return sorted((each for each in rows if unit.pk in below(each, [unit])), key=_place)


def _used(values: Values, about: str) -> QuerySet[Logbook]:
    *ends, day = values
    rows = Logbook.objects.filter(over([Span(*ends)], "unit__"), on_day(day))
    return (rows.filter(about=about) if about else rows).select_related("unit").order_by()


def used_below(units: Sequence[Unit], day: date) -> list[Logbook]:
    """Return the logbooks in use at these units, above or below them on a day."""
    seen = LOGBOOK.seen(Logbook.objects.all(), [Span(unit.tree_id, unit.lft, unit.rght) for unit in units])
    return in_order(seen.filter(on_day(day)))


def in_order(rows: QuerySet[Logbook]) -> list[Logbook]:
    """Return logbooks by group, in a group the first made first."""
    return sorted(rows.select_related("unit").prefetch_related("handed"), key=_place)


def _place(logbook: Logbook) -> tuple[int, int]:
    return _GROUPS.get(logbook.group, 99), logbook.pk


def watched(logbook: Logbook) -> list[Logbook]:
    """Return the logbooks whose entries are waited for: those called so above or below the logbook's unit."""
    watch, unit = logbook.made.watch, logbook.unit
    if watch is None:
        return []
    called = Q(code=watch.by) | Q(shipped=watch.by)
    spans = [Span(unit.tree_id, unit.lft, unit.rght)]
    rows = Logbook.objects.filter(called, over(spans, "unit__") | in_spans(spans, "unit__"))
    return list(rows.exclude(started_on=None).order_by("pk"))


def idle_title(others: Sequence[Logbook], days: int) -> str:
    """Return what the list of units is called that wait for an entry in one of the other logbooks."""
    return f"{days} 天没有{others[0].name if others else '登记'}的单位"


def metric_called(slug: str) -> LogbookMetric | None:
    """Return the metric of a logbook by its slug."""
    found = METRICS.get(slug)
    return found if isinstance(found, LogbookMetric) else None


def counted_url(address: Address, slug: str, **changes: str | None) -> str:
    """Return the address of what is behind a number of a logbook."""
    return address.url(reverse("entries_counted"), metric=slug, **changes)


def enter_url(address: Address, logbook: Logbook, **about: str) -> str:
    """Return the address of the form for a new entry; ``about`` fills it in: unit, organization, person."""
    return address.url(reverse("entry_add", args=[logbook.code]), **about)


def menu(address: Address, logbooks: Iterable[Logbook], **about: str) -> list[dict[str, Any]]:
    """Return the entries of the menu 登记, by group: (group, [(name, address)])."""
    found: dict[str, list[tuple[str, str]]] = {}
    for each in logbooks:
        label = str(Group(each.group).label)
        found.setdefault(label, []).append((each.name, enter_url(address, each, **about)))
    return [{"label": label, "links": links} for label, links in found.items()]


def state_word(logbook: Logbook, state: str) -> str:
    """Return the state of an entry in words: where nobody approves, what counts was just entered."""
    if state == WorkflowState.APPROVED and not logbook.needs_approval:
        return "已登记"
    return str(WorkflowState(state).label)
