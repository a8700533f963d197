"""The first 48 hours of an emergency, from an empty database to the export, through the pages."""

from __future__ import annotations

import io
import re
from datetime import date, timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from openpyxl import Workbook, load_workbook

from registry.approvals.models import Submission
from registry.imports.models import Import, ImportState
from registry.models import (
    Assignment,
    AuditEntry,
    Campaign,
    Organization,
    Person,
    Unit,
    User,
    WorkflowState,
)

pytestmark = pytest.mark.django_db

UNITS = (
    ("单位名称", "单位类型", "上级单位"),
    ("江南分局", "分局", "临海市公安局"),
    ("江北分局", "分局", "临海市公安局"),
    ("第一检查站", "检查站", "江南分局"),
    ("第二检查站", "检查站", "江南分局"),
    ("第十检查站", "检查站", "江南分局"),
)
PEOPLE = (
    ("警号", "姓名", "人员类别", "所在单位", "政治面貌", "入党时间"),
    ("031001", "周建国", "民警", "江南分局", "中共党员", "2001-07-01"),
    ("031002", "吴秀英", "民警", "江南分局", "中共党员", "2008.6"),
    ("031003", "郑海涛", "民警", "江南分局", "中共党员", "2011-07-01"),
    ("031004", "王小明", "民警", "江南分局", "群众", None),
    ("31004X", "王小明", "民警", "江南分局", "群众", None),
    ("031005", "冯丽", "民警", "江南分局", "中共党员", "2015-07-01"),
    ("031011", "韩冬", "民警", "江北分局", "中共党员", "2005-07-01"),
)
USERS = (
    ("用户名", "姓名", "单位", "角色"),
    ("luru", "录小芳", "江南分局", "录入"),
    ("shenpi", "申批", "江南分局", "审批"),
    ("lingdao", "领导", "临海市公安局", "查看"),
)
TODAY = timezone.localdate()
WRONG, FIRST, SECOND = (TODAY - timedelta(days=days) for days in (2, 1, 0))


class Walker(Client):
    """A browser: what is posted must be done, warnings are confirmed as a user would."""

    def begin(self, username: str, once: str) -> Walker:
        """Log in with a one-time password and choose one's own."""
        answer = self.post("/login/", {"username": username, "password": once}, follow=True)
        assert answer.redirect_chain[-1][0].startswith("/account/password/")
        own = f"Qi-ming-{username}-88"
        self.do("/account/password/", old_password=once, new_password=own, again=own)
        return self

    def do(self, url: str, **sent: Any) -> HttpResponse:
        """Send a form; where the page asks to look at warnings, with everything it offers."""
        sent = {name: str(value) if hasattr(value, "year") else value for name, value in sent.items()}
        answer: Any = self.post(url, sent)
        if answer.status_code == 200 and answer.context.get("warnings"):
            offers = [each.key for each in answer.context["warnings"] if getattr(each, "key", "")]
            answer = self.post(url, sent | {"confirmed": answer.context["confirmed"], "offer": offers})
        assert answer.status_code == 302, (url, answer.context and answer.context["form"].errors)
        return answer

    def bring(self, title: str, rows: tuple[tuple[Any, ...], ...]) -> Import:
        """Upload a workbook and write it."""
        book = Workbook()
        book.active.title = title
        for row in rows:
            book.active.append(row)
        file = io.BytesIO()
        book.save(file)
        url = self.do("/imports/", file=SimpleUploadedFile(f"{title}.xlsx", file.getvalue())).headers[
            "Location"
        ]
        self.do(f"{url}write/", reason="")
        made = Import.objects.latest("pk")
        assert made.state == ImportState.WRITTEN, made.message
        return made


def test_the_first_two_days_of_an_emergency() -> None:
    # The manager begins.
    out = io.StringIO()
    call_command(
        "setup", "--no-input", "--unit", "临海市公安局", "--account", "guanli", "--name", "关立", stdout=out
    )
    once = re.search(r"一次性密码:(\S+)", out.getvalue())
    assert once
    manager = Walker().begin("guanli", once[1])
    assert manager.get("/").headers["Location"] == "/start/"
    root = Unit.objects.get()
    manager.bring("单位", UNITS)
    manager.do(f"/units/{root.code}/add/", name="高铁站检查站", kind="checkpoint")
    manager.bring("花名册", PEOPLE)
    manager.do("/start-campaign/", name="防台抢险", started_on=WRONG, lead_unit=root.code)
    assert manager.get("/").headers["Location"] == root.get_absolute_url()
    manager.bring("用户", USERS)
    slips: Any = manager.post(
        "/users/slips/", {"users": list(User.objects.filter(last_login=None).values_list("pk", flat=True))}
    )
    passwords = {row.user.username: password for row, password in slips.context["slips"]}
    clerk, approver, viewer = (
        Walker().begin(name, passwords[name]) for name in ("luru", "shenpi", "lingdao")
    )

    # The clerk founds: by pasting, at three posts, by copying; and borrows.
    units = {unit.name: unit for unit in Unit.objects.all()}
    south, campaign = units["江南分局"], Campaign.objects.get()
    # What the manager registers the approver approves: the committee that approves all that follows.
    committee = {"kind": "committee", "is_standing": "on", "name": "江南分局党委"}
    manager.do(f"/units/{south.code}/register/", **committee, established_on=date(2015, 1, 1))
    above = Organization.objects.get()
    approver.do(f"/organizations/{above.code}/approve/", approved_on=date(2015, 1, 1))
    facts = {"kind": "branch", "established_on": WRONG, "campaign": campaign.code}
    clerk.do(
        f"/units/{south.code}/register/",
        **facts,
        name="江南分局临时党支部",
        secretary=Person.objects.get(number="031001").key,
        numbers="031002\n郑海涛\n031005 冯丽",
    )
    branch = Organization.objects.get(kind="branch")
    members = f"/organizations/{branch.code}/members/add/"
    refused: Any = clerk.post(members, {"numbers": "031011 韩东", "started_on": str(WRONG)})
    assert "numbers" in refused.context["form"].errors
    clerk.do(members, numbers="031011 韩冬", started_on=WRONG)
    posts = [units[name].code for name in ("第一检查站", "第二检查站", "第十检查站")]
    founded = facts | {"established_on": str(FIRST), "units": posts, "groups": "甲班党小组\n乙班党小组"}
    founded["group_kind"] = "group"
    preview: Any = clerk.post(f"/units/{south.code}/found/", founded | {"check": "1"})
    clerk.do(f"/units/{south.code}/found/", **founded, previewed=preview.context["form"].mark)
    copy = clerk.do(f"/organizations/{branch.code}/copy/", unit=south.code).headers["Location"]
    name = clerk.get(copy).context["form"]["name"].value()
    clerk.do(copy, **facts | {"established_on": FIRST}, name=name)
    assert name == "江南分局第二临时党支部"

    # The approver finds them on the own page, returns one and approves the others at once.
    def waiting(client: Client) -> list[tuple[str, int]]:
        found: Any = client.get(south.get_absolute_url())
        return [(each["said"], each["number"]) for each in found.context["waiting"]]

    assert waiting(approver) == [("已提交", 11)]
    second = Organization.objects.get(name=name)
    approver.do(f"/organizations/{second.code}/return/", reason="重复登记")
    rows = Organization.objects.filter(state=WorkflowState.SUBMITTED).values_list("pk", flat=True)
    approver.do(
        "/many/organizations/approve/",
        rows=",".join(map(str, rows)),
        approving_organization=above.code,
        approval_number="临公党〔1〕号",
    )
    assert (waiting(approver), waiting(clerk)) == ([], [("被退回,待修改", 1)])

    # What was wrong is corrected: a day for all, somebody leaves, another secretary.
    placed = {row.person.name: row for row in Assignment.objects.select_related("person")}
    edit = f"/assignments/{placed['周建国'].pk}/edit/"
    page: Any = clerk.get(edit)
    clerk.do(
        edit,
        version=page.context["form"]["version"].value(),
        started_on=FIRST,
        everyone="on",
        reason="写早一天",
    )
    assert set(Assignment.objects.values_list("started_on", flat=True)) == {FIRST}
    clerk.do("/many/assignments/end/", rows=placed["冯丽"].pk, on=SECOND, reason="归队")
    clerk.do(f"/assignments/{placed['郑海涛'].pk}/role/", role="secretary", on=SECOND)
    appointed = Submission.objects.get()
    approver.do(f"/approvals/{appointed.pk}/approve/", approval_number="临公党〔2〕号")
    held = Assignment.objects.as_of(SECOND).filter(organization=branch)
    assert dict(held.values_list("person__name", "role")) == {
        "周建国": "member",
        "吴秀英": "member",
        "郑海涛": "secretary",
        "韩冬": "member",
    }

    # People: one retires, two entries of one are joined.
    clerk.do("/people/031002/leave/", leaving="retired", on=SECOND, reason="到龄")
    other = Person.objects.get(number="31004X")
    merging = f"/people/031004/merge/?other={other.key}"
    manager.do(merging, reason="登记两次", is_certain="on")

    # Taken back: a dissolution, an import, the end of the campaign.
    gone = Organization.objects.get(name="第二检查站临时党支部")
    clerk.do(f"/organizations/{gone.code}/dissolve/", on=SECOND, reason="卡口撤除")
    ending = Submission.objects.get(verb="dissolve_organization")
    assert not Organization.objects.filter(dissolved_on=SECOND).exists()
    undo = approver.do(f"/approvals/{ending.pk}/approve/")
    entry = AuditEntry.objects.filter(verb="approve_submission").latest("pk")
    assert f"/record/{entry.pk}/undo/" in approver.get(undo.headers["Location"]).content.decode()
    assert Organization.objects.filter(dissolved_on=SECOND).count() == 3
    approver.do(f"/record/{entry.pk}/undo/", reason="撤错了")
    assert not Organization.objects.filter(dissolved_on__isnull=False).exists()
    approver.do(
        f"/approvals/{ending.pk}/return/", reason="卡口不撤"
    )  # it waits again, and would block the end
    wrong = manager.bring("花名册", (PEOPLE[0], ("031099", "错报", "民警", "江北分局", "群众", None)))
    manager.do(f"/imports/{wrong.pk}/undo/", reason="报错了表")
    assert not Person.objects.filter(number="031099").exists()
    close = f"/campaigns/{campaign.code}/close/"
    preview: Any = manager.get(close, {"on": SECOND})
    planned = preview.context["form"]["planned"].value()
    manager.do(close, on=SECOND, planned=planned, document_number="江公党〔2026〕9号", reason="响应解除")
    campaign.refresh_from_db()
    assert campaign.ended_on == SECOND
    manager.do(f"{close}reopen/", reason="台风折返")
    campaign.refresh_from_db()
    assert campaign.ended_on is None

    # The viewer reads the roll-up, opens a number and takes it along.
    read: Any = viewer.get(root.get_absolute_url())
    figures = {figure.count.label: figure.count.value for figure in read.context["key_figures"]}
    assert [figures[label] for label in ("临时党组织", "临时党小组", "一线人员")] == [4, 6, 3]
    opened: Any = viewer.get(f"/organizations/?unit={root.code}&metric=temporary_party_orgs")
    assert len(opened.context["grid"].rows) == 4
    url = f"/export/organizations/?unit={root.code}&metric=temporary_party_orgs"
    file: Any = viewer.post(url, {"format": "xlsx"})
    sheet = load_workbook(io.BytesIO(b"".join(file)))
    cells = [cell.value for row in sheet.active.iter_rows() for cell in row]
    assert sum(str(value).endswith("临时党支部") for value in cells) >= 4
    call_command("checkcounts", stdout=io.StringIO())
    call_command("checktree", stdout=io.StringIO())
    call_command("checkaudit", stdout=io.StringIO())
