"""Conditions between fields, amounts to the fen, averages and narrowed counters: at every door the same."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from registry.counting.basis import Question
from registry.counting.rollup import rollup
from registry.counting.series import courses
from registry.logbooks.design import read
from registry.logbooks.metrics import logbook_metrics
from registry.logbooks.models import Entry, Logbook
from registry.logbooks.operations.entries import add_entry, edit_entry
from registry.logbooks.pages import sums
from registry.logbooks.rules import Making, design_refusals
from registry.refusals import OperationRefused
from tests.factories import ACTOR, make_user
from tests.logbooks.books import make_logbook
from tests.logbooks.test_importing import hand_in
from tests.world import World

pytestmark = [pytest.mark.django_db, pytest.mark.look]
DAY = date(2020, 2, 10)
LIST = "/logbooks/sampling/?as_of=2020-03-01"
DESIGN: dict[str, Any] = {
    "fields": [
        {"key": "way", "label": "方式", "type": "choice", "required": True, "choices": ["一般", "火线"]},
        {"key": "basis", "label": "依据", "type": "text", "required": True, "when": "way", "among": ["火线"]},
        {"key": "reviewer", "label": "复核人", "type": "text", "when": "basis", "always": True},
        {"key": "due", "label": "应到", "type": "number"},
        {"key": "present", "label": "实到", "type": "number", "at_most": "due"},
        {"key": "back", "label": "归还", "type": "date", "at_least": "happened_on"},
        {"key": "cost", "label": "花费", "type": "amount", "lower": 0},
    ],
    "counters": [
        {"key": "fire", "label": "火线次数", "way": "entries", "when": "way", "among": ["火线"]},
        {"key": "cost", "label": "花费", "way": "sum", "field": "cost", "measure": "元"},
        {"key": "mean", "label": "平均花费", "way": "average", "field": "cost", "measure": "元"},
    ],
}


@pytest.fixture
def book(world: World) -> Logbook:
    return make_logbook(world.top, design=DESIGN)


@pytest.fixture
def clerk(world: World, client: Client) -> Client:
    client.force_login(make_user("luru", world.left, "clerk"))
    return client


def enter(world: World, book: Logbook, day: date = DAY, unit: Any = None, **values: Any) -> Entry:
    """Enter one at the station."""
    given = {"way": "一般", **values}
    return add_entry(actor=ACTOR, logbook=book, unit=unit or world.station, happened_on=day, values=given)


WRONG = [
    ({"way": "火线"}, "basis", "请填写“依据”(“方式”为火线时必填)。"),
    ({"way": "火线", "basis": "一号"}, "reviewer", "请填写“复核人”(填了“依据”时必填)。"),
    ({"basis": "一号", "reviewer": "赵"}, "basis", "“依据”只在“方式”为火线时填写,请清空或改“方式”。"),
    ({"due": 5, "present": 6}, "present", "“实到”不能大于“应到”的 5,请核对。"),
    ({"back": date(2020, 2, 9)}, "back", "“归还”不能早于“日期”的 2020-02-10,请核对。"),
    ({"cost": Decimal("1.005")}, "cost", "“花费”请填金额,最多两位小数,如 36.50。"),
]  # fmt: skip


@pytest.mark.parametrize(("values", "field", "message"), WRONG)
def test_what_contradicts_other_fields_is_refused_at_its_field(
    world: World, book: Logbook, values: dict[str, Any], field: str, message: str
) -> None:
    with pytest.raises(OperationRefused) as refused:
        enter(world, book, **values)
    assert refused.value.message_dict == {field: [message]}


def test_what_fits_is_kept_and_an_edit_is_held_to_it_too(world: World, book: Logbook) -> None:
    entry = enter(world, book, reviewer="赵", due=5, present=5, back=DAY)
    with pytest.raises(OperationRefused, match="请填写“依据”"):
        edit_entry(actor=ACTOR, entry=entry, changes={"way": "火线"})
    edit_entry(actor=ACTOR, entry=entry, changes={"way": "火线", "basis": "一号"})
    entry.refresh_from_db()
    assert entry.values["basis"] == "一号"


def test_the_form_says_it_at_the_field_and_names_the_condition(
    world: World, book: Logbook, clerk: Client
) -> None:
    sent = {"happened_on": "2020-02-10", "unit": "station", "v_way": "火线", "v_due": "5", "v_present": "6"}
    form = clerk.post("/logbooks/sampling/enter/", sent).context["form"]
    assert {name: list(errors) for name, errors in form.errors.items()} == {
        "v_basis": ["请填写“依据”(“方式”为火线时必填)。"],
        "v_present": ["“实到”不能大于“应到”的 5,请核对。"],
    }
    assert form["v_basis"].help_text == "“方式”为火线时填写。"
    assert form.conditions == '{"v_basis": ["v_way", "火线"]}'
    sent |= {"v_basis": "一号", "v_reviewer": "赵", "v_present": "5", "v_cost": "36.5"}
    assert clerk.post("/logbooks/sampling/enter/", sent).status_code == 302
    assert Entry.objects.get().values["cost"] == 3650


def test_a_workbook_is_held_to_it_row_by_row(world: World, book: Logbook) -> None:
    head = ("日期", "单位", "方式", "依据", "复核人", "应到", "实到", "花费")
    rows = [
        ("2020-02-10", "左派出所", "火线", "", "", 5, 6, "1.005"),
        ("2020-02-10", "左派出所", "一般", "一号", "赵", 5, 6, 12.5),
        ("2020-02-10", "左派出所", "一般", "", "", 5, 5, 0.1),
    ]
    row = hand_in(world, rows, head)
    said = [[each["message"] for each in line.problems] for line in row.lines.order_by("pk")]
    assert said == [
        ["“花费”请填金额,最多两位小数,如 500 或 36.50。"],
        ["“依据”只在“方式”为火线时填写,请清空或改“方式”。", "“实到”不能大于“应到”的 5,请核对。"],
        [],
    ]


@pytest.mark.both
def test_amounts_are_added_to_the_fen_and_an_average_is_that_of_all_below(
    world: World, book: Logbook, clerk: Client
) -> None:
    for cost in (Decimal("0.10"), Decimal("0.20"), 100):
        enter(world, book, cost=cost)
    enter(world, book, cost=Decimal("299.70"), unit=world.right, way="火线", basis="一号", reviewer="赵")
    enter(world, book)
    metrics = list(logbook_metrics().values())
    counted = rollup(world.top, Question(date(2020, 3, 1)), metrics=metrics)
    numbers = [[line.counts[each.slug] for each in metrics] for line in (counted.total, *counted.children)]
    assert numbers == [
        [1, 400, 100],
        [0, Decimal("100.30"), Decimal("33.4")],
        [1, Decimal("299.70"), Decimal("299.7")],
    ]
    course = courses(world.left, metrics[1:], DAY, DAY, Question(DAY), ["current"])
    assert [each for (_day, each) in course["current", metrics[1].slug]] == [Decimal("100.30")]
    page = clerk.get(f"{LIST}&f_cost=0.10 至 0.20")
    assert [str(each) for each in page.context["sums"]] == [
        "火线次数 0 次",
        "花费 0.30 元",
        "平均花费 0.2 元",
    ]
    costs = [str(line.value(book.made.by_key["cost"])) for line in page.context["rows"]]
    assert sorted(costs) == ["0.10", "0.20"]
    assert clerk.get(f"/compare/?metric={metrics[2].slug}&unit=left&unit=station").status_code == 200


@pytest.mark.both
def test_a_long_filtered_list_says_that_sums_are_left_out_or_takes_them_from_the_totals(
    world: World, book: Logbook, clerk: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sums, "AT_ONCE", 1)
    for number, way in enumerate(("一般", "一般", "火线")):
        more = {"basis": "一号", "reviewer": "赵"} if way == "火线" else {}
        enter(world, book, date(2020, 2, 10 + number), way=way, cost=Decimal("1.50"), **more)
    page = clerk.get(f"{LIST}&f_way=一般")
    assert (page.context["sums"], "合计没有算出" in page.content.decode()) == ([], True)
    added = clerk.get(page.context["sums_url"])
    assert [str(each) for each in added.context["sums"]] == ["火线次数 0 次", "花费 3 元", "平均花费 1.5 元"]
    assert added.context["sums_url"] == ""
    days = clerk.get(f"{LIST}&unit=left&days=2.11 至 2.12").context
    assert [str(each) for each in days["sums"]] == ["火线次数 1 次", "花费 3 元", "平均花费 1.5 元"]
    assert days["sums_url"] == ""


BAD = [
    ({"when": "nothing"}, "字段“题”的条件要用排在它前面的字段,请调整顺序或条件。"),
    ({"when": "way", "among": ["没有"]}, "字段“题”的条件里,“方式”没有选项“没有”,可选:一般、火线。"),
    ({"among": ["火线"]}, "字段“题”写了条件的值,请选是哪个字段的值。"),
    ({"when": "due", "among": ["5"]}, "字段“题”的条件只能写选项字段的选项;“应到”请留空,意思是填了就算。"),
    ({"at_most": "due"}, "字段“题”只能与另一个同类型的字段(日期、时间、整数或金额)比较,请重选。"),
]


@pytest.mark.parametrize(("condition", "message"), BAD)
def test_conditions_that_cannot_be_kept_are_refused(condition: dict[str, Any], message: str) -> None:
    field = {"key": "title", "label": "题", "type": "text", **condition}
    made = read({**DESIGN, "fields": [*DESIGN["fields"], field]})
    assert [each.message for each in design_refusals([Making("台账", made)])] == [message]


@pytest.mark.parametrize(
    ("counter", "message"),
    [
        ({"way": "entries", "when": "due"}, "指标“数”只能按选项字段的选项来计,请重选。"),
        ({"way": "entries", "when": "way"}, "指标“数”请写明计哪些选项,如 一般。"),
        ({"way": "average"}, "指标“数”请选一个整数或金额字段。"),
    ],
)
def test_counters_that_cannot_be_kept_are_refused(counter: dict[str, Any], message: str) -> None:
    made = read({**DESIGN, "counters": [{"key": "n1", "label": "数", **counter}]})
    assert [each.message for each in design_refusals([Making("台账", made)])] == [message]


def test_a_walled_logbook_counts_nothing_by_its_content() -> None:
    counter = {"key": "n1", "label": "数", "way": "entries", "when": "way", "among": ["火线"]}
    made = read({**DESIGN, "counters": [counter]})
    found = [each.message for each in design_refusals([Making("台账", made, is_walled=True)])]
    assert found == ["限阅台账不按内容计数,请去掉指标“数”的条件。"]
