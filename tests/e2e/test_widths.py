"""Every page at eight widths: nothing scrolls sideways or in a box, leaves its card, is cut or covered.

No hole stands beside a long column, and the first row of a list is in a phone's first screen.

The world has long names and large numbers. Each page is opened once; then the window is made wider, and one
script measures what stands there. While it is open, axe-core looks at it too, once for each address; what
stands at the side of all pages is looked at once for each reader, and each pair of colours once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from registry.models import Campaign, Figure, Organization, Person, Source, Unit
from tests.e2e.axe import AXE, BUT_THE_SIDE, problems
from tests.e2e.pages import walk
from tests.two_bureaus import TwoBureaus

pytestmark = [pytest.mark.look, pytest.mark.django_db(transaction=True)]

WIDTHS = (360, 390, 768, 1024, 1093, 1280, 1440, 1920)
AGAIN = (390, 1093)
"""Where an address is looked at again, with another query."""
TALL = 4000
"""Higher than every page: what is outside of the window cannot be seen to be covered."""
HEIGHT = "Math.ceil(document.querySelector('main').getBoundingClientRect().bottom) + 200"
MEASURE = Path(__file__).with_name("widths.js").read_text()
LONG = "内蒙古自治区锡林郭勒盟东乌珠穆沁旗公安局乌里雅斯太派出所"
assert len(LONG) == 28


@pytest.fixture(scope="module")
def browser(launch: Callable[..., Browser]) -> Iterator[Browser]:
    """A browser that paints nothing, which is a third of the work; in it nothing could be clicked.

    A page is gone before it would pay to optimize its scripts.
    """
    running = launch("--disable-threaded-compositing", "--js-flags=--no-turbofan --no-maglev")
    yield running
    running.close()


@pytest.fixture
def world() -> TwoBureaus:
    """Two bureaus whose names are long and whose numbers are large."""
    made = TwoBureaus()
    for model in (Unit, Organization, Campaign):
        model._base_manager.update(name=LONG)
    Unit._base_manager.update(short_name=LONG[:12])
    Person._base_manager.update(name="阿拉坦苏布达·巴特尔", title=LONG)
    Source._base_manager.update(title=LONG * 2)
    Figure._base_manager.update(value="10152", number=10152, label=LONG)
    return made


def test_every_page_fits_every_width_and_is_in_reach(page: Page, world: TwoBureaus, live_server) -> None:
    page.add_init_script(AXE)
    wrong: list[str] = []
    seen, readers, colours = set[str](), set[str](), set[str]()
    for stop in walk(page, live_server.url, world):
        height = TALL
        for width in AGAIN if stop.name in seen else WIDTHS:
            page.set_viewport_size({"width": width, "height": height})
            wrong += [f"{stop.path} at {width}: {each}" for each in page.evaluate(MEASURE)]
            height = page.evaluate(HEIGHT) if height == TALL else height  # it is highest on the phone
        if stop.name not in seen:
            seen.add(stop.name)
            within = BUT_THE_SIDE if stop.who in readers else "html"
            wrong += problems(page, stop.path, within=within, colours=colours)
            readers.add(stop.who)
    assert not wrong, "\n".join(wrong)
