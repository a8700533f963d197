"""axe-core on a page as it stands, at the desk and on a phone.

Every rule runs: WCAG 2.2 to level AA, the best practices, and those that axe still tries out (names that do
not say what is seen).
"""

from __future__ import annotations

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, ViewportSize

DESK: ViewportSize = {"width": 1440, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}
AXE = Axe().axe_script
RULES: dict[str, Any] = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice", "experimental"],
    "resultTypes": ["violations"],
    "preload": False,  # would ask for every sheet again
    "elementRef": True,
}
RUN = """
async ([within, rules]) => {
    axe.configure({noHtml: true});
    const {violations} = await axe.run(within ?? {include: window.fresh}, rules);
    return violations.flatMap(broken => broken.nodes.map(
        node => `${broken.id}: ${node.element.outerHTML.slice(0, 160)} ${node.failureSummary}`
    ));
}
"""
"""What is broken, and only that: to hand over all that axe found takes longer than finding it."""
FRESH = """
seen => {
    const known = new Set(seen), made = [];
    window.fresh = [...document.querySelectorAll("body *")].filter(each => {
        const says = [...each.childNodes].some(node => node.nodeType === 3 && node.data.trim());
        if (!says && !each.matches("input:not([type=hidden]), select, textarea")) return false;
        if (!each.checkVisibility({visibilityProperty: true})) return false;
        const style = getComputedStyle(each), kind = [style.color, style.fontSize, style.fontWeight];
        if (each.closest(":disabled, [aria-disabled=true]")) kind.push("off");
        for (let part = each; part; part = part.parentElement) {
            const {opacity, backgroundImage, backgroundColor} = getComputedStyle(part);
            kind.push(opacity, backgroundImage, backgroundColor);
            if (backgroundColor.startsWith("rgb(")) break;  // nothing behind it is seen
        }
        const said = kind.join(" ");
        if (known.has(said)) return false;
        known.add(said);
        made.push(said);
        return true;
    });
    return made;
}
"""
"""Keep in ``window.fresh`` one text of each kind (colours, size) that is not seen yet; return the kinds."""
UNFOLD = "for (const fold of document.querySelectorAll('main details:not(.menu)')) fold.open = true"
SMALL = """
least => [...document.querySelectorAll(
    "button, .btn, summary, select, input:not([type=checkbox], [type=radio], [type=file]), " +
    ".tabs a, nav a:not(.crumbs a), .pager a, label:has(> input)"
)].filter(each => each.checkVisibility({visibilityProperty: true}))
  .filter(each => !each.matches(".sr-only, [aria-hidden]"))
  .map(each => [Math.round(each.getBoundingClientRect().height), each.outerHTML.replaceAll("\\n", "")])
  .filter(([height]) => height && height < least).map(([height, tag]) => `${height} px: ${tag.slice(0, 120)}`)
"""
"""The controls that are lower than ``least`` pixels."""


BUT_THE_SIDE = {"include": ["html"], "exclude": [".side nav > *", ".side #tree"]}
"""The page without the links and the tree at its side, which are the same beside each page of one reader."""


def problems(
    page: Page,
    where: str,
    *,
    within: str | dict[str, list[str]] = "html",
    colours_on_phone: bool = False,
    colours: set[str] | None = None,
) -> list[str]:
    """Return what axe finds on the page at both widths, and what is hard to hit on a phone.

    Colours are half of the cost and the same at each width: the phone's are only measured when asked for.
    ``colours``: the kinds of text that were measured on other pages and are not measured again; those of this
    page are added. ``within`` is what opened over the page, when that covers something which is pressed after
    it is shut; or BUT_THE_SIDE.
    """
    page.evaluate(UNFOLD)
    if not page.evaluate("'axe' in window"):  # it may have come with the page (add_init_script)
        page.evaluate(AXE)
    page.set_viewport_size(DESK)
    found = _run(page, f"{where} at the desk", within, _rules(colours=colours is None))
    if colours is not None and (fresh := page.evaluate(FRESH, list(colours))):
        colours.update(fresh)
        found += _run(page, f"{where} at the desk", None, {**RULES, "runOnly": ["color-contrast"]})
    page.set_viewport_size(PHONE)
    found += _run(page, f"{where} on a phone", within, _rules(colours=colours_on_phone))
    found += [f"{where} on a phone {each}" for each in page.evaluate(SMALL, 40)]
    page.set_viewport_size(DESK)
    return found


def _rules(*, colours: bool) -> dict[str, Any]:
    return {**RULES, "rules": {"color-contrast": {"enabled": colours}}}


def _run(
    page: Page, where: str, within: str | dict[str, list[str]] | None, rules: dict[str, Any]
) -> list[str]:
    """Return what axe finds within a part of the page; None: in the texts that FRESH found."""
    return [" ".join(f"{where} {broken}".split()) for broken in page.evaluate(RUN, [within, rules])]
