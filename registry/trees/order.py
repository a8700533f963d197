"""Keep the units below a unit in the official order, so that the order of the tree is that of every list.

Organizations are not kept so: their trees are small, and lists sort them by unit, kind and name.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import Model

from registry.models import Unit
from registry.models.ordering import order_keys
from registry.trees.moves import rearrange

(_KEY,) = order_keys(Unit)
ORDERED_BY = frozenset(_KEY.of)
"""The facts of a unit on which its place depends."""


def keys_of(model: type[Model], rows: Sequence[Any]) -> list[str]:
    """Return the keys by which new units are placed among each other; none for organizations."""
    if model is not Unit:
        return []
    return [_KEY.key_of([getattr(row, name) for name in _KEY.of]) for row in rows]


def put_in_order(superiors: Iterable[int | None]) -> None:
    """Sort the units below each superior into the official order; the caller holds the lock of the tree.

    Instances keep their old intervals: read them again.
    """
    for pk in sorted({pk for pk in superiors if pk is not None}):
        below = Unit.objects.filter(parent=pk).order_by("lft")
        children = list(below.values_list("order_key", "lft", "tree_id", "rght"))
        wanted = sorted(children)
        if wanted != children:
            rearrange(Unit, [(tree_id, lft, rght) for _key, lft, tree_id, rght in wanted])
