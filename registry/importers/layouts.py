"""The kinds of sheets that a user may hand in."""

from __future__ import annotations

from registry import access, nouns
from registry.nouns.columns import Layout


def layouts_seen(user: access.AnyUser) -> dict[str, Layout]:
    """Return the layouts of all sheets by slug: of those that users made the ones whose row ``user`` sees."""
    return {layout.slug: layout for layout in access.made_seen(user, nouns.every_layout().values())}
