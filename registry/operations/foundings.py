"""Correcting the day on which an organization was founded: its host, and what began with it, move along."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import replace
from datetime import date
from typing import Any

from django.db.models import Q

from registry import audit
from registry.audit import Actor
from registry.models import CoveredUnit, Organization, OrganizationPlacement
from registry.models.journal import rewrite
from registry.operations.assignments import redate
from registry.operations.base import stamp, write_each
from registry.rules import covering, workflow
from registry.rules import organizations as rules
from registry.rules.findings import Finding
from registry.rules.foundings import Beginning


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
