"""Scripts in every text and every parameter, in a real browser: nothing runs, nothing is even tried.

The `page` fixture fails a test whose page breaks the content security policy or throws an error, so
that markup which got in is seen even though the policy would stop it. Besides, no dialog may open, no
picture that only injected markup could ask for is asked for, and no variable that only an injected
script could set is there.
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlencode, urlsplit

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from registry.imports.models import Import, ImportLine
from registry.models import Assignment, AuditEntry, Campaign, Figure, Organization, Person, Source, Unit, User
from registry.search import index as search
from tests.test_attacks import PARAMETERS, STOPPING, reading_pages
from tests.two_bureaus import PASSWORD, TwoBureaus, Visitor

pytestmark = pytest.mark.django_db(transaction=True)

IMAGE = '"><img src=/pwned.png onerror=pwned=1>'
SCRIPT = "</script><script>pwned=1</script>"
SVG = "'><svg onload=pwned=1><a xlink:href=javascript:pwned=1>"
TEXTS = {
    Unit: {"name": SCRIPT, "short_name": IMAGE, "aliases": SVG, "note": SVG},
    Organization: {
        "name": IMAGE,
        "aliases": SCRIPT,
        "honour_title": SCRIPT,
        "approval_number": SVG,
        "dissolution_number": SVG,
        "note": SCRIPT,
    },
    Person: {"name": IMAGE, "title": SCRIPT, "phone": "<script>pwned=1</script>", "note": SVG},
    Assignment: {"document_number": IMAGE},
    User: {"display_name": IMAGE},
    Campaign: {"name": IMAGE},
    Import: {"file_name": IMAGE, "message": SCRIPT},
    ImportLine: {"sheet": IMAGE, "summary": SCRIPT},
    Source: {"title": f"{IMAGE}{SCRIPT}"},
    Figure: {"label": f"{IMAGE}{SCRIPT}"},
}


@pytest.fixture
def world() -> TwoBureaus:
    """Every text that somebody can type is an attack."""
    made = TwoBureaus()
    for model, columns in TEXTS.items():
        for column, text in columns.items():
            longest = model._meta.get_field(column).max_length or 200
            assert len(text) <= longest, f"{model.__name__}.{column}"
            model._base_manager.update(**{column: text})
    search.rebuild()
    return made


@pytest.fixture
def watched(page: Page, world: TwoBureaus, live_server) -> Iterator[Page]:
    """The page of a manager who has logged in; what an attack would do is noticed."""
    seen: list[str] = []
    page.on("dialog", lambda dialog: (seen.append(f"dialog {dialog.message}"), dialog.dismiss()))
    page.on(
        "request", lambda sent: seen.append(sent.url) if urlsplit(sent.url).path == "/pwned.png" else None
    )
    page.goto(live_server.url)
    page.get_by_label("用户名").fill("jia-manager")
    page.get_by_label("密码").fill(PASSWORD)
    page.get_by_role("button", name="登录").click()
    expect(page.locator("h1")).to_contain_text("我的待办")
    page.goto(f"{live_server.url}{world.here.unit.get_absolute_url()}")
    expect(page.locator("h1")).to_contain_text("pwned=1")
    yield page
    assert seen == []


def look(page: Page, url: str) -> None:
    """Open a page and see that nothing ran."""
    response = page.goto(url)
    assert response is not None
    assert response.status < 500, url
    nothing_ran(page, url)


def nothing_ran(page: Page, where: str) -> None:
    assert page.evaluate("typeof pwned") == "undefined", where
    assert page.evaluate("document.querySelectorAll('img[src*=pwned],svg[onload]').length") == 0, where


def whole_pages(world: TwoBureaus) -> dict[str, tuple[str, str]]:
    """Return address and query of each page that the manager reads; parts of pages come with these."""
    found: dict[str, tuple[str, str]] = {}
    for name, row in reading_pages():
        if not name.startswith(("pick_", "tree_", "organization_suggest", "import_")):
            found.setdefault(name, (reverse(name, args=row.args(world.here)), row.query))
    return found


@pytest.mark.look
def test_neither_stored_nor_reflected_scripts_run_on_any_page(
    watched: Page, world: TwoBureaus, live_server
) -> None:
    """Only pages that repeat what was sent in a place of their own can run it: these are opened for it."""
    for path, query in whole_pages(world).values():
        look(watched, f"{live_server.url}{path}?{query}")
    watched.wait_for_load_state("networkidle")
    manager = Visitor(world.here.users["manager"]).client
    opened, places = 0, set()
    for name, (path, _query) in whole_pages(world).items():
        for names in (PARAMETERS, STOPPING) if name in ("people", "record", "unit") else (PARAMETERS,):
            url = f"{path}?{urlencode(dict.fromkeys(names, f'{IMAGE}{SCRIPT}sent'))}"
            said = manager.get(url).content.decode().replace("&lt;", "<")
            here = {
                before.rpartition("<img src=/pwned")[0][-60:]
                for before in said.split("</script&gt;sent")[:-1]
            }
            if here - places:
                places |= here
                look(watched, f"{live_server.url}{url}")
                opened += 1
    assert opened > 10, opened
    watched.wait_for_load_state("networkidle")


def test_what_is_typed_and_picked_does_not_run_nor_does_the_tree_or_the_record(
    watched: Page, world: TwoBureaus, live_server
) -> None:
    page, here = watched, world.here
    page.goto(f"{live_server.url}{reverse('organization_register', args=[here.unit.code])}")
    for field in ("secretary", "members", "parent"):
        box = page.locator(f"input[name={field}_text]")
        box.press_sequentially("img")
        page.locator(f"[data-name={field}] .pick-option").first.click()
        nothing_ran(page, field)
    expect(page.locator(".pick-chip .pick-label").first).to_contain_text("<img src=/pwned.png")
    page.locator("input[name=approval_number]").fill(IMAGE)
    suggested = page.locator("input[name=name]").input_value()
    page.locator("select[name=kind]").select_option("commando_team")  # htmx brings new fields
    expect(page.locator("input[name=name]")).not_to_have_value(suggested)
    nothing_ran(page, "suggested")
    page.locator("details.fold:has(input[name=code]) > summary").click()
    page.locator("input[name=code]").fill("new-team")
    page.locator("input[name=name]").fill(IMAGE)
    with page.expect_navigation():
        page.locator("main form .btn.main").first.click()
    nothing_ran(page, "answer")
    if page.locator("input[name=confirmed]").count():
        with page.expect_navigation():
            page.locator("main form .btn.main").first.click()
    nothing_ran(page, "done")
    assert Organization.objects.get(code="new-team").name == IMAGE
    expect(page.locator(".line").first).to_contain_text("<img src=/pwned.png")  # what was done, in words

    page.goto(f"{live_server.url}{reverse('tree')}?as_of=2020-02-20")
    for _ in range(6):
        closed = page.locator("main [role=treeitem][aria-expanded=false] > .tree-row .tree-toggle")
        if not closed.count():
            break
        closed.first.click()
        page.wait_for_load_state("networkidle")
    nothing_ran(page, "tree")
    assert AuditEntry.objects.exists()
    look(page, f"{live_server.url}{reverse('record')}?q={SCRIPT}")
