"""Reported figures beside registered counts, and the sources that report them."""

from __future__ import annotations

import re
from datetime import date

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from registry.models import Figure, Organization, Person, Source
from registry.reports.tables import reported_days, reported_value
from tests.factories import assign, make_campaign, make_organization, make_person, make_unit, make_user

pytestmark = [pytest.mark.look, pytest.mark.django_db]

LIST = "/reconciliation/"


@pytest.fixture
def top():
    return make_unit("top")


@pytest.fixture
def source():
    return Source.objects.create(number=0, title="某局筑牢防控堡垒", publisher="某报")


def figure(source, unit, code, metric="temporary_branches", value="2", **facts):
    number = int(value) if value.isdigit() else None
    return Figure.objects.create(
        source=source,
        unit=unit,
        code=code,
        metric=metric,
        value=value,
        **{
            "number": number,
            "label": f"指标{code}",
            "qualifier": "exact",
            "basis": "current",
            "as_of": date(2020, 2, 20),
            "category": "organization",
            "measure": "个",
            **facts,
        },
    )


@pytest.fixture
def filled(top, source):
    """Two branches and what is said about them: right, too many, and what nobody counts."""
    first = make_organization(top, campaign=make_campaign())
    make_organization(make_unit("below", top))
    assign(first, make_person("甲", top))
    figure(source, top, "F1")
    figure(source, top, "F2", value="5", tension="两篇报道不一致")
    figure(source, top, "F3", metric="petition_letters", category="activity", note="非计数指标")
    figure(source, top, "F4", metric="frontline_people", value="1", category="people", measure="人")
    figure(source, top, "F5", is_comparable=False)
    figure(source, top, "F6", value="1", as_of=date(2020, 2, 1), basis="new")
    return source


def lines(client, **query):
    """Every line of the page, the folded ones too, by the code of its figure."""
    response = client.get(LIST, query)
    assert response.status_code == 200
    folded = response.context["table"].folded
    return {line.figure.code: line for line in (*response.context["rows"], *(folded.rows if folded else ()))}


def test_sets_each_figure_beside_the_count_and_judges(client, top, filled):
    client.force_login(make_user(unit=top))
    found = lines(client)
    assert {code: line.verdict for code, line in found.items()} == {
        "F1": "一致",
        "F2": "不一致 少 3",
        "F3": "仅报道",
        "F4": "一致",
        "F5": "仅报道",
        "F6": "不一致 多 1",
    }
    page = client.get(LIST).content.decode()
    for word in ("登记数与报道数相差 3", "两篇报道不一致", "非计数指标", "报道口径不清", "系统不统计该指标"):
        assert word in page
    summary = client.get(LIST).context["summary"]
    assert [(item["word"], item["number"]) for item in summary] == [
        ("一致", 2),
        ("不一致", 2),
        ("仅报道", 2),
    ]


def test_the_count_leads_to_exactly_its_rows(client, top, filled):
    client.force_login(make_user(unit=top))
    # The page may speak of another day, basis and campaign: the count's own are in the link.
    query = {"as_of": "2020-01-05", "basis": "cumulative", "campaign": "yiqing"}
    found = lines(client, **query)
    assert found["F1"].rows_url == "/organizations/?as_of=2020-02-20&unit=top&metric=temporary_branches"
    assert found["F4"].rows_url == "/people/?as_of=2020-02-20&unit=top&metric=frontline_people"
    assert "basis=new&since=2020-02-01" in found["F6"].rows_url
    for line in found.values():
        if line.rows_url:
            assert f'href="{line.rows_url.replace("&", "&amp;")}"' in client.get(LIST, query).content.decode()
            rows = client.get(line.rows_url).context["page_obj"].paginator.count
            assert rows == line.comparison.registered


def test_filters(client, top, filled):
    client.force_login(make_user(unit=top))
    assert set(lines(client, verdict="differs")) == {"F2", "F6"}
    assert set(lines(client, category="people")) == {"F4"}
    assert set(lines(client, countable="1")) == {"F1", "F2", "F4", "F6"}
    assert set(lines(client, source="0")) == {"F1", "F2", "F3", "F4", "F5", "F6"}
    assert lines(client, source="9") == {}
    assert lines(client, unit="below") == {}
    response = client.get(LIST, {"verdict": "differs", "unit": "top"})
    assert [chip["label"] for chip in response.context["chips"]] == [
        "单位:top公安局及下级单位",
        "结论:不一致",
    ]
    assert "没有关于这个单位" in client.get(LIST, {"unit": "below"}).content.decode()


@pytest.mark.both
@pytest.mark.parametrize("sort", ["source", "unit", "label", "day", "reported", "registered", "verdict"])
def test_sorts(client, top, filled, sort):
    client.force_login(make_user(unit=top))
    assert len(lines(client, sort=sort)) == len(lines(client, sort=f"-{sort}")) == 6
    if sort == "reported":
        assert next(iter(lines(client, sort="-reported"))) == "F2"


@pytest.mark.parametrize(
    ("value", "qualifier", "shown"),
    [
        ("13", "exact", "13"),
        ("100000", "about", "约100000"),
        ("3000余", "at_least", "3000余"),
        ("40", "at_least", "40以上"),
        ("80000", "nearly", "近80000"),
        ("近80000", "nearly", "近80000"),
    ],
)
def test_values_keep_their_qualifier(value, qualifier, shown):
    assert reported_value(Figure(value=value, qualifier=qualifier)) == shown


def test_days_keep_their_bounds():
    first, last = date(2020, 2, 8), date(2020, 2, 24)
    assert reported_days(Figure(as_of=first)) == "2020-02-08"
    assert reported_days(Figure(earliest=first, latest=last)) == "2020-02-08 至 2020-02-24 之间"
    assert reported_days(Figure(earliest=first, latest=first)) == "2020-02-08"
    assert reported_days(Figure(earliest=first)) == "2020-02-08 以后"
    assert reported_days(Figure(latest=last)) == "2020-02-24 以前"
    assert reported_days(Figure()) == "未注明"


def test_other_units_figures_and_counts_do_not_show(client, top, filled):
    other = make_unit("other", top)
    client.force_login(make_user(unit=other))
    assert lines(client) == {}
    assert client.get(LIST, {"unit": "top"}).status_code == 404
    page = client.get(reverse("source", args=[0]))
    assert page.status_code == 200
    assert page.context["lines"] == []
    assert "另有 6 项" in page.content.decode()
    assert client.get(reverse("sources")).context["page_obj"][0].seen == 0


def test_a_source_shows_its_figures_and_whom_it_names(client, top, filled):
    unit = make_unit("hidden")
    Organization.objects.filter(unit=top).update(source=filled)
    person = make_person("乙", unit)
    Person.objects.update(source=filled)
    client.force_login(make_user(unit=top))
    response = client.get(reverse("source", args=[0]))
    page = response.content.decode()
    assert len(response.context["lines"]) == 6
    assert len(response.context["organizations"]) == 1
    assert [row.name for row, _url in response.context["people"]] == ["甲"]
    assert person.number not in page
    assert client.get(reverse("source", args=[7])).status_code == 404


def test_several_top_units_are_shown_together(client, top, source):
    left, right = make_unit("left", top), make_unit("right", top)
    figure(source, left, "F1")
    figure(source, right, "F2")
    figure(source, top, "F3")
    user = make_user(unit=left)
    user.grants.create(unit=right, role="viewer", started_on=date(2020, 1, 1))
    client.force_login(user)
    assert set(lines(client)) == {"F1", "F2"}


def test_as_many_queries_for_one_figure_as_for_three(client, top, source):
    figure(source, top, "F1")
    client.force_login(make_user(unit=top))
    for url, name in ((LIST, "rows"), (reverse("source", args=[0]), "lines"), ("/sources/", "page_obj")):
        Figure.objects.exclude(code="F1").delete()
        Source.objects.exclude(number=0).delete()
        client.get(url)
        with CaptureQueriesContext(connection) as one:
            assert len(client.get(url).context[name]) == 1
        for number in (2, 3):
            another = Source.objects.create(number=number, title=f"来源{number}")
            home = another if url == LIST or name == "page_obj" else source
            figure(home, make_unit(superior=top), f"F{number}", metric="pioneer_posts")
        with CaptureQueriesContext(connection) as three:
            assert len(client.get(url).context[name]) == 3
        assert len(three) == len(one)


def test_what_can_be_compared_comes_first_and_the_rest_is_folded(client, top, filled):
    client.force_login(make_user(unit=top))
    response = client.get(LIST)
    page = response.content.decode()
    assert [line.figure.code for line in response.context["rows"]] == ["F1", "F2", "F4", "F6"]
    assert [line.figure.code for line in response.context["table"].folded.rows] == ["F3", "F5"]
    shown, fold = page.split('<details class="card fold">')
    assert "2 项登记不计数" in fold
    assert "指标F3" in fold
    assert "指标F3" not in shown
    assert "指标F6" in shown
    # Sorted by what was reported, the largest first: each of the two parts on its own.
    largest = client.get(LIST, {"sort": "-reported"})
    assert [line.figure.code for line in largest.context["rows"]][:1] == ["F2"]
    assert len(largest.context["table"].folded.rows) == 2


def test_a_list_of_what_is_only_reported_is_not_folded(client, top, filled):
    client.force_login(make_user(unit=top))
    response = client.get(LIST, {"verdict": "reported_only"})
    assert [line.figure.code for line in response.context["rows"]] == ["F3", "F5"]
    assert 'class="card fold"' not in response.content.decode()


def test_the_fold_of_a_long_list_leads_to_all_of_it(client, top, filled, monkeypatch):
    monkeypatch.setattr("registry.reports.tables.FOLDED_SHOWN", 1)
    client.force_login(make_user(unit=top))
    page = client.get(LIST, {"sort": "label"}).content.decode()
    assert "查看全部 2 项" in page
    assert 'href="/reconciliation/?sort=label&amp;verdict=reported_only"' in page


def test_the_verdict_tags_have_their_tones(client, top, filled):
    client.force_login(make_user(unit=top))
    page = client.get(LIST).content.decode()
    assert re.search(r'class="tag ok">一致<', page)
    assert re.search(r'class="tag warn">不一致 少 3<', page)
    assert re.search(r'class="tag plain">仅报道<', page)
