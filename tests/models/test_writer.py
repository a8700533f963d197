"""Writing many rows at once: every text comes back as it went in, and what is left out gets its default."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from registry.models import AuditEntry, Campaign, Person, Source
from registry.models.writer import Writer
from tests.factories import DAY, make_unit

pytestmark = pytest.mark.django_db

TEXTS = [
    "",
    " ",
    "甲,乙",
    '"甲"',
    "'甲'",
    "a\tb",
    "a\nb",
    "a\rb",
    "a\r\nb",
    "a\\nb",
    "\\.",
    "\\N ",
    "NULL",
    "{}%s%%",
    "𠮷",
]


def test_every_text_comes_back_as_it_went_in() -> None:
    Writer(Campaign, ("code", "name", "started_on")).write(
        (f"c{i}", text, DAY) for i, text in enumerate(TEXTS)
    )
    stored = dict(Campaign.objects.values_list("code", "name"))
    assert [stored[f"c{i}"] for i in range(len(TEXTS))] == TEXTS


def test_what_is_left_out_gets_its_default_and_the_time() -> None:
    before = timezone.now()
    unit = make_unit("u")
    columns = ("number", "name", "category", "home_unit_id", "joined_on", "home_branch_id", "source_id")
    Writer(Person, columns).write(
        [("1", "甲", "officer", unit.pk, DAY, None, None), ("2", "乙", "officer", unit.pk, None, None, None)]
    )
    first, second = Person.objects.order_by("number")
    assert (first.version, first.is_sample, first.political_status, first.title) == (1, False, "unknown", "")
    assert (first.joined_on, second.joined_on) == (DAY, None)
    assert before <= first.created_at <= timezone.now()
    assert first.pk != second.pk


def test_a_default_that_is_a_function_is_called_for_each_row(monkeypatch: pytest.MonkeyPatch) -> None:
    names = iter(["甲", "乙"])
    monkeypatch.setattr(Campaign._meta.get_field("name"), "default", lambda: next(names))
    Campaign._meta.get_field("name").__dict__.pop("_get_default", None)
    try:
        Writer(Campaign, ("code", "started_on")).write([("a", DAY), ("b", DAY)])
    finally:
        Campaign._meta.get_field("name").__dict__.pop("_get_default", None)
    assert list(Campaign.objects.order_by("code").values_list("name", flat=True)) == ["甲", "乙"]


def test_what_the_database_refuses_is_djangos_own_error() -> None:
    writer = Writer(Campaign, ("code", "name", "started_on"))
    with pytest.raises(IntegrityError), transaction.atomic():
        writer.write([("a", "甲", DAY), ("a", "乙", DAY)])
    with pytest.raises(IntegrityError), transaction.atomic():
        writer.write([("a", None, DAY)])
    assert not Campaign.objects.exists()


@pytest.mark.postgres
def test_the_mark_for_nothing_is_refused_as_a_text() -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Writer(Campaign, ("code", "name", "started_on")).write([("a", "\\N", DAY)])


def test_nothing_to_write_is_no_fault() -> None:
    Writer(Campaign, ("code", "name", "started_on")).write([])
    assert not Campaign.objects.exists()


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="nonsense"):
        Writer(Campaign, ("code", "nonsense"))
    with pytest.raises(ValueError, match="2 values for 3"):
        Writer(Campaign, ("code", "name", "started_on")).write([("a", "甲")])
    with pytest.raises(TypeError, match="dict"):
        Writer(AuditEntry, ("actor", "verb", "noun", "object_name")).write([("a", "b", "c", "d")])


def test_numbers_dates_and_truth() -> None:
    Writer(Source, ("number", "title", "published_on")).write([(7, "题", date(2020, 2, 29))])
    source = Source.objects.get()
    assert (source.number, source.published_on) == (7, date(2020, 2, 29))
    Writer(Campaign, ("code", "name", "started_on", "is_sample")).write(
        [("a", "甲", DAY, True), ("b", "乙", DAY, False)]
    )
    assert list(Campaign.objects.order_by("code").values_list("is_sample", flat=True)) == [True, False]
