"""What stands under a photo of an album."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from registry.files.models import StoredFile

register = template.Library()


@register.simple_tag
def told_of(file: StoredFile, told: Mapping[int, tuple[str, str]] | Any) -> SafeString:
    """Return what an album says of a photo: words, as a link where they lead somewhere."""
    words, url = (told or {}).get(file.pk, ("", ""))
    if not words:
        return SafeString("")
    if not url:
        return format_html('<small class="quiet">{}</small>', words)
    return format_html('<small><a href="{}">{}</a></small>', url, words)
