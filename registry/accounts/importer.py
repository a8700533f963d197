"""Rows of users: each a user with a grant; an existing user is given one more grant."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from registry import access, nouns
from registry.accounts.operations import NewUser, add_users, users_called
from registry.audit import Actor
from registry.importers.cases import Case
from registry.importers.session import Importer, rows_with
from registry.models import Grant, Person, Unit, User
from registry.rules import separation
from registry.search.index import batches
from registry.search.named import find_by_code_or_name, not_unique
from registry.spreadsheets.reading import Table


class UserImporter(Importer):
    """Judges and writes users, batch by batch."""

    def batches(self, tables: list[Table]) -> Iterator[list[Case]]:
        """Yield the rows batch by batch."""
        self.names: dict[str, str] = {}
        self.named: dict[str, User] = {}
        self.given: list[Grant] = []
        for cases in batches(self.session.cases(tables), 500):
            self._know(cases)
            for case in cases:
                self._judge(case)
            yield [case.judged() for case in cases]

    def write(self, cases: list[Case], actor: Actor, reason: str) -> None:
        """Make the users and their grants."""
        add_users(actor=actor, users=[case.new for case in cases if case.new is not None], reason=reason)

    def _know(self, cases: list[Case]) -> None:
        """Read what the rows name: units, people, users and what these hold today."""
        user = self.session.user
        names = {case.key.lower() for case in cases if case.key}
        self.units = find_by_code_or_name(user, "unit", [case.text("unit") for case in cases], "add_user")
        people = list(rows_with("number", {case.text("number") for case in cases}, Person.objects.all()))
        seen = self.session.numbers_seen(people)
        self.people = {person.number: person for person in people if person.pk in seen}
        self.users = {each.username.lower(): each for each in users_called(names)}
        managed = access.users_seen(user).filter(pk__in=[each.pk for each in self.users.values()])
        self.managed = set(managed.values_list("pk", flat=True))
        self.grants = separation.held_by(
            [*self.users.values(), *(User(person=person) for person in self.people.values())]
        )
        open_ended = [grant for grant in self.grants if grant.ended_on is None]
        self.held = {(grant.user_id, grant.unit_id, grant.role) for grant in open_ended}

    def _judge(self, case: Case) -> None:
        self.session.clean(case, User, ("username", "display_name"))
        case.need()
        unit, person = self._unit(case), self._person(case)
        end, key = case.given.get("ended_on"), case.key.lower()
        if end is not None and end <= self.session.today:
            case.wrong("ended_on", "到期日期须晚于今天,否则授权不起作用。")
        name = self.names.setdefault(key, case.text("display_name"))
        if name != case.text("display_name") and "display_name" not in case.bad:
            case.wrong("display_name", f"本表中用户名“{case.key}”的姓名不一致。")
        there = self.users.get(key)
        if there is not None:
            self._see(case, there)
        case.summary = case.joined("display_name", "role")
        if case.is_wrong() or unit is None:
            return
        case.summary = f"{case.summary} · {unit.label}"
        self.session.touch_unit(unit)
        role = case.text("role")
        if there is None or (there.pk, unit.pk, role) not in self.held:
            self._separate(case, there or self._newcomer(key, person), unit, role)
        if not case.is_wrong() and (there is None or (there.pk, unit.pk, role) not in self.held):
            case.new = NewUser(case.key, case.text("display_name"), unit, role, end, person)
            case.summary += " · 增加授权" if there is not None else ""

    def _newcomer(self, key: str, person: Person | None) -> User:
        return self.named.setdefault(key, User(username=key, person=person))

    def _separate(self, case: Case, user: User, unit: Unit, role: str) -> None:
        """Check the role against those held or given by earlier rows, and whether a sheet may give it."""
        today, end = self.session.today, case.given.get("ended_on")
        holding = separation.Holding(user, unit, role, today, end)
        for _rule, _field, message in separation.check(holding, [*self.grants, *self.given]):
            case.wrong("role", message)
        if role in separation.GUARDED and not access.is_above(self.session.user, "add_user", [unit]):
            case.wrong(
                "role", "这一角色须由两人授予:请上级单位的管理员导入,或在用户页面提出、由另一管理员确认。"
            )
        self.given.append(Grant(user=user, unit=unit, role=role, started_on=today, ended_on=end))

    def _see(self, case: Case, user: User) -> None:
        """Judge a row of an existing user: only a manager of that user may add grants."""
        if user.pk not in self.managed or not access.may_grant_to(self.session.user, user):
            self.session.taken(case, "用户名")
        elif user.display_name != case.text("display_name"):
            message = f"该用户已有,姓名是“{user.display_name}”;姓名有误的,请在用户页面更正。"
            case.wrong("display_name", message)

    def _unit(self, case: Case) -> Unit | None:
        word = case.text("unit")
        rows: list[Any] = self.units.get(word, [])
        if len(rows) == 1:
            return self._open(case, rows[0])
        if rows:
            case.wrong("unit", not_unique(nouns.by_key("unit"), word, rows))
        elif word:
            case.wrong("unit", f"没有代码或名称为“{word}”的单位,或不在您的管理范围内。")
        return None

    def _open(self, case: Case, unit: Unit) -> Unit:
        if unit.closed_on is not None and unit.closed_on <= self.session.today:
            case.wrong("unit", f"“{unit.name}”已撤销,不能授权。")
        return unit

    def _person(self, case: Case) -> Person | None:
        number = case.text("number")
        person = self.people.get(number)
        if number and person is None:
            case.wrong("number", f"没有警号为“{number}”的人员,或不在您的管理范围内。")
        elif person is not None and person.name != case.text("display_name"):
            case.wrong("number", f"警号“{number}”的人员不叫“{case.text('display_name')}”,请核对。")
        return person
