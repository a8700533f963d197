"""``manage.py checkcounts``: whatever parts the totals from the rows is seen, named and mended."""

from __future__ import annotations

import io
from datetime import date, timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db.models import F

from registry.counting.metrics import METRICS
from registry.counting.totals import check
from registry.counting.totals.check import differences, fill_missing
from registry.counting.totals.fold import fold_counts
from registry.models import Assignment, AuditEntry, Total, TotalChange, Unit
from registry.operations.assignments import end_assignment
from registry.operations.units import move_unit
from tests.factories import ACTOR, assign, make_campaign, make_organization, make_person, make_unit

pytestmark = pytest.mark.django_db
CLEAN = "统计数与原始记录完全一致。\n"


def run(*arguments: str) -> tuple[str, str]:
    """Return what the command printed, and its complaint (empty: exit 0)."""
    out = io.StringIO()
    try:
        call_command("checkcounts", *arguments, stdout=out)
    except CommandError as error:
        return out.getvalue(), f"{error}" if error.returncode == 1 else f"exit {error.returncode}"
    return out.getvalue(), ""


def unit(code: str) -> Unit:
    return Unit.objects.get(code=code)


@pytest.fixture(autouse=True)
def country() -> None:
    """top(left, right): a branch with two people at left, a commando team with one of them at right."""
    top = make_unit("top")
    left, right = make_unit("left", top), make_unit("right", top)
    both, one = make_person("张三", left), make_person("李四", left)
    branch = make_organization(left, campaign=make_campaign())
    team = make_organization(right, "commando_team")
    assign(branch, both)
    ended = assign(branch, one)
    assign(team, both)
    end_assignment(actor=ACTOR, assignment=ended, on=date(2020, 2, 10))


def test_what_the_operations_wrote_is_right_before_folding_and_after() -> None:
    assert run() == (CLEAN, "")
    assert TotalChange.objects.exists()
    said, complaint = run("--fold")
    assert complaint == ""
    assert said.startswith("已归并")
    assert said.endswith(CLEAN)
    assert not TotalChange.objects.exists()
    assert run("--fold") == (f"已归并 0 行变动。\n{CLEAN}", "")


@pytest.mark.parametrize("folded", [False, True])
def test_a_wrong_number_is_named_and_mended(folded: bool) -> None:
    if folded:
        fold_counts()
    lines = {"unit__code": "left", "campaign_key": 0, "is_cumulative": False, "metric": "frontline_people"}
    if folded:
        row = Total.objects.get(**lines)
        Total.objects.filter(pk=row.pk).update(numbers=[number + 3 for number in row.numbers])
    else:
        row = TotalChange.objects.filter(day=date(2020, 2, 1), **lines)[0]
        TotalChange.objects.filter(pk=row.pk).update(change=F("change") + 3)
    printed, complaint = run()
    assert "left 自 2020-02-01 起 现有(全部专项任务):一线人员 -3" in printed
    assert complaint.startswith("统计数与原始记录有")
    assert run()[0] == printed, "checking changes nothing"
    assert run("--unit", "right") == (CLEAN, "")
    assert run("--unit", "left")[1] == complaint

    printed, complaint = run("--fix", "--unit", "left")
    assert complaint == ""
    assert printed.endswith(CLEAN)
    assert run() == (CLEAN, "")
    entry = AuditEntry.objects.order_by("-pk")[0]
    assert (entry.verb, entry.object_name) == ("rebuild_counts", "left公安局")


def test_one_wrong_day_of_one_total_is_named_wherever_it_is() -> None:
    move_unit(actor=ACTOR, unit=unit("right"), superior=unit("left"), on=date(2020, 2, 20), reason="隶属调整")
    fold_counts()
    assert differences() == []
    kept = Total.objects.filter(campaign_key=0, is_cumulative=False, unit__code__in=["top", "right"])
    for row in kept.order_by("unit_id", "metric")[::4]:
        last = [*row.numbers[:-1], row.numbers[-1] + 1]
        Total.objects.filter(pk=row.pk).update(numbers=last)
        slug, _colon, week = row.metric.partition(":")
        basis = {"": "现有", "new": "七日内新增", "ended": "七日内撤销/结束"}[week]
        assert differences() == [
            f"{row.unit.code} 自 {row.days[-1]} 起 {basis}(全部专项任务):{METRICS[slug].label} -1"
        ], "the superior of a unit with a wrong total is right"
        Total.objects.filter(pk=row.pk).update(numbers=row.numbers)


@pytest.mark.postgres
def test_where_nothing_is_wrong_no_total_is_worked_out_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "_recount", lambda *_: pytest.fail("a sound total was thought wrong"))
    move_unit(actor=ACTOR, unit=unit("right"), superior=unit("left"), on=date(2020, 2, 20), reason="隶属调整")
    assert differences() == [], "somebody stands at two units, of which one had two superiors"
    fold_counts()
    assert differences() == []


def test_a_day_too_early_is_found_though_in_the_end_nothing_is_too_much() -> None:
    fold_counts()
    row = Total.objects.get(
        unit__code="top", campaign_key=0, is_cumulative=True, metric="frontline_assignments"
    )
    early = row.days[0] - timedelta(days=1)
    Total.objects.filter(pk=row.pk).update(days=[early, *row.days[1:]])
    assert differences() == [
        f"top 自 {early} 起 累计(全部专项任务):一线编入 -3",
        f"top 自 {row.days[0]} 起 累计(全部专项任务):一线编入 +3",
    ]
    assert differences(most=1) == [f"top 自 {early} 起 累计(全部专项任务):一线编入 -3"]


def test_a_wrong_number_of_what_is_not_approved_is_named_and_mended() -> None:
    assign(make_organization(unit("left"), state="submitted"), make_person("王五", unit("left")))
    fold_counts()
    assert run() == (CLEAN, "")
    row = Total.objects.get(
        unit__code="left", campaign_key=0, is_cumulative=False, metric="frontline_people~"
    )
    Total.objects.filter(pk=row.pk).update(numbers=[number + 1 for number in row.numbers])
    assert differences() == ["left 自 2020-02-01 起 现有(全部专项任务):一线人员(待审批) -1"]
    assert run("--fix")[1] == ""
    Total.objects.filter(metric__contains="~").delete()
    assert fill_missing() > 0, "as after an upgrade from a version that did not keep them"
    assert run() == (CLEAN, "")


def test_totals_of_what_is_no_metric_any_more_are_named() -> None:
    fold_counts()
    Total.objects.filter(unit__code="top", campaign_key=0, metric="temporary_branches").update(metric="gone")
    found = differences()
    assert [line.split(":")[1] for line in found] == ["临时党支部 +1、gone -1"] * 2


def test_a_row_changed_past_the_operations_is_seen_at_every_unit_above() -> None:
    Assignment.objects.filter(organization__kind="commando_team").update(ended_on=date(2020, 2, 5))
    printed, complaint = run()
    assert "right 自 2020-02-05 起 现有(全部专项任务):先锋队、突击队队员 -1、一线人员 -1" in printed
    assert "top 自 2020-02-05 起 现有(全部专项任务):先锋队、突击队队员 -1、一线编入 -1\n" in printed, (
        "who is still in the branch stays one person at the top"
    )
    assert "left" not in printed
    assert complaint
    assert run("--fix")[1] == ""
    assert run() == (CLEAN, "")


def test_totals_that_were_lost_are_worked_out_again() -> None:
    TotalChange.objects.all().delete()
    assert run("--unit", "top")[1]
    fill_missing()
    assert run() == (CLEAN, "")
    assert fill_missing() == 0, "only what is missing is filled"


def test_what_began_in_a_week_is_filled_in_where_it_is_not_kept_yet() -> None:
    fold_counts()
    Total.objects.filter(metric__contains=":").delete()
    assert fill_missing()
    assert run() == (CLEAN, "")
    assert fill_missing() == 0


def test_a_unit_that_is_not_there_is_named() -> None:
    assert run("--unit", "nowhere") == ("", "--unit:没有代码或名称为“nowhere”的单位。")
    assert Unit.objects.count() == 3
