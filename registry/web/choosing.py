"""Which columns of a list a user sees: all that he may, or those that he chose (docs/decisions/0029)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from django.http import HttpRequest
from django.utils.functional import cached_property

from registry.web.columns import WIDEST, Column


def choosable(columns: Sequence[Column[Any]]) -> list[Column[Any]]:
    """Return the columns of a page that its reader may leave out."""
    return [each for each in columns if not each.is_fixed and each.only != "file"]


def chosen(columns: Sequence[Column[Any]], names: Collection[str]) -> list[Column[Any]]:
    """Return the columns with these names, those that none leaves out, and what only the file has.

    A column of the file that has a pair on the page goes with it. Without a known name: all.
    """
    offered = {each.name for each in choosable(columns)}
    if not offered & set(names):
        return list(columns)
    left = offered - set(names)
    return [each.at_every_width for each in columns if each.is_fixed or each.name not in left]


class Choosing:
    """The part of a list that knows which of its columns are shown."""

    user: Any
    request: HttpRequest
    columns: Sequence[Column[Any]]
    file: str

    @cached_property
    def allowed(self) -> list[Column[Any]]:
        """The columns that the user may see."""
        return [each for each in self.columns if each.seen_by is None or each.seen_by(self)]

    @property
    def kept_as(self) -> str:
        """The name under which a user's columns of this list are kept; none: they cannot be chosen."""
        return self.file

    @cached_property
    def chosen(self) -> Collection[str]:
        """The columns that the user chose; none: all, by the width of the screen."""
        kept: dict[str, list[str]] = getattr(self.user, "list_columns", {})
        return kept.get(self.kept_as, ())

    @cached_property
    def visible(self) -> list[Column[Any]]:
        """The columns that the user sees, on the page, in the file, on paper."""
        return chosen(self.allowed, self.chosen)

    @property
    def column_menu(self) -> dict[str, Any]:
        """The menu 列: name and title of each column and whether it is shown; the page to come back to."""
        on = {each.name for each in choosable(self.visible) if self.chosen or each.rank < WIDEST}
        offered = [(each.name, each.title, each.name in on) for each in choosable(self.allowed)]
        return {
            "list": self.kept_as,
            "columns": offered if self.kept_as else [],
            "is_chosen": bool(self.chosen),
            "back": self.request.get_full_path(),
        }
