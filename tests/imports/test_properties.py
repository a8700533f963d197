"""Any mix of rows does by an import what it does by the operations one by one: same rows, counts, refusals.

Hypothesis writes a workbook with rows of all nouns, new, changed, ended and wrong ones, in any order. It is
imported, wrong rows left out, and taken back; then ``ByHand`` does each row as somebody at the pages would.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook

from registry import access, nouns
from registry.audit import Actor
from registry.counting.totals.check import differences
from registry.imports import background as importing
from registry.imports.models import Import, ImportLine, ImportState, Verdict
from registry.models import (
    Assignment,
    AuditEntry,
    Organization,
    OrganizationPlacement,
    Person,
    StatusPeriod,
    Unit,
    UnitPlacement,
    User,
    WorkflowState,
)
from registry.models.kinds import PARTY_KINDS
from registry.operations import assignments, organizations, people, units
from registry.operations.submitting import or_submit
from registry.refusals import OperationRefused, refuse
from registry.rules.borrowing import ELSEWHERE
from tests.counting.recount import Ledger
from tests.factories import ACTOR, assign, make_organization, make_person, make_unit, make_user

pytestmark = pytest.mark.django_db

Row = dict[str, Any]
Key = tuple[str, int]
"""The sheet and the row's number in it."""

SHEETS = {"单位": "units", "组织": "organizations", "人员": "people", "编入": "assignments"}
COLUMNS: dict[str, tuple[str, ...]] = {
    "单位": ("code", "name", "kind", "superior", "opened_on"),
    "组织": (
        *("code", "name", "kind", "is_temporary", "unit", "parent"),
        *("established_on", "dissolved_on", "campaign", "note"),
    ),
    "人员": ("number", "name", "category", "political_status", "home_unit", "home_branch", "title"),
    "编入": ("organization", "number", "name", "role", "started_on", "ended_on"),
}
TODAY = timezone.localdate()
REASON = "核对后更正"
NO_SUCH = "没有,或不在管理范围内"
FILL_IN = "须填写"


def day(number: int) -> date:
    """The days on which things happen here: 1 February 2020 and after."""
    return date(2020, 2, 1) + timedelta(days=number)


@pytest.fixture
def users() -> dict[str, User]:
    """A bureau with its units, organizations and people, a neighbour, and who imports."""
    ting = make_unit("ting", kind="department")
    ju = make_unit("ju", ting)
    suo = make_unit("suo", ju, kind="station")
    make_unit("xin", ju, kind="station", opened_on=day(5))
    units.close_unit(actor=ACTOR, unit=make_unit("guan", ju, kind="station"), on=day(1), reason="撤")
    lin = make_unit("lin", ting)
    dangwei = make_organization(ju, "committee", code="dangwei", is_temporary=False)
    zz = make_organization(ju, "general_branch", code="zz", parent=dangwei)
    zb = make_organization(suo, code="zb", parent=zz)
    dui = make_organization(suo, "commando_team", code="dui")
    linzb = make_organization(lin, code="linzb")
    che = make_organization(suo, code="che")
    organizations.withdraw_organization(actor=ACTOR, organization=che, reason="误")
    zhang, li, wang = (
        make_person(name, unit, number=number, home_branch=dangwei)
        for name, unit, number in (("张", suo, "001"), ("李", ju, "002"), ("王", suo, "003"))
    )
    guest, stranger = make_person("邻", lin, number="900"), make_person("远", lin, number="901")
    assign(zb, zhang, started_on=day(2))
    assign(zb, li, started_on=day(2), ended_on=day(4))
    assign(zb, guest, started_on=day(1))
    assign(dui, wang, started_on=day(3))
    assign(zz, wang, started_on=day(9))
    assign(linzb, stranger)
    return {"manager": make_user("manager", ju), "clerk": make_user("clerk", ju, "clerk")}


# --- Workbooks ------------------------------------------------------------------------------------


def some(*values: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from(values)


def mostly_empty(*values: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from((None,) * 3 * len(values) + values)


def rows(**columns: st.SearchStrategy[Any]) -> st.SearchStrategy[Row]:
    return st.fixed_dictionaries(columns)


UNITS = st.one_of(
    rows(
        code=some("suo", "xin", "guan", "lin", "ju"),
        name=mostly_empty("新名"),
        kind=mostly_empty("brigade"),
        superior=mostly_empty("ju", "ting"),
        opened_on=mostly_empty(day(-5), day(3), TODAY + timedelta(1)),
    ),
    rows(
        code=some("x1", "x2", "x3", "x1", "x2", "x3", "坏"),
        name=some("甲", "乙", "丙", None),
        kind=some("station", "brigade", "nothing"),
        superior=some("ju", "suo", "x1", "x2", "x3", "ju", "lin", "guan", "ting", "nowhere", None),
        opened_on=mostly_empty(day(4), TODAY + timedelta(1)),
    ),
)
ORGANIZATIONS = st.one_of(
    rows(
        code=some("zb", "zb", "zz", "dui", "linzb", "che"),
        name=mostly_empty("新名"),
        kind=mostly_empty("branch"),
        unit=mostly_empty("suo"),
        dissolved_on=mostly_empty(day(7), day(8), TODAY + timedelta(1)),
        note=mostly_empty("备"),
    ),
    rows(code=some("zz", "zb", "dui"), established_on=some(day(-3), day(0), day(1), day(2), day(3))),
    rows(
        code=some("n1", "n2", "n3"),
        name=some("甲", "乙", None),
        kind=some("branch", "branch", "general_branch", "committee", "group", "commando_team"),
        is_temporary=some(True, True, False, None),
        unit=some("suo", "ju", "xin", "x1", "guan", "lin"),
        parent=some(None, "dangwei", "zz", "zb", "n1", "n2", "n3", "linzb", "che", "nowhere"),
        established_on=some(day(1), day(3), day(6), TODAY + timedelta(1), None),
    ),
    rows(  # what has ended already stands below nothing else that is new
        code=some("e1"),
        name=some("旧"),
        kind=some("branch", "commando_team"),
        is_temporary=some(True, False),
        unit=some("suo", "ju"),
        parent=some(None, "dangwei"),
        established_on=some(day(1), day(3)),
        dissolved_on=some(day(2), day(7)),
    ),
)
PEOPLE = st.one_of(
    rows(
        number=some("001", "002", "003", "900", "901"),
        name=mostly_empty("改名"),
        category=mostly_empty("auxiliary"),
        political_status=mostly_empty("masses", "full_member"),
        home_unit=mostly_empty("ju", "x1", "guan", "lin"),
        home_branch=mostly_empty("dangwei", "zb", "n1"),
        title=mostly_empty("所长"),
    ),
    rows(
        number=some("101", "102", "p-0123456789ab"),
        name=some("新人", None),
        category=some("officer", "auxiliary", "civilian"),
        political_status=some(None, "masses", "probationary_member"),
        home_unit=some("suo", "ju", "x1", "x2", "guan", "lin", "nowhere"),
        home_branch=mostly_empty("dangwei", "zb", "n1", "n2"),
        title=mostly_empty("民警"),
    ),
)
ASSIGNMENTS = rows(
    organization=some("zb", "zb", "zz", "dui", "n1", "n2", "e1", "linzb", "che", "nowhere"),
    number=some("001", "002", "003", "900", "901", "101", "102", "404"),
    name=mostly_empty("张", "新人"),
    role=some("secretary", "member", None),
    started_on=some(None, day(2), day(3), day(5), day(6), day(9), TODAY + timedelta(1)),
    ended_on=some(None, None, day(4), day(5), day(6), day(10)),
)


def _names_of(row: Row) -> tuple[Any, ...]:
    """What makes a row the same row as another; an assignment without its first day may be any of them."""
    if "role" in row:
        return row["organization"], row["number"], row["started_on"]
    return (row.get("code") or row.get("number"),)


def _sheet(of: st.SearchStrategy[Row], most: int) -> st.SearchStrategy[list[Row]]:
    return st.lists(of, max_size=most, unique_by=_names_of)


def _drop_what_depends_on_order(sheets: dict[str, list[Row]]) -> dict[str, list[Row]]:
    """Leave out what an import and a person may do in another order: two corrections of one line's days."""
    corrected = [row for row in sheets["组织"] if row["code"] in ("zz", "zb") and row.get("established_on")]
    sheets["组织"] = [row for row in sheets["组织"] if row not in corrected[1:]]
    placed = Counter((row["organization"], row["number"]) for row in sheets["编入"])
    sheets["编入"] = [
        row
        for row in sheets["编入"]
        if row["started_on"] is not None or placed[row["organization"], row["number"]] == 1
    ]
    return sheets


BOOKS = st.fixed_dictionaries(
    {
        "编入": _sheet(ASSIGNMENTS, 6),
        "人员": _sheet(PEOPLE, 5),
        "组织": _sheet(ORGANIZATIONS, 5),
        "单位": _sheet(UNITS, 4),
    }
).map(_drop_what_depends_on_order)


# --- By the import --------------------------------------------------------------------------------


def by_import(user: User, sheets: dict[str, list[Row]]) -> dict[Key, list[str]]:
    """Import the workbook without its wrong rows; return what is wrong at which row."""
    content = {
        title: [[_cell(row.get(slug)) for slug in COLUMNS[title]] for row in some_rows]
        for title, some_rows in sheets.items()
        if some_rows
    }
    if not content:
        return {}
    made = importing.hand_in(actor=ACTOR, user=user, file_name="名册.xlsx", content=_book(content))
    made = Import.objects.get(pk=made.pk)
    assert made.state == ImportState.CHECKED, made.message
    wrong = {
        (sheet, number): [problem["message"] for problem in found]
        for sheet, number, found in ImportLine.objects.filter(of=made, verdict=Verdict.WRONG).values_list(
            "sheet", "number", "problems"
        )
    }
    if made.changes_something:
        importing.confirm(actor=ACTOR, import_=made, reason=REASON, without_wrong=True)
        made.refresh_from_db()
        assert made.state == ImportState.WRITTEN, made.message
    return wrong


def _cell(value: Any) -> Any:
    return {True: "是", False: "否"}[value] if isinstance(value, bool) else value


def _book(content: dict[str, list[list[Any]]]) -> bytes:
    workbook = Workbook()
    workbook.remove(workbook.active)
    for title, some_rows in content.items():
        sheet = workbook.create_sheet(title)
        columns = nouns.layouts()[SHEETS[title]].by_slug
        for row in [[columns[slug].header for slug in COLUMNS[title]], *some_rows]:
            sheet.append(row)
    target = io.BytesIO()
    workbook.save(target)
    return target.getvalue()


# --- By hand --------------------------------------------------------------------------------------


class ByHand:
    """Does each row of a workbook by the operations, with the rights of the user."""

    def __init__(self, user: User, sheets: dict[str, list[Row]]) -> None:
        self.user = user
        self.wrong: dict[Key, list[str]] = {}
        self.rows: dict[str, list[tuple[Key, Row]]] = {
            title: [
                ((title, number), {slug: value for slug, value in row.items() if value is not None})
                for number, row in enumerate(sheets[title], start=2)
            ]
            for title in SHEETS
        }
        self.there = {key: self._assignment_meant(row) for key, row in self.rows["编入"]}

    def do(self) -> dict[Key, list[str]]:
        """Do everything; return what was refused at which row."""
        known = set(Unit.objects.values_list("code", flat=True))
        self._each(self._edit_unit, [each for each in self.rows["单位"] if each[1]["code"] in known])
        self._until_nothing_more(
            self._add_unit, [each for each in self.rows["单位"] if each[1]["code"] not in known]
        )
        self._organizations()
        numbers = set(Person.objects.values_list("number", flat=True))
        for key, row in self.rows["人员"]:
            self._each(self._change_person if row["number"] in numbers else self._add_person, [(key, row)])
        self._until_nothing_more(self._assign, self.rows["编入"])
        return self.wrong

    def _each(self, verb: Callable[..., None], some_rows: list[tuple[Key, Row]]) -> list[tuple[Key, Row]]:
        """Do each row, or nothing of it; return those that were refused."""
        refused = []
        for key, row in some_rows:
            access.forget_grants(self.user)  # each row is a request: the row before may have moved the units
            try:
                with transaction.atomic():
                    verb(row) if verb != self._assign else self._assign(row, key)
            except OperationRefused as refusal:
                self.wrong[key] = list(refusal.messages)
                refused.append((key, row))
            else:
                self.wrong.pop(key, None)
        return refused

    def _until_nothing_more(self, verb: Callable[..., None], some_rows: list[tuple[Key, Row]]) -> None:
        """Try what was refused again, as long as something else succeeded: a parent may come later."""
        left = self._each(verb, some_rows)
        while left and len(left) < len(some_rows):
            some_rows, left = left, self._each(verb, left)

    def _find(self, model: type[Any], code: str, verb: str = access.SEE) -> Any:
        name = "number" if model is Person else "code"
        row = access.visible(self.user, model.objects.filter(**{name: code}), verb).first()
        if row is None:
            raise refuse(None, NO_SUCH)
        return row

    @staticmethod
    def _need(row: Row, *slugs: str) -> None:
        if any(slug not in row for slug in slugs):
            raise refuse(None, FILL_IN)

    def _may(self, unit: Unit, verb: str) -> None:
        if not access.inside(unit, access.spans(self.user, verb)):
            raise refuse(None, NO_SUCH)

    @staticmethod
    def _differing(row: Row, instance: Any, slugs: tuple[str, ...]) -> Row:
        return {slug: row[slug] for slug in slugs if slug in row and row[slug] != getattr(instance, slug)}

    # Units

    def _edit_unit(self, row: Row) -> None:
        unit = self._find(Unit, row["code"])
        if row.get("superior", unit.parent and unit.parent.code) != (unit.parent and unit.parent.code):
            raise refuse(None, "另行办理")
        if unit.closed_on is not None and row.get("name", unit.name) != unit.name:
            raise refuse(None, "另行办理")  # its code is given to another
        if wanted := self._differing(row, unit, ("name", "kind", "opened_on")):
            self._may(unit, "edit_unit")
            units.edit_unit(actor=ACTOR, unit=unit, changes=wanted, reason=REASON)

    def _add_unit(self, row: Row) -> None:
        self._need(row, "name", "kind", "superior")
        superior = self._find(Unit, row["superior"])
        self._may(superior, "add_unit")
        facts = {slug: value for slug, value in row.items() if slug != "superior"}
        units.add_unit(actor=ACTOR, superior=superior, **facts)

    # Organizations

    def _organizations(self) -> None:
        known = dict(Organization.objects.values_list("code", "level"))
        there = [each for each in self.rows["组织"] if each[1]["code"] in known]
        self._each(self._edit_organization, [each for each in there if "dissolved_on" not in each[1]])
        ending = [each for each in there if "dissolved_on" in each[1]]
        ending.sort(key=lambda each: (each[1]["dissolved_on"], -known[each[1]["code"]]))
        self._each(self._edit_organization, ending)
        new = [each for each in self.rows["组织"] if each[1]["code"] not in known]
        self._until_nothing_more(self._establish, new)

    def _edit_organization(self, row: Row) -> None:
        organization = self._find(Organization, row["code"])
        if any(
            slug in row and row[slug] != now
            for slug, now in (("kind", organization.kind), ("unit", organization.unit.code))
        ):
            raise refuse(None, "另行办理")
        if organization.dissolved_on is not None and row.get("name", organization.name) != organization.name:
            raise refuse(None, "另行办理")
        wanted = self._differing(row, organization, ("name", "note", "established_on"))
        if not wanted and "dissolved_on" not in row:
            return
        self._may(organization.unit, "edit_organization")
        if organization.state == WorkflowState.WITHDRAWN:
            raise refuse(None, "已撤回")
        facts = {"actor": Actor(user=self.user), "organization": organization, "reason": REASON}
        or_submit(organizations.edit_organization, changes=wanted, **facts)
        if "dissolved_on" in row:
            or_submit(organizations.dissolve_organization, on=row["dissolved_on"], **facts)

    def _establish(self, row: Row) -> None:
        self._need(row, "name", "kind", "unit", "established_on")
        if row["kind"] in PARTY_KINDS:
            self._need(row, "is_temporary")
        unit = self._find(Unit, row["unit"], "establish_organization")
        parent = self._find(Organization, row["parent"]) if "parent" in row else None
        organization = organizations.establish_organization(
            actor=ACTOR,
            unit=unit,
            parent=parent,
            state=WorkflowState.SUBMITTED,
            **{
                slug: row[slug]
                for slug in ("code", "name", "kind", "is_temporary", "established_on")
                if slug in row
            },
        )
        if "dissolved_on" in row:
            organizations.dissolve_organization(
                actor=ACTOR, organization=organization, on=row["dissolved_on"], reason=REASON
            )

    # People

    def _add_person(self, row: Row) -> None:
        self._need(row, "name", "category", "home_unit")
        if row["number"].startswith("p-"):
            raise refuse(None, "警号只能用字母、数字和连字符。")
        home = self._find(Unit, row["home_unit"], "add_person")
        branch = self._find(Organization, row["home_branch"]) if "home_branch" in row else None
        people.add_person(actor=ACTOR, **{**row, "home_unit": home, "home_branch": branch})

    def _change_person(self, row: Row) -> None:
        person = self._find(Person, row["number"])
        if not access.sees_private(self.user, person):
            raise refuse(None, ELSEWHERE)
        facts = self._differing(row, person, ("name", "category", "title"))
        status = self._differing(row, person, ("political_status",))
        home = {
            slug: row[slug]
            for slug, now in (
                ("home_unit", person.home_unit.code),
                ("home_branch", person.home_branch and person.home_branch.code),
            )
            if slug in row and row[slug] != now
        }
        if not (facts or status or home):
            return
        self._may(person.home_unit, "edit_person")
        if status:  # first, as the import does it: its entry of the record has the name from before
            people.change_political_status(
                actor=ACTOR, person=person, status=status["political_status"], on=TODAY, reason=REASON
            )
        people.edit_person(actor=ACTOR, person=person, changes=facts, reason=REASON)
        if home:
            unit, branch = person.home_unit, person.home_branch
            if "home_unit" in home:
                unit = self._find(Unit, home["home_unit"], "transfer_person")
            if "home_branch" in home:
                branch = self._find(Organization, home["home_branch"])
            people.transfer_person(
                actor=ACTOR, person=person, home_unit=unit, home_branch=branch, on=TODAY, reason=REASON
            )

    # Assignments

    def _assignment_meant(self, row: Row) -> int | None:
        """The assignment that a row speaks of, by what is there before anything is done."""
        there = Assignment.objects.valid().filter(
            organization__code=row["organization"], person__number=row["number"]
        )
        if "started_on" in row:
            there = there.filter(started_on=row["started_on"])
        else:
            there = there.filter(ended_on__isnull=True)
        found = list(there.order_by("pk"))
        best = [each for each in found if each.ended_on == row.get("ended_on")] or found[-1:]
        return best[0].pk if best else None

    def _assign(self, row: Row, key: Key) -> None:
        organization = self._find(Organization, row["organization"], "assign_person")
        person = self._find(Person, row["number"])
        known = person.name if access.sees_private(self.user, person) else None  # others: by number and name
        if row.get("name", known) != person.name:
            raise refuse(None, "姓名不符")
        if (meant := self.there[key]) is not None:
            self._change_assignment(Assignment.objects.get(pk=meant), row)
            return
        self._need(row, "started_on", "role")
        facts = {slug: row[slug] for slug in ("role", "started_on", "ended_on") if slug in row}
        placed = Assignment(organization=organization, person=person, **facts)
        or_submit(assignments.place_people, actor=Actor(user=self.user), assignments=[placed])

    def _change_assignment(self, assignment: Assignment, row: Row) -> None:
        if row.get("role", assignment.role) != assignment.role:
            changes = [(assignment, row["role"], assignment.started_on)]
            or_submit(assignments.change_roles, actor=Actor(user=self.user), changes=changes)
        if row.get("ended_on", assignment.ended_on) != assignment.ended_on:
            assignments.end_assignment(actor=ACTOR, assignment=assignment, on=row["ended_on"], reason=REASON)


# --- Both -----------------------------------------------------------------------------------------


def all_rows() -> dict[str, list[Any]]:
    """What is there, by codes and numbers instead of keys."""
    wanted: dict[type[Any], tuple[str, ...]] = {
        Unit: ("code", "name", "kind", "parent__code", "opened_on", "level", "version"),
        UnitPlacement: ("unit__code", "superior__code", "started_on", "ended_on"),
        Organization: (
            *("code", "name", "kind", "is_temporary", "unit__code", "parent__code", "state", "level"),
            *("established_on", "dissolved_on", "note"),
        ),
        OrganizationPlacement: ("organization__code", "unit__code", "started_on", "ended_on"),
        Person: (
            *("number", "name", "category", "political_status", "home_unit__code", "home_branch__code"),
            *("title", "version"),
        ),
        StatusPeriod: ("person__number", "status", "started_on", "ended_on"),
        Assignment: (
            *("person__number", "organization__code", "role", "started_on", "ended_on"),
            *("document_number", "is_withdrawn"),
        ),
    }
    return {
        model.__name__: sorted(model._base_manager.values_list(*names), key=repr)
        for model, names in wanted.items()
    }


def entries(after: int) -> Counter[Any]:
    """What the record says of the rows, in any order; what comes in ended needs no second act."""
    found = AuditEntry.objects.filter(pk__gt=after).exclude(noun="")
    found = found.exclude(verb="dissolve_organization", object_name="旧")
    return Counter(found.values_list("verb", "noun", "object_name", "effective_on", "unit__code"))


def outcome(do: Callable[[], dict[Key, list[str]]]) -> tuple[dict[Key, list[str]], Any, Any]:
    """Do it, check what is there, and take it back."""
    last = AuditEntry.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    with transaction.atomic():
        wrong = do()
        assert differences() == []
        assert Ledger().faults() == []
        found = wrong, all_rows(), entries(last)
        transaction.set_rollback(True)
    return found


@settings(
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # shrinking takes minutes and says little more
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
    ],
)
@given(who=st.sampled_from(("manager", "manager", "manager", "clerk")), sheets=BOOKS)
@example(  # the own bureau moves behind its neighbour, whose rows stay unseen
    who="manager",
    sheets={
        "单位": [{"code": "ju", "name": "新名"}, {"code": "lin", "name": "新名"}],
        "组织": [{"code": "linzb", "name": "新名"}],
        "人员": [],
        "编入": [],
    },
)
def test_an_import_does_what_the_operations_do_one_by_one(
    users: dict[str, User], who: str, sheets: dict[str, list[Row]]
) -> None:
    user = User.objects.get(pk=users[who].pk)
    wrong, imported, said = outcome(lambda: by_import(user, sheets))
    refused, done, recorded = outcome(ByHand(user, sheets).do)
    assert sorted(wrong.items()) == [
        (key, wrong.get(key) or messages) for key, messages in sorted(refused.items())
    ]
    assert imported == done
    assert (said - recorded, recorded - said) == ({}, {})
    for key, messages in refused.items():
        # A row with two faults may name another of them first.
        if not any(words in message for words in OWN_WORDS for message in (*messages, *wrong[key])):
            assert set(messages) & set(wrong[key]), (key, messages, wrong[key])


OWN_WORDS = (
    NO_SUCH,
    FILL_IN,
    "另行办理",
    "已撤回",
    "姓名不符",
    "同一时间",
    "撤销日期不能早于",
    "不是有效选项",
)
