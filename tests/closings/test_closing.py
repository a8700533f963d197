"""Closing a campaign: what is said beforehand happens, whole or not at all, once; and the way back."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from registry.approvals import submissions
from registry.approvals.models import Submission
from registry.audit import Actor
from registry.closings import background, operations
from registry.closings.extent import OWN, Extent, Numbers
from registry.closings.models import ClosedAssignment, ClosedOrganization, Closing, ClosingState
from registry.counting.totals.check import differences
from registry.models import Assignment, AuditEntry, Campaign, Grant, Organization, Unit
from registry.operations import approving, organizations
from registry.operations.assignments import end_assignments
from registry.operations.submitting import or_submit
from registry.refusals import NotAllowed, OperationRefused
from registry.trees.check import check_all
from tests.factories import ACTOR, assign, make_campaign, make_organization, make_person, make_unit, make_user
from tests.operations.checks import WHOLE_FORM, day, refusal

pytestmark = pytest.mark.django_db


class Country:
    """省公安厅 leads the campaign; two bureaus, one with a station; an organization of another campaign."""

    def __init__(self) -> None:
        self.top = make_unit("top", name="省公安厅", kind="department")
        self.left = make_unit("left", self.top, name="左公安局")
        self.right = make_unit("right", self.top, name="右公安局")
        self.station = make_unit("station", self.left, name="左派出所", kind="station")
        make_campaign(lead_unit=self.top)
        self.campaign = Campaign.objects.get()  # whose lead unit is the one of now
        self.other = make_campaign("other", name="防汛", lead_unit=self.top)
        own = {"campaign": self.campaign}
        self.home = make_organization(self.left, code="home", name="左局党支部", is_temporary=False)
        self.headquarters = make_organization(self.top, "general_branch", code="hq", name="临时党总支", **own)
        self.branch = make_organization(
            self.left, code="branch", name="左临时党支部", parent=self.headquarters, **own
        )
        self.group = make_organization(
            self.station, "group", code="group", name="临时小组", parent=self.branch
        )
        self.post = make_organization(self.right, "pioneer_post", code="post", name="右先锋岗", **own)
        self.flood = make_organization(self.right, code="flood", name="防汛支部", campaign=self.other)
        self.gone = make_organization(
            self.right, "pioneer_team", code="gone", name="已撤先锋队", dissolved_on=day(5), **own
        )
        self.people = [make_person(f"人{n}", self.left, home_branch=self.home) for n in range(3)]
        assign(self.branch, self.people[0], role="secretary")
        assign(self.group, self.people[0])
        assign(self.group, self.people[1])
        assign(self.post, self.people[1])
        assign(self.post, self.people[2], ended_on=day(20))  # already to end, but later
        assign(self.flood, self.people[2])


def build_world() -> Country:
    """Built once for the file; what a test changes is taken back."""
    return Country()


@pytest.fixture
def country(world: Country) -> Country:
    return world


ON = day(10)


def close(country: Country, actor: Actor = ACTOR, **facts: object) -> Closing:
    given = {"on": ON, "document_number": "党〔2020〕31号", "reason": "响应终止", **facts}
    return operations.close_campaign(actor=actor, campaign=country.campaign, **given)


def state() -> dict[str, list[object]]:
    """Everything that a closing may touch, but versions and times."""
    return {
        "campaigns": list(Campaign.objects.order_by("pk").values_list("code", "ended_on")),
        "organizations": list(
            Organization.objects.order_by("pk").values_list(
                "code", "state", "dissolved_on", "dissolution_number"
            )
        ),
        "assignments": list(
            Assignment.objects.order_by("pk").values_list("person", "organization", "started_on", "ended_on")
        ),
    }


def numbers() -> dict[date, tuple[int, int]]:
    """How many organizations stand and assignments hold, on every day."""
    return {
        day(n): (Organization.objects.as_of(day(n)).count(), Assignment.objects.as_of(day(n)).count())
        for n in range(-1, 25)
    }


def assert_sound() -> None:
    assert [str(fault) for fault in check_all()] == []
    assert differences() == []


def test_what_is_said_beforehand_is_what_happens(country: Country) -> None:
    extent = Extent(country.campaign, ON, None)
    ending = set(extent.ending())
    placed = set(extent.assignments())
    assert ending == {country.headquarters, country.branch, country.group, country.post}
    assert extent.whole == Numbers(party=3, formations=1, placed=5, people=3, pending=0)
    closing = close(country)
    assert (closing.state, closing.organizations, closing.assignments) == (ClosingState.CLOSED, 4, 5)
    dissolved = Organization.objects.filter(dissolved_on=ON, dissolution_number="党〔2020〕31号")
    assert (set(dissolved), set(Assignment.objects.filter(ended_on=ON))) == (ending, placed)
    country.campaign.refresh_from_db()
    assert country.campaign.ended_on == ON
    for untouched in (country.flood, country.gone, country.home):
        assert Organization.objects.get(pk=untouched.pk).version == untouched.version
    assert_sound()


def test_the_numbers_of_the_units_below_the_lead_unit_are_those_of_their_lists(country: Country) -> None:
    extent = Extent(country.campaign, ON, None)
    found = extent.by_unit()
    said = {key: (n.party, n.formations, n.placed, n.people) for key, n in found.items()}
    assert said == {
        OWN: (1, 0, 0, 0),
        country.left.pk: (2, 0, 3, 2),
        country.right.pk: (0, 1, 2, 2),
    }
    for key, (party, formations, placed, _people) in said.items():
        assert extent.ending().filter(extent.at("unit", key)).count() == party + formations
        assert extent.assignments().filter(extent.at("organization__unit", key)).count() == placed


def test_the_preview_asks_as_many_questions_for_many_units(country: Country) -> None:
    def asked() -> int:
        extent = Extent(Campaign.objects.get(code="yiqing"), ON, None)
        with CaptureQueriesContext(connection) as queries:
            extent.by_unit(), extent.whole, extent.homes()
        return len(queries)

    few = asked()
    for n in range(4):
        unit = make_unit(f"more-{n}", Unit.objects.get(pk=country.top.pk))
        assign(make_organization(unit, campaign=country.campaign), make_person(f"多{n}", unit))
    assert asked() == few


def test_the_record_names_the_act_and_each_organization(country: Country) -> None:
    closing = close(country)
    head = AuditEntry.objects.get(verb="close_campaign")
    assert (closing.entry_id, head.after["closing_number"], head.after["organizations"]) == (
        head.pk, "党〔2020〕31号", 4,
    )  # fmt: skip
    parts = AuditEntry.objects.filter(part_of=head)
    assert sorted(parts.values_list("verb", flat=True)) == ["dissolve_organization"] * 4 + ["end_campaign"]


def test_what_is_pending_comes_first(country: Country) -> None:
    for code, its in (("sent", "submitted"), ("draft", "draft")):
        make_organization(country.left, code=code, name=code, campaign=country.campaign, state=its)
    with refusal(WHOLE_FORM, "待审批的组织还有 2 个"):
        close(country)
    settled = operations.settle_pending(actor=ACTOR, campaign=country.campaign, on=ON, reason="任务结束")
    assert settled == (1, 1)
    states = dict(Organization.objects.filter(code__in=("sent", "draft")).values_list("code", "state"))
    assert states == {"sent": "returned", "draft": "withdrawn"}
    assert close(country).organizations == 4


def test_what_came_back_before_it_is_not_approved_after_it(country: Country) -> None:
    """The closed campaign refuses what would stand on in it, and says how what was there is entered."""
    late = make_organization(
        country.left, code="late", name="迟报支部", campaign=country.campaign, state="returned"
    )
    close(country)
    with refusal(WHOLE_FORM, "“疫情防控”已于 2020-02-11 结束,“迟报支部”不能再提交或批准"):
        approving.submit_organization(actor=ACTOR, organization=late)
    for end, is_taken in ((day(11), False), (ON, True)):
        Organization.objects.filter(pk=late.pk).update(state="submitted", dissolved_on=end)
        if is_taken:
            approving.approve_organization(actor=ACTOR, organization=late, approval_number="批1号")
        else:
            with refusal(WHOLE_FORM, "撤销日期不晚于该日"):
                approving.approve_organization(actor=ACTOR, organization=late, approval_number="批1号")
    Organization.objects.filter(pk=late.pk).update(state="submitted", dissolved_on=None)
    approving.return_organization(actor=ACTOR, organization=late, reason="任务已结束")


def test_changes_that_wait_come_first_and_are_returned_in_the_same_act(country: Country) -> None:
    clerk = make_user("clerk", country.top, "clerk")
    manager = make_user("manager", country.top)
    for user, organization in ((clerk, country.group), (manager, country.post), (clerk, country.flood)):
        or_submit(
            organizations.dissolve_organization,
            actor=Actor(user, str(user)),
            organization=organization,
            on=day(9),
            reason="提前撤销",
        )
    with refusal(WHOLE_FORM, "待审批的变更 2 项,请先批准或退回。"):
        close(country)
    settled = operations.settle_pending(
        actor=Actor(manager, "管理员"), campaign=country.campaign, on=ON, reason="任务结束"
    )
    assert settled == (1, 1)
    states = dict(Submission.objects.values_list("organization__code", "state"))
    assert states == {"group": "returned", "post": "withdrawn", "flood": "submitted"}
    close(country)
    back = Submission.objects.get(organization=country.group)
    with refusal(WHOLE_FORM, "请撤回这项申请,需要的在该组织的页面上重新办理"):
        submissions.submit_submission(actor=Actor(clerk, "录入员"), submission=back)


def test_what_must_not_end_with_it_is_named(country: Country) -> None:
    standing = make_organization(
        country.left, code="standing", name="常设支部", is_temporary=False, parent=country.headquarters
    )
    with refusal(WHOLE_FORM, "常设党组织“常设支部”在要撤销的组织之下"):
        close(country)
    organizations.move_organization(actor=ACTOR, organization=standing, parent=None, reason="调整")
    flood = make_organization(
        country.left,
        code="below",
        name="防汛小组",
        parent=country.branch,
        campaign=country.other,
        kind="group",
    )
    with refusal(WHOLE_FORM, "“防汛小组”属于另一项专项任务"):
        close(country)
    organizations.move_organization(actor=ACTOR, organization=flood, parent=country.flood, reason="调整")
    late = assign(country.post, make_person("晚来", country.right), started_on=day(12))
    with refusal(WHOLE_FORM, "“晚来”在 2020-02-11 以后才编入"):
        close(country)
    end_assignments(actor=ACTOR, ends=[(late, day(13))])
    with refusal(WHOLE_FORM, "“晚来”"):
        close(country)
    with refusal("document_number", "请填写撤销文号"):
        close(country, on=day(14), document_number=" ")
    with refusal("reason", "请说明结束原因"):
        close(country, on=day(14), reason="")
    close(country, on=day(14))


def test_a_standing_party_organization_of_the_campaign_stays(country: Country) -> None:
    stays = make_organization(
        country.left, code="stays", name="常设支部", is_temporary=False, campaign=country.campaign
    )
    assert list(Extent(country.campaign, ON, None).staying()) == [stays]
    close(country)
    assert Organization.objects.get(pk=stays.pk).dissolved_on is None


def test_it_reaches_as_far_as_the_right_does(country: Country) -> None:
    """A bureau that leads has no right next door: what stands there is counted by name as far as seen."""
    Campaign.objects.filter(pk=country.campaign.pk).update(lead_unit=country.right)
    country.campaign.refresh_from_db()
    user = make_user(unit=country.right)
    extent = Extent(country.campaign, ON, user)
    assert (set(extent.ending()), extent.outside_named()) == ({country.post}, ([], 2))
    neighbour = make_user(unit=country.right)
    Grant.objects.create(user=neighbour, unit=country.left, role="viewer", started_on=day(-30))
    assert Extent(country.campaign, ON, neighbour).outside_named() == ([("左公安局", 1)], 1)
    closing = close(country, Actor(user, "右局管理员"))
    assert (closing.state, closing.organizations) == (ClosingState.CLOSED, 1)
    assert Organization.objects.get(pk=country.branch.pk).dissolved_on is None
    with pytest.raises(NotAllowed):
        operations.reopen_closing(
            actor=Actor(make_user(unit=country.left), "左"), closing=closing, reason="越权"
        )


def test_it_is_done_once(country: Country) -> None:
    close(country)
    with refusal(WHOLE_FORM, "已于 2020-02-11 结束"):
        close(country)
    assert Closing.objects.count() == 1


def test_reopened_everything_stands_as_it_was_on_every_day(country: Country) -> None:
    before, counted = state(), numbers()
    closing = close(country)
    assert (state() == before, numbers() == counted) == (False, False)
    assert closing.last_day == timezone.localdate() + timedelta(days=1)
    closing = operations.reopen_closing(actor=ACTOR, closing=closing, reason="误结束")
    assert (state(), numbers(), closing.state) == (before, counted, ClosingState.REOPENED)
    assert (ClosedOrganization.objects.count(), ClosedAssignment.objects.count()) == (0, 0)
    undoing = AuditEntry.objects.get(verb="reopen_closing")
    assert undoing.undoes_id == closing.entry_id
    assert_sound()
    with refusal(WHOLE_FORM, "期限已过,或已经恢复"):
        operations.reopen_closing(actor=ACTOR, closing=closing, reason="再次")
    assert close(country).state == ClosingState.CLOSED


def test_it_is_reopened_until_the_next_day_ends(country: Country, monkeypatch: pytest.MonkeyPatch) -> None:
    closing = close(country)
    Closing.objects.update(closed_at=datetime(2020, 2, 12, 23, 30, tzinfo=timezone.get_current_timezone()))
    for today, may in ((date(2020, 2, 13), True), (date(2020, 2, 14), False)):
        monkeypatch.setattr(
            "registry.closings.models.timezone.localdate", lambda at=None, t=today: at.date() if at else t
        )
        assert Closing.objects.get(pk=closing.pk).may_be_reopened is may


def test_what_was_built_on_it_since_is_named(country: Country) -> None:
    closing = close(country)
    organization = Organization.objects.get(pk=country.post.pk)
    organizations.edit_organization(
        actor=ACTOR, organization=organization, changes={"dissolved_on": day(20)}, reason="更正"
    )
    placed = Assignment.objects.get(organization=country.branch)
    end_assignments(actor=ACTOR, ends=[(placed, day(8))], reason="更正")
    before = state()
    with pytest.raises(OperationRefused) as refused:
        operations.reopen_closing(actor=ACTOR, closing=closing, reason="误结束")
    assert " ".join(refused.value.messages) == (
        "组织“右先锋岗”此后又有修改,请先撤回后来的修改。 “人0”的编入此后又有修改,请先撤回后来的修改。"
    )
    assert state() == before


def test_a_fault_in_the_middle_leaves_nothing(country: Country, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways: what the parts before it wrote is gone, and the next attempt does all of it."""
    monkeypatch.setattr(operations, "PART", 1)
    before, entries = state(), AuditEntry.objects.count()

    def fall(done: int) -> None:
        if done == 2:
            raise RuntimeError("killed")

    monkeypatch.setattr(operations, "LARGE", 0)
    user = make_user(unit=country.top)
    closing = close(country, Actor(user, "管理员"))
    assert (closing.state, state()) == (ClosingState.WAITING, before)
    attempt = operations.claim(closing.pk)
    with pytest.raises(RuntimeError):
        operations.carry_out(actor=Actor(user, "管理员"), closing=closing, attempt=attempt, progress=fall)
    assert (state(), AuditEntry.objects.count()) == (before, entries + 1)
    assert_sound()
    background.carry(closing.pk)  # the next worker
    closing.refresh_from_db()
    assert (closing.state, closing.message) == (ClosingState.CLOSED, "")
    assert_sound()  # the totals too, which a large one follows in a way of its own
    with refusal(WHOLE_FORM, "已于 2020-02-11 结束"):  # who comes back with a lost mark
        operations.carry_out(actor=Actor(user, "管理员"), closing=closing, attempt=attempt)
    closed = state()
    closing = operations.reopen_closing(actor=Actor(user, "管理员"), closing=closing, reason="误结束")
    attempt = operations.claim(closing.pk)
    with pytest.raises(RuntimeError):
        operations.carry_back(actor=Actor(user, "管理员"), closing=closing, attempt=attempt, progress=fall)
    assert state() == closed
    background.carry(closing.pk)
    assert state() == before
    assert_sound()


def test_what_changed_while_it_waited_is_not_ended_unseen(
    country: Country, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operations, "LARGE", 0)
    closing = close(country, Actor(make_user(unit=country.top), "管理员"))
    assign(country.post, make_person("新来", country.right))
    background.carry(closing.pk)
    closing.refresh_from_db()
    assert (closing.state, closing.message) == (ClosingState.FAILED, operations.CHANGED)
    country.campaign.refresh_from_db()
    assert country.campaign.ended_on is None


def test_one_that_waits_can_be_given_up(country: Country, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "LARGE", 0)
    actor = Actor(make_user(unit=country.top), "管理员")
    closing = close(country, actor)
    with refusal(WHOLE_FORM, "正在结束或恢复"):
        close(country, actor)
    assert operations.cancel_closing(actor=actor, closing=closing).state == ClosingState.CANCELLED
    background.carry(closing.pk)
    assert Closing.objects.get(pk=closing.pk).state == ClosingState.CANCELLED
