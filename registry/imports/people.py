"""Rows of people: added, their plain facts, political status or formal membership changed."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import date
from typing import Any

from registry import access
from registry.audit import Actor
from registry.importers import naming
from registry.importers.cases import Case, ask
from registry.importers.session import BATCH, REASON, Importer, rows_with
from registry.models import Organization, Person, PersonPlacement, PoliticalStatus, StatusPeriod, Unit
from registry.models.kinds import PARTY_KINDS
from registry.operations.people import (
    add_people,
    change_political_statuses,
    edit_people,
    transfer_people,
)
from registry.rules import borrowing, standing
from registry.rules import people as rules
from registry.search.index import batches
from registry.spreadsheets.reading import Table

FACTS = ("name", "category", "joined_on", "confirmed_on", "title", "phone", "note")
UNKNOWN = PoliticalStatus.UNKNOWN.value
_DAYS = ("joined_on", "confirmed_on")
_PERSONAL = ("phone", "note")
_HOME = ("home_unit", "home_branch")


class PeopleImporter(Importer):
    """Judges and writes people, batch by batch."""

    def batches(self, tables: list[Table]) -> Iterator[list[Case]]:
        """Yield the rows batch by batch."""
        session = self.session
        for cases in batches(session.cases(tables), BATCH):
            existing = self._existing(cases)
            seen = session.numbers_seen(existing.values())
            taken = self._taken(cases, {number for number, each in existing.items() if each.pk in seen})
            since = self._statuses_since(cases, existing)
            self._joinings: dict[standing.Joining, Case] = {}
            self._moves: dict[rules.HomeChange, Case] = {}
            self._resolve(cases, existing)
            session.know_units(case.text("home_unit") for case in cases)
            session.know_organizations(case.text("home_branch") for case in cases)
            self._ask_numbers(cases, existing.keys() | taken.keys())
            for case in cases:
                session.clean(case, Person, ("number", "political_status", *FACTS))
                case.summary = case.text("name")
                person = existing.get(case.key)
                self._infer_status(case, person)
                if case.key in taken:
                    case.wrong("number", taken[case.key])
                    session.note_wrong(case)
                elif person is None:
                    self._add(case)
                    session.note_wrong(case)
                elif person.merged_into is not None:
                    case.wrong("number", self._joined(person.merged_into))
                else:
                    self._change(case, person, since.get(person.pk))
            self._warn(cases)
            ask(standing.refusals, self._joinings)
            ask(rules.home_refusals, self._moves, "number")
            session.needs_reason |= bool(self._joinings) or self._correct_homes()
            yield [case.judged() for case in cases]

    def _resolve(self, cases: list[Case], existing: Mapping[str, Person]) -> None:
        """Resolve the names of units and branches."""

        def now(case: Case, slug: str) -> Any:
            return getattr(existing.get(case.key), slug, None)

        at_units = naming.resolve(
            self.session, cases, "home_unit", "unit", "add_person", lambda case: now(case, "home_unit")
        )
        naming.refuse(self.session, at_units, "home_unit", "unit")
        branches = naming.resolve(
            *(self.session, cases, "home_branch", "organization", "see"),
            lambda case: now(case, "home_branch"),
            lambda row: (
                not isinstance(row, Organization) or (row.kind in PARTY_KINDS and not row.is_temporary)
            ),
        )
        for case, word, rows in branches:
            # Rosters often have informal names of branches; the rest of the row is right without it.
            said = naming.said("organization", word, rows)
            case.look("home_branch", f"{said}组织关系没有写入;要写入请填全称或代码。")

    def write(self, cases: list[Case], actor: Actor, reason: str) -> None:
        """Add who is new and change who is there."""
        if new := [case.new for case in cases if case.new is not None]:
            add_people(actor=actor, people=new, reason=reason)
        changed = [case for case in cases if case.row is not None]
        today = self.session.today
        statuses = [
            (case.row, case.edits["political_status"], today)
            for case in changed
            if "political_status" in case.edits
        ]
        if statuses:
            change_political_statuses(actor=actor, changes=statuses, reason=reason)
        # After the status: the days of joining decide from when on it holds.
        if facts := [(case.row, case.edits) for case in changed if case.edits.keys() & set(FACTS)]:
            edit_people(actor=actor, changes=facts, reason=reason)
        moves = [
            (case.row, *(case.edits.get(name, getattr(case.row, name)) for name in _HOME))
            for case in changed
            if case.edits.keys() & set(_HOME)
        ]
        if moves:
            transfer_people(actor=actor, moves=moves, on=today, reason=reason)

    def _existing(self, cases: list[Case]) -> dict[str, Person]:
        """Return the people with these numbers, with their home units and branches."""
        session, rows = self.session, Person.objects.select_related("merged_into")
        if session.is_writing:
            rows = rows.select_for_update(of=("self",), no_key=True)
        people = list(rows_with("number", {case.key for case in cases}, rows))
        units = session.by_pk(Unit, {person.home_unit_id for person in people})
        branches = session.by_pk(
            Organization, {person.home_branch_id for person in people if person.home_branch_id}
        )
        for person in people:
            person.home_unit = units[person.home_unit_id]
            if person.home_branch_id:
                person.home_branch = branches[person.home_branch_id]
        return {person.number: person for person in people}

    def _taken(self, cases: list[Case], own: set[str]) -> dict[str, str]:
        """Return why numbers cannot be entered; the form for a person says the same, and counts as well."""
        claims = [borrowing.Claim(each.key, each.text("name")) for each in cases if each.key not in own]
        return borrowing.taken(self.session.user, claims)

    def _joined(self, other: Person) -> str:
        """Say that an entry was joined to another one, which is named only to who sees its number."""
        if access.sees_private(self.session.user, other):
            return f"该条目已并入警号“{other.number}”,请改用这个警号。"
        return "该条目已并入其他单位的条目,请向其所属单位问清警号。"

    def _warn(self, cases: list[Case]) -> None:
        """Warn of people of the same name in the unit."""
        if self.session.is_writing:
            return
        proposals = {}
        for case in cases:
            if case.is_wrong():
                continue
            if (new := case.new) is not None:
                proposals[rules.Naming(new.name, new.home_unit, new.number)] = case
            elif case.row is not None and case.edits.keys() & {"name", "home_unit"}:
                name, unit = (case.edits.get(slug, getattr(case.row, slug)) for slug in ("name", "home_unit"))
                proposals[rules.Naming(name, unit, case.row.number)] = case
        ask(lambda some: rules.namesake_warnings(some, self.session.user), proposals)

    def _ask_numbers(self, cases: list[Case], known: Collection[str]) -> None:
        """Check whether a new number is a registered one but for zeros at its beginning."""
        new = [case for case in cases if case.key and case.key not in known]
        proposals = {rules.Numbering(case.key, case.text("name")): case for case in new}
        ask(lambda some: rules.number_findings(some, self.session.user), proposals)

    @staticmethod
    def _statuses_since(cases: list[Case], existing: dict[str, Person]) -> dict[int, date]:
        """Return since when those have their political status who get another one."""
        changing = {
            person.pk
            for case in cases
            if (person := existing.get(case.key)) is not None
            and case.text("political_status") not in ("", person.political_status)
        }
        rows = StatusPeriod.objects.filter(person_id__in=changing, ended_on__isnull=True)
        return dict(rows.order_by().values_list("person_id", "started_on"))

    def _correct_homes(self) -> bool:
        """Whether a home that was registered today is changed again."""
        people = {proposal.person.pk for proposal in self._moves}
        rows = PersonPlacement.objects.filter(person__in=people, started_on=self.session.today)
        return rows.exists()

    def _home(self, case: Case, person: Person | None) -> dict[str, Any]:
        """Return what the row says of the formal membership, as far as it is new."""
        session, home = self.session, {}
        for slug, noun, word in (("home_unit", "units", "单位"), ("home_branch", "organizations", "党组织")):
            code = case.text(slug)
            now = getattr(person, slug) if person is not None else None
            if not code or (now is not None and now.code == code):
                continue
            row: Any = (
                session.unit(code, "transfer_person" if person else "add_person")
                if slug == "home_unit"
                else session.organization(code)
            )
            if row is None:
                session.no_such(case, slug, noun, word)
            else:
                home[slug] = row
        if home:
            whole = {slug: home.get(slug, getattr(person, slug, None)) for slug in _HOME}
            case.heed(rules.refusals([rules.Membership(**whole)]))
        return home

    @staticmethod
    def _infer_status(case: Case, person: Person | None) -> None:
        """Derive the status from the days: rosters of Party members often have no column for it."""
        joined = case.given.get("joined_on")
        known = person.political_status if person is not None else UNKNOWN
        if joined is None or known != UNKNOWN or {"political_status", "confirmed_on"} & case.bad:
            return
        if "political_status" not in case.given:
            status = standing.status_by_days(joined, case.given.get("confirmed_on"))
            case.given["political_status"] = status
            label = PoliticalStatus(status).label
            case.look("joined_on", f"没有写政治面貌,按入党日期登记为{label}。")

    def _add(self, case: Case) -> None:
        session = self.session
        case.need()
        home = self._home(case, None)
        status = case.text("political_status") or UNKNOWN
        joined, confirmed = (case.given.get(name) for name in _DAYS)
        if joined or confirmed:
            case.heed(standing.refusals([standing.Joining(None, status, joined, confirmed)]))
        if case.is_wrong():
            return
        case.new = Person(number=case.key, political_status=status, **case.facts(FACTS), **home)
        session.touch_unit(home["home_unit"])
        if not session.is_writing:
            session.new_people[case.key] = (case.new.name, case.new.political_status)

    def _change(self, case: Case, person: Person, since: date | None) -> None:
        session = self.session
        case.summary, case.row = person.name, person
        if not session.may("edit_person", person.home_unit):
            self._refuse_guest(case, person)
            return
        case.compare(person, FACTS)
        renaming = rules.Renaming(person, case.edits.get("name"), case.edits.get("category"))
        if renaming.is_of_another:
            session.needs_reason = True
            case.look("number", rules.ANOTHER_PERSON.format(name=person.name))
        status = case.text("political_status")
        if any(name in case.edits for name in _DAYS):
            joined, confirmed = (case.edits.get(name, getattr(person, name)) for name in _DAYS)
            now = status or person.political_status
            joining = standing.Joining(person, now, joined, confirmed, REASON)
            self._joinings[joining] = case
        if status not in ("", person.political_status):
            note = f"自今天({session.today:%Y-%m-%d})起;以前的日期仍按原政治面貌统计"
            if "joined_on" in case.edits:
                note = "自入党日期起"
            if since == session.today:
                note, session.needs_reason = "更正今天登记的政治面貌", True
            case.edit("political_status", person.political_status, status, note)
        home = self._home(case, person)
        for slug in home:
            note = f"自今天({session.today:%Y-%m-%d})起"
            case.change(slug, session.name_of(getattr(person, slug)), home[slug].name, note)
        if home:
            unit, branch = (home.get(slug, getattr(person, slug)) for slug in _HOME)
            self._moves[rules.HomeChange(person, unit, branch, session.today, REASON)] = case
        case.edits |= home
        if case.is_wrong():
            return
        if "home_unit" in home:
            session.touch_unit(home["home_unit"])
        if "name" in case.edits and not session.is_writing:
            session.renamed[case.key] = case.edits["name"]

    @staticmethod
    def _refuse_guest(case: Case, person: Person) -> None:
        """Who belongs elsewhere is not changed; nor is it told whether a telephone number is right."""
        now = {
            **{slug: getattr(person, slug) for slug in ("political_status", *FACTS)},
            **{slug: getattr(getattr(person, slug), "code", "") for slug in _HOME},
        }
        if any(slug in _PERSONAL or case.given[slug] != now[slug] for slug in now.keys() & case.given.keys()):
            case.wrong("number", "该人员的所属单位不在您的管理范围内,不能修改其资料。")
