"""The demo: what five public articles report, filled up with sample rows to the totals they report."""

from __future__ import annotations

from datetime import date

from django.db import transaction

from registry.audit import Actor
from registry.counting.totals.write import following_in_parts
from registry.demo import (
    facts,
    happenings_neimenggu,
    happenings_shandong,
    neimenggu,
    reinforcements,
    shandong,
)
from registry.demo.happenings import EntryRow, Happenings, reported
from registry.demo.logbooks import load_logbooks
from registry.demo.sample import Sample
from registry.demo.service import load_service
from registry.models import Assignment, Campaign, Organization, Person, Source, Unit
from registry.operations.assignments import change_role, end_assignment
from registry.operations.bulk import bulk_load
from registry.operations.bulk_rows import Load
from registry.operations.campaigns import start_campaign
from registry.operations.compliance import load_holidays
from registry.operations.organizations import transfer_organization
from registry.operations.sources import add_figures, add_source

ACTOR = Actor.system("演示数据")


def is_empty() -> bool:
    """Whether the registry holds nothing yet."""
    return not (Unit.objects.exists() or Organization.objects.exists() or Person.objects.exists())


@transaction.atomic
def load_demo() -> dict[str, int]:
    """Load the demo into an empty registry, everything or nothing; return the numbers of rows."""
    sample = Sample()
    neimenggu.fill(sample)
    shandong.fill(sample)
    entries = happened(sample)
    reinforcements.fill(sample)
    load = sample.load()
    units = Load(units=load.units)
    numbers = bulk_load(actor=ACTOR, load=units, at="gonganbu", reason="载入单位")
    start_campaign(
        actor=ACTOR,
        code=facts.CAMPAIGN,
        name=facts.CAMPAIGN_NAME,
        started_on=facts.CAMPAIGN_START,
        lead_unit=Unit.objects.get(code="gonganbu"),
    )
    _load_sources()
    rest = Load(organizations=load.organizations, people=load.people, assignments=load.assignments)
    loaded = bulk_load(actor=ACTOR, load=rest, at="gonganbu", reason="载入报道所载和演示数据")
    _attach_figures()
    _changes()
    load_service(ACTOR, Campaign.objects.get(code=facts.CAMPAIGN))
    load_holidays(actor=ACTOR)
    root = Unit.objects.get(code="gonganbu")
    with following_in_parts():
        entered = load_logbooks(ACTOR, root, entries)
    return {name: numbers[name] + loaded[name] for name in numbers} | {"entries": entered}


def happened(sample: Sample) -> list[EntryRow]:
    """Return the entries of the demo; a few more people are added to the sample for them."""
    happenings = Happenings(sample)
    happenings_shandong.fill(happenings)
    happenings_neimenggu.fill(happenings)
    return [*reported(), *happenings.rows]


def _load_sources() -> None:
    for about, _ in facts.sources():
        add_source(actor=ACTOR, unit=Unit.objects.get(code="gonganbu"), **about)


def _attach_figures() -> None:
    units = dict(Unit.objects.order_by().values_list("code", "pk"))
    organizations = dict(Organization.objects.order_by().values_list("code", "pk"))
    notes = facts.tensions()
    for about, rows in facts.sources():
        figures = [facts.figure_facts(row, units, organizations, notes) for row in rows]
        add_figures(actor=ACTOR, source=Source.objects.get(number=about["number"]), figures=figures)


def _changes() -> None:
    """Make some changes one by one, as users do, so that the record has them too."""
    spring = date(2020, 3, 16)
    for code, to in (
        ("dezhou-linshi-zhibu-fuxue", "dezhou-yunhe-chengguan-paichusuo"),
        ("dezhou-linshi-zhibu-shequ", "dezhou-decheng-dongcheng-paichusuo"),
    ):
        transfer_organization(
            actor=ACTOR,
            organization=Organization.objects.get(code=code),
            unit=Unit.objects.get(code=to),
            on=date(2020, 5, 20),
            reason="任务重心调整",
        )
    rows = Assignment.objects.filter(
        organization__code__startswith="dezhou-linshi-zhibu-",
        organization__established_on__lt=spring,
        organization__dissolved_on__isnull=True,
        organization__state="approved",
        started_on__lt=spring,
        ended_on__isnull=True,
    ).order_by("organization__code", "role", "person__number")
    for assignment in rows.filter(role="deputy_secretary")[:3]:
        change_role(
            actor=ACTOR,
            assignment=assignment,
            role="discipline_committee_member",
            on=spring,
            document_number="演示〔2020〕分工调整",
        )
    for assignment in rows.filter(role="member")[:6]:
        end_assignment(actor=ACTOR, assignment=assignment, on=date(2020, 4, 1), reason="返回原单位")
