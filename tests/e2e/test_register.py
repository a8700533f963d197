"""A temporary branch is registered in a browser, and every level above counts one more."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from registry.audit import Actor
from registry.models import Organization, Unit
from registry.operations import approving
from tests.factories import ACTOR, assign, make_campaign, make_organization, make_person, make_unit, make_user

pytestmark = pytest.mark.django_db(transaction=True)

BRANCH = "德城分局临时党支部"
PASSWORD = "correct horse battery"


@pytest.fixture
def levels() -> list[str]:
    """Make units on four levels, a branch elsewhere and people to choose from; return the codes."""
    ministry = make_unit("gonganbu", name="公安部", kind="ministry")
    department = make_unit("shandong", ministry, name="山东省公安厅", kind="department")
    bureau = make_unit("dezhou", department, name="德州市公安局")
    unit = make_unit("decheng", bureau, name="德州市公安局德城分局", short_name="德城分局", kind="sub_bureau")
    other = make_unit("yunhe", bureau, name="德州市公安局运河分局", short_name="运河分局", kind="sub_bureau")
    committee = make_organization(bureau, kind="committee", is_temporary=False, name="德州市公安局党委")
    elsewhere = make_organization(other, name="运河分局临时党支部", parent=committee)
    assign(elsewhere, make_person("周文涛", other), role="secretary")
    for number, name in (("371401", "赵卫国"), ("371402", "钱学军"), ("371403", "孙丽华")):
        make_person(name, unit, number=number)
    make_campaign()
    make_user("manager", unit=ministry)
    return [ministry.code, department.code, bureau.code, unit.code]


def log_in(page: Page, address: str) -> None:
    page.goto(address)
    page.get_by_label("用户名").fill("manager")
    page.get_by_label("密码").fill(PASSWORD)
    page.get_by_role("button", name="登录").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("公安部")


def key_figure(page: Page, label: str) -> Locator:
    """The value of a key figure of a unit page."""
    return (
        page.locator(".kpi")
        .filter(has=page.locator("dt", has_text=re.compile(f"^{label}$")))
        .locator(".value")
    )


def number_at(page: Page, address: str, code: str) -> int:
    """The temporary Party organizations that a unit's page counts."""
    page.goto(f"{address}/units/{code}/")
    said = key_figure(page, "临时党组织").inner_text()
    found = re.match(r"\d+", said)
    assert found, said
    return int(found[0])


def walk_to(page: Page, name: str) -> None:
    """Find a unit in the tree by the arrow keys alone and open its page."""
    tree = page.locator("#tree [role=tree]")
    tree.locator("[role=treeitem][tabindex='0']").focus()
    for _step in range(30):
        item = page.locator("[role=treeitem]:focus")
        expect(item).not_to_have_attribute("aria-busy", "true")
        if item.locator("> .tree-row .tree-name").inner_text() == name:
            page.keyboard.press("Enter")
            return
        is_closed = item.get_attribute("aria-expanded") == "false"
        page.keyboard.press("ArrowRight" if is_closed else "ArrowDown")
    raise AssertionError(f"{name} is not in the tree")


def choose(page: Page, label: str, *names: str) -> None:
    """Search people in a picker and choose each."""
    box = page.get_by_role("combobox", name=re.compile(f"^{label}"))
    for name in names:
        box.press_sequentially(name)
        picker = page.locator("[data-picker]").filter(has=box)
        picker.locator(".pick-option", has_text=name).click()
        expect(picker.locator(".pick-label", has_text=name)).to_be_visible()


def test_registering_a_branch_counts_at_every_level(page: Page, live_server, levels: list[str]) -> None:
    log_in(page, live_server.url)
    before = [number_at(page, live_server.url, code) for code in levels]
    assert before == [1, 1, 1, 0]

    page.goto(live_server.url)
    walk_to(page, "德城分局")
    expect(page.get_by_role("heading", level=1)).to_have_text("德州市公安局德城分局")
    page.get_by_role("link", name="登记临时党组织").first.click()
    expect(page.get_by_label("组织名称")).to_have_value(BRANCH)
    choose(page, "书记", "赵卫国")
    # Pasted lines become rows at once, ticked people too; what names nobody stays in the box.
    page.get_by_label("粘贴警号、姓名").fill("孙丽华 371403\n999999 无名")
    page.get_by_label("组织名称").focus()
    members = page.locator("#placing .pick-label")
    expect(members).to_have_text(["孙丽华"])
    expect(page.get_by_label("粘贴警号、姓名")).to_have_value("999999 无名")
    page.get_by_label("粘贴警号、姓名").fill("")
    page.get_by_text("从德城分局的人员中勾选").click()
    page.get_by_label("选 钱学军").check()
    expect(members).to_have_text(["孙丽华", "钱学军"])
    page.get_by_label("职责 钱学军").select_option("deputy_secretary")
    page.get_by_role("button", name="提交审批", exact=True).click()

    expect(page.locator(".line.success")).to_contain_text(BRANCH)
    expect(page.get_by_role("heading", level=1)).to_contain_text(BRANCH)
    main = page.locator("main")
    for name in ("赵卫国", "钱学军", "孙丽华"):
        expect(main.get_by_role("link", name=name).first).to_be_visible()

    # Another person approves it: only then it counts.
    assert [number_at(page, live_server.url, code) for code in levels] == before
    approving.approve_organization(actor=ACTOR, organization=Organization.objects.get(name=BRANCH))
    after = [number_at(page, live_server.url, code) for code in levels]
    assert after == [number + 1 for number in before]

    # From the number at the top to the rows behind it, and to the branch itself.
    page.goto(live_server.url)
    # The line of breaches comes later and moves what is below it.
    expect(page.locator("main [hx-trigger=load]")).to_have_count(0)
    key_figure(page, "临时党组织").get_by_role("link").first.click()
    expect(page).to_have_url(re.compile("metric=temporary_party_orgs"))
    expect(page.locator(".pager")).to_contain_text(f"共 {after[0]}")
    rows = page.locator("main tbody tr")
    expect(rows).to_have_count(after[0])
    rows.get_by_role("link", name=BRANCH, exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(BRANCH)


def test_the_tree_opens_by_mouse_down_to_the_member(page: Page, live_server, levels: list[str]) -> None:
    log_in(page, live_server.url)
    tree = page.locator("#tree")
    # The tree leaves out of an organization's name the unit that stands right above it.
    for name in ("山东省公安厅", "德州市公安局", "运河分局", "(运河分局)?临时党支部"):
        item = tree.get_by_role("treeitem", name=re.compile(f"^{name}")).first
        expect(item).to_be_visible()
        if item.get_attribute("aria-expanded") == "false":
            item.locator("> .tree-row .tree-toggle").click()
    member = tree.get_by_role("treeitem", name=re.compile("^周文涛")).first
    expect(member).to_contain_text("书记")
    member.get_by_role("link").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("周文涛")


def test_on_a_phone_the_menu_opens_and_nothing_scrolls_sideways(
    page: Page, live_server, levels: list[str]
) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    log_in(page, live_server.url)
    navigation = page.get_by_role("link", name="组织台账", exact=True)
    expect(navigation).not_to_be_in_viewport()
    page.locator("label.burger").click()
    expect(navigation).to_be_in_viewport()
    navigation.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("台账")
    branch = page.get_by_role("link", name="运河分局临时党支部", exact=True)
    person = "/people/371401/"
    for address in (
        "/units/dezhou/",
        "/units/decheng/register/",
        "/tree/",
        "/organizations/",
        branch.get_attribute("href") or "",
        "/people/",
        "/people/?metric=frontline_people&unit=dezhou",
        person,
        f"{person}edit/",
        f"{person}transfer/",
        "/assignments/",
        "/reconciliation/",
        "/sources/",
        "/search/?q=德",
        "/people/nobody/",
    ):
        page.goto(f"{live_server.url}{address}")
        page.wait_for_load_state("networkidle")
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= 390, f"{address} is {wide} pixels wide"


def come_in(page: Page, address: str, name: str) -> None:
    """Log in as somebody for whom something waits: the desk comes first."""
    page.context.clear_cookies()
    page.goto(address)
    page.get_by_label("用户名").fill(name)
    page.get_by_label("密码").fill(PASSWORD)
    page.get_by_role("button", name="登录").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("我的待办")


def test_two_are_returned_mended_and_all_approved_by_one_document(page: Page, live_server, levels) -> None:
    """The approver returns two by keyboard, the clerk mends them, then all are approved at once."""
    bureau, station = (Unit.objects.get(code=code) for code in levels[2:])
    clerk = make_user("clerk", station, "clerk")
    make_user("approver", bureau, "approver")
    committee = Organization.objects.get(name="德州市公安局党委")
    for name in ("东街", "西街", "南街"):
        made = make_organization(station, name=f"{name}临时党支部", parent=committee, state="draft")
        approving.submit_organization(actor=Actor(user=clerk), organization=made)

    come_in(page, live_server.url, "approver")
    expect(page.locator(".side nav .waits")).to_contain_text("3")
    page.keyboard.press("j")
    expect(page.locator("#opened h2")).to_have_text("西街临时党支部")
    for name in ("西街", "南街"):
        expect(page.locator("#opened h2")).to_have_text(f"{name}临时党支部")
        page.keyboard.press("r")
        page.keyboard.type("没有书记")
        page.get_by_role("button", name="退回,看下一件").click()
        expect(page.get_by_text(f"已退回“{name}临时党支部”")).to_be_visible()

    come_in(page, live_server.url, "clerk")
    returned = page.locator("#returned tbody tr")
    for left in (2, 1):
        expect(returned).to_have_count(left)
        expect(returned.first).to_contain_text("没有书记")
        returned.first.get_by_role("link", name="修改").click()
        page.get_by_label("备注").fill("书记已补报")
        page.get_by_role("button", name="保存").click()
        page.get_by_role("link", name="提交审批").click()
        page.get_by_role("button", name="提交审批").click()
        page.goto(f"{live_server.url}/desk/")

    come_in(page, live_server.url, "approver")
    page.get_by_label("全选本页").check()
    page.get_by_label("批复文号").fill("德公党〔2020〕12号")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="批准所选").click()
    expect(page.get_by_text("没有等您办理的事项。")).to_be_visible()
    approved = Organization.objects.filter(approval_number="德公党〔2020〕12号", state="approved")
    assert approved.count() == 3
