"""Load an invented country, for benches and trials: the same for the same scale and seed."""

from __future__ import annotations

from django.db import connection, transaction

from benchmarks.country.assignments import Assignments
from benchmarks.country.country import ROOT, Country
from benchmarks.country.organizations import CAMPAIGNS, Organizations
from benchmarks.country.people import People
from benchmarks.country.scales import SCALES, Scale
from registry.audit import Actor
from registry.demo.load import is_empty
from registry.models import Campaign, Unit
from registry.operations.bulk import Progress, bulk_load
from registry.operations.bulk_rows import Load
from registry.operations.campaigns import end_campaign, start_campaign

ACTOR = Actor.system("合成数据")
SEED = 20200120


class NotEmpty(Exception):
    """The registry is not empty; a country is only loaded into an empty one."""


@transaction.atomic
def synthesize(scale: Scale, seed: int, progress: Progress) -> dict[str, int]:
    """Load a country of the scale, everything or nothing; return the numbers of rows. Raises ``NotEmpty``."""
    if not is_empty() or Campaign.objects.exists():
        raise NotEmpty
    country = Country(scale, seed)
    people, organizations = People(country), Organizations(country)
    numbers = bulk_load(
        actor=ACTOR, load=Load(units=country), at=ROOT, reason="载入合成的单位", progress=progress
    )
    _run_campaigns()
    rest = Load(
        organizations=organizations,
        people=people,
        assignments=Assignments(country, organizations, people),
    )
    loaded = bulk_load(actor=ACTOR, load=rest, at=ROOT, reason="载入合成数据", progress=progress)
    return {noun: numbers[noun] + loaded[noun] for noun in numbers}


def settle() -> None:
    """Analyze the new tables on PostgreSQL, so that the first pages need not. Not in a transaction."""
    if connection.vendor == "postgresql" and not connection.in_atomic_block:
        with connection.cursor() as cursor:
            cursor.execute("VACUUM (ANALYZE)")


def _run_campaigns() -> None:
    lead = Unit.objects.get(code=ROOT)
    for plan in CAMPAIGNS:
        campaign = start_campaign(
            actor=ACTOR,
            code=plan.code,
            name=plan.name,
            started_on=plan.started_on,
            lead_unit=lead,
            is_sample=True,
        )
        if plan.ended_on is not None:
            end_campaign(actor=ACTOR, campaign=campaign, on=plan.ended_on, reason="任务结束")


__all__ = ["SCALES", "SEED", "NotEmpty", "Scale", "settle", "synthesize"]
