"""A row of a sheet that is being judged: what it would do, what is wrong with it, what to look at."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db.models import Model

from registry import access, nouns
from registry.importers.verdicts import Verdict
from registry.models import Campaign, Organization, Unit
from registry.nouns.columns import Column, Value
from registry.rules.findings import Finding, Severity
from registry.spreadsheets.reading import Line, Table

P = TypeVar("P")
Named = Unit | Organization | Campaign
"""What a code may stand for; the preview shows its name instead."""


def _value(row: Any, path: str) -> Any:
    for name in path.split("__"):
        row = getattr(row, name, None)
    return row


def _needed(column: Column, *, is_there: bool) -> str:
    """Return the refusal of a new row without a value; it names the choices, and a missing column."""
    lacks = "" if is_there else ";表里没有这一列,请先加上"
    choices = f",可填:{'、'.join(column.labels.values())}" if column.labels else ""
    return f"新增时须填写“{column.header}”{lacks}{choices}。"


class Case:
    """One row. ``changes``, ``problems`` and ``notices`` are as ``ImportLine`` holds them.

    ``named`` are the names that are given instead of codes, by the column of codes. ``new`` is the row to
    add; else ``row`` is what is there and ``edits`` what changes of it, by field.
    """

    __slots__ = (
        *("bad", "changes", "edits", "given", "key", "named", "new", "notices", "noun", "number"),
        *("place", "problems", "row", "summary", "table", "verdict"),
    )

    def __init__(self, table: Table, line: Line) -> None:
        self.table, self.noun, self.number = table, table.noun, line.number
        values = line.values
        self.given: dict[str, Any] = {
            column.slug: value
            for column in self.noun.columns
            if not column.is_info and (value := values.get(column.slug)) is not None and value != ""
        }
        self.key, self.summary, self.verdict, self.place = "", "", Verdict.UNCHANGED.value, 0
        self.new: Any = None
        self.row: Any = None
        self.edits: dict[str, Any] = {}
        self.changes: list[dict[str, str]] = []
        self.notices, self.problems = (
            [{"slug": each.slug, "address": each.address, "message": each.message} for each in found]
            for found in (line.notes, line.problems)
        )
        self.bad = {problem.slug for problem in line.problems}
        for slug, value in self.given.items():
            if isinstance(value, str) and "\x00" in value:
                self.wrong(slug, "含有不能保存的字符。")
        self.named: dict[str, str] = {
            slug: text
            for slug, column in self.noun.named_by.items()
            if slug not in self.given and isinstance(text := values.get(column.slug), str) and text.strip()
        }
        if self.bad:
            self.given = {slug: value for slug, value in self.given.items() if slug not in self.bad}

    def is_wrong(self) -> bool:
        """Whether something is wrong so far."""
        return bool(self.problems)

    @property
    def where(self) -> str:
        """The row in words, for another row that speaks of it."""
        return f"“{self.table.title}”第 {self.number} 行"

    def text(self, slug: str) -> str:
        """A code, number or name; empty when it was not given."""
        return str(self.given.get(slug) or "")

    def facts(self, slugs: Iterable[str]) -> dict[str, Any]:
        """Those of the columns that were given."""
        return {slug: self.given[slug] for slug in slugs if slug in self.given}

    def wrong(self, slug: str, message: str) -> None:
        """Say what is wrong at a cell."""
        self.bad.add(slug)
        self.problems.append(self._at(slug, message))

    def look(self, slug: str, message: str) -> None:
        """Add a notice at a cell: something to look at before writing."""
        self.notices.append(self._at(slug, message))

    def heed(self, findings: Iterable[Finding], at: str = "", **fields: str) -> None:
        """Take what a rule found: a refusal makes the row wrong, a warning stands at it.

        ``at``: where a message without a cell stands; ``fields``: which column is a field's.
        """
        for finding in findings:
            slug = fields.get(finding.field, finding.field)
            if slug not in self.noun.by_slug:
                slug = at or self.noun.key[0]
            if finding.severity == Severity.REFUSE:
                self.wrong(slug, finding.message)
            else:
                self.look(slug, finding.message)

    def _at(self, slug: str, message: str) -> dict[str, str]:
        slug = self._column(slug).slug
        return {"slug": slug, "address": self.table.address(slug, self.number), "message": message}

    def _column(self, slug: str) -> Column:
        """Return the column, or the one with the names for its codes if the sheet has only that."""
        there, by_name = self.table.headers, self.noun.named_by.get(slug)
        if by_name and slug not in there and by_name.slug in there:
            return by_name
        return self.noun.by_slug[slug]

    def shown(self, slug: str, value: Value) -> str:
        """A value as the preview shows it."""
        shown = self.noun.by_slug[slug].shown(value)
        return "" if shown is None else str(shown)

    def _told(self, slug: str, value: Value) -> str:
        """A value of the row as the preview may say it: masked if the pages mask it."""
        return access.told(nouns.of(self.noun.model), slug, self.shown(slug, value), sees_private=True)

    def written(self) -> list[dict[str, str]]:
        """Return everything that a new row would write, column by column, as changes from nothing."""
        found = []
        for column in self.noun.columns:
            value = _value(self.new, column.path or column.slug)
            if value is None or value == "":
                continue
            label = column.header
            if isinstance(value, Named):
                shown, label = value.name, label.removesuffix("代码")
            else:
                shown = self._told(column.slug, value)
            found.append({"slug": column.slug, "label": label, "old": "", "new": shown, "note": ""})
        return found

    def joined(self, *slugs: str) -> str:
        """The given values of some columns, for the summary."""
        return " · ".join(self.shown(slug, self.given[slug]) for slug in slugs if slug in self.given)[:280]

    def change(self, slug: str, old: str, new: str, note: str = "") -> None:
        """Note a change for the preview."""
        label = self.noun.by_slug[slug].header
        self.changes.append({"slug": slug, "label": label, "old": old, "new": new, "note": note})

    def edit(self, slug: str, old: Any, new: Any, note: str = "") -> None:
        """Note an edit, for the writing and for the preview."""
        self.edits[slug] = new
        self.change(slug, self._told(slug, old), self._told(slug, new), note)

    def compare(self, row: Model, slugs: Iterable[str]) -> None:
        """Edit those of the given facts that differ from the row's."""
        for slug in slugs:
            if slug in self.given and slug not in self.bad and getattr(row, slug) != self.given[slug]:
                self.edit(slug, getattr(row, slug), self.given[slug])

    def refuse_change(self, slug: str, now: Value, how: str) -> None:
        """Say how a fact is changed that an import cannot change."""
        if slug in self.given and slug not in self.bad and self.given[slug] != now:
            self.wrong(slug, how)

    def need(self) -> None:
        """A new row needs every required column."""
        for column in self.noun.columns:
            if column.required and column.slug not in self.given and column.slug not in self.bad:
                said = self._column(column.slug)
                self.wrong(column.slug, _needed(said, is_there=said.slug in self.table.headers))

    def match(self, slug: str, validator: RegexValidator) -> None:
        """Check the text of a cell with a validator."""
        if slug in self.given and slug not in self.bad:
            try:
                validator(self.given[slug])
            except ValidationError as error:
                self.wrong(slug, " ".join(error.messages))

    def judged(self) -> Case:
        """Draw the verdict from what was found."""
        if self.problems:
            self.verdict = Verdict.WRONG.value
            self.new, self.row, self.changes, self.notices = None, None, [], []
        elif self.new is not None:
            self.verdict = Verdict.NEW.value
        elif self.changes:
            self.verdict = Verdict.CHANGED.value
        return self


def ask(
    rule: Callable[[Sequence[P]], Iterable[Finding]],
    proposals: Mapping[P, Case],
    at: str = "",
    **fields: str,
) -> None:
    """Ask a rule about many rows at once; each takes what was found about it (see ``Case.heed``)."""
    if proposals:
        for finding in rule(list(proposals)):
            proposals[finding.subject].heed([finding], at, **fields)  # type: ignore[index]
