"""A whole task without a mouse: every stop is seen, none holds the keyboard, no key does what was not asked.

Nothing here clicks: whatever has the focus got it by the Tab key.
"""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from registry.logbooks.models import Logbook
from registry.models import Organization
from tests.e2e.test_register import BRANCH, PASSWORD, levels

__all__ = ["levels"]
pytestmark = [pytest.mark.look, pytest.mark.django_db(transaction=True)]

STOP = """
asked => {
    const it = document.activeElement;
    if (it === document.body) return {is_asked: false, wrong: "", at: ""};
    const box = it.querySelector(":scope > .tree-row") || it;
    const around = [box, it, it.parentElement, it.parentElement.parentElement];
    const place = box.getBoundingClientRect();
    const [left, down] = [place.left + place.width / 2, place.top + Math.min(place.height / 2, 20)];
    const top = document.elementFromPoint(left, down);
    const wrong = [];
    const lined = around.map(each => getComputedStyle(each)).filter(look => look.outlineStyle !== "none");
    if (!lined.some(look => parseFloat(look.outlineWidth) >= 2)) wrong.push("no line around it");
    if (!top || !(box.contains(top) || top.contains(box))) wrong.push("something over it");
    return {is_asked: asked === it, wrong: wrong.join(), at: it.outerHTML.slice(0, 150)};
}
"""
"""The stop at which the focus is: whether it is ``asked`` for, and what keeps it from being seen."""


def tab_to(page: Page, asked: Locator, key: str = "Tab", most: int = 90) -> None:
    """Press Tab until ``asked`` has the focus; each stop on the way must be seen."""
    passed = []
    for _step in range(most):
        page.keyboard.press(key)
        stop = asked.evaluate(STOP)
        assert not stop["wrong"], f"{stop['wrong']}: {stop['at']}"
        if stop["is_asked"]:
            return
        passed.append(stop["at"])
    raise AssertionError("not reached by Tab; passed:\n" + "\n".join(passed))


def log_in(page: Page, address: str) -> None:
    page.goto(address)
    expect(page.get_by_label("用户名")).to_be_focused()
    page.keyboard.type("manager")
    tab_to(page, page.get_by_label("密码"))
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("公安部")


def pick(page: Page, label: str, name: str) -> None:
    """Search somebody in a picker and choose by Enter."""
    box = page.get_by_role("combobox", name=re.compile(f"^{label}"))
    tab_to(page, box)
    page.keyboard.type(name)
    expect(page.locator(".pick-option", has_text=name)).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.locator(".pick-label", has_text=name)).to_be_visible()


def test_a_branch_is_registered_by_keyboard_alone(page: Page, live_server, levels: list[str]) -> None:
    log_in(page, live_server.url)

    tab_to(page, page.get_by_role("link", name="跳到正文"), most=1)
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()

    tree = page.locator("#tree [role=tree]")
    tab_to(page, tree.locator("[role=treeitem][tabindex='0']"), "Shift+Tab")
    for _step in range(30):
        item = page.locator("[role=treeitem]:focus")
        expect(item).not_to_have_attribute("aria-busy", "true")
        if item.locator("> .tree-row .tree-name").inner_text() == "德城分局":
            break
        page.keyboard.press("ArrowRight" if item.get_attribute("aria-expanded") == "false" else "ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("德州市公安局德城分局")

    tab_to(page, page.get_by_role("link", name="登记临时党组织").first)
    page.keyboard.press("Enter")
    expect(page.get_by_label("组织名称")).to_have_value(BRANCH)
    pick(page, "书记", "赵卫国")
    pick(page, "成员", "孙丽华")
    tab_to(page, page.get_by_label("职责 孙丽华"), "Shift+Tab", most=2)
    for _role in ("书记", "副书记"):
        page.keyboard.press("ArrowDown")
    tab_to(page, page.get_by_label("粘贴警号、姓名"))
    page.keyboard.type("钱学军 371402")
    tab_to(page, page.get_by_role("button", name="提交审批", exact=True))
    expect(page.locator("#placing .pick-label")).to_have_text(["孙丽华", "钱学军"])
    page.keyboard.press("Enter")

    expect(page.locator(".line.success")).to_contain_text(BRANCH)
    branch = Organization.objects.get(name=BRANCH)
    people = branch.assignments.order_by("person__number").values_list("person__name", "role")
    assert list(people) == [("赵卫国", "secretary"), ("钱学军", "member"), ("孙丽华", "deputy_secretary")]


def retype(page: Page, box: Locator, text: str) -> None:
    """Go to a box by Tab and write something else into it."""
    tab_to(page, box)
    page.keyboard.press("Control+A")
    page.keyboard.type(text)


def test_a_logbook_is_made_and_an_entry_counted_by_keyboard_alone(
    page: Page, live_server, levels: list[str]
) -> None:
    log_in(page, live_server.url)
    page.goto(f"{live_server.url}/units/dezhou/logbooks/add/")
    retype(page, page.locator("#id_name"), "核酸采样支援")
    retype(page, page.locator("#id_started_on"), "2020-01-01")
    tab_to(page, page.get_by_role("button", name="添加字段"))
    page.keyboard.press("Enter")
    expect(page.locator("#id_fields-1-label")).to_be_visible()
    retype(page, page.locator("#id_fields-0-label"), "采样点")
    retype(page, page.locator("#id_fields-1-label"), "采样人数")
    tab_to(page, page.locator("#id_fields-1-type"))
    for _type in range(2):
        page.keyboard.press("ArrowDown")
    expect(page.locator("#preview")).to_contain_text("采样人数")
    tab_to(page, page.locator("[name=needs_approval]:checked"))
    page.keyboard.press("ArrowDown")
    tab_to(page, page.locator("[name=do][value=start]"))
    page.keyboard.press("Enter")
    expect(page.locator(".line.success")).to_contain_text("台账“核酸采样支援”已启用")

    book = Logbook.objects.get(name="核酸采样支援")
    assert [(each.label, each.type) for each in book.made.fields] == [
        ("采样点", "text"),
        ("采样人数", "number"),
    ]
    page.goto(f"{live_server.url}/logbooks/{book.code}/enter/?unit=dezhou&as_of=2020-02-10")
    retype(page, page.get_by_label("采样点"), "东门")
    retype(page, page.get_by_label("采样人数"), "120")
    tab_to(page, page.get_by_role("button", name="提交", exact=True))
    page.keyboard.press("Enter")
    expect(page.locator(".line.success")).to_contain_text("已登记“东门”,状态为“已登记”")
    page.goto(f"{live_server.url}/logbooks/{book.code}/?unit=dezhou&as_of=2020-02-10")
    expect(page.locator(".list-sums")).to_contain_text("次数 1 次")


def test_menus_open_and_shut_by_keyboard_and_the_tab_key_comes_round(
    page: Page, live_server, levels: list[str]
) -> None:
    log_in(page, live_server.url)
    page.goto(f"{live_server.url}/units/dezhou/")
    menu = page.locator("details.menu", has_text="单位维护")
    tab_to(page, menu.locator("summary"))
    page.keyboard.press("Enter")
    tab_to(page, menu.get_by_role("link").first, most=1)
    page.keyboard.press("Escape")
    expect(menu.locator("summary")).to_be_focused()
    expect(menu).not_to_have_attribute("open", "")
    page.keyboard.press("Enter")
    tab_to(page, page.locator(".head .do > *").nth(-1), most=12)  # the focus that leaves a menu shuts it
    expect(menu).not_to_have_attribute("open", "")
    tab_to(page, page.get_by_role("link", name="跳到正文"))  # once round: nothing held the keyboard


def test_a_single_key_does_nothing_in_a_field_and_can_be_switched_off(
    page: Page, live_server, levels: list[str]
) -> None:
    log_in(page, live_server.url)
    box = page.locator("#search-box")
    expect(box).to_have_attribute("placeholder", re.compile(r"按 / 键"))
    page.keyboard.press("/")
    expect(box).to_be_focused()
    page.keyboard.type("1/2")
    expect(box).to_have_value("1/2")

    page.goto(f"{live_server.url}/account/")
    tick = page.get_by_label("按 / 键到搜索框")
    expect(tick).to_be_checked()
    tab_to(page, tick)
    page.keyboard.press("Space")
    page.goto(f"{live_server.url}/units/dezhou/")
    expect(box).not_to_have_attribute("placeholder", re.compile(r"按 / 键"))
    page.keyboard.press("/")
    expect(box).not_to_be_focused()
    page.goto(f"{live_server.url}/account/")
    expect(tick).not_to_be_checked()
