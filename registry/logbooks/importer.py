"""Rows of a logbook's sheet: entries that are added, or changed by their number."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from registry import access
from registry.audit import Actor
from registry.importers import naming
from registry.importers.cases import Case
from registry.importers.session import BATCH, Importer, chunks, rows_with
from registry.logbooks import agreed, rules
from registry.logbooks.design import Design, Field, FieldType
from registry.logbooks.models import Entry, Logbook
from registry.logbooks.operations.entries import New, add_entries, edit_entry
from registry.logbooks.operations.kept import is_same, python_values
from registry.logbooks.operations.parts import designs_at, whole_design
from registry.logbooks.sheets import PREFIX, is_in_files, slug_of
from registry.logbooks.values import ROWS, kept, read_text, said
from registry.models import Campaign, Person
from registry.operations.submitting import or_submit
from registry.search.index import batches
from registry.search.named import find_by_code_or_name
from registry.spreadsheets.reading import Table

_COLUMN = {"person": "about"}
"""The columns that are not called as what they fill in."""
_ROLE = re.compile(r"^(.*?)[(（]([^()（）]*)[)）]$")
_BETWEEN = re.compile(r"[、,;，；\n]+")
_NUMBER = re.compile(r"\d{4,}[A-Za-z]?$")


class EntryImporter(Importer):
    """Judges and writes the entries of one logbook, batch by batch."""

    logbook: Logbook
    fields: tuple[Field, ...]
    """Those that new entries anywhere below are asked for."""
    designs: dict[int, Design]
    """By unit, of the batch."""
    live: dict[int, Entry]
    """The live entries of what the batch is about, where there is one of each."""
    taken: dict[int, str]
    """The rows that add the entry of something, by its key."""

    def batches(self, tables: list[Table]) -> Iterator[list[Case]]:
        """Yield the rows batch by batch."""
        code = tables[0].noun.slug.removeprefix(PREFIX)
        self.logbook = Logbook.objects.select_related("unit").prefetch_related("handed").get(code=code)
        self.fields = whole_design(self.logbook).asked
        self.taken = {}
        for cases in batches(self.session.cases(tables), BATCH):
            self._judge(cases)
            yield [case.judged() for case in cases]

    def write(self, cases: list[Case], actor: Actor, reason: str) -> None:
        """Add what is new by one operation, and change what is there."""
        if new := [case.new for case in cases if case.new is not None]:
            add_entries(actor=actor, logbook=self.logbook, entries=new, reason=reason)
        for case in cases:
            if case.row is not None and case.edits:
                or_submit(edit_entry, actor=actor, entry=case.row, changes=case.edits, reason=reason)

    def _judge(self, cases: list[Case]) -> None:
        session = self.session
        for slug, noun, verb in (("unit", "unit", "add_entry"), ("organization", "organization", access.SEE)):
            naming.refuse(session, naming.resolve(session, cases, slug, noun, verb), slug, noun)
        session.know_units(case.text("unit") for case in cases)
        session.know_organizations(case.text("organization") for case in cases)
        codes = {case.text("code") for case in cases}
        rows = Entry.objects.select_related("logbook__unit", "unit", "organization", "person", "campaign")
        there = {row.code: row for row in rows_with("code", codes, rows.prefetch_related("people__person"))}
        people, named = self._people(cases), self._rows(cases)
        campaigns = self._campaigns(cases)
        same = self._twins(cases)
        self.live = agreed.live_entries(self.logbook, self._subjects(cases, people))
        units = [each for each in session.units.values() if each is not None]
        self.designs = designs_at(self.logbook, [*units, *(row.unit for row in there.values())])
        for case in cases:
            case.key = case.text("code")
            row = there.get(case.key)
            if case.key and (
                row is None or row.logbook_id != self.logbook.pk or not session.may("see", row.unit)
            ):
                case.wrong("code", f"没有编号为“{case.key}”的条目,或不在您的管理范围内;新增请把编号留空。")
                continue
            facts = self._facts(case, people, campaigns)
            unit = facts.get("unit") or (row.unit if row is not None else None)
            if unit is None:
                case.need()
                continue
            values = self._values(case, self.designs[unit.pk], people, named)
            if case.is_wrong():
                continue
            if row is None:
                self._add(case, facts, values, same)
            else:
                self._change(case, row, facts, values)

    # What a row says

    def _facts(
        self, case: Case, people: Mapping[str, list[Person]], campaigns: Mapping[str, list[Any]]
    ) -> dict[str, Any]:
        """Return what the row says beside the fields of the logbook."""
        session = self.session
        facts: dict[str, Any] = {}
        if case.text("unit"):
            facts["unit"] = session.unit(case.text("unit"), "add_entry")
            if facts["unit"] is None and "unit" not in case.bad:
                session.no_such(case, "unit", "units", "单位")
        if case.text("organization"):
            facts["organization"] = session.organization(case.text("organization"))
            if facts["organization"] is None and "organization" not in case.bad:
                session.no_such(case, "organization", "organizations", "组织")
        if word := case.text("about"):
            facts["person"] = self._one(case, "about", word, people.get(word, []))
        if word := case.text("campaign"):
            found = campaigns.get(word, [])
            facts["campaign"] = found[0] if len(found) == 1 else None
            if len(found) != 1:
                case.wrong("campaign", naming.said("campaign", word, found))
        if (day := case.given.get("happened_on")) is not None:
            facts["happened_on"] = day
        return facts

    def _values(
        self,
        case: Case,
        design: Design,
        people: Mapping[str, list[Person]],
        named: Mapping[tuple[str, str], list[Any]],
    ) -> dict[str, Any]:
        """Return the values of the fields that the row gives."""
        values: dict[str, Any] = {}
        for field in design.asked:
            slug = slug_of(field)
            text = case.given.get(slug)
            if text is None or not is_in_files(field):
                continue
            if field.is_of_people:
                values[field.key] = self._named(case, field, str(text), people)
            elif field.type in ROWS:
                found = named.get((field.type, str(text)), [])
                if len(found) == 1:
                    values[field.key] = found[0]
                else:
                    case.wrong(slug, naming.said(field.type, str(text), found))
            else:
                try:
                    values[field.key] = read_text(field, text) if isinstance(text, str) else text
                except ValueError as error:
                    case.wrong(slug, str(error))
        return values

    def _named(
        self, case: Case, field: Field, text: str, people: Mapping[str, list[Person]]
    ) -> list[tuple[Person, str]]:
        """Return the people of a cell, each with the role in brackets behind."""
        found = []
        for word, role in _words(text):
            person = self._one(case, slug_of(field), word, people.get(word, []))
            if person is not None:
                found.append((person, role))
        return found

    @staticmethod
    def _one(case: Case, slug: str, word: str, found: Sequence[Person]) -> Person | None:
        if len(found) == 1:
            return found[0]
        if found:
            case.wrong(slug, f"有 {len(found)} 人叫“{word}”,请写警号。")
        else:
            case.wrong(slug, f"没有找到“{word}”,请写警号,或核对姓名和管理范围。")
        return None

    # What is there

    def _people(self, cases: Iterable[Case]) -> dict[str, list[Person]]:
        """Return the people in scope whom the rows name, by number or name: few queries for all rows."""
        words = {case.text("about") for case in cases} - {""}
        slugs = {slug_of(each) for each in self.fields if each.is_of_people}
        words |= {
            word for case in cases for slug in slugs for word, _ in _words(str(case.given.get(slug) or ""))
        }
        found: dict[str, list[Person]] = {}
        rows = access.visible(self.session.user, Person.objects.filter(merged_into=None))
        for some in chunks(words):
            named = [_split(word) for word in some]
            numbers = {number for _name, number in named if number}
            by_number = {each.number: each for each in rows.filter(number__in=numbers)}
            seen = self.session.numbers_seen(by_number.values())
            by_name: dict[str, list[Person]] = {}
            for each in rows.filter(name__in={name for name, number in named if not number}).order_by("pk"):
                by_name.setdefault(each.name, []).append(each)
            for word, (name, number) in zip(some, named, strict=True):
                person = by_number.get(number)
                if not number:
                    found[word] = by_name.get(name, [])
                elif person is not None and person.pk in seen and name in ("", person.name):
                    found[word] = [person]
        return found

    def _rows(self, cases: Iterable[Case]) -> dict[tuple[str, str], list[Any]]:
        """Return the units and organizations that fields name, by type and word."""
        found: dict[tuple[str, str], list[Any]] = {}
        for type_ in ROWS:
            slugs = [slug_of(each) for each in self.fields if each.type == type_]
            words = {str(case.given[slug]) for case in cases for slug in slugs if slug in case.given}
            if words:
                by_word = find_by_code_or_name(self.session.user, type_, words)
                found |= {(type_, word): rows for word, rows in by_word.items()}
        return found

    def _campaigns(self, cases: Iterable[Case]) -> dict[str, list[Campaign]]:
        words = {case.text("campaign") for case in cases} - {""}
        return find_by_code_or_name(self.session.user, "campaign", words) if words else {}

    def _subjects(self, cases: Iterable[Case], people: Mapping[str, list[Person]]) -> set[int | None]:
        """Return the keys of what the rows are about, as far as they name it."""
        if self.logbook.about == "person":
            return {each.pk for case in cases for each in people.get(case.text("about"), ())}
        known: Mapping[str, Any] = getattr(self.session, f"{self.logbook.about}s")
        rows = [known.get(case.text(self.logbook.about)) for case in cases]
        return {row.pk for row in rows if row is not None}

    def _stands(self, facts: Mapping[str, Any], row: Entry | None = None) -> str:
        """Return which entry stands of what a row is about, where there may be only one."""
        about = facts.get(self.logbook.about)
        if about is None or self.logbook.made.single is None:
            return ""
        live = self.live.get(about.pk)
        if live is None or live == row:
            return self.taken.get(about.pk, "")
        return agreed.told_entry(live)

    def _twins(self, cases: Iterable[Case]) -> set[tuple[Any, ...]]:
        """Return what the entries of these days say: the same sheet handed in twice adds nothing."""
        days = {day for case in cases if (day := case.given.get("happened_on")) is not None}
        rows = Entry.objects.filter(logbook=self.logbook, happened_on__in=days).exclude(state="withdrawn")
        return {
            _told(
                (row.unit_id, row.organization_id, row.person_id),
                row.happened_on,
                row.values,
                [(p.field, p.person_id) for p in row.people.all()],
            )
            for row in rows.prefetch_related("people")
        }

    # What it would do

    def _add(
        self, case: Case, facts: Mapping[str, Any], values: Mapping[str, Any], same: set[tuple[Any, ...]]
    ) -> None:
        case.need()
        if case.is_wrong():
            return
        unit, day = facts["unit"], facts["happened_on"]
        design = self.designs[unit.pk]
        proposal = rules.Proposed(
            self.logbook,
            design,
            unit,
            day,
            values,
            facts.get("organization"),
            facts.get("person"),
            facts.get("campaign"),
            is_below=unit.pk in rules.below(self.logbook, [unit]),
            stands=self._stands(facts),
        )
        organization, person = (getattr(facts.get(name), "pk", None) for name in ("organization", "person"))
        about = (unit.pk, organization, person)
        told = _told(about, day, _plain(design, values), _pairs(design, values))
        if told in same:
            return
        case.heed(
            rules.entry_refusals([proposal]), **_COLUMN, **{each.key: slug_of(each) for each in design.asked}
        )
        if case.is_wrong():
            return
        same.add(told)
        if design.single is not None:
            self.taken[facts[self.logbook.about].pk] = case.where
        self.session.touch_unit(unit)
        case.new = New(
            unit, day, values, facts.get("organization"), facts.get("person"), facts.get("campaign")
        )
        case.summary = f"{day:%Y-%m-%d} · {unit.name}"

    def _change(self, case: Case, row: Entry, facts: Mapping[str, Any], values: Mapping[str, Any]) -> None:
        case.row, case.summary = row, f"{row.happened_on:%Y-%m-%d} · {row}"
        design = self.designs[(facts.get("unit") or row.unit).pk]
        people = list(row.people.all())
        now = python_values(row, design, people)
        for name, value in facts.items():
            if getattr(row, name) != value:
                case.edits[name] = value
                case.change(_COLUMN.get(name, name), str(getattr(row, name) or ""), str(value))
        for key, value in values.items():
            if not is_same(now.get(key), value):
                field = design.by_key[key]
                case.edits[key] = value
                case.change(slug_of(field), _shown(field, now.get(key)), _shown(field, value))
        if case.edits and not self.session.may("edit_entry", row.unit):
            case.wrong("code", "您不能修改该条目。")
        proposal = rules.Proposed(
            self.logbook,
            design,
            facts.get("unit") or row.unit,
            facts.get("happened_on", row.happened_on),
            {**now, **values},
            facts.get("organization", row.organization),
            facts.get("person", row.person),
            facts.get("campaign", row.campaign),
            before=row,
            is_draft=row.state == "draft",
            stands=self._stands(facts, row),
        )
        if case.edits:
            case.heed(
                rules.entry_refusals([proposal]),
                **_COLUMN,
                **{each.key: slug_of(each) for each in design.asked},
            )


def _columns(design: Design) -> dict[str, str]:
    """Return which column is that of what a rule names."""
    return _COLUMN | {each.key: slug_of(each) for each in design.asked}


def _words(text: str) -> list[tuple[str, str]]:
    """Return the people of a cell as written, each with the role in brackets."""
    found = []
    for part in _BETWEEN.split(text):
        part = " ".join(part.split())
        match = _ROLE.match(part)
        if part:
            found.append((match[1].strip(), match[2].strip()) if match else (part, ""))
    return found


def _split(word: str) -> tuple[str, str]:
    """Return name and number of somebody as written: 赵一 001001, 赵一, or 001001."""
    match = _NUMBER.search(word)
    if match is None:
        return word, ""
    return word[: match.start()].strip(), match[0]


def _plain(design: Design, values: Mapping[str, Any]) -> dict[str, Any]:
    found = {key: kept(design.by_key[key], value) for key, value in values.items()}
    return {key: value for key, value in found.items() if value is not None}


def _pairs(design: Design, values: Mapping[str, Any]) -> list[tuple[str, int]]:
    return [
        (key, person.pk)
        for key, value in values.items()
        if design.by_key[key].is_of_people
        for person, _role in value
    ]


def _told(
    about: tuple[int | None, ...], day: Any, values: Mapping[str, Any], people: Iterable[tuple[str, int]]
) -> tuple[Any, ...]:
    said_ = tuple(sorted((key, str(value)) for key, value in values.items()))
    return about, day, said_, tuple(sorted(people))


def _shown(field: Field, value: Any) -> str:
    if field.is_of_people:
        return "、".join(person.name for person, _role in value or ())
    if field.type in ROWS or field.type in (FieldType.DATE, FieldType.TIME):
        return "" if value is None else str(value)
    return said(field, value)
