"""Keep the totals up to date where one act changes tens of thousands of organizations and all in them.

To count so many at each unit above, before and after, takes far longer than to write them. So it is done as
for the whole country (``whole``), and only the difference is carried up, which is little. No row leaves the
database.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection, transaction

from registry import locks
from registry.counting.metrics import kept_metrics
from registry.counting.totals import tables
from registry.counting.totals.check import carry_up
from registry.counting.totals.fold import FOLD_AT, fold_counts
from registry.counting.totals.statement import ALL
from registry.counting.totals.tables import CHANGE, KEYS, ROW
from registry.counting.totals.whole import WAYS_UP, at_hosts, make_ways_up, overlaps, weeks
from registry.counting.totals.write import Owners, hanging, lock_owners, lock_people
from registry.models import Organization, Person
from registry.search.index import batches

AT_ONCE = 5000
"""So many keys are asked for, or locked, by one statement."""


@contextmanager
def following_many(organizations: Collection[int]) -> Iterator[None]:
    """Add to the totals what the block changes in the counts of these organizations and all in them.

    As ``following``, which is quicker for less than a few thousand rows. Never within another one.
    """
    locks.lock_hierarchy(shared=True)
    metrics = kept_metrics()
    owners: Owners = {Organization: set(organizations)}
    for some in batches(sorted(organizations), AT_ONCE):
        for model, keys in hanging(metrics, set(some)).items():
            owners.setdefault(model, set()).update(keys)
    for some in batches(sorted(owners.get(Person, ())), AT_ONCE):
        lock_people(some)
    lock_owners(metrics, owners)
    with connection.cursor() as cursor:
        conditions = {
            model: tables.among_keys(cursor, "owner", keys, f"many_{number}")
            for number, (model, keys) in enumerate(owners.items())
            if keys
        }
        make_ways_up(cursor)

        def count(when: str) -> None:
            """Write what the owners count: where their rows stand, and what is not carried up."""
            hosts, others = f"hosts_{when}", f"others_{when}"
            tables.make_empty(cursor, hosts)
            tables.make_empty(cursor, others)
            with _planned(cursor):
                for table, statement in ((hosts, at_hosts), (others, overlaps), (others, weeks)):
                    tables.insert(cursor, table, statement(metrics, conditions))

        count("before")
        yield
        count("after")
        for table, kind in (("carried", "hosts"), ("followed", "others")):
            tables.make_empty(cursor, table)
            tables.insert(cursor, table, (tables.difference(f"{kind}_after", f"{kind}_before"), ()))
        carry_up(cursor, "followed", ALL)
        cursor.execute(
            f"INSERT INTO {CHANGE} ({ROW}) SELECT {KEYS}, SUM(change) FROM followed "
            f"GROUP BY {KEYS} HAVING SUM(change) <> 0"
        )
        written = cursor.rowcount
        made = [f"{kind}_{when}" for kind in ("hosts", "others") for when in ("before", "after")]
        tables.drop(cursor, WAYS_UP, "carried", "followed", *made)
    if written >= FOLD_AT:
        transaction.on_commit(fold_counts, robust=True)


@contextmanager
def _planned(cursor: Any) -> Iterator[None]:
    """Plan the block's statements for much at once, and what comes after it as usual."""
    tables.plan_for_many(cursor)
    yield
    if connection.vendor == "postgresql":
        cursor.execute("SET LOCAL work_mem TO DEFAULT; SET LOCAL enable_nestloop TO DEFAULT")
