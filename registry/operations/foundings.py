"""Correcting the day on which an organization was founded: its host, and what began with it, move along."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import replace
from datetime import date

from django.db.models import QuerySet

from registry import audit
from registry.audit import Actor
from registry.models import Organization, OrganizationPlacement
from registry.models.journal import rewrite
from registry.operations.assignments import redate
from registry.operations.base import stamp, write_each
from registry.rules import organizations as rules
from registry.rules import workflow
from registry.rules.findings import Finding
from registry.rules.foundings import Beginning


def findings(correction: rules.Correction) -> list[Finding]:
    """Return what must be refused of a correction, and of what moves along with it."""
    proposals = [correction]
    for row in correction.along.below:
        moved = copy(row)
        moved.established_on = correction.candidate.established_on
        proposals.append(replace(correction, candidate=moved, now=row))
    return rules.correction_refusals(proposals)


def first_stays(organizations: Sequence[int], founded: date) -> QuerySet[OrganizationPlacement]:
    """Return the first placement of each of these organizations, which were founded on the day."""
    return OrganizationPlacement.objects.filter(organization__in=organizations, started_on=founded)


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
    rewrite(first_stays([row.pk for row in began.below], organization.established_on), started_on=day)
    written = write_each([(row, {"established_on": day, **stamp(actor)}) for row in began.below])
    told = [(row, workflow.told(before), workflow.told(after)) for row, before, after in written]
    audit.record_each(actor, "edit_organization", told, reason=reason)
    yield
    if not is_later:
        redate(actor, began.everybody, day, reason)
