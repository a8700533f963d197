"""A date by keyboard alone: typed without a year, moved in the calendar; the form asks before it is left."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.pages import log_in
from tests.factories import make_unit, make_user

pytestmark = [pytest.mark.look, pytest.mark.django_db(transaction=True)]


def test_a_date_by_keyboard(page: Page, live_server) -> None:
    log_in(page, live_server.url, make_user("manager", unit=make_unit("bureau")))
    page.goto(f"{live_server.url}/start-campaign/?as_of=2020-02-20")

    asks = (
        "() => { const left = new Event('beforeunload', {cancelable: true});"
        " window.dispatchEvent(left); return left.defaultPrevented; }"
    )
    assert page.evaluate(asks) is False
    box = page.get_by_label("启动日期")
    box.fill("")
    box.press_sequentially("2月3日")
    box.press("Tab")  # to the button of the calendar
    expect(box).to_have_value("2020-02-03")

    calendar = page.get_by_role("dialog", name="选择日期")
    page.keyboard.press("Enter")
    expect(calendar.locator("#calendar-month")).to_have_text("2020年2月")
    assert calendar.locator("th").all_inner_texts() == list("一二三四五六日")
    expect(calendar.locator("[aria-selected=true]")).to_have_text("3")
    for key, day in (
        ("ArrowRight", "2月4日 星期二"),
        ("ArrowDown", "2月11日 星期二"),
        ("End", "2月16日 星期日"),
        ("Home", "2月10日 星期一"),
        ("PageDown", "3月10日 星期二"),
        ("ArrowUp", "3月3日 星期二"),
        ("ArrowLeft", "3月2日 星期一"),
        ("PageUp", "2月2日 星期日"),
        ("Shift+PageUp", "2月2日 星期六"),
        ("Shift+PageDown", "2月2日 星期日"),
    ):
        page.keyboard.press(key)
        expect(page.locator("td:focus")).to_have_attribute("aria-label", day)
    page.keyboard.press("Enter")
    expect(calendar).to_be_hidden()
    expect(box).to_have_value("2020-02-02")
    expect(page.locator(":focus")).to_have_accessible_name("打开日历")

    box.focus()
    page.keyboard.press("Alt+ArrowDown")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Escape")
    expect(box).to_have_value("2020-02-02")
    expect(box).to_be_focused()

    box.fill("2020-13-45")
    box.press("Enter")
    said = page.get_by_role("alert")
    expect(said).to_have_text("日期“2020-13-45”不存在,请写成 2020-02-03 或 2月3日。")
    expect(box).to_have_value("2020-13-45")
    assert page.evaluate(asks) is True
