"""The people whom a number of a logbook counts, each once however often they are named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import cached_property

from registry import access
from registry.logbooks.design import Way
from registry.logbooks.models import EntryFact
from registry.logbooks.pages.tables import EntryTable
from registry.models import Person
from registry.models.kinds import PENDING_STATES
from registry.nouns.person import PERSON
from registry.spreadsheets.sheets import Kind
from registry.web.columns import Column
from registry.web.links import row_url
from registry.web.lists import Part, Shown, sorts_of, with_query
from registry.web.people import person_columns
from registry.web.tables import Table


@dataclass(frozen=True)
class ListedPerson:
    """Somebody whom entries name, and how many of those that the number counts."""

    table: PeopleTable
    person: Person
    times: int

    @property
    def unit_url(self) -> str:
        """The page of the home unit, where the user sees it."""
        user, unit = self.table.user, self.person.home_unit
        return row_url(user, unit, self.table.address) if access.may(user, access.SEE, unit) else ""

    @property
    def times_url(self) -> str:
        """The entries that name the person, as far as the list goes."""
        handle = access.handle(self.table.user, self.person)
        return with_query(self.table.request, reverse("entries_counted"), sort=None, person=handle)


_ALONG = ("home_unit",)


def _people() -> QuerySet[Person]:
    return Person.objects.select_related(*_ALONG)


class PeopleTable(EntryTable):
    """The people behind a number of a logbook (``metric``); the filters are those of its entries."""

    unit_word = "人"
    nothing = "没有人员。"
    nothing_found = "没有符合条件的人员。"
    default_sort = "name"
    can_be_samples = False
    acts = ()
    kept_as = ""

    def __init__(self, request: HttpRequest, code: str = "") -> None:
        super().__init__(request, code)
        self.columns = [
            *person_columns(PERSON, lambda row: row.person, "name", ("order_key",)),
            Column(
                "组织关系所在单位",
                "person.home_unit.name",
                key="unit",
                sort=("home_unit__tree_id", "home_unit__lft", "order_key"),
                text="person.home_unit.label",
                url="unit_url",
            ),
            Column("条目", "times", Kind.NUMBER, url="times_url"),
        ]

    def _named(self, states: tuple[str, ...]) -> QuerySet[EntryFact]:
        return self.facts(self.metric.source, states).filter(self.metric.on_day)

    @cached_property
    def rows(self) -> Any:
        """The people whom the entries name that the filters leave."""
        return Person.objects.filter(pk__in=self._named(self.states).values("owner__person"))

    @cached_property
    def pending(self) -> int | None:
        """How many people only entries name that do not count."""
        if self.wanted["state"]:
            return None
        return self._named(PENDING_STATES).values("owner__person").distinct().count()

    @cached_property
    def sorts(self) -> Mapping[str, Any]:
        """What people are sorted by."""
        return sorts_of(self.user, {each.key: each.sort for each in self.allowed if each.sort})

    def sortable(self, rows: Any) -> Any:
        """Return the rows as they are."""
        return rows

    def parts(self) -> Sequence[Part]:
        """Return none: they are sorted all at once."""
        return ()

    def detailed(self, rows: Any) -> Any:
        """Join the home unit."""
        return rows.select_related(*_ALONG)

    def page_rows(self) -> Shown:
        """Return where the rows of one page are read by their keys."""
        return Shown(_people)

    def lines(self, found: list[Any]) -> list[Any]:
        """Return these people with how often they are named."""
        named = self._named(self.states).filter(owner__person__in=[each.pk for each in found]).order_by()
        times = dict(
            named.values("owner__person")
            .annotate(n=Count("entry", distinct=True))
            .values_list("owner__person", "n")
        )
        return [ListedPerson(self, each, times.get(each.pk, 0)) for each in found]


def table_of(request: HttpRequest, code: str = "") -> Table[Any]:
    """Return the list that the address asks for: of entries, or of the people behind a number.

    Of one of these people the entries are listed again.
    """
    table = EntryTable(request, code)
    is_of_people = (
        table.metric is not None and table.metric.way == Way.PEOPLE and not table.wanted.get("person")
    )
    return PeopleTable(request, code) if is_of_people else table
