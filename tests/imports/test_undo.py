"""Taking a written import back: everything is as before it, or nothing, with what stands in the way."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse
from django_tasks_db.models import DBTaskResult

from registry.approvals.models import Submission
from registry.imports import background as importing
from registry.imports.models import Import, ImportState
from registry.models import AuditEntry, Organization, Person, Unit
from registry.operations import people
from registry.refusals import OperationRefused
from registry.search import index
from tests.factories import ACTOR, assign, make_organization, make_person, make_user
from tests.imports.test_operations import Office, Rows, sound
from tests.operations.test_take_back import facts_of_all

__all__ = ["sound"]  # the trees and counts are right after each test

pytestmark = pytest.mark.django_db

WHOLE: dict[str, Rows] = {
    "单位": [("xin", "新分局", "分局", "ju"), ("xin-suo", "新派出所", "派出所", "xin")],
    "组织": [
        ("xin-zongzhi", "新临时党总支", "党总支", "是", "xin", "dangwei", "2020-02-03"),
        ("xin-zhibu", "新临时党支部", "党支部", "是", "xin-suo", "xin-zongzhi", "2020-02-03"),
        ("lao", None, None, None, None, None, None, "2020-03-01", None, "疫情结束"),
    ],
    "人员": [
        ("8001", "张三", "民警", "正式党员", "xin-suo"),
        ("8002", "李四", "民警", "正式党员", "xin"),
        ("9001", "王五", None, "预备党员", "suo", None, "所长"),
    ],
    "编入": [
        ("xin-zhibu", "8001", "张三", "书记", "2020-02-03"),
        ("xin-zhibu", "9001", None, "成员", "2020-02-04"),
    ],
}


@pytest.fixture
def office() -> Office:
    office = Office()
    make_person("王五", office.station, number="9001", political_status="activist")
    make_organization(office.station, code="lao", name="老临时党支部")
    assign(Organization.objects.get(code="lao"), Person.objects.get(number="9001"))
    return office


def undo(made: Import, reason: str = "传错了文件") -> Import:
    importing.undo(actor=ACTOR, import_=made, reason=reason)
    made.refresh_from_db()
    return made


def test_new_rows_are_gone_changed_ones_set_back_and_ended_ones_open_again(office: Office) -> None:
    before = facts_of_all()
    made = office.write(reason="疫情结束", **WHOLE)
    assert Unit.objects.filter(code__startswith="xin").count() == 2
    assert Submission.objects.get().organization == Organization.objects.get(code="lao")
    entry = made.entry
    assert entry is not None
    assert entry.parts.count() == AuditEntry.objects.filter(pk__gt=entry.pk).count()
    undo(made)
    assert (made.state, made.undo_message) == (ImportState.TAKEN_BACK, "")
    assert (
        made.message
        == "已撤回:恢复组织 1 个、人员 1 人;移除单位 2 个、组织 2 个、人员 2 人、编入 2 人次、变更申请 1 项。"
    )
    assert facts_of_all() == before
    assert index.differences() == []
    (undoing,) = AuditEntry.objects.filter(undoes=entry)
    assert (undoing.verb, undoing.reason) == ("import_workbook", "传错了文件(撤回导入)")


def test_the_mended_workbook_can_be_written_after_it(office: Office) -> None:
    undo(office.write(reason="疫情结束", **WHOLE))
    office.write(reason="疫情结束", **WHOLE)
    assert Unit.objects.filter(code__startswith="xin").count() == 2


def test_nothing_is_taken_back_when_something_stands_on_it_and_all_of_it_is_said(office: Office) -> None:
    made = office.write(reason="疫情结束", **WHOLE)
    make_organization(Unit.objects.get(code="xin-suo"), name="后来的支部")
    people.edit_person(actor=ACTOR, person=Person.objects.get(number="8002"), changes={"title": "局长"})
    before = facts_of_all()
    undo(made)
    assert made.state == ImportState.WRITTEN
    assert "单位“新派出所”已被用到:组织“后来的支部”。" in made.undo_message
    assert "人员“李四”此后又有“修改人员资料”" in made.undo_message
    assert facts_of_all() == before


def test_only_who_handed_it_in_and_only_once_and_with_a_reason(office: Office) -> None:
    made = office.write(reason="疫情结束", **WHOLE)
    with pytest.raises(OperationRefused, match="请说明撤回原因"):
        undo(made, " ")
    undo(made)
    with pytest.raises(OperationRefused, match="现在是“已撤回”,不能撤回"):
        undo(made)


def test_a_long_one_is_taken_back_by_the_worker(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    made, before = office.write(reason="疫情结束", **WHOLE), Unit.objects.count()
    monkeypatch.setattr(importing, "SMALL_ROWS", 1)
    assert undo(made).state == ImportState.UNDO_ASKED
    assert Unit.objects.count() == before
    importing.undo_now(made.pk, is_long=True)
    made.refresh_from_db()
    assert made.state == ImportState.TAKEN_BACK


def test_one_that_no_worker_takes_back_offers_it_again_also_when_the_page_asks_anew(
    client: Client, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = office.write(reason="疫情结束", **WHOLE)
    monkeypatch.setattr(importing, "SMALL_ROWS", 1)
    undo(made)
    client.force_login(office.manager)
    pages = (made.get_absolute_url(), reverse("import_progress", args=[made.pk]))
    for page in pages:
        assert "再次撤回" not in client.get(page).content.decode()
    DBTaskResult.objects.update(status="FAILED")  # three workers ended over it
    for page in pages:
        assert "再次撤回" in client.get(page).content.decode()


def test_the_page_shows_what_it_would_do_and_marks_what_was_done(client: Client, office: Office) -> None:
    made = office.write(reason="疫情结束", **WHOLE)
    client.force_login(office.manager)
    url = reverse("import_undo", args=[made.pk])
    assert url in client.get(made.get_absolute_url()).content.decode()
    assert "移除单位 2 个、组织 2 个" in client.get(url).content.decode()
    assert client.post(url, {"reason": ""}).status_code == 200
    page = client.post(url, {"reason": "传错了文件"}, follow=True).content.decode()
    assert "这次导入写入的内容已全部撤回。" in page
    assert url not in page
    assert "已撤回" in client.get(reverse("imports")).content.decode()
    client.force_login(make_user("other", office.bureau))
    assert client.post(url, {"reason": "传错了文件"}).status_code == 404


def test_what_was_taken_back_in_the_record_is_marked_on_its_page(client: Client, office: Office) -> None:
    """The chief's manager takes a clerk's import back from its row in the record."""
    made = office.write(office.clerk, **{"人员": [("8001", "张三", "民警", "正式党员", "suo")]})
    client.force_login(office.manager)
    url = reverse("record_undo", args=[made.entry_id])
    assert url in client.get(reverse("record")).content.decode()
    assert client.post(url, {"reason": "传错了文件"}).status_code == 302
    assert not Person.objects.filter(number="8001").exists()
    client.force_login(office.clerk)
    assert "这次导入写入的内容已全部撤回。" in client.get(made.get_absolute_url()).content.decode()
    assert "已撤回" in client.get(reverse("imports")).content.decode()
