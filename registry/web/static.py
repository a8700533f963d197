"""The addresses of files that never change, worked out once: every page names two dozen of them."""

from __future__ import annotations

from whitenoise.storage import CompressedManifestStaticFilesStorage


class Storage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # which has no types
    """Whitenoise's own, which remembers the addresses that it gave."""

    def __init__(self, *args: object, **options: object) -> None:
        super().__init__(*args, **options)
        self._given: dict[str, str] = {}

    def url(self, name: str, force: bool = False) -> str:
        """Return the address of a file."""
        if (known := self._given.get(name)) is None:
            known = self._given[name] = str(super().url(name, force))
        return known
