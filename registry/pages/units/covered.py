"""The line of a unit's page that names the joint branches which cover it from another unit."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.html import format_html_join

from registry import access
from registry.models import Unit
from registry.rules.covering import covering_on
from registry.web.address import address_of
from registry.web.links import linked


def panel(request: HttpRequest, unit: Unit) -> tuple[str, dict[str, Any]] | None:
    """Return the joint branches that cover the unit on the day: a link where its host is in scope."""
    address = address_of(request)
    found = covering_on(unit, address.as_of)
    if not found:
        return None
    scope = access.spans(request.user)
    named = ((linked(address, row, scope), row.unit.label) for row in found)
    return "pages/units/_covered.html", {"by": format_html_join("、", "{}(设在{})", named)}
