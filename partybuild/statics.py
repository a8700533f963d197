"""The static files of an installation."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from whitenoise.storage import CompressedManifestStaticFilesStorage


class StaticFiles(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Files named by their content; the address of each is worked out once, as a page has twenty of them."""

    @cached_property
    def _urls(self) -> dict[Any, str]:
        return {}

    def url(self, name: Any, force: bool = False) -> str:
        """Return the address of a file."""
        if (name, force) not in self._urls:
            self._urls[name, force] = super().url(name, force)
        return self._urls[name, force]
