"""Folding: whatever is appended, in whatever order, a total is the running sum of its line's changes."""

from __future__ import annotations

import random
from collections import Counter
from datetime import date, timedelta
from itertools import accumulate

import pytest
from django.db import connection, transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.counting.totals.fold import fold_counts
from registry.models import Total, TotalChange
from tests.factories import DAY, make_unit

pytestmark = pytest.mark.django_db

LINES = ((False, "people"), (True, "people"), (False, "money~"))
LARGE = 2**33
CHANGES = st.tuples(
    st.sampled_from(LINES), st.integers(0, 6), st.sampled_from((-LARGE, -2, -1, 0, 1, 2, LARGE))
)


def append(unit: int, changes: list[tuple[tuple[bool, str], int, int]]) -> None:
    TotalChange.objects.bulk_create(
        TotalChange(
            unit_id=unit,
            is_cumulative=is_cumulative,
            metric=metric,
            day=DAY + timedelta(number),
            change=change,
        )
        for (is_cumulative, metric), number, change in changes
    )


def stored(unit: int) -> dict[tuple[bool, str], dict[date, int]]:
    return {
        (total.is_cumulative, total.metric): dict(zip(total.days, total.numbers or total.large, strict=True))
        for total in Total.objects.filter(unit=unit)
    }


@settings(max_examples=40)
@given(batches=st.lists(st.lists(CHANGES, max_size=8), min_size=1, max_size=4))
def test_a_total_is_the_running_sum_of_what_was_appended(batches: list) -> None:
    with transaction.atomic():
        unit, all_of_them = make_unit().pk, Counter()
        for batch in batches:
            append(unit, batch)
            assert fold_counts() == len({change[:2] for change in batch})
            for line, number, change in batch:
                all_of_them[line, DAY + timedelta(number)] += change
            expected = {}
            for each in LINES:
                days = sorted(day for (line, day), change in all_of_them.items() if line == each and change)
                sums = accumulate(all_of_them[each, day] for day in days)
                if days:
                    expected[each] = dict(zip(days, sums, strict=True))
            assert stored(unit) == expected
            assert not TotalChange.objects.exists()
        transaction.set_rollback(True)


@pytest.mark.postgres
def test_the_name_of_a_metric_stays_in_the_row_of_a_long_total() -> None:
    """Elsewhere it was fetched anew for each comparison: folding took five times as long."""
    unit, chosen = make_unit().pk, random.Random(1)  # even days and numbers would be stored shorter
    metric = "frontline_reinforcements~:ended"  # a short name would not be worth moving
    days = chosen.sample(range(10_000), 700)
    append(unit, [((False, metric), number, chosen.randrange(1, 10**6)) for number in days])
    fold_counts()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_column_toast_chunk_id(metric), cardinality(days) FROM registry_total "
            "WHERE unit_id = %s AND metric = %s",
            [unit, metric],
        )
        assert cursor.fetchall() == [(None, 700)]
