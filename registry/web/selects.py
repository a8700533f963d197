"""Boxes of choices that are drawn once: what Django draws hangs on nothing but what it is given."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from django import forms
from django.utils.safestring import SafeString


class DrawnOnce(forms.Select):
    """A box of choices; one that has the same name, value, attributes and choices is not drawn again."""

    _frozen_of: Any = None
    _frozen_as: tuple[Any, ...] = ()

    def render(
        self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None
    ) -> SafeString:
        """Draw the box, or return it as it was drawn."""
        chosen = self.format_value(value)
        given = self.build_attrs(self.attrs, attrs)
        return _drawn(name, tuple(chosen or ()), tuple(given.items()), self._key)

    @property
    def _key(self) -> tuple[Any, ...]:
        """The choices as a key; of a plain list, which nobody changes, worked out once."""
        choices = self.choices
        if not isinstance(choices, list):
            return frozen(choices)
        if self._frozen_of is not choices:
            self._frozen_of, self._frozen_as = choices, frozen(choices)
        return self._frozen_as


@lru_cache(maxsize=500)
def _drawn(name: str, chosen: Any, attrs: Any, choices: Any) -> SafeString:
    return forms.Select(choices=choices).render(name, chosen[0] if chosen else None, dict(attrs))


def frozen(choices: Any) -> tuple[Any, ...]:
    """Return choices, and groups of choices, as they are drawn, as a key."""
    return tuple(
        (key, frozen(label) if isinstance(label, list | tuple) else str(label)) for key, label in choices
    )
