"""Rows of assignments: people placed in organizations, a role corrected, an assignment ended.

A row is matched by organization, number and first day; without the day the one open assignment is meant.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

from registry.audit import Actor
from registry.importers import naming
from registry.importers.cases import Case, ask
from registry.importers.session import BATCH, REASON, Importer, Session, chunks, rows_with
from registry.models import Assignment, Organization, Person, StatusPeriod, WorkflowState
from registry.models.writer import analyze
from registry.operations.assignments import change_roles, end_assignments, place_people
from registry.operations.submitting import WAITS, or_submit
from registry.rules import borrowing
from registry.rules import placements as rules
from registry.rules.placements import Placement
from registry.search.index import batches
from registry.spreadsheets.reading import Table


def _needs_approval(row: Assignment, role: str) -> bool:
    """Whether the row would give an approved Party organization a new secretary: submitted by itself."""
    organization = row.organization
    return organization.state == WorkflowState.APPROVED and rules.appoints_secretary(organization, role)


_OF_PEOPLE = ("number", "name", "political_status", "home_unit_id", "left_on", "leaving", "merged_into_id")
_Spell = tuple[date, date | None]


class AssignmentImporter(Importer):
    """Judges and writes assignments, batch by batch.

    A row that is in the way of an assignment waits until all rows were seen: one of them may end it.
    """

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._new: dict[tuple[str, str], list[_Spell]] = {}
        """What the workbook adds, by organization and number."""
        self._ends: dict[int, date] = {}
        self._claimed: set[int] = set()
        self._problems: dict[str, str] = {}
        """Why somebody of another unit cannot be placed, by number."""
        self._is_analyzed = False
        self._heads: list[Assignment] = []
        self._promoted: list[tuple[Assignment, str, date]] = []
        """New secretaries of approved organizations, who are submitted when all else is written."""

    def batches(self, tables: list[Table]) -> Iterator[list[Case]]:
        """Yield the rows batch by batch, those that had to wait last."""
        waiting: list[Case] = []
        for cases in batches(self.session.cases(tables), BATCH):
            later = self._judge(cases, is_last=False)
            waiting += later
            left_out = set(map(id, later))
            yield [case.judged() for case in cases if id(case) not in left_out]
        for cases in batches(waiting, BATCH):
            self._judge(cases, is_last=True)
            yield [case.judged() for case in cases]

    def write(self, cases: list[Case], actor: Actor, reason: str) -> None:
        """Place who is new, correct roles, end what ends."""
        if not self._is_analyzed and len(cases) >= BATCH:
            self._is_analyzed = True
            analyze(Person, StatusPeriod, Organization)
        new = [case.new for case in cases if case.new is not None]
        self._heads += [row for row in new if _needs_approval(row, row.role)]
        if others := [row for row in new if not _needs_approval(row, row.role)]:
            place_people(actor=actor, assignments=others, reason=reason)
        changed = [case for case in cases if case.row is not None]
        roles = [
            (case.row, case.edits["role"], case.row.started_on) for case in changed if "role" in case.edits
        ]
        self._promoted += [each for each in roles if _needs_approval(each[0], each[1])]
        if changes := [each for each in roles if not _needs_approval(each[0], each[1])]:
            change_roles(actor=actor, changes=changes, reason=reason)
        if ends := [(case.row, case.edits["ended_on"]) for case in changed if "ended_on" in case.edits]:
            end_assignments(actor=actor, ends=ends, reason=reason)

    def finish(self, actor: Actor, reason: str) -> None:
        """Submit the new secretaries of approved organizations, each by itself."""
        for row in self._heads:
            or_submit(place_people, actor=actor, assignments=[row], reason=reason)
        for each in self._promoted:
            or_submit(change_roles, actor=actor, changes=[each], reason=reason)

    def _judge(self, cases: list[Case], *, is_last: bool) -> list[Case]:
        """Judge a batch; return the rows that must wait."""
        session = self.session
        unresolved = naming.resolve(session, cases, "organization", "organization", "assign_person")
        naming.refuse(session, unresolved, "organization", "organization")
        session.know_organizations(case.text("organization") for case in cases)
        people = self._people({case.text("number") for case in cases})
        self._borrow(cases, people)
        known: list[tuple[Case, Organization, Person]] = []
        for case in cases:
            code, number = case.text("organization"), case.text("number")
            case.key = f"{code} {number}"[:200]
            organization = session.organization(code, "assign_person")
            person = people.get(number)
            session.clean(case, Assignment, ("role", "document_number"))
            if code and organization is None and "organization" not in case.bad:
                session.no_such(case, "organization", "organizations", "组织")
            if number and person is None and "number" not in case.bad:
                said = self._problems.get(number, "" if case.text("name") else borrowing.UNNAMED)
                session.no_such(case, "number", "people", "人员", said)
            if organization is not None and person is not None:
                known.append((case, organization, person))
        there = self._there(known)
        later = [
            case
            for case, organization, person in known
            if not self._match(
                case, organization, person, there.get((organization.pk, person.pk), []), is_last=is_last
            )
        ]
        self._warn(cases)
        return later

    def _people(self, numbers: set[str]) -> dict[str, Person]:
        """Return the people whose number the user sees, by these numbers, and whom the workbook adds."""
        session = self.session
        found = {
            number: Person(number=number, name=new[0], political_status=new[1])
            for number in numbers
            if (new := session.new_people.get(number)) is not None
        }
        rows = Person.objects.only(*_OF_PEOPLE)
        there = list(rows_with("number", numbers - found.keys(), rows))
        seen = session.numbers_seen(there)
        for person in there:
            if person.pk in seen:
                person.name = session.renamed.get(person.number, person.name)
                found[person.number] = person
        return found

    def _borrow(self, cases: list[Case], people: dict[str, Person]) -> None:
        """Add people from outside the scope whose number and name both agree (``rules.borrowing``)."""
        claims = {
            borrowing.Claim.of(number, case.text("name")): number
            for case in cases
            if (number := case.text("number")) and number not in people and "number" not in case.bad
        }
        # Wrong pairs count when it is written, too: whether that is refused would tell them as well.
        asked = borrowing.borrowed(self.session.user, claims, notes_right=not self.session.is_writing)
        people.update({claims[claim]: person for claim, person in asked.people.items()})
        self._problems = {claims[claim]: said for claim, said in asked.problems.items()}

    @staticmethod
    def _there(known: list[tuple[Case, Organization, Person]]) -> dict[tuple[int, int], list[Assignment]]:
        """Return the assignments of these people in these organizations, by both keys."""
        organizations = {organization.pk: organization for _, organization, _ in known if organization.pk}
        people = {person.pk: person for _, _, person in known if person.pk}
        rows = Assignment.objects.valid().filter(organization_id__in=organizations)
        there: dict[tuple[int, int], list[Assignment]] = {}
        for some in chunks(people):
            for row in rows.filter(person_id__in=some).order_by("pk"):
                row.organization, row.person = organizations[row.organization_id], people[row.person_id]
                there.setdefault((row.organization_id, row.person_id), []).append(row)
        return there

    def _match(
        self,
        case: Case,
        organization: Organization,
        person: Person,
        there: list[Assignment],
        *,
        is_last: bool,
    ) -> bool:
        """Judge one row; False when it must wait."""
        case.summary = f"{person.name} → {organization.name}"[:300]
        if case.text("name") not in ("", person.name) and "name" not in case.bad:
            case.wrong("name", f"该警号登记的姓名是“{person.name}”,请核对警号和姓名。")
        if case.is_wrong():
            return True
        start, end = case.given.get("started_on"), case.given.get("ended_on")
        if start is None:
            meant = [row for row in there if row.ended_on is None]
            if len(meant) != 1:
                case.wrong("started_on", "没有正在编入的记录,请填写编入日期。")
                return True
        else:
            same = [row for row in there if row.started_on == start]
            meant = [row for row in same if row.ended_on == end] or same[-1:]
        if meant:
            self._change(case, meant[0])
            return True
        return self._add(case, organization, person, there, is_last=is_last)

    def _add(
        self,
        case: Case,
        organization: Organization,
        person: Person,
        there: list[Assignment],
        *,
        is_last: bool,
    ) -> bool:
        case.need()
        if case.is_wrong():
            return True
        start, end, role = case.given["started_on"], case.given.get("ended_on"), case.given["role"]
        proposal = Placement(person, organization, role, start, end)
        case.heed(rules.life_refusals([proposal]), at="organization")
        if case.is_wrong():
            return True
        new = self._new.setdefault((organization.code, person.number), [])
        now = [(row.started_on, self._ends.get(row.pk, row.ended_on)) for row in there]
        if not is_last and any(rules.overlap(start, end, *spell) for spell in now):
            return False
        if any(rules.overlap(start, end, *spell) for spell in (*now, *new)):
            case.heed([rules.twice(proposal)], person="number")
            return True
        new.append((start, end))
        case.new = Assignment(
            person=person,
            organization=organization,
            role=role,
            started_on=start,
            ended_on=end,
            document_number=case.text("document_number"),
        )
        if _needs_approval(case.new, role):
            case.look("role", WAITS)
        self.session.touch_organization(organization)
        if organization.code in self.session.founded:
            self.session.first_members.setdefault(organization.code, []).append(proposal)
        return True

    def _change(self, case: Case, row: Assignment) -> None:
        case.summary, case.row = f"{case.summary} · {row.started_on:%Y-%m-%d} 起"[:300], row
        if row.pk in self._claimed:
            case.wrong("number", "与前面一行说的是同一次编入。")
            return
        self._claimed.add(row.pk)
        number = case.text("document_number")
        if number not in ("", row.document_number):
            case.wrong("document_number", "已有编入的文号不能通过导入修改。")
        self._change_role(case, row, case.text("role"))
        self._change_end(case, row, case.given.get("ended_on"))
        if case.is_wrong() or not case.edits:
            return
        if "ended_on" in case.edits:
            self._ends[row.pk] = case.edits["ended_on"]
        self.session.touch_organization(row.organization)

    @staticmethod
    def _change_role(case: Case, row: Assignment, role: str) -> None:
        if role in ("", row.role):
            return
        case.heed(rules.role_refusals([rules.RoleChange(row, role, row.started_on)]), at="role")
        case.edit("role", row.role, role, f"自编入日 {row.started_on:%Y-%m-%d} 起更正")
        if _needs_approval(row, role):
            case.look("role", WAITS)

    def _change_end(self, case: Case, row: Assignment, end: date | None) -> None:
        if end is None or end == row.ended_on:
            return
        case.heed(rules.end_refusals([rules.Ending(row, end, REASON)]), at="ended_on")
        ended = Placement(row.person, row.organization, row.role, row.started_on, end, replaces=row)
        case.heed(rules.life_refusals([ended]), at="ended_on", started_on="ended_on")
        was = row.ended_on
        self.session.needs_reason |= was is not None
        case.edit("ended_on", was, end, "更正结束日期" if was else "自该日起不再编入")

    def _warn(self, cases: list[Case]) -> None:
        """Add the warnings that the pages give for new placements, roles and ends."""
        if self.session.is_writing:
            return
        proposals: dict[Placement, Case] = {}
        for case in cases:
            if case.is_wrong():
                continue
            if case.new is not None:
                new: Assignment = case.new
                proposal = Placement(new.person, new.organization, new.role, new.started_on, new.ended_on)
                proposals[proposal] = case
            elif "role" in case.edits:
                change = rules.RoleChange(case.row, case.edits["role"], case.row.started_on)
                placed = change.placement
                proposals[replace(placed, ended_on=case.edits.get("ended_on", placed.ended_on))] = case
            elif "ended_on" in case.edits:
                row, end = case.row, case.edits["ended_on"]
                ended = Placement(row.person, row.organization, row.role, row.started_on, end, replaces=row)
                proposals[ended] = case
        ask(lambda some: rules.placement_warnings(some, self.session.user), proposals, person="number")
