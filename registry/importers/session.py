"""The shared state of the importers of one workbook: the scope of its user, rows read, rows to be added."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import Model, QuerySet
from django.utils import timezone

from registry import access
from registry.audit import Actor
from registry.importers.cases import Case
from registry.models import Organization, Person, Unit, User
from registry.models.hierarchy import Span
from registry.rules.placements import Placement
from registry.search.index import batches
from registry.spreadsheets.reading import Table

BATCH = 5000
MOST_LOCKED = 10_000
"""Of more organizations than these the import does not note which they are, and locks the whole forest."""
REASON = "导入"
"""Stands for the reason while planning: whoever writes must give one (``Session.needs_reason``)."""


def chunks(values: Iterable[Any]) -> Iterator[list[Any]]:
    """Cut keys or codes, each once, into lists that one query takes."""
    return batches(sorted(set(values)), 500 if connection.vendor == "sqlite" else BATCH)


class Session:
    """One workbook of one user.

    ``is_writing``: what is judged is written at once (``renew`` after what moves a tree), so that later
    rows find it in the database and nothing of it is kept here.
    """

    def __init__(self, user: User, *, is_writing: bool = False) -> None:
        self.user_pk, self.is_writing = user.pk, is_writing
        self.today = timezone.localdate()
        self.needs_reason = False
        self.units_touched: set[str] = set()
        self.organizations_touched: set[str] = set()
        self.dissolving: dict[str, date] = {}
        """By code, the day on which the workbook dissolves an organization."""
        self.new_people: dict[str, tuple[str, str]] = {}
        """Name and political status, by number, of those whom the workbook adds."""
        self.renamed: dict[str, str] = {}
        self.founded: dict[str, Case] = {}
        """By code, the rows that found an organization; kept for the preview only, as are their members."""
        self.first_members: dict[str, list[Placement]] = {}
        self.planned: dict[str, dict[str, Any]] = {}
        """By noun and code, the names of the rows that the workbook adds or renames (``naming.plan``)."""
        self._wrong: dict[str, dict[str, str]] = {}
        self._seen: dict[str, dict[Any, str]] = {}
        self._fine: set[tuple[str, str, Any]] = set()
        self.renew()

    def renew(self) -> None:
        """Forget what was read: the trees were written meanwhile, and their intervals moved."""
        self.user = User.objects.get(pk=self.user_pk)
        self._scopes: dict[str, list[Span]] = {}
        self.units: dict[str, Unit | None] = {}
        self.organizations: dict[str, Organization | None] = {}
        self._known_inside: dict[tuple[int, str], bool] = {}
        self._rows: dict[type[Model], dict[int, Any]] = {}

    # Rows

    def cases(self, tables: Iterable[Table]) -> Iterator[Case]:
        """Yield each row; one that has the key of an earlier row is wrong."""
        for table in tables:
            slugs = table.noun.key
            for line in table.lines:
                case = Case(table, line)
                case.key = case.text(slugs[0])[:200]
                self.claim(case)
                yield case

    def claim(self, case: Case) -> None:
        """Refuse a key that an earlier row has."""
        seen = self._seen.setdefault(case.noun.slug, {})
        slugs = case.noun.key
        # A row without a code gets its key from ``naming.give_codes``.
        key: Any = case.given.get(slugs[0])
        if len(slugs) > 1:
            key = tuple(case.given.get(slug) or case.named.get(slug) for slug in slugs)
        if not case.is_wrong() and key and key in seen:
            case.wrong(slugs[0], f"与{seen[key]}重复。")
        elif key:
            seen.setdefault(key, case.where)

    def clean(self, case: Case, model: type[Model], slugs: Iterable[str]) -> None:
        """Let the model's own fields judge the values: length, choices, form of codes."""
        for slug in slugs:
            value = case.given.get(slug)
            if value is None or (slug, case.noun.slug, value) in self._fine:
                continue
            field: Any = model._meta.get_field(slug)
            try:
                field.clean(value, None)
            except ValidationError as error:
                case.wrong(slug, " ".join(error.messages))
            else:
                if field.choices or slug == "title":
                    self._fine.add((slug, case.noun.slug, value))

    def note_wrong(self, case: Case) -> None:
        """Remember a row that cannot be added: what names it says so, instead of "no such"."""
        if case.is_wrong() and case.key:
            self._wrong.setdefault(case.noun.slug, {}).setdefault(case.key, case.where)

    def no_such(self, case: Case, slug: str, noun: str, word: str, said: str = "") -> None:
        """Refuse what does not exist or is out of scope: in the same words for both, or as ``said``."""
        code = case.text(slug)
        shown = case.named.get(slug, code)
        if there := self._wrong.get(noun, {}).get(code):
            case.wrong(slug, f"{word}“{shown}”在{there},该行有误,请一并改正。")
        else:
            named = "警号" if noun == "people" else "名称" if slug in case.named else "代码"
            case.wrong(slug, said or f"没有{named}为“{shown}”的{word},或不在您的管理范围内。")

    @staticmethod
    def taken(case: Case, what: str) -> None:
        """Say that somebody else has the key."""
        case.wrong(case.noun.key[0], f"{what}“{case.key}”不能使用,请核对或换一个。")

    # What is there, or is added by the workbook

    def know_units(self, codes: Iterable[str]) -> None:
        """Read the units with these codes, as far as they are not known."""
        unknown = {code for code in codes if code and code not in self.units}
        self.units.update(dict.fromkeys(unknown))
        for unit in rows_with("code", unknown, Unit.objects.select_related("parent")):
            self.units[unit.code] = unit

    def know_organizations(self, codes: Iterable[str]) -> None:
        """Read the organizations with these codes, as far as they are not known."""
        unknown = {code for code in codes if code and code not in self.organizations}
        self.organizations.update(dict.fromkeys(unknown))
        rows = Organization.objects.select_related("unit", "parent", "campaign")
        for organization in rows_with("code", unknown, rows):
            if organization.code in self.dissolving:
                organization.dissolved_on = self.dissolving[organization.code]
            self.organizations[organization.code] = organization

    def may(self, verb: str, unit: Unit) -> bool:
        """Whether the user may do ``verb`` at a unit; a planned one lies where its superior does."""
        at = anchor(unit)
        if at is None:
            return self.user.is_superuser
        asked = (at.pk, verb)
        if asked not in self._known_inside:
            if verb not in self._scopes:
                self._scopes[verb] = access.spans(self.user, verb)
            self._known_inside[asked] = access.inside(at, self._scopes[verb])
        return self._known_inside[asked]

    def unit(self, code: str, verb: str = access.SEE) -> Unit | None:
        """Return the known unit with the code, where the user may do ``verb``."""
        unit = self.units.get(code)
        return unit if unit is not None and self.may(verb, unit) else None

    def organization(self, code: str, verb: str = access.SEE) -> Organization | None:
        """Return the known organization with the code, where the user may do ``verb``."""
        organization = self.organizations.get(code)
        return organization if organization is not None and self.may(verb, organization.unit) else None

    def by_pk(self, model: type[Any], pks: Iterable[int]) -> dict[int, Any]:
        """Return rows by key, each as an object of its own only once: thousands of people share a unit."""
        known = self._rows.setdefault(model, {})
        for some in chunks(pk for pk in pks if pk not in known):
            known.update(model.objects.in_bulk(some))
        return known

    def name_of(self, row: Unit | Organization | None) -> str:
        """Return the name of a row, as it is when this workbook has renamed it."""
        if row is None:
            return ""
        known = self.units if isinstance(row, Unit) else self.organizations
        return (known.get(row.code) or row).name

    def numbers_seen(self, people: Iterable[Person]) -> set[int]:
        """Return the keys of those whose number the user sees; nobody else is known by it."""
        there = list(people)
        units = self.by_pk(Unit, {person.home_unit_id for person in there})
        sees = {pk for pk in {each.home_unit_id for each in there} if self.may(access.PERSONAL, units[pk])}
        return {person.pk for person in there if person.home_unit_id in sees}

    # What the writing takes the locks of

    def touch_unit(self, unit: Unit) -> None:
        """Note a unit that must stay open."""
        if unit.pk:
            self.units_touched.add(unit.code)

    def touch_organization(self, organization: Organization) -> None:
        """Note an organization whose tree must stay as it is."""
        if organization.pk and len(self.organizations_touched) <= MOST_LOCKED:
            self.organizations_touched.add(organization.code)


def rows_with(key: str, values: Iterable[str], rows: QuerySet[Any]) -> Iterator[Any]:
    """Yield the rows with these codes or numbers, a few queries for all."""
    for some in chunks(value for value in values if value):
        yield from rows.filter(**{f"{key}__in": some}).order_by("pk")


def anchor(unit: Unit) -> Unit | None:
    """Return the unit, or the nearest above a planned one that is there already."""
    at: Unit | None = unit
    while at is not None and at._state.adding:
        at = at.parent
    return at


def parents_first(cases: Mapping[str, Case], slug: str) -> Iterator[Case]:
    """Yield the cases, each after the one that it names as its parent; those in a circle are wrong."""
    done: set[str] = set()
    for code in cases:
        path: list[str] = []
        on_path: set[str] = set()
        at = code
        while at in cases and at not in done and at not in on_path:
            path.append(at)
            on_path.add(at)
            at = cases[at].text(slug)
        if at in on_path:
            for each in path[path.index(at) :]:
                cases[each].wrong(slug, "上级互相引用,成了一个圈。")
        for each in reversed(path):
            done.add(each)
            yield cases[each]


class Importer:
    """Judges and writes the rows of one noun, which names its own importer by a dotted path.

    This one is for nouns that have a sheet only for exports: it lets no row in.
    """

    def __init__(self, session: Session) -> None:
        self.session = session

    def batches(self, tables: list[Table]) -> Iterator[list[Case]]:
        """Yield the judged rows, in the order in which they are written."""
        for cases in batches(self.session.cases(tables), BATCH):
            for case in cases:
                case.wrong(case.noun.key[0], f"“{case.noun.title}”不能导入,请在页面上登记。")
            yield [case.judged() for case in cases]

    def write(self, cases: list[Case], actor: Actor, reason: str) -> None:
        """Write the rows of one batch that are right and do something, by the operations."""
        raise NotImplementedError

    def review(self) -> list[Case]:
        """Check rows again once those of all nouns are judged; return the rows with new notices."""
        return []

    def finish(self, actor: Actor, reason: str) -> None:
        """Write what must come after the rows of all nouns."""
