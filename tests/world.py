"""The small country in which most tests of pages take place.

A department with two bureaus; the left bureau has a station. There are organizations of every kind that lists
and sheets ask for, and four people whose names say which of them is which::

    省公安厅 top ── 厅党委 committee
    ├── 左公安局 left ── 左局党支部 home, 左局临时党总支 general, 左局临时党支部 branch, 左突击队 commando
    │   └── 左派出所 station ── 临时小组 group, =先锋岗 post
    └── 右公安局 right ── 右先锋队 pioneers

The `world` fixture (tests/conftest.py) builds it once for each file and takes back what a test changes.
"""

from __future__ import annotations

from datetime import date

from registry.operations import assignments, people
from tests.factories import ACTOR, assign, make_campaign, make_organization, make_person, make_unit


class World:
    """The units, organizations and people of the small country; a file may add its own as attributes."""

    def __init__(self) -> None:
        self._make_units()
        self._make_organizations()
        self._make_people()
        self._place_people()
        for row in vars(self).values():  # what came later may have changed what was made first
            row.refresh_from_db()

    def _make_units(self) -> None:
        self.top = make_unit("top", name="省公安厅", kind="department")
        self.left = make_unit("left", self.top, name="左公安局", short_name="左局", region_code="371400")
        self.right = make_unit("right", self.top, name="右公安局", short_name="右局")
        self.station = make_unit("station", self.left, name="左派出所", kind="station")

    def _make_organizations(self) -> None:
        self.campaign = make_campaign()
        self.committee = make_organization(
            self.top, "committee", code="committee", name="厅党委", is_temporary=False
        )
        self.home = make_organization(
            self.left, code="home", name="左局党支部", is_temporary=False, parent=self.committee
        )
        self.general = make_organization(
            self.left, "general_branch", code="general", name="左局临时党总支", parent=self.committee
        )
        self.branch = make_organization(
            self.left,
            code="branch",
            name="左局临时党支部",
            campaign=self.campaign,
            parent=self.general,
            approval_number="左党〔2020〕1号",
        )
        self.group = make_organization(
            self.station, "group", code="group", name="临时小组", parent=self.branch
        )
        self.post = make_organization(
            self.station, "pioneer_post", code="post", name="=先锋岗", parent=self.branch
        )
        self.commando = make_organization(self.left, "commando_team", code="commando", name="左突击队")
        self.pioneers = make_organization(self.right, "pioneer_team", code="pioneers", name="右先锋队")

    def _make_people(self) -> None:
        self.full = make_person(
            "赵一", self.left, number="001001", home_branch=self.home, title="所长", phone="13800000001"
        )
        """A full member at the left bureau: secretary of the branch, on the post, in the commando team."""
        self.auxiliary = make_person(
            "钱二", self.station, number="001002", category="auxiliary", political_status="masses",
            phone="13800000002",
        )  # fmt: skip
        """An auxiliary at the station, in the branch and in its group."""
        self.rising = make_person(
            "孙三", self.right, number="001003", political_status="activist", phone="13800000003"
        )
        """An activist of the right bureau, a probationary member from March; a guest in 左突击队."""
        self.idle = make_person("李四", self.right, number="001004", phone="13800000004")
        """Somebody of the right bureau who left the branch on 15 February and is nowhere since."""

    def _place_people(self) -> None:
        assign(self.branch, self.full, role="secretary", document_number="左任1号")
        assign(self.branch, self.auxiliary)
        assign(self.group, self.auxiliary)
        assign(self.post, self.full)
        assign(self.commando, self.rising, role="leader")
        assign(self.commando, self.full, started_on=date(2020, 2, 10))
        assign(self.pioneers, self.rising)
        placed = assign(self.branch, self.idle)
        assignments.end_assignment(actor=ACTOR, assignment=placed, on=date(2020, 2, 15))
        people.change_political_status(
            actor=ACTOR, person=self.rising, status="probationary_member", on=date(2020, 3, 1)
        )
