"""Writing new organizations; correcting the day of a founding, with its host and what began with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import replace
from datetime import date
from typing import Any

from django.db.models import Q

from registry import audit
from registry.audit import Actor
from registry.counting.totals.write import following
from registry.models import Assignment, CoveredUnit, Organization, OrganizationPlacement, Person, Unit
from registry.models.journal import rewrite
from registry.models.writer import write_new
from registry.operations.assignments import place, redate
from registry.operations.base import stamp, validate_all, write_each
from registry.operations.codes import give_codes
from registry.operations.covering import begin_covering, founded_covering
from registry.rules import covering, workflow
from registry.rules import organizations as rules
from registry.rules.findings import Finding
from registry.rules.foundings import Beginning
from registry.search import index as search
from registry.trees.bulk_insert import insert_all

TREE_FIELDS = (
    *("parent", "lft", "rght", "tree_id", "level"),
    *("unit", "campaign", "task_body", "source", "approving_organization"),
    *("submitted_by", "changed_by", "decided_by"),
)
"""The fields of an organization that operations write: not checked as what somebody typed."""


def found(
    actor: Actor,
    organizations: Sequence[Organization],
    people: Sequence[Person],
    first: Iterable[Assignment],
    covered: Sequence[Sequence[Unit]] = (),
) -> list[Assignment]:
    """Write new organizations with their first placements, or refuse; return the placements.

    ``first`` is read when the organizations have keys; ``people`` are those it places, ``covered`` says for
    each organization which units it covers (none: no one covers any). For operations only: the caller holds
    the locks, has asked for the right, and writes the record.
    """
    covered = covered or [[]] * len(organizations)
    proposals = [
        rules.Establishment(
            row.kind,
            row.unit,
            row.established_on,
            row.is_temporary,
            row.parent,
            row.dissolved_on,
            row.campaign,
        )
        for row in organizations
    ]
    give_codes(organizations)
    findings = [
        *rules.refusals(proposals),
        *covering.refusals(founded_covering(organizations, covered)),
    ]
    validate_all(organizations, findings, exclude=TREE_FIELDS, unique="code")
    with following(people=people) as touched:
        insert_all(organizations)
        touched.add(organizations)
        write_new(
            [
                OrganizationPlacement(organization=row, unit=row.unit, started_on=row.established_on)
                for row in organizations
            ]
        )
        begin_covering(organizations, covered)
        search.index_rows(organizations)
        return place(actor, first)


def findings(correction: rules.Correction) -> list[Finding]:
    """Return what must be refused of a correction, and of what moves along with it."""
    proposals = [correction]
    for row in correction.along.below:
        moved = copy(row)
        moved.established_on = correction.candidate.established_on
        proposals.append(replace(correction, candidate=moved, now=row))
    return [*rules.correction_refusals(proposals), *covering.correction_refusals(proposals)]


def rewrite_first(organizations: Sequence[int], founded: date, **values: Any) -> None:
    """Write another day, or host, to the first placement of each that was founded on the day.

    What a joint branch covers from that day on goes along with the day.
    """
    first = Q(organization__in=organizations, started_on=founded)
    rewrite(OrganizationPlacement.objects.filter(first), **values)
    if "started_on" in values:
        rewrite(CoveredUnit.objects.filter(first), started_on=values["started_on"])


@contextmanager
def moving_along(
    actor: Actor, organization: Organization, began: Beginning, day: date, reason: str
) -> Iterator[None]:
    """Around the block that writes the new ``day`` of founding: move ``began`` to it.

    No placement stands before its organization meanwhile: where all move to a later day, people go first.
    """
    is_later = day > organization.established_on
    if is_later:
        redate(actor, began.everybody, day, reason)
    rewrite_first([row.pk for row in began.below], organization.established_on, started_on=day)
    written = write_each([(row, {"established_on": day, **stamp(actor)}) for row in began.below])
    told = [(row, workflow.told(before), workflow.told(after)) for row, before, after in written]
    audit.record_each(actor, "edit_organization", told, reason=reason)
    yield
    if not is_later:
        redate(actor, began.everybody, day, reason)
