"""The box of every page, by keyboard alone."""

from __future__ import annotations

import pytest
from django.test.testcases import LiveServerThread
from playwright.sync_api import Page, expect

from registry.models import Unit
from tests.factories import make_organization, make_person, make_unit, make_user

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PASSWORD = "correct horse battery"


@pytest.fixture
def bureau() -> Unit:
    bureau = make_unit("dezhou", name="德州市公安局")
    make_unit("decheng", bureau, name="德州市公安局德城分局")
    make_organization(bureau, code="linshi", name="德州机关临时党支部")
    make_person("单雄信", bureau, number="371400123")
    make_user("dezhou", unit=Unit.objects.get(pk=bureau.pk))
    return bureau


def log_in(page: Page, url: str) -> None:
    page.goto(f"{url}/login/")
    page.get_by_label("用户名").fill("dezhou")
    page.get_by_label("密码").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda address: "/login/" not in address)


def test_found_and_opened_by_keyboard(page: Page, live_server: LiveServerThread, bureau: Unit) -> None:
    log_in(page, live_server.url)
    page.goto(f"{live_server.url}/units/dezhou/?as_of=2020-02-20")
    box, found = page.locator("#search-box"), page.locator("#search-box-list .pick-option")
    page.keyboard.press("/")
    expect(box).to_be_focused()
    page.keyboard.type("dzsgaj")
    expect(found).to_have_text(["德州市公安局", "德州市公安局德城分局 德州市公安局", "查看全部结果 回车"])
    expect(found.locator("mark")).to_have_text(["德州市公安局", "德州市公安局"])
    expect(box).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(found.nth(1)).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    expect(found.nth(2)).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    page.wait_for_url("**/units/decheng/?as_of=2020-02-20")


def test_escape_shuts_the_list_and_enter_shows_all(
    page: Page, live_server: LiveServerThread, bureau: Unit
) -> None:
    log_in(page, live_server.url)
    box, found = page.locator("#search-box"), page.locator("#search-box-list .pick-option")
    page.keyboard.press("/")
    page.keyboard.type("sxx")
    expect(found).to_have_count(2)
    page.keyboard.press("Escape")
    expect(found).to_have_count(0)
    expect(box).to_be_focused()
    page.keyboard.press("Backspace")
    expect(page.locator("#search-box-list .pick-group")).to_have_text(["人员"])
    page.keyboard.press("Enter")
    page.wait_for_url("**/search/?q=sx")
    expect(page.locator("#people tbody tr")).to_have_count(1)
    expect(page.locator("#people mark")).to_have_text("单雄")


def test_a_phone_has_the_box_on_the_page_of_search(
    page: Page, live_server: LiveServerThread, bureau: Unit
) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    log_in(page, live_server.url)
    page.locator(".search-link").click()
    box = page.locator("#search-q")
    expect(box).to_be_focused()
    box.press_sequentially("机关")
    found = page.locator("#search-q-list .pick-option").first
    expect(found).to_contain_text("德州机关临时党支部")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    found.click()
    page.wait_for_url("**/organizations/linshi/**")


def test_a_picker_finds_by_pinyin(page: Page, live_server: LiveServerThread, bureau: Unit) -> None:
    log_in(page, live_server.url)
    page.goto(f"{live_server.url}/tree/")
    box = page.locator(".pick-input[name=unit_text]")
    box.press_sequentially("dcfj")
    expect(page.locator(".picker .pick-option")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_contain_text("德城分局")
