"""The pages of the import: who gets them, what they show, and what their buttons do."""

from __future__ import annotations

import io
import re
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django_tasks_db.models import DBTaskResult
from openpyxl import Workbook, load_workbook

from registry.audit import Actor
from registry.imports import background as importing
from registry.imports.models import Import, ImportFile, ImportLine, ImportState, Verdict
from registry.imports.people import PeopleImporter
from registry.models import Assignment, AuditEntry, Grant, Organization, Person, Unit
from registry.nouns import layouts
from registry.refusals import OperationRefused
from tests.asking import queries
from tests.factories import make_person, make_unit, make_user
from tests.imports.test_operations import Office, book
from tests.work.test_queue import living, waiting

pytestmark = pytest.mark.django_db

PERSON_TOO = ("009", "李四", "民警", "正式党员", "suo")
PERSON = ("007", "张三", "民警", "正式党员", "suo", None, "所长", "13800001111")


ANOTHER = "上传另一个文件"


@pytest.fixture
def office() -> Office:
    return Office()


@pytest.fixture
def manager(client: Client, office: Office) -> Client:
    client.force_login(office.manager)
    return client


def upload(client: Client, content: bytes, name: str = "名册.xlsx") -> Any:
    return client.post(reverse("imports"), {"file": SimpleUploadedFile(name, content)})


def uploaded(client: Client, **sheets: Any) -> Import:
    response = upload(client, book(**sheets))
    made = Import.objects.latest("pk")
    assert response.status_code == 302
    assert response.headers["Location"] == made.get_absolute_url()
    return made


def text(client: Client, made: Import, query: str = "") -> str:
    response = client.get(f"{made.get_absolute_url()}?{query}")
    assert response.status_code == 200
    return str(response.content.decode())


def test_from_upload_to_the_row(manager: Client, office: Office) -> None:
    made = uploaded(manager, 人员=[PERSON])
    page = text(manager, made)
    assert "将新增 1 行,修改 0 行。现在还没有写入任何数据。" in page
    shown = re.sub(r"\s+", "", re.sub(r"<[^>]+>", " ", page))
    assert "警号007姓名张三人员类别民警政治面貌正式党员所属单位城关派出所" in shown
    assert reverse("person", args=["007"]) not in page
    assert not Person.objects.exists()
    response = manager.post(reverse("import_write", args=[made.pk]), {"reason": "报送"}, follow=True)
    assert response.redirect_chain == [(made.get_absolute_url(), 302)]
    assert "已写入:新增 1 行,修改 0 行。" in response.content.decode()
    assert reverse("person", args=["007"]) in response.content.decode()
    entry = AuditEntry.objects.get(verb="add_person")
    assert (entry.user, entry.reason, entry.unit) == (
        office.manager,
        "报送(导入“名册.xlsx”)",
        office.station,
    )
    verbs = AuditEntry.objects.filter(user=office.manager).order_by("pk").values_list("verb", flat=True)
    assert list(verbs) == ["upload_import", "confirm_import", "import_workbook", "add_person"]


def test_tabs_count_and_filter(manager: Client, office: Office) -> None:
    make_person("旧", office.station, number="001")
    made = uploaded(
        manager,
        人员=[("001", "旧"), ("002", "新", "民警", None, "suo"), ("003", "错", "民警", None, "nowhere")],
        单位=[("suo", "新名")],
    )
    response = manager.get(made.get_absolute_url())
    assert [(tab.label, tab.number) for tab in response.context["tabs"]] == [
        ("全部", 4),
        ("新增", 1),
        ("修改", 1),
        ("无变化", 1),
        ("有误", 1),
    ]
    assert [tab.label for tab in response.context["nouns"]] == ["全部", "单位", "人员"]
    wrong = text(manager, made, "verdict=wrong")
    assert "人员!E4" in wrong
    assert "没有代码为“nowhere”的单位,或不在您的管理范围内。" in wrong
    assert "新名" not in wrong
    changed = text(manager, made, "verdict=changed&noun=units")
    assert "<del>城关派出所</del>" in changed
    assert "<ins>新名</ins>" in changed
    assert "没有这样的行。" in text(manager, made, "verdict=changed&noun=people")
    assert "确认写入" not in wrong
    response = manager.post(reverse("import_write", args=[made.pk]), follow=True)
    assert "还有错误的行" in response.content.decode()


def test_a_page_opens_on_what_is_wrong(manager: Client, office: Office) -> None:
    made = uploaded(manager, 人员=[PERSON, ("008", "李四", "民警", "群众", "nowhere")])

    def named(query: str = "") -> tuple[bool, bool]:
        page = text(manager, made, query)
        return "张三" in page, "李四" in page

    assert named() == named("verdict=wrong") == (False, True)
    assert named("verdict=all") == (True, True)
    assert named("verdict=new") == (True, False)


def test_equal_reasons_are_one_line_with_the_rows_behind_it(manager: Client, office: Office) -> None:
    """Forty rows name units that are not there, one lacks its name: two reasons, not forty-one."""
    wrong = [(f"1{at:02}", f"甲{at}", "民警", "群众", f"nowhere{at % 3}") for at in range(40)]
    made = uploaded(manager, 人员=[PERSON, *wrong, ("200", None, "民警", "群众", "suo")])
    response = manager.get(made.get_absolute_url())
    most, least = response.context["reasons"]
    assert most["reason"].text.startswith("没有代码为“…”的单位")
    assert (most["reason"].number, most["rows"]) == (40, ["人员 第 3–42 行"])
    assert most["reason"].values == ["“nowhere0”", "“nowhere1”", "“nowhere2”"]
    assert (least["reason"].number, least["rows"]) == (1, ["人员 第 43 行"])
    page = re.sub(r"\s+", " ", response.content.decode())
    assert page.index("错在哪里") < page.index("逐行结果")
    assert "<summary>逐行列出有误的 41 行</summary>" in page
    assert "正确的 1 行没有列在这里" in page
    # One reason leads to its rows, which then stand open.
    one = manager.get(least["url"])
    assert [row["line"].number for row in one.context["lines"]] == [43]
    assert not one.context["is_folded"]


def test_reasons_that_are_all_different_are_said_by_the_rows(manager: Client, office: Office) -> None:
    made = uploaded(manager, 人员=[PERSON, ("200", None, "民警", "群众", "suo")])
    response = manager.get(made.get_absolute_url())
    assert (response.context["reasons"], response.context["is_folded"]) == ([], False)
    assert [row["line"].number for row in response.context["lines"]] == [3]


def test_the_page_asks_as_often_for_many_reasons_as_for_one(manager: Client, office: Office) -> None:
    facts = [("甲", "民警", "群众", "nowhere"), (None, "民警", "群众", "suo"), ("甲", "兵", "群众", "suo")]

    def cost(reasons: int) -> int:
        wrong = [(f"1{at}", *facts[at % reasons]) for at in range(9)]
        url = uploaded(manager, 人员=wrong).get_absolute_url()
        assert len(manager.get(url).context["reasons"]) == reasons
        return queries(lambda: manager.get(url))

    assert cost(1) == cost(3)


def test_the_wrong_rows_come_back_and_in_again(manager: Client, office: Office) -> None:
    made = uploaded(
        manager, 人员=[("002", "新", "民警", None, "suo"), ("003", "错", "民警", None, "nowhere")]
    )
    response = manager.post(reverse("import_mistakes", args=[made.pk]))
    assert response.status_code == 200
    content = b"".join(response.streaming_content)  # type: ignore[attr-defined]
    sheet = load_workbook(io.BytesIO(content))["人员"]
    rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
    assert rows[0][-1] == "错误原因"
    assert [row[0] for row in rows[1:]] == ["003"]
    assert "nowhere" in rows[1][-1]
    assert AuditEntry.objects.get(verb="export").after == {"file": "名册.xlsx", "rows": 1}
    sheet["E2"] = "suo"
    mended = io.BytesIO()
    sheet.parent.save(mended)
    upload(manager, mended.getvalue(), "名册-错误行.xlsx")
    assert Import.objects.latest("pk").counts == {"people": {"new": 1}}


def test_the_right_rows_are_written_first_and_the_wrong_ones_mended(manager: Client, office: Office) -> None:
    """What names a wrong row is wrong, too: what is right can be written without the rest."""
    made = uploaded(
        manager,
        编入=[("zb", "002", "新", "书记", "2020-02-03"), ("zb", "003", "错", "成员", "2020-02-03")],
        人员=[("002", "新", "民警", None, "suo"), ("003", "错", "民警", None, "nowhere")],
        组织=[
            ("zb", "支部", "党支部", "是", "suo", "dangwei", "2020-02-03"),
            ("xz", "小组", "党小组", "是", "suo", "zx", "2020-02-03"),
            ("zx", "错支部", "党支部", "是", "nowhere", None, "2020-02-03"),
        ],
    )
    assert made.state == ImportState.CHECKED
    url = reverse("import_write", args=[made.pk])
    assert "写入正确的行" in text(manager, made)
    manager.post(url)
    assert not Person.objects.exists()
    manager.post(url, {"without_wrong": "1"})
    made.refresh_from_db()
    assert made.state == ImportState.WRITTEN
    assert made.message == "已写入:新增 3 行,修改 0 行;有误的 4 行没有写入。"
    placed = Assignment.objects.values_list("person__number", "organization__code")
    assert (list(placed), Person.objects.count()) == ([("002", "zb")], 1)
    assert not Organization.objects.filter(code__in=("zx", "xz")).exists()
    response = manager.post(reverse("import_mistakes", args=[made.pk]))
    content = b"".join(response.streaming_content)  # type: ignore[attr-defined]
    mended = load_workbook(io.BytesIO(content))
    for sheet in mended:
        for row in sheet.iter_rows():
            for cell in row:
                cell.value = "suo" if cell.value == "nowhere" else cell.value
    target = io.BytesIO()
    mended.save(target)
    upload(manager, target.getvalue(), "名册-错误行.xlsx")
    again = Import.objects.latest("pk")
    assert again.counts == {
        "organizations": {"new": 2},
        "people": {"new": 1},
        "assignments": {"new": 1},
    }
    manager.post(reverse("import_write", args=[again.pk]))
    assert (Assignment.objects.count(), Person.objects.count()) == (2, 2)


def test_a_reason_is_asked_for_where_the_record_must_have_one(manager: Client, office: Office) -> None:
    made = uploaded(manager, 组织=[("dangwei", *[None] * 6, "2020-03-01")])
    url = reverse("import_write", args=[made.pk])
    response = manager.post(url, {"reason": " "})
    assert response.context["form"].errors == {"reason": ["请填写原因。"]}
    assert manager.post(url, {"reason": "撤"}).status_code == 302
    assert Import.objects.get().state == ImportState.WRITTEN


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.xlsx", b"", "文件是空的"),
        ("a.xlsx", b"PK no workbook", "a.xlsx"),
        ("a.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", ".xls"),
        ("a.csv", b"nothing,known\n1,2\n", "没有找到可以导入的表"),
    ],
)
def test_what_is_no_workbook_is_refused_at_the_field(
    manager: Client, name: str, content: bytes, said: str
) -> None:
    response = upload(manager, content, name)
    assert response.status_code == 200
    assert list(response.context["form"].errors) == ["file"]
    if said != name:
        assert said in str(response.context["form"].errors["file"])
    assert not Import.objects.exists()


def test_csv_in_any_encoding(manager: Client, office: Office) -> None:
    for number, encoding in enumerate(("utf-8", "utf-8-sig", "gb18030")):
        rows = f"警号,姓名,人员类别,所属单位代码\n00{number},张 三,民警,suo\n"
        upload(manager, rows.encode(encoding), "名册.csv")
        assert Import.objects.latest("pk").counts == {"people": {"new": 1}}


@pytest.mark.parametrize("slug", ["all", *layouts()])
def test_templates_come_and_bring_nothing_in(manager: Client, slug: str) -> None:
    response = manager.get(reverse("import_template", args=[slug]))
    assert "attachment" in response.headers["Content-Disposition"]
    upload(manager, response.content, "模板.xlsx")
    assert Import.objects.get().counts == {}
    assert "没有读到" in text(manager, Import.objects.get())
    assert manager.get(reverse("import_template", args=["nothing"])).status_code == 404


def test_nobody_else_learns_of_it(manager: Client, office: Office) -> None:
    made = uploaded(manager, 人员=[("003", "错", "民警", None, "nowhere")])
    pages = [
        ("get", reverse("import", args=[made.pk])),
        ("get", reverse("import_progress", args=[made.pk])),
        *(
            ("post", reverse(f"import_{verb}", args=[made.pk]))
            for verb in ("write", "cancel", "recheck", "mistakes")
        ),
    ]
    for user, status in ((office.clerk, 404), (make_user("viewer", office.bureau, "viewer"), 403)):
        other = Client()
        other.force_login(user)
        for method, url in pages:
            assert getattr(other, method)(url).status_code == status, url
    assert other.get(reverse("imports")).status_code == 403
    assert "导入" not in [item.label for item in other.get("/people/").context["frame"].nav]
    assert "导入" in [item.label for item in manager.get("/people/").context["frame"].nav]
    office.manager.grants.update(ended_on=timezone.localdate())
    assert manager.get(made.get_absolute_url()).status_code == 403


def test_cancelling(manager: Client) -> None:
    made = uploaded(manager, 人员=[PERSON])
    response = manager.post(reverse("import_cancel", args=[made.pk]), follow=True)
    assert "没有写入任何数据" in response.content.decode()
    page = text(manager, made)
    assert "已取消" in page
    assert ANOTHER in page
    manager.post(reverse("import_write", args=[made.pk]))
    assert not Person.objects.exists()


@pytest.mark.parametrize(
    ("state", "counts", "is_offered"),
    [
        (ImportState.FAILED, {}, True),
        (ImportState.CHECKED, {}, True),
        (ImportState.CHECKED, {"people": {Verdict.UNCHANGED: 1}}, True),
        (ImportState.CHECKED, {"people": {Verdict.NEW: 1}}, False),
        (ImportState.CHECKED, {"people": {Verdict.WRONG: 1}}, False),
        (ImportState.WRITTEN, {"people": {Verdict.NEW: 1}}, False),
    ],
)
def test_where_nothing_came_of_a_file_another_is_asked_for(
    manager: Client, state: str, counts: dict[str, dict[str, int]], is_offered: bool
) -> None:
    made = uploaded(manager, 人员=[PERSON])
    Import.objects.filter(pk=made.pk).update(state=state, counts=counts)
    assert (ANOTHER in text(manager, made)) is is_offered
    assert ("取消这次导入" in text(manager, made)) is (state != ImportState.WRITTEN)
    ImportFile.objects.all().delete()
    assert ("取消这次导入" in text(manager, made)) is (state == ImportState.CHECKED)


def test_the_same_number_of_queries_with_one_line_and_three(manager: Client) -> None:
    numbers = []
    for lines in (1, 3):
        made = uploaded(manager, 人员=[(f"00{n}", "张三", "民警", None, "suo") for n in range(lines)])
        with _counting() as counted:
            text(manager, made)
        numbers.append(len(counted))
    assert numbers[0] == numbers[1]
    numbers = []
    for _ in range(2):
        with _counting() as counted:
            manager.get(reverse("imports"))
        numbers.append(len(counted))
        uploaded(manager, 人员=[PERSON])
    assert numbers[0] == numbers[1]


def _counting() -> Any:
    return CaptureQueriesContext(connection)


# --- Long ones ------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_long_import_waits_for_the_worker(manager: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "SMALL_ROWS", 1)
    made = uploaded(manager, 人员=[PERSON, ("008", "李四", "民警", None, "suo")])
    assert made.state == ImportState.UPLOADED
    page = text(manager, made)
    assert reverse("import_progress", args=[made.pk]) in page
    assert "后台处理程序没有运行" in page  # which is true: none lives
    progress = reverse("import_progress", args=[made.pk])
    with living():
        said = manager.get(progress).content.decode()
        assert "没有运行" not in said
        assert "马上开始" in said
        waiting("other")
        assert "正忙,前面最多还有 1 项" in manager.get(progress).content.decode()
    DBTaskResult.objects.filter(queue_name="user-other").delete()

    call_command("work", "--batch", verbosity=0)
    made.refresh_from_db()
    assert (made.state, made.counts) == (ImportState.CHECKED, {"people": {"new": 2}})
    response = manager.get(progress)
    assert response.headers["HX-Refresh"] == "true"

    manager.post(reverse("import_write", args=[made.pk]))
    made.refresh_from_db()
    assert made.state == ImportState.CONFIRMED
    assert not Person.objects.exists()
    call_command("work", "--batch", verbosity=0)
    made.refresh_from_db()
    assert made.state == ImportState.WRITTEN
    assert Person.objects.count() == 2
    assert AuditEntry.objects.filter(verb="add_person").first().user == made.user  # type: ignore[union-attr]


@pytest.mark.django_db(transaction=True)
def test_a_long_import_is_cancelled_before_the_worker_comes(
    manager: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "SMALL_ROWS", 0)
    made = uploaded(manager, 人员=[PERSON])
    manager.post(reverse("import_cancel", args=[made.pk]))
    call_command("work", "--batch", verbosity=0)
    made.refresh_from_db()
    assert made.state == ImportState.CANCELLED
    assert not ImportLine.objects.exists()


def test_one_that_nobody_works_on_any_more_can_be_tried_again(manager: Client) -> None:
    made = uploaded(manager, 人员=[PERSON])
    Import.objects.update(state=ImportState.WRITING, attempt="gone", seen_at=timezone.now())
    recheck = reverse("import_recheck", args=[made.pk])
    assert "已中断" not in text(manager, made)
    manager.post(recheck)
    made.refresh_from_db()
    assert made.state == ImportState.WRITING  # somebody works on it
    Import.objects.update(seen_at=timezone.now() - timedelta(hours=1))
    assert "已中断,可重试" in text(manager, made)
    manager.post(recheck)
    made.refresh_from_db()
    assert made.state == ImportState.CHECKED
    assert Unit.objects.filter(code="suo").exists()


def test_what_breaks_in_the_middle_is_said(manager: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    made = uploaded(manager, 人员=[PERSON])

    def breaks(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(PeopleImporter, "finish", breaks)
    manager.post(reverse("import_write", args=[made.pk]))
    made.refresh_from_db()
    assert made.state == ImportState.FAILED
    assert not Person.objects.exists()
    page = text(manager, made)
    assert "什么都没有写入" in page
    assert "重新核对" in page


def test_out_of_scope_units_are_not_named(manager: Client, office: Office) -> None:
    make_unit("geheim", office.department, name="机密单位")
    made = uploaded(manager, 人员=[("003", "张", "民警", None, "geheim")])
    assert "机密单位" not in text(manager, made)


def test_a_roster_without_a_needed_column_is_told_which_to_add(manager: Client) -> None:
    made = Workbook()
    for row in (("警号", "姓名", "所在单位", "政治面貌"), ("009", "王五", "城关派出所", "群众")):
        made.active.append(row)
    file = io.BytesIO()
    made.save(file)
    page = text(manager, Import.objects.get(pk=upload(manager, file.getvalue()).url.split("/")[2]))
    assert "新增时须填写“人员类别”;表里没有这一列,请先加上,可填:民警、" in page


def test_a_workbook_is_read_only_by_who_may_still_read_it(
    client: Client, manager: Client, office: Office
) -> None:
    """Who uploaded it and lost the grant, or has it elsewhere now, gets none of its pages."""
    made = uploaded(manager, 人员=[PERSON, ("008", None)])
    wrong = reverse("import_mistakes", args=[made.pk])
    pages = [(manager.get, made.get_absolute_url()), (manager.post, wrong)]
    acts = [
        (manager.post, reverse(name, args=[made.pk]))
        for name in ("import_recheck", "import_write", "import_cancel")
    ]
    assert [ask(url).status_code for ask, url in pages] == [200, 200]
    grant = Grant.objects.get(user=office.manager)
    for unit in (office.neighbour, office.station):  # elsewhere, and in a part only
        grant.unit = unit
        grant.save()
        assert [ask(url).status_code for ask, url in (*pages, *acts)] == [404] * 5
        assert "名册.xlsx" not in manager.get(reverse("imports")).content.decode()
        with pytest.raises(OperationRefused):
            importing.check_again(actor=Actor(user=office.manager), import_=made)
    grant.delete()
    assert [ask(url).status_code for ask, url in (*pages, *acts)] == [403] * 5
    assert Import.objects.get(pk=made.pk).state == ImportState.CHECKED
    Grant.objects.create(user=office.manager, unit=office.bureau, role="clerk", started_on="2020-01-01")
    assert [ask(url).status_code for ask, url in pages] == [200, 200]


def test_a_line_of_somebody_who_went_elsewhere_says_nothing_more(manager: Client, office: Office) -> None:
    person = make_person("张三", office.station, number="007", title="民警")
    made = uploaded(manager, 人员=[("007", "张三", None, None, None, None, "所长"), PERSON_TOO])
    assert "所长" in text(manager, made, "verdict=all")
    Person.objects.filter(pk=person.pk).update(home_unit=office.neighbour)
    page = text(manager, made, "verdict=all")
    assert "已不在您的管理范围内" in page
    assert "所长" not in page
    assert "007" not in page
    assert "李四" in page
