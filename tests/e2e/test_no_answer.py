"""What a page asks for after it came: without an answer it says so in its place, and can be asked again."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.pages import log_in
from tests.two_bureaus import TwoBureaus

pytestmark = [pytest.mark.look, pytest.mark.django_db(transaction=True)]

ASKED = "**/{tree/side/,organizations/jia-branch/compliance/}*"


def test_what_did_not_come_says_so_and_can_be_asked_again(page: Page, live_server) -> None:
    log_in(page, live_server.url, TwoBureaus().here.users["manager"])
    tree, card, line = page.locator("#tree"), page.locator("#compliance"), page.locator("#lines .line.error")

    page.route(ASKED, lambda route: route.abort())
    page.goto(f"{live_server.url}/organizations/jia-branch/")
    for place in (tree, card):
        expect(place.get_by_role("button")).to_have_text("没有取到,点此重试")
        expect(place).not_to_contain_text("正在")
    expect(line).to_contain_text("没有连上系统,请检查网络后重试。")

    page.unroute(ASKED)
    page.route(ASKED, lambda route: route.fulfill(status=503, headers={"X-Request-Number": "a1b2"}))
    card.get_by_role("button").click()
    expect(line).to_contain_text("系统没有给出数据,请稍后重试。请求编号 a1b2")
    expect(line).not_to_contain_text("网络")
    expect(card.get_by_role("button")).to_have_text("没有取到,点此重试")

    page.unroute(ASKED)
    tree.get_by_role("button").click()
    expect(tree.get_by_role("treeitem").first).to_be_visible()
    expect(line).to_be_visible()  # the card is still without an answer
    card.get_by_role("button").click()
    expect(card.get_by_role("button")).to_have_count(0)
    expect(line).to_have_count(0)
