"""Twelve pages look as they looked: the desk and the phone, against the pictures in ``images/``.

What changed on purpose is drawn anew by `make images`; look at the pictures before you commit them. When the
test fails, ``var/e2e/`` has the page as it is now and, in white, where it differs.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from django.utils import timezone
from PIL import Image, ImageDraw
from playwright.sync_api import Page, Route, expect

from registry.models import Figure, Organization, Source, Unit, User
from tests.e2e.conftest import PICTURES
from tests.e2e.pages import log_in
from tests.e2e.pictures import FEW, KEPT, difference, keep
from tests.factories import assign, make_campaign, make_organization, make_person, make_unit, make_user

pytestmark = pytest.mark.look

DRAW_ANEW = os.environ.get("IMAGES") == "anew"
FONTS = ':root { --sans: "Noto Sans CJK SC"; --num: "Noto Sans CJK SC"; }'
"""On every machine the letters that CI has."""
TODAY = datetime(2020, 2, 29, 4, tzinfo=UTC)
NAMES = (
    *("赵卫国", "钱学军", "孙丽华", "李建设", "周文涛", "吴晓东"),
    *("郑海燕", "王志强", "冯立新", "陈春梅", "褚向阳", "卫红旗"),
)
DESK, PHONE = (1440, 1000), (390, 1000)
PAGES: list[tuple[str, str, tuple[int, int]]] = [
    ("login", "/login/", DESK),
    ("unit", "/units/ting/", DESK),
    ("unit-phone", "/units/ting/", PHONE),
    ("comparison", "/compare/?unit=jinan&unit=dezhou", DESK),
    ("ledger", "/organizations/", DESK),
    ("ledger-phone", "/organizations/", PHONE),
    ("organization", "/organizations/dezhou-branch/", DESK),
    ("register", "/units/dezhou/register/", DESK),
    ("people", "/people/", DESK),
    ("person-phone", "/people/371400/", PHONE),
    ("campaign", "/campaigns/yiqing/", DESK),
    ("reconciliation", "/reconciliation/", DESK),
    ("record", "/record/", DESK),
    ("tree-phone", "/tree/", PHONE),
]


class Province:
    """A province whose bureaus found branches and teams one after the other in February 2020."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = TODAY
        monkeypatch.setattr(timezone, "now", lambda: self.now)
        self.top = make_unit("ting", name="山东省公安厅", kind="department", region_code="370000")
        self.committee = make_organization(
            self.top, "committee", code="dangwei", name="山东省公安厅党委", is_temporary=False
        )
        self.campaign = make_campaign()
        for at, (code, name) in enumerate(
            (("jinan", "济南"), ("qingdao", "青岛"), ("weifang", "潍坊"), ("dezhou", "德州"))
        ):
            self._bureau(at, code, name)
        self.now = TODAY
        source = Source.objects.create(number=1, title="山东公安战时党建简报", unit=self.top)
        for metric, label, value in (
            ("temporary_branches", "临时党支部", 4),
            ("commando_teams", "突击队", 6),
            ("frontline_people", "一线人员", 12),
        ):
            Figure.objects.create(
                code=metric, source=source, metric=metric, label=label, value=str(value), number=value,
                qualifier="exact", unit=self.top, as_of=date(2020, 2, 29),
            )  # fmt: skip
        self.manager: User = make_user("manager", self.top, display_name="孙立人")

    def _bureau(self, at: int, code: str, name: str) -> None:
        self.now = TODAY - timedelta(days=20 - 5 * at)
        on = self.now.date()
        bureau = make_unit(code, self.top, name=f"{name}市公安局", region_code=f"370{at + 1}00")
        station = make_unit(f"{code}-zhan", bureau, name=f"{name}火车站派出所", kind="station")
        branch = self._organization(bureau, "branch", f"{code}-branch", f"{name}市公安局临时党支部", on)
        team = self._organization(station, "commando_team", f"{code}-team", f"{name}火车站突击队", on)
        for place, person in enumerate(NAMES[3 * at : 3 * at + 3]):
            person = make_person(
                person, bureau, number=f"37{at + 1}40{place}", home_branch=None, title="民警"
            )
            assign(branch, person, role="member" if place else "secretary", started_on=on)
            if place:
                assign(team, person, role="leader" if place == 1 else "member", started_on=on)

    def _organization(self, unit: Unit, kind: str, code: str, name: str, on: date) -> Organization:
        facts = {"parent": self.committee, "approval_number": f"鲁公党〔2020〕{on:%-d}号"}
        return make_organization(
            unit, kind, code=code, name=name, campaign=self.campaign, established_on=on,
            **(facts if kind == "branch" else {}),
        )  # fmt: skip


def _with_our_fonts(route: Route) -> None:
    response = route.fetch()
    route.fulfill(response=response, body=f"{response.text()}\n{FONTS}")


@pytest.fixture
def drawn(page: Page, live_server, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, Image.Image]]:
    """The pages, one after the other, as they are drawn now."""
    province = Province(monkeypatch)
    page.route("**/css/tokens.css", _with_our_fonts)

    def draw() -> Iterator[tuple[str, Image.Image]]:
        for name, path, (width, height) in PAGES:
            log_in(page, live_server.url, None if name == "login" else province.manager)
            page.set_viewport_size({"width": width, "height": height})
            page.goto(f"{live_server.url}{path}", wait_until="networkidle")
            if page.locator("#tree").count():  # it comes after the page
                expect(page.locator("#tree [role=tree]")).to_be_attached()
            expect(page.locator("main [hx-trigger=load], .htmx-request")).to_have_count(0)  # panels have come
            yield name, Image.open(io.BytesIO(page.screenshot(animations="disabled")))

    return draw()


@pytest.mark.django_db(transaction=True)
def test_twelve_pages_look_as_they_looked(drawn: Iterator[tuple[str, Image.Image]]) -> None:
    changed = {}
    for name, now in drawn:
        path = KEPT / f"{name}.png"
        if DRAW_ANEW:
            keep(now, path)
            continue
        far, where = difference(Image.open(path), now)
        if far > FEW:
            changed[name] = far
            keep(now, PICTURES / f"{name}.png")
            where.save(PICTURES / f"{name}-where.png")
    assert changed == {}, "look at var/e2e; when it should look so: make images"


# --- The comparison itself --------------------------------------------------------------------------


def page_of(*, card: int = 40, button: str = "#b3141c", letters: int = 0) -> Image.Image:
    """A drawn page: a card with lines of text and a button."""
    picture = Image.new("RGB", (400, 300), "#f5f6f8")
    pen = ImageDraw.Draw(picture)
    pen.rectangle((20, card, 380, card + 200), fill="white", outline="#e4e7eb")
    for line in range(6):
        for word in range(8):
            left, top = 40 + 40 * word + letters, card + 20 + 20 * line
            pen.rectangle((left, top, left + 2, top + 10), fill="#1f2329")
            pen.line((left + 6, top, left + 14, top + 10), fill="#57606a")
    pen.rectangle((280, card + 160, 360, card + 190), fill=button)
    return picture


@pytest.mark.parametrize(
    ("changed", "is_seen"),
    [({}, False), ({"letters": 1}, False), ({"card": 48}, True), ({"button": "#1f5fbf"}, True)],
    ids=["nothing", "letters a pixel aside", "a card lower down", "a button of another colour"],
)
def test_what_is_seen_as_a_change(changed: dict[str, int], is_seen: bool) -> None:
    far, _where = difference(page_of(), page_of(**changed))
    assert (far > FEW) is is_seen, far
