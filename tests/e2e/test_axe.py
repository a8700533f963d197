"""axe-core finds nothing to mend in whatever opens: menus, lists, trees, forms with errors, what was done.

The pages themselves are looked at where they are walked over (``test_widths.py``).
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.axe import PHONE, problems
from tests.e2e.pages import log_in
from tests.two_bureaus import TwoBureaus

pytestmark = [pytest.mark.look, pytest.mark.django_db(transaction=True)]


def menu(name: str) -> Callable[[Page], None]:
    def open_menu(page: Page) -> None:
        page.locator("summary", has_text=name).first.click()

    return open_menu


def open_search(page: Page) -> None:
    page.locator("#search-box").press_sequentially("甲")
    expect(page.locator("#search-box-list .pick-option").first).to_be_visible()


def open_picker(page: Page) -> None:
    page.locator("input[name=secretary_text]").press_sequentially("甲")
    expect(page.locator("[data-name=secretary] .pick-option").first).to_be_visible()


def choose_member(page: Page) -> None:
    page.locator("input[name=members_text]").press_sequentially("甲密赵")
    page.locator("[data-name=members] .pick-option").first.click()
    expect(page.locator("[data-name=members] .pick-chip")).to_be_visible()


def find_nobody(page: Page) -> None:
    page.locator("input[name=secretary_text]").press_sequentially("没有这个人")
    expect(page.locator("[data-name=secretary] .pick-none")).to_be_visible()


def open_tree(page: Page) -> None:
    while (closed := page.locator("main [role=treeitem][aria-expanded=false]")).count():
        closed.first.locator("> .tree-row .tree-toggle").click()
        page.wait_for_load_state("networkidle")


def fail_to_open_the_tree(page: Page) -> None:
    page.route("**/tree/**", lambda route: route.abort())
    page.locator("main [role=treeitem][aria-expanded=false] > .tree-row .tree-toggle").first.click()
    expect(page.locator("main .tree-fail")).to_be_visible()
    page.unroute("**/tree/**")


def send_empty(page: Page) -> None:
    for box in page.locator("main form.form input[type=text]:visible:not(.pick-input)").all():
        box.fill("")
    page.locator("main .form-do .btn.main").click()
    expect(page.locator(".summary[role=alert]")).to_be_focused()


def tick_all(page: Page) -> None:
    page.locator("[data-tick]").check()
    page.locator(".bar-do .acts .btn").first.click()
    expect(page.locator(".card.confirm")).to_be_visible()


def save(page: Page) -> None:
    page.locator("input[name=title]").fill("副所长")
    page.locator("[name=reason]").fill("改职务")
    page.locator("main .form-do .btn.main").click()
    expect(page.locator(".line.success")).to_be_visible()


OPENED: list[tuple[str, Callable[[Page], None]]] = [
    ("/units/jia/", menu("单位维护")),
    ("/units/jia/", menu("甲密manager")),
    ("/organizations/", menu("导出")),
    ("/people/", open_search),
    ("/units/jia/register/", open_picker),
    ("/units/jia/register/", choose_member),
    ("/units/jia/register/", find_nobody),
    ("/units/jia/register/", send_empty),
    ("/people/JIA-90001/edit/", send_empty),
    ("/sources/add/", send_empty),
    ("/tree/", open_tree),
    ("/tree/", fail_to_open_the_tree),
    ("/assignments/", tick_all),
    ("/people/JIA-90002/edit/", save),
]


def test_nothing_that_opens_breaks_a_rule(page: Page, live_server) -> None:
    world, found = TwoBureaus(), []
    log_in(page, live_server.url, world.here.users["manager"])
    for path, act in OPENED:
        page.goto(f"{live_server.url}{path}")
        act(page)
        within = "details:is(.menu, .me)[open] > :not(summary)" if act.__name__ == "open_menu" else "html"
        found += problems(page, f"{path} {act.__name__}", within=within, colours_on_phone=True)
    page.goto(f"{live_server.url}/units/jia/")
    page.set_viewport_size(PHONE)
    page.locator("label.burger").click()
    expect(page.locator("#side nav")).to_be_visible()
    found += problems(page, "the drawer")
    assert found == [], "\n".join(found)
