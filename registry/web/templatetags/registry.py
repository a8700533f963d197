"""Template tags: links that keep campaign, date and basis; what shows of a person."""

from __future__ import annotations

from typing import Any

from django import template
from django.template import Context
from django.urls import reverse
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString

from registry import access
from registry.models import Person
from registry.models.addresses import list_address, page_address
from registry.search import marks
from registry.web.address import address_of
from registry.web.links import person_url as url_of_person

register = template.Library()


@register.simple_tag(takes_context=True)
def keep_url(context: Context, name: str, *args: Any, **changes: Any) -> str:
    """Return the address of a page with campaign, date and basis kept.

    Positional arguments belong to the page; keyword arguments are added to (or replace in) the query,
    and an empty one is left out: ``{% keep_url "organizations" metric="pioneer_posts" unit=unit.code %}``.
    """
    address = address_of(context["request"])
    if len(args) > 1:
        path = reverse(name, args=args)
    else:
        path = page_address(name, args[0]) if args else list_address(name)
    return address.url(path, **{key: str(value or "") for key, value in changes.items()})


@register.simple_tag
def marked(name: str, text: str) -> SafeString:
    """Return ``name`` with the part that ``text`` found, by letter or by sound, in ``<mark>``."""
    start, end = marks.marked(name, text)
    if not end:
        return conditional_escape(name)
    return format_html("{}<mark>{}</mark>{}", name[:start], name[start:end], name[end:])


@register.simple_tag(takes_context=True)
def number(context: Context, person: Person) -> str:
    """Return the police number of ``person``, masked unless the request's user works with it."""
    return access.shown_number(context["request"].user, person)


@register.simple_tag(takes_context=True)
def person_url(context: Context, person: Person) -> str:
    """Return the address of a person's page, which names the number only where it is seen."""
    request = context["request"]
    return url_of_person(request.user, person, address_of(request))
