"""The system's settings are followed: its colours, more contrast, no movement, letters twice the size."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page

from tests.e2e.pages import log_in
from tests.two_bureaus import TwoBureaus

pytestmark = [pytest.mark.look, pytest.mark.django_db(transaction=True)]

MARKED = {
    "the page in the navigation": (
        "/units/jia/",
        ".side nav a[aria-current]",
        ".side nav a:not([aria-current])",
    ),
    "the tab that is open": ("/units/jia/", ".tabs a[aria-current]", ".tabs a:not([aria-current])"),
    "the node that is open": ("/units/jia/", ".side li[aria-current] > .tree-row", ".side li li > .tree-row"),
}
LINE = (
    "it => [...['outline', 'border', 'text-decoration-line'].map(each => getComputedStyle(it)[each])].join()"
)
CONTRAST = """
it => {
    const light = colour => {
        const [r, g, b] = colour.match(/[\\d.]+/g).slice(0, 3).map(part => part / 255)
            .map(part => part <= .04045 ? part / 12.92 : ((part + .055) / 1.055) ** 2.4);
        return .2126 * r + .7152 * g + .0722 * b;
    };
    let ground = it;
    while (getComputedStyle(ground).backgroundColor === "rgba(0, 0, 0, 0)") ground = ground.parentElement;
    const [a, b] = [light(getComputedStyle(it).color), light(getComputedStyle(ground).backgroundColor)];
    return (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
}
"""
MOVING = """
[...document.querySelectorAll("*")].flatMap(each => ["", "::before", "::after"].map(part => {
    const look = getComputedStyle(each, part);
    const seconds = `${look.animationDuration}, ${look.transitionDuration}`.split(",").map(parseFloat);
    return Math.max(...seconds) > .001 ? `${each.tagName}.${each.className}${part}` : "";
})).filter(Boolean)
"""
OUTSIDE = """
document.documentElement.scrollWidth <= innerWidth ? [] : [...document.querySelectorAll("body *")]
    .filter(each => each.checkVisibility() && each.getBoundingClientRect().right > innerWidth + 1)
    .map(each => each.outerHTML.slice(0, 120))
"""
"""The elements that make the page scroll sideways."""
PAGES = ("/units/jia/", "/organizations/", "/organizations/jia-branch/", "/units/jia/register/", "/record/")


def test_what_the_system_asks_for_is_done(page: Page, live_server) -> None:
    log_in(page, live_server.url, TwoBureaus().here.users["manager"])

    def visit(path: str) -> None:
        page.goto(f"{live_server.url}{path}", wait_until="networkidle")

    # Read aloud (docs/screen-reader.md): tables have names, drawn signs are not read, numbers say of what.
    visit("/units/jia/")
    read = page.locator("body").aria_snapshot()
    assert re.findall(r"- table:|[▲▼↕↑↓▾▶]", read) == [], read
    assert '- link "临时党组织 2"' in read
    assert '- treeitem "甲密公安局 2" [expanded]' in read

    # Its own colours: backgrounds are gone, so what is open has a line that the others have not.
    page.emulate_media(forced_colors="active")
    for what, (path, marked, other) in MARKED.items():
        if not page.url.endswith(path):
            visit(path)
        lines = [page.locator(each).first.evaluate(LINE) for each in (marked, other)]
        assert lines[0] != lines[1], what
    page.locator("main a").first.focus()
    page.keyboard.press("Tab")
    focused = page.locator(":focus")
    assert focused.evaluate("it => getComputedStyle(it).outlineStyle") != "none"
    ink = page.locator("h1").evaluate("it => getComputedStyle(it).color")
    assert page.locator("main .course").first.evaluate("it => getComputedStyle(it).stroke") == ink
    assert page.locator("main .ends text").first.evaluate("it => getComputedStyle(it).fill") == ink

    # More contrast: grey words reach 7 to 1 (AAA).
    page.emulate_media(forced_colors="none", contrast="more")
    for quiet in page.locator("main :is(.quiet, .zero, small, .note, dt, time, .crumbs a)").all()[:40]:
        if quiet.is_visible():
            assert quiet.evaluate(CONTRAST) >= 7, quiet.evaluate("it => it.outerHTML")

    # No movement.
    page.emulate_media(contrast="no-preference", reduced_motion="reduce")
    assert page.evaluate(MOVING) == []
    page.emulate_media(reduced_motion="no-preference")
    assert page.evaluate(MOVING) != []  # there is some otherwise

    # 200 and 400 % of 1440 and 1280 px: nothing is cut off or pushed out at the side.
    for path in PAGES:
        visit(path)
        for width in (720, 320):
            page.set_viewport_size({"width": width, "height": 450})
            assert page.evaluate(OUTSIDE) == [], f"{path} at {width}"
