"""The chaos run itself: it sees what a page shows, and it would notice a loss, a lie and a second time."""

from __future__ import annotations

import time

import pytest

from registry.models import AuditEntry, Unit
from tests.chaos import checks
from tests.chaos.pages import Page
from tests.chaos.people import Deed
from tests.factories import make_unit, make_user

pytestmark = pytest.mark.look


def test_a_page_is_read_as_a_person_reads_it() -> None:
    page = Page(
        '<p class="line success"><b>已完成</b> <span>已登记 甲。</span></p><a href="/units/a/">a</a>'
        '<form method="get"><input name="q"></form><form method="post" action="/b/">'
        '<input type="hidden" name="form_key" value="k"><select name="role"><option value="x">x</option>'
        '<option value="y" selected>y</option></select><textarea name="note">旧</textarea>'
        '<template><input name="members"></template><button formaction="/c/">做</button></form>'
    )
    (form,) = page.forms
    assert (page.done, page.links) == (["已完成 已登记 甲。"], ["/units/a/"])
    assert {box.name: box.value for box in form.boxes} == {"form_key": "k", "role": "y", "note": "旧"}
    assert (form.action, form.buttons) == ("/b/", [("", "", "/c/")])


def deed(*answers: tuple[int, str, str], done: list[str] | None = None) -> Deed:
    return Deed("jia-clerk", "/x/", "演练1号", time.time() - 1, list(answers), done or [])


@pytest.fixture
def unit(db: None) -> Unit:
    made = make_unit("jia")
    make_user("jia-clerk", made, "clerk")
    return made


def enter(unit: Unit, number: str) -> None:
    """Record that the unit was edited by the request of this number."""
    AuditEntry.objects.create(
        actor="甲", request_number=number, verb="edit_unit", noun="unit", object_id=unit.pk,
        object_name="甲", unit=unit, reason="演练1号",
    )  # fmt: skip


def test_what_was_acknowledged_and_is_not_in_the_record_is_lost(unit: Unit) -> None:
    said = deed((302, "a1", ""), done=["已保存"])
    assert len(checks.lost([said])) == 1
    assert checks.lost([deed((302, "a1", ""))]) == []  # nothing was said of it
    enter(unit, "a1")
    assert checks.lost([said]) == []


def test_a_page_that_says_nothing_was_saved_lies_when_the_record_has_it(unit: Unit) -> None:
    said = deed((500, "a1", "没有保存任何内容"))
    assert checks.lies([said]) == []
    enter(unit, "a1")
    assert len(checks.lies([said])) == 1
    assert checks.lies([deed((500, "a1", "不知道是否已经保存"))]) == []


def test_a_form_that_was_pressed_again_and_done_twice_is_noticed(unit: Unit) -> None:
    pressed = deed((0, "", ""), (302, "a2", ""), done=["已保存"])
    enter(unit, "a1")
    assert checks.twice([pressed]) == []
    enter(unit, "a2")
    assert len(checks.twice([pressed])) == 1
