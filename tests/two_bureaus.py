"""Two bureaus that mirror each other, for the tests of access and of attacks; and a visitor.

甲 and 乙 stand under one department. Everything at 甲 has 甲密 in its name, everything at 乙 has 乙密, so
that whatever leaks from one to the other can be seen in any answer.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from datetime import date, timedelta
from typing import Any
from zipfile import ZipFile

from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from registry.audit import Actor
from registry.closings import operations as closings
from registry.exports import operations as exports
from registry.exports.models import Export, ExportPart
from registry.files import receiving
from registry.files.models import StoredFile
from registry.files.operations import remove_file
from registry.imports import background as importing
from registry.imports.models import Import
from registry.logbooks.operations.entries import add_entry
from registry.logbooks.operations.logbooks import add_logbook
from registry.models import AuditEntry, Figure, Grant, Organization, Proposal, Source, Unit, User
from registry.operations import compliance, leaving, organizations, people, units
from registry.operations.submitting import or_submit
from registry.service import operations as service
from registry.service.rules import Writing
from tests.factories import ACTOR, assign, make_campaign, make_organization, make_person, make_unit, make_user

VISITS: dict[str, Any] = {
    "fields": [
        {"key": "place", "label": "地点", "type": "text", "required": True},
        {"key": "visitors", "label": "走访人", "type": "people", "required": True},
        {"key": "covers", "label": "联系单位", "type": "unit"},
        {"key": "team", "label": "编入队伍", "type": "organization"},
        {"key": "money", "label": "慰问金", "type": "amount"},
    ],
    "watch": {"field": "covers", "by": "jia-log"},
    "placing": {"offered": "visitors", "chosen": "visitors", "into": "team", "step": "closed"},
    "steps": [{"key": "visited", "label": "走访"}, {"key": "closed", "label": "办结"}],
    "counters": [
        {"key": "entries", "label": "走访", "way": "entries"},
        {"key": "people", "label": "走访人数", "way": "people", "field": "visitors", "measure": "人"},
        {"key": "money", "label": "慰问金", "way": "sum", "field": "money", "measure": "元"},
    ],
}
"""A logbook of visits."""

ROLES = ("viewer", "clerk", "approver", "manager", "auditor")
PASSWORD = "correct horse battery"
GUEST = "GAST-77001"
"""The police number of a guest at 甲: it may stand in no answer to either bureau."""
PHONE = "1380000"
"""With four digits more: nobody's telephone number may stand in a page that was not asked for it."""


class Bureau:
    """One of the two: a unit with two stations, people, organizations, users, and what was done."""

    proposal: Proposal

    def __init__(
        self, department: Unit, committee: Organization, source: Source, code: str, mark: str
    ) -> None:
        self.code, self.mark, self.source = code, mark, source
        self.unit = make_unit(code, department, name=f"{mark}公安局", kind="sub_bureau")
        self.station = make_unit(f"{code}-station", self.unit, name=f"{mark}派出所", kind="station")
        self.spare = make_unit(f"{code}-spare", self.unit, name=f"{mark}检查站", kind="checkpoint")
        self.people = [
            make_person(
                f"{mark}{name}", self.unit, number=f"{code.upper()}-9000{at}", phone=f"{PHONE}000{at}"
            )
            for at, name in enumerate("赵钱孙李", start=1)
        ]
        self.person = self.people[0]
        self.left = leaving.end_service(
            actor=ACTOR,
            person=make_person(f"{mark}退休人", self.unit, number=f"{code.upper()}-90008"),
            leaving="retired",
            on=date(2020, 2, 20),
            reason=f"{mark}到龄",
        )
        named = {"parent": committee, "campaign": None}
        self.branch = make_organization(
            self.unit, code=f"{code}-branch", name=f"{mark}临时党支部", approval_number=f"{mark}1号", **named
        )
        self.team = make_organization(
            self.station, "commando_team", code=f"{code}-team", name=f"{mark}突击队"
        )
        self.force = make_organization(self.unit, "task_force", code=f"{code}-force", name=f"{mark}专班")
        for state in ("submitted", "draft"):
            make_organization(
                self.unit, code=f"{code}-{state}", name=f"{mark}{state}支部", state=state, **named
            )
        self.campaign = make_campaign(f"{code}-campaign", name=f"{mark}专项", lead_unit=self.unit)
        self.over = make_campaign(
            f"{code}-over", name=f"{mark}旧专项", lead_unit=self.unit, ended_on=date(2020, 3, 1)
        )
        self.closing = closings.close_campaign(
            actor=ACTOR,
            campaign=make_campaign(f"{code}-closed", name=f"{mark}收尾专项", lead_unit=self.unit),
            on=date(2020, 3, 1),
            document_number=f"{mark}31号",
            reason="任务完成",
        )
        self.assignment = assign(self.branch, self.person, role="secretary")
        assign(self.team, self.people[1])
        # Of the campaign that is over: one record waits for its opinion and receipt, one has both.
        self.served = make_organization(
            self.unit, code=f"{code}-served", name=f"{mark}任务支部", campaign=self.over, parent=committee
        )
        self.unsigned, self.signed = self.people[2:]
        for each in (self.unsigned, self.signed):
            assign(self.served, each)
        writing = Writing(self.signed, f"{mark}鉴定")
        service.write_opinions(actor=ACTOR, organization=self.served, writings=[writing])
        service.sign_receipts(actor=ACTOR, campaign=self.over, people=[self.signed], on=date(2020, 3, 2))
        self.article = Source.objects.create(
            number=Source.objects.count() + 1, title=f"{mark}简报", unit=self.unit
        )
        self.mistake = Source.objects.create(
            number=Source.objects.count() + 1, title=f"{mark}误录简报", unit=self.unit, is_withdrawn=True
        )
        self.figure, self.withdrawn = (
            Figure.objects.create(
                code=f"{code}-{at}", source=self.article, unit=self.unit, is_withdrawn=at > 0,
                metric="pioneer_posts", label=f"{mark}先锋岗", value="1", number=1, qualifier="exact",
            )
            for at in range(2)
        )  # fmt: skip
        Figure.objects.create(
            code=f"f-{code}", source=source, metric="temporary_branches", label=f"{mark}临时党支部数",
            value="1", number=1, qualifier="exact", unit=self.unit, as_of=date(2020, 2, 10),
        )  # fmt: skip
        people.edit_person(
            actor=ACTOR, person=self.person, changes={"title": f"{mark}所长"}, reason=f"{mark}改职务"
        )
        self.branch = organizations.edit_organization(
            actor=ACTOR, organization=self.branch, changes={"note": f"{mark}备注"}, reason=f"{mark}补备注"
        )
        self.exception = compliance.grant_exception(
            actor=ACTOR, organization=self.branch, slug="temp_branch_appointed",
            document_number=f"{mark}例外1号", reason=f"{mark}先成立",
            started_on=date(2020, 2, 10), ended_on=date(2020, 3, 1),
        )  # fmt: skip
        self.act = AuditEntry.objects.filter(verb="assign_person", part_of__isnull=True).latest("pk")
        self.entry = AuditEntry.objects.get(verb="edit_organization", object_id=self.branch.pk)
        self.users = {role: make_user(f"{code}-{role}", self.unit, role) for role in ROLES}
        for role, user in self.users.items():
            User.objects.filter(pk=user.pk).update(display_name=f"{mark}{role}")
        self.other = make_user(f"{code}-other", self.station, "viewer", display_name=f"{mark}用户")
        self.waiting = make_user(f"{code}-waiting", self.station, "viewer", must_change_password=True)
        self.gone = make_user(f"{code}-gone", self.station, "viewer", display_name=f"{mark}停用")
        User.objects.filter(pk=self.gone.pk).update(is_active=False)
        self.grant = Grant.objects.get(user=self.other)
        later = timezone.localdate() + timedelta(days=60)
        self.delegation = Grant.objects.create(
            user=self.users["manager"], unit=self.unit, role="approver", started_on=later,
            ended_on=later + timedelta(days=3), delegated_from=self.users["approver"].grants.get(),
        )  # fmt: skip
        self.handed_in = self._handed_in(f"{mark}名册.csv", f"{code}")
        self.mistaken = self._handed_in(f"{mark}错误.csv", "nowhere")

        self.asked = self._exported(self.users["manager"])
        self.upload, self.dropped = self._uploaded("附件.csv"), self._uploaded("误传.csv")
        remove_file(actor=ACTOR, file=self.dropped)
        waits = or_submit(
            organizations.transfer_organization,
            actor=Actor(user=self.users["clerk"], name=f"{mark}clerk"),
            organization=self.team,
            unit=self.unit,
            on=date(2020, 3, 1),
            reason=f"{mark}换防",
        )
        self.submission = waits.row
        """A transfer of the team that the clerk submitted."""
        self.logbook = add_logbook(
            actor=ACTOR, unit=self.unit, code=f"{code}-log", name=f"{mark}走访", design=VISITS,
            started_on=date(2020, 1, 1),
        )  # fmt: skip
        self.drafted, self.logged = (
            add_entry(
                actor=ACTOR, logbook=self.logbook, unit=self.station, happened_on=date(2020, 2, 10),
                values={"place": f"{mark}社区", "visitors": [(self.person, "")], "money": 500},
                is_draft=is_draft,
            )
            for is_draft in (True, False)
        )  # fmt: skip
        """Entries: one that was not submitted, one that waits."""

    def _exported(self, user: User) -> Export:
        """A file that the manager asked for, made by the worker."""
        made = exports.ask_export(actor=ACTOR, user=user, title=f"{self.mark}人员", path="/export/", data=[])
        attempt = exports.claim(made.pk)
        ExportPart.objects.create(of=made, place=0, attempt=attempt, content=self.mark.encode())
        told = {"verb": "export", "subject": made.title, "unit": self.unit.pk, "after": {"rows": 1}}
        facts = {"rights": exports.rights_of(user), "size": len(self.mark.encode()), "rows": 1}
        named = {"file_name": "人员.csv", "content_type": "text/csv"}
        assert exports.finish(made.pk, attempt, told=told, **facts, **named)
        return Export.objects.get(pk=made.pk)

    def _uploaded(self, file_name: str) -> StoredFile:
        """A file that the manager uploaded for a form that is not saved yet."""
        user, content = self.users["manager"], self.mark.encode()
        upload = SimpleUploadedFile(f"{self.mark}{file_name}", content)
        return receiving.receive(Actor(user=user, name=str(user)), [upload], "file").stored[0]

    def _handed_in(self, file_name: str, unit: str) -> Import:
        """A workbook of the manager's, checked: right when the unit is there."""
        rows = f"警号,姓名,人员类别,所属单位代码\nNEW-{self.code},{self.mark}新人,民警,{unit}\n"
        return importing.hand_in(
            actor=ACTOR, user=self.users["manager"], file_name=file_name, content=rows.encode()
        )


class TwoBureaus:
    """Both bureaus, and what stands above them."""

    def __init__(self) -> None:
        self.department = make_unit("ting", name="省公安厅", kind="department")
        self.committee = make_organization(
            self.department, "committee", code="ting-committee", name="厅党委", is_temporary=False
        )
        self.campaign = make_campaign()
        self.source = Source.objects.create(number=1, title="报道")
        self.here = Bureau(self.department, self.committee, self.source, "jia", "甲密")
        self.there = Bureau(self.department, self.committee, self.source, "yi", "乙密")
        # Of neither: who works at 甲 sees the name, and number and telephone nowhere.
        guest = make_person("外来客", self.department, number=GUEST, phone=f"{PHONE}7777")
        assign(self.here.branch, guest)
        self.superuser = make_user("root", is_superuser=True)
        for bureau in (self.here, self.there):
            bureau.proposal = Proposal.objects.create(
                verb="disable_user", user=bureau.waiting, unit=bureau.station, proposed_by=self.superuser,
                facts={"user": {"row": ["registry.user", bureau.waiting.pk]}, "reason": f"{bureau.mark}离职"},
                until=timezone.now() + timedelta(days=7),
            )  # fmt: skip
        # What stood below 甲 once is 乙's today: no day of the past opens it to 甲 again.
        # (Its former superior is named there: so that one has no 甲密 in its name.)
        former = make_unit("former", self.here.unit, name="原分局", kind="brigade")
        moved = make_unit("moved", former, name="乙密转出所", kind="station")
        placed = make_organization(moved, code="moved-branch", name="乙密转出支部")
        assign(placed, make_person("乙密转出人", moved, number="YI-90009"))
        units.move_unit(actor=ACTOR, unit=moved, superior=self.there.unit, on=date(2020, 3, 1), reason="转出")


_WRITE = re.compile(r"^\s*(INSERT INTO|UPDATE|DELETE FROM)\s+\"?(\w+)\"?", re.IGNORECASE)
_SAVEPOINT = re.compile(r"(ROLLBACK TO )?SAVEPOINT (\S+)")
_PASSING = ("registry_session", "axes_accessattempt", "axes_accessfailurelog", "registry_auditseal")


@contextmanager
def noting() -> Iterator[list[str]]:
    """Note each statement; for the values, which Django notes too, SQLite would be asked again."""
    asked: list[str] = []

    def note(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        asked.append(sql)
        return execute(sql, *rest)

    with connection.execute_wrapper(note):
        yield asked


def written(asked: list[str]) -> set[str]:
    """Return the tables that were written, but for sessions and the counting of failed logins.

    What is rolled back was only rehearsed: what must be refused is said before what is warned about.
    """
    found: set[str] = set()
    before: dict[str, set[str]] = {}
    for sql in asked:
        if mark := _SAVEPOINT.match(sql):
            if mark.group(1):
                found = before[mark.group(2)]
            before[mark.group(2)] = set(found)
        elif match := _WRITE.match(sql):
            found.add(match.group(2))
    return found - set(_PASSING)


class Visitor:
    """Somebody with or without a login who sends requests; what they write is rolled back."""

    def __init__(self, somebody: User | None) -> None:
        self.client = Client()
        self.user = somebody
        if somebody is not None:
            self.client.force_login(somebody)

    def ask(self, method: str, url: str, data: dict[str, Any] | None = None) -> tuple[str, str]:
        """Return the status with ``+`` when something was written, and the answer's text."""
        savepoint, cookies = transaction.savepoint(), copy(self.client.cookies)
        try:
            if data and "confirmed" in data:  # what was warned about is sent again
                warned = self.client.post(url, data).context
                data = {**data, "confirmed": warned.get("confirmed", "") if warned else ""}
            with noting() as asked:
                response = self.client.generic(method, url) if data is None else self.client.post(url, data)
                body = _text(response)
            tables = written(asked)
            sign = "" if not tables else "+" if "registry_auditentry" in tables else "!"
            # A form sent without a login is led to it at once, with what was filled in (web/kept.py).
            to_login = self.user is None and 'name="kept"' in body
            return f"{302 if to_login else response.status_code}{sign}", body
        finally:
            transaction.savepoint_rollback(savepoint)
            self.client.cookies = cookies  # a logout is taken back too


def _text(response: HttpResponse) -> str:
    said = b"".join(response.streaming_content) if response.streaming else response.content  # type: ignore[attr-defined]
    if said.startswith(b"PK"):  # a workbook: everything that is in it
        with ZipFile(io.BytesIO(said)) as book:
            said = b"\n".join(book.read(name) for name in book.namelist())
    return said.decode() + str(response.headers.get("Location", ""))
