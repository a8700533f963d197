"""Entering what published articles report: sources and their figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.core.exceptions import ValidationError

from registry import audit
from registry.audit import Actor
from registry.models import Figure, Source
from registry.operations.base import need_right, operation, validated
from registry.refusals import refuse

_RELATIONS = ("source", "unit", "organization")


@operation
def add_source(*, actor: Actor, facts: Mapping[str, Any]) -> Source:
    """Enter a source. Raises ``OperationRefused``."""
    need_right(actor, "add_source", None)
    source = Source(**facts)
    validated(source)
    source.save(force_insert=True)
    audit.record(actor, "add_source", source, after=audit.fields_of(source, ["number", "title", "publisher"]))
    return source


@operation
def add_figures(*, actor: Actor, source: Source, figures: Sequence[Mapping[str, Any]]) -> list[Figure]:
    """Enter the figures that a source reports: all or none. Raises ``OperationRefused``."""
    need_right(actor, "add_figures", source)
    rows = [Figure(source=source, **each) for each in figures]
    codes = [row.code for row in rows]
    taken = Figure.objects.filter(code__in=codes).values_list("code", flat=True).first()
    if taken is not None or len(set(codes)) < len(codes):
        raise refuse("code", f"报道数编号重复:{taken or '、'.join(codes)}。")
    for row in rows:
        try:
            row.clean_fields(exclude=_RELATIONS)
        except ValidationError as error:
            raise refuse("figures", f"{row.code}:{error.messages[0]}") from None
    made = Figure.objects.bulk_create(rows)
    audit.record(actor, "add_figures", source, after={"figures": len(made)})
    return made
