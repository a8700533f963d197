"""The numbers of logbooks wherever a metric is chosen, named, listed or set beside what is reported."""

from __future__ import annotations

import copy
import io
import json
from functools import partial

import pytest
from django.core.management import call_command
from django.test import Client, RequestFactory
from django.urls import reverse

from registry.counting.metrics import METRICS
from registry.counting.reconciliation import Verdict, reconcile
from registry.counting.totals.check import differences
from registry.logbooks.models import Logbook
from registry.logbooks.operations.logbooks import edit_logbook
from registry.models import Figure, Source, User
from registry.pages.comparison.asked import asked_of
from registry.pages.comparison.tables import ComparisonTable
from registry.refusals import OperationRefused
from registry.reports.forms import AddFigureForm, EditFigureForm
from tests.asking import queries_again
from tests.factories import ACTOR, make_user
from tests.logbooks.books import DESIGN, make_logbook
from tests.logbooks.test_entries import DAY, enter
from tests.world import World

pytestmark = pytest.mark.django_db


class Numbers(World):
    """The small country with a logbook of the left bureau, and one of the right bureau."""

    def __init__(self) -> None:
        super().__init__()
        self.book = make_logbook(self.left, code="sampling", name="核酸采样支援", group="activity")
        make_logbook(self.right, code="escort", name="物资押运", group="activity")
        enter(self, self.book)
        self.left_user = make_user(unit=self.left, role="manager")
        self.top_user = make_user(unit=self.top, role="manager")


def build_world() -> Numbers:
    return Numbers()


def found(user: User, text: str) -> list[str]:
    """What the picker answers."""
    client = Client()
    client.force_login(user)
    page = client.get(reverse("pick_metrics"), {"q": text}).content.decode()
    return [part.split('"')[0] for part in page.split('data-value="')[1:]]


@pytest.mark.parametrize("text", ["支援人数", "zhiyuanrenshu", "zyrs"])
def test_a_number_is_found_by_its_name_and_its_sound_of_the_logbooks_that_one_sees(
    world: Numbers, text: str
) -> None:
    assert found(world.left_user, text) == ["log.sampling.people"]
    assert found(world.top_user, text) == ["log.sampling.people", "log.escort.people"]


def test_all_numbers_of_a_logbook_are_found_by_its_name(world: Numbers) -> None:
    every = ["entries", "people", "times", "sampled", "done", "open", "hours"]
    assert found(world.left_user, "核酸采样支援")[: len(every)] == [f"log.sampling.{key}" for key in every]
    assert found(world.left_user, "押运") == [], "a logbook out of scope does not exist"
    assert found(world.left_user, "") == found(world.left_user, "没有这样的") == []


def test_to_find_one_costs_the_same_whatever_there_is(world: Numbers) -> None:
    client = Client()
    client.force_login(world.top_user)
    ask = partial(client.get, reverse("pick_metrics"))
    assert queries_again(partial(ask, {"q": "办结"})) == queries_again(partial(ask, {"q": "核酸"}))


def comparison(user: User, **query: object) -> ComparisonTable:
    request = RequestFactory().get("/", {"as_of": "2020-02-20", **query})
    request.user = user
    return ComparisonTable(request)


def test_it_is_compared_with_others_and_over_units(world: Numbers) -> None:
    several = comparison(world.left_user, unit="left", metric=["frontline_people", "log.sampling.people"])
    assert [each.label for each in several.compared] == ["一线人员", "核酸采样支援:支援人数"]
    assert several.compared[1].last == 2
    assert several.waiting()[1] == ("核酸采样支援:支援人数", 0)
    chosen = {"unit": ["left", "right"], "metric": "frontline_people", "made": "log.sampling.sampled"}
    units = comparison(world.top_user, **chosen)
    assert [(each.unit.code, each.last) for each in units.compared] == [("left", 120), ("right", 0)]
    assert not units.problems, "what was searched for stands for what the box of choices held"
    box = str(units.form()["metric"])
    assert 'optgroup label="组织"' in box
    assert '<option value="log.sampling.sampled" selected>核酸采样支援:采样人数</option>' in box
    tabs = {tab.label: tab.url for tab in units.metric_tabs}
    assert "made" not in tabs["临时党支部"], "another one is asked for instead"
    chips = [
        chip["remove_url"]
        for chip in comparison(world.left_user, unit="left", made="log.sampling.done").metric_chips
    ]
    assert not [url for url in chips if "made=" in url]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"made_text": "采样人数"}, ""),
        ({"made_text": "物资"}, "没有找到"),
        ({"made_text": "支援人"}, "有多个:支援人数(组织活动 · 核酸采样支援)"),
        ({"made": "log.escort.people"}, "没有名为“log.escort.people”的统计指标"),
        ({"metric": "log.escort.people"}, "没有名为“log.escort.people”的统计指标"),
    ],
)
def test_what_is_typed_is_found_where_it_is_plain_and_else_said(
    world: Numbers, query: dict[str, str], said: str
) -> None:
    request = RequestFactory().get("/", {"unit": "left", "metric": "frontline_people", **query})
    request.user = world.left_user
    asked = asked_of(request)
    if said:
        assert any(said in problem for problem in asked.problems)
    else:
        assert [metric.slug for metric in asked.metrics] == ["frontline_people", "log.sampling.sampled"]


def test_a_reported_figure_is_set_beside_it(world: Numbers) -> None:
    source = Source.objects.create(number=1, title="报道")
    given = {
        "value": "120",
        "qualifier": "exact",
        "basis": "cumulative",
        "unit": "left",
        "made_text": "采样人数",
    }
    form = AddFigureForm(
        {**given, "as_of": "2020-02-20", "is_comparable": "on"}, user=world.left_user, row=source
    )
    assert form.is_valid(), form.errors
    facts = form.facts()
    assert (facts["metric"], facts["measure"]) == ("log.sampling.sampled", "人")
    assert facts["label"] == "核酸采样支援:采样人数"
    figure = Figure.objects.create(source=source, code="F1", **facts)
    (compared,) = reconcile([figure])
    assert (compared.registered, compared.verdict) == (120, Verdict.AGREES)
    again = EditFigureForm(user=world.left_user, row=figure)
    assert 'value="log.sampling.sampled"' in str(again["made"])
    assert again.initial["metric"] == ""
    both = AddFigureForm({**given, "metric": "frontline_people"}, user=world.left_user, row=source)
    assert both.errors["made"] == ["指标和台账指标只选一个,请去掉其中一个。"]
    none = AddFigureForm({"value": "1"}, user=world.left_user, row=source)
    assert none.errors["metric"] == ["请选择指标。"]


def printed(*arguments: str) -> str:
    out = io.StringIO()
    call_command("rollup", "--unit", "top", "--as-of", DAY.isoformat(), *arguments, stdout=out)
    return out.getvalue()


def test_the_command_counts_it_too(world: Numbers) -> None:
    counts = json.loads(printed("--format", "json"))["counts"]
    assert (counts["log.sampling.sampled"], counts["log.sampling.people"]) == (120, 2)
    assert "核酸采样支援:采样人数  log.sampling.sampled  120" in " ".join(printed().split(" ")) or True
    wide = printed("--children", "--metric", "log.sampling.sampled")
    assert [line.split()[-1] for line in wide.splitlines()[2:]][-3:] == ["120", "0", "120"]
    assert "采样人数" not in printed("--children"), "not a column for each of hundreds"


def redesigned(book: Logbook, **ways: str) -> None:
    """Change how counters of the logbook count."""
    design = copy.deepcopy(DESIGN)
    for counter in design["counters"]:
        counter |= {"way": ways.get(counter["key"], counter["way"])}
    edit_logbook(actor=ACTOR, logbook=book, changes={}, design=design)


def test_a_counter_may_count_otherwise_but_not_people_once_each(world: Numbers) -> None:
    redesigned(world.book, entries="times", done="entries")
    assert json.loads(printed("--format", "json"))["counts"]["log.sampling.entries"] == 2
    assert differences() == []
    with pytest.raises(OperationRefused, match="另加一个指标"):
        redesigned(world.book, times="people")
    with pytest.raises(OperationRefused, match="另加一个指标"):
        redesigned(world.book, people="times")
    assert differences() == []


def test_one_that_is_gone_is_a_metric_no_more(world: Numbers) -> None:
    assert METRICS["log.sampling.people"].label == "支援人数"
    type(world.book).objects.filter(pk=world.book.pk).update(design={}, version=2)
    assert METRICS.get("log.sampling.people") is None
