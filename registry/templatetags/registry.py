"""Template tags: links that keep campaign, date and basis."""

from __future__ import annotations

from typing import Any

from django import template
from django.template import Context
from django.urls import reverse

from registry.views.address import address_of

register = template.Library()


@register.simple_tag(takes_context=True)
def keep_url(context: Context, name: str, *args: Any, **changes: Any) -> str:
    """Return the address of a page with campaign, date and basis kept.

    Positional arguments belong to the page; keyword arguments are added to (or replace in) the query,
    and an empty one is left out: ``{% keep_url "organizations" metric="pioneer_posts" unit=unit.code %}``.
    """
    address = address_of(context["request"])
    return address.url(reverse(name, args=args), **{key: str(value or "") for key, value in changes.items()})
