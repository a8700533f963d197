"""The column 覆盖单位 of organizations: what a joint branch covers, by names or codes."""

from __future__ import annotations

import io

import pytest
from openpyxl import load_workbook

from registry.imports.template import template
from registry.models import CoveredUnit, Organization
from registry.nouns.organization import SHEET
from tests.factories import make_organization
from tests.imports import test_operations
from tests.imports.test_operations import Office, changes, problems

pytestmark = pytest.mark.django_db
HEAD = ("组织代码", "组织名称", "组织类型", "所在单位", "成立日期", "覆盖单位")


@pytest.fixture
def office(monkeypatch: pytest.MonkeyPatch) -> Office:
    monkeypatch.setitem(test_operations.HEADERS, "组织", HEAD)
    return Office()


def row(covered: str, kind: str = "临时联合党支部", code: str = "lianhe") -> tuple[str, ...]:
    return code, "市局临时联合党支部", kind, "市公安局", "2020-02-03", covered


def test_a_joint_branch_is_founded_with_the_units_that_it_covers(office: Office) -> None:
    unit = ("xin", "新区派出所", "派出所", "ju", None)
    made = office.hand_in(单位=[unit], 组织=[row("城关派出所、xin")])
    assert ("lianhe", "覆盖单位", "", "城关派出所、新区派出所") in changes(made)
    office.write(单位=[unit], 组织=[row("城关派出所、xin")])
    rows = CoveredUnit.objects.order_by("unit__lft").values_list("unit__code", "started_on", "ended_on")
    organization = Organization.objects.get(code="lianhe")
    assert [tuple(map(str, each)) for each in rows] == [
        ("suo", "2020-02-03", "None"),
        ("xin", "2020-02-03", "None"),
    ]
    assert organization.state == "submitted"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (row("城关派出所", "临时党支部"), "请把组织类型改为联合党支部,或去掉覆盖单位。"),
        (row("市公安局"), "“市公安局”是所在单位,不用再填为覆盖单位。"),
        (row("城关派出所;suo"), "“城关派出所”填了不止一次,请去掉重复的。"),
        (row("邻市公安局"), "没有名称为“邻市公安局”的单位,或不在您的管理范围内。"),
    ],
)
def test_what_is_wrong_stands_at_the_cell(office: Office, given: tuple[str, ...], said: str) -> None:
    ((address, message),) = problems(office.hand_in(组织=[given]))
    assert address == "组织!F2"
    assert said in message


def test_of_a_registered_one_it_may_only_be_repeated(office: Office) -> None:
    make_organization(
        office.bureau, "joint_branch", code="lianhe", name="市局临时联合党支部", covered=[office.station]
    )
    same = office.hand_in(组织=[("lianhe", None, None, None, None, "城关派出所")])
    assert problems(same) == []
    other = office.hand_in(组织=[("lianhe", None, None, None, None, "邻市公安局")])
    assert problems(other) == [
        ("组织!F2", "覆盖单位不能通过导入变更,请在组织页面用“变更覆盖单位”办理(要填变更日期)。")
    ]


def test_the_template_has_the_column() -> None:
    sheet = load_workbook(io.BytesIO(template(SHEET))).worksheets[0]
    assert "覆盖单位" in [cell.value for cell in sheet[2]]
