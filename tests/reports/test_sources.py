"""Sources and figures through their pages: entered, edited, set back, withdrawn, restored."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from registry.models import AuditEntry, Figure, Source, Unit
from registry.operations import sources
from registry.refusals import OperationRefused
from registry.reports.words import number_in
from tests.factories import ACTOR, logged_in, make_organization, make_unit
from tests.operations.checks import WHOLE_FORM, facts, refusal

pytestmark = pytest.mark.django_db

SENT = {"metric": "temporary_branches", "value": "2", "qualifier": "exact", "basis": "current"}
KNOWN = {**SENT, "unit": "dezhou", "as_of": "2020-02-20", "is_comparable": "on"}


@pytest.fixture
def unit() -> Unit:
    made = make_unit("dezhou", make_unit("top", name="省公安厅"), name="德州市公安局")
    make_organization(made)
    make_organization(make_unit("station", made))
    return made


@pytest.fixture
def client(unit: Unit) -> Client:
    """A manager of 德州."""
    return logged_in(unit)


@pytest.fixture
def source(unit: Unit) -> Source:
    return sources.add_source(actor=ACTOR, unit=unit, title="战疫简报", published_on=date(2020, 2, 21))


def report(source: Source, **said: Any) -> Figure:
    usual = {"metric": "temporary_branches", "label": "临时党支部", "value": "2", "number": 2}
    where = {"unit": source.unit, "as_of": date(2020, 2, 20), "qualifier": "exact"}
    return sources.add_figure(actor=ACTOR, source=source, **{**usual, **where, **said})


def verdicts(client: Client) -> dict[str, str]:
    return {line.figure.code: line.verdict for line in client.get("/reconciliation/").context["rows"]}


def sure(client: Client, url: str, sent: dict[str, Any]) -> Any:
    """Send a form, and again when it warns."""
    response = client.post(url, sent)
    if response.status_code == 200 and response.context.get("warnings"):
        response = client.post(url, {**sent, "confirmed": response.context["confirmed"]})
    assert response.status_code == 302, response.context["form"].errors
    return response


# Sources


def test_a_manager_enters_a_source_without_a_number(client: Client, unit: Unit) -> None:
    assert 'href="/sources/add/"' in client.get("/sources/").content.decode()
    assert client.get("/sources/add/").context["form"]["unit"].value() == unit
    for number in (1, 2):
        sent = {"title": f"简报{number}", "published_on": "2020-02-21", "unit": "dezhou"}
        response = client.post("/sources/add/", sent, follow=True)
        assert response.redirect_chain == [(f"/sources/{number}/", 302)]
        assert f"已登记来源 {number}“简报{number}”" in response.content.decode()
    assert recorded_of("add_source").unit == unit
    wrong = client.post(
        "/sources/add/", {"title": "x", "unit": "top", "earliest": "2020-03-01", "latest": "2020-02-01"}
    )
    assert "没有找到单位" in str(wrong.context["form"].errors["unit"])
    assert logged_in(unit, "clerk").get("/sources/add/").status_code == 403
    assert "由管理员登记" not in client.get("/sources/").content.decode()


def recorded_of(verb: str) -> AuditEntry:
    return AuditEntry.objects.filter(verb=verb).latest("pk")


def test_an_empty_list_says_what_to_do(unit: Unit, client: Client) -> None:
    assert "还没有来源,由管理员登记" in logged_in(unit, "viewer").get("/sources/").content.decode()
    assert client.get("/sources/").context["table"].empty.label == "登记来源"


def test_a_source_is_seen_at_its_unit_below_and_above(unit: Unit, source: Source) -> None:
    assert logged_in(make_unit("elsewhere")).get("/sources/1/").status_code == 404
    for where in (unit, unit.parent, Unit.objects.get(code="station")):
        assert where is not None
        visitor = logged_in(where, "viewer")
        assert visitor.get("/sources/1/").status_code == 200
        assert [row.source.pk for row in visitor.get("/sources/").context["rows"]] == [source.pk]
    below = logged_in(Unit.objects.get(code="station"), "viewer").get("/sources/1/").content.decode()
    assert "变动记录" not in below


def test_a_source_is_edited_and_set_back(client: Client, source: Source) -> None:
    sent = {"title": "战疫简报第1期", "published_on": "2020-02-22", "version": "1", "date_basis": "stated"}
    said = client.post("/sources/1/edit/", sent, follow=True).content.decode()
    assert "已保存“战疫简报第1期”的修改" in said
    assert "日期依据:空 → 文中注明" in said
    client.post(reverse("record_undo", args=[recorded_of("edit_source").pk]), {"reason": "改错了"})
    assert facts(source, "title", "published_on") == ("战疫简报", date(2020, 2, 21))
    assert "他人已修改本记录" in client.post("/sources/1/edit/", sent).content.decode()
    assert (
        "须在“最早”和“最晚”之间"
        in client.post("/sources/1/edit/", {**sent, "version": "3", "latest": "2020-02-01"}).content.decode()
    )


def test_a_withdrawn_source_is_left_out_and_can_be_restored(client: Client, source: Source) -> None:
    report(source)
    assert verdicts(client) == {"1-1": "一致"}
    assert "reason" in client.post("/sources/1/withdraw/", {}).context["form"].errors
    said = client.post("/sources/1/withdraw/", {"reason": "重复登记"}, follow=True).content.decode()
    assert "已撤回“战疫简报”" in said
    assert "原因:重复登记" in said
    assert verdicts(client) == {}
    assert client.get("/units/dezhou/").context["reported"].number == 0
    assert list(client.get("/sources/").context["rows"]) == []
    (row,) = client.get("/sources/", {"state": "withdrawn"}).context["rows"]
    assert (row.state, row.source) == ("已撤回", source)
    assert [action["label"] for action in client.get("/sources/1/").context["actions"]] == ["恢复来源"]
    with refusal(WHOLE_FORM, "来源“战疫简报”已撤回,请先恢复它"):
        report(source)
    client.post("/sources/1/restore/", {"reason": "没有重复"})
    assert verdicts(client) == {"1-1": "一致"}


# Figures


def test_a_figure_is_entered_and_set_beside_the_count_at_once(client: Client, source: Source) -> None:
    form = client.get("/sources/1/figures/add/").context["form"]
    assert (form["unit"].value(), form["as_of"].value()) == (source.unit, date(2020, 2, 21))
    sure(client, "/sources/1/figures/add/", KNOWN)
    sure(
        client,
        "/sources/1/figures/add/",
        {**KNOWN, "value": "约3个", "qualifier": "about", "basis": "cumulative"},
    )
    made = Figure.objects.get(code="1-1")
    assert (made.label, made.measure, made.number, made.unit) == ("临时党支部", "个", 2, source.unit)
    assert Figure.objects.get(code="1-2").number == 3
    assert verdicts(client) == {"1-1": "一致", "1-2": "不一致 少 1"}
    page = client.get("/sources/1/")
    assert [line.figure.code for line in page.context["lines"]] == ["1-1", "1-2"]
    for words in ("登记报道数:1-1 临时党支部", "指标:临时党支部", f'href="/figures/{made.pk}/edit/"'):
        assert words in page.content.decode()


def test_what_the_registry_does_not_count_is_only_reported(client: Client, source: Source) -> None:
    url = "/sources/1/figures/add/"
    sent = {**SENT, "metric": "reported_only", "value": "3000余", "qualifier": "at_least", "measure": "件"}
    assert "只作登记的,请写明指标名称" in str(client.post(url, sent).context["form"].errors["label"])
    sure(client, url, {**sent, "label": "收到请战书", "unit": "dezhou"})
    assert verdicts(client) == {"1-1": "仅报道"}
    said = client.get("/sources/1/").content.decode()
    assert "指标:只作登记(系统不统计)" in said
    assert "reported_only" not in said


def test_what_cannot_be_compared_and_what_is_said_twice_is_asked_about(
    client: Client, source: Source
) -> None:
    url = "/sources/1/figures/add/"
    asked = client.post(url, {**SENT, "value": "若干", "is_comparable": "on"})
    assert asked.context["warnings"] == ["没有数值、单位、日期,只列报道数,不与登记数核对。"]
    sure(client, url, KNOWN)
    asked = client.post(url, KNOWN)
    assert asked.context["warnings"] == ["本来源已有“临时党支部”同一单位、同一日期的报道数。"]
    wrong = client.post(url, {**KNOWN, "earliest": "2020-03-01", "latest": "2020-02-01", "unit": "top"})
    assert "没有找到单位" in str(wrong.context["form"].errors["unit"])


def test_a_figure_is_edited_and_the_reconciliation_follows(client: Client, source: Source) -> None:
    figure = report(source, metric="petition_letters", label="请战书")
    url = f"/figures/{figure.pk}/edit/"
    assert client.get(url).context["form"]["metric"].value() == "reported_only"
    sent = {**KNOWN, "metric": "reported_only", "label": "请战书", "value": "5", "version": "1"}
    sure(client, url, sent)
    assert facts(figure, "metric", "number") == ("petition_letters", 5)  # it keeps the name it had
    sure(client, url, {**KNOWN, "value": "5", "version": "2"})
    assert verdicts(client) == {"1-1": "不一致 少 3"}
    said = client.get("/sources/1/").content.decode()
    assert "修改报道数:1-1 请战书" in said
    assert "指标:只作登记(系统不统计) → 临时党支部" in said
    entry = recorded_of("edit_figure")
    assert f'href="{reverse("record_undo", args=[entry.pk])}"' in said
    undo = client.get(reverse("record_undo", args=[entry.pk])).content.decode()
    assert "指标 由 <b>临时党支部</b> 改回 <b>只作登记(系统不统计)</b>" in undo
    client.post(reverse("record_undo", args=[entry.pk]), {"reason": "改错了"})
    assert facts(figure, "metric", "label") == ("petition_letters", "请战书")
    assert verdicts(client) == {"1-1": "仅报道"}


def test_a_figure_is_withdrawn_and_restored(client: Client, source: Source) -> None:
    figure = report(source)
    client.post(f"/figures/{figure.pk}/withdraw/", {"reason": "看错行"})
    assert verdicts(client) == {}
    page = client.get("/sources/1/")
    assert [line.figure.code for line in page.context["withdrawn"]] == ["1-1"]
    assert f'href="/figures/{figure.pk}/restore/"' in page.content.decode()
    assert "原因:看错行" in page.content.decode()
    client.post(f"/figures/{figure.pk}/restore/", {"reason": "没有看错"})
    assert verdicts(client) == {"1-1": "一致"}
    with pytest.raises(OperationRefused, match="没有撤回"):
        sources.restore_figure(actor=ACTOR, figure=figure, reason="再次")
    assert recorded_of("restore_figure").before == {"is_withdrawn": True}


def test_a_figure_about_a_unit_out_of_scope_is_not_the_managers(source: Source, client: Client) -> None:
    elsewhere = make_unit("elsewhere", name="外局")
    with refusal("unit", "“外局”不在登记单位“德州市公安局”及其下级之内"):
        report(source, unit=elsewhere)
    hidden = report(source)
    Figure.objects.update(unit=elsewhere)  # as after a unit went elsewhere
    for what in ("edit", "withdraw"):
        assert client.get(f"/figures/{hidden.pk}/{what}/").status_code == 404
    said = client.get("/sources/1/")
    assert said.context["out_of_scope"] == 1
    assert "外局" not in said.content.decode()


def test_codes_go_on_where_some_are_taken(source: Source) -> None:
    report(source, code="1-2")
    assert [report(source, basis=basis).code for basis in ("current", "new")] == ["1-1", "1-3"]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("13", 13),
        ("1,300", 1300),
        ("3000余", 3000),
        ("约 10万", 100_000),
        ("1.5万余人", 15_000),
        ("近80000人次", 80_000),
        ("40以上", 40),
        ("若干", None),
        ("2月8日10时", None),
        ("1.5", None),
    ],
)
def test_the_number_in_a_text(text: str, number: int | None) -> None:
    assert number_in(text) == number


def test_it_asks_as_much_for_three_figures_as_for_one(client: Client, source: Source) -> None:
    for is_withdrawn in (False, True):
        first = report(source, is_withdrawn=is_withdrawn)
        client.get("/sources/1/")
        with CaptureQueriesContext(connection) as one:
            client.get("/sources/1/")
        for name in ("甲", "乙"):
            other = make_unit(superior=source.unit, name=f"{name}所")
            report(source, unit=other, is_withdrawn=is_withdrawn)
        with CaptureQueriesContext(connection) as three:
            client.get("/sources/1/")
        assert len(three) == len(one), first.code
