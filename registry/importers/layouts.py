"""The kinds of sheets that a user may hand in."""

from __future__ import annotations

from registry import access, nouns
from registry.nouns.columns import Layout


def layouts_seen(user: access.AnyUser) -> dict[str, Layout]:
    """Return the layouts of all sheets by slug: of those that users made the ones whose row ``user`` sees."""
    known = nouns.every_layout()
    keys: dict[str, set[int]] = {}
    for layout in known.values():
        if layout.made_by is not None:
            keys.setdefault(layout.made_by[0], set()).add(layout.made_by[1])
    seen = {
        (noun, pk)
        for noun, pks in keys.items()
        for pk in access.visible(user, nouns.by_key(noun).model._default_manager.filter(pk__in=pks))
        .order_by()
        .values_list("pk", flat=True)
    }
    return {
        slug: layout for slug, layout in known.items() if layout.made_by is None or layout.made_by in seen
    }
