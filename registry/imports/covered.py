"""The column of the units that a joint branch (联合党支部) covers: names or codes, separated by 、."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from registry.importers import naming
from registry.importers.cases import Case
from registry.importers.session import Session
from registry.models import Organization, Unit
from registry.nouns.unit import UNIT
from registry.rules import covering
from registry.rules.checks.asking import Settings
from registry.search.named import answers_to
from registry.search.terms import split_aliases

SLUG = "covered"
VERB = "establish_organization"
_HOW = "覆盖单位不能通过导入变更,请在组织页面用“变更覆盖单位”办理(要填变更日期)。"


class Covers:
    """Finds and judges what the rows say of covered units."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._named: dict[str, list[Unit]] = {}
        self._held: dict[int, list[Unit]] = {}
        self._settings: Settings | None = None

    def resolve(self, cases: Sequence[Case]) -> None:
        """Find what the words of all rows name, also in the workbook, and what is covered already."""
        words = {word for case in cases for word in _words(case)}
        if not words:
            return
        there = (self.session.organizations.get(case.key) for case in cases)
        self._held = covering.covered_on([row for row in there if row is not None], self.session.today)
        self._settings = Settings.read()
        found = naming.named(self.session, "unit", words, VERB)
        codes = {word: [row.code for row in rows] for word, rows in found.items()}
        self.session.know_units(code for some in codes.values() for code in some)
        known = self.session.units
        self._named = {
            word: [unit for code in some if (unit := known.get(code)) is not None]
            for word, some in codes.items()
        }

    def judge(self, case: Case, host: Unit | None, kind: str, on: date) -> None:
        """Make a row of a new organization wrong that names no unit, or one that cannot be covered."""
        for word in _words(case):
            if len(rows := self._named.get(word, [])) != 1:
                case.wrong(SLUG, naming.said("unit", word, rows))
                return
        hosts = [host] if host is not None else []
        proposal = covering.Covering(kind, hosts, self.of(case), on)
        case.heed(covering.refusals([proposal], self._settings))

    def of(self, case: Case) -> list[Unit]:
        """Return the units that a row names."""
        return [unit for word in _words(case) for unit in self._named.get(word, ())]

    def compare(self, case: Case, now: Organization) -> None:
        """Refuse to change what a registered organization covers: that has a day of its own."""
        words = _words(case)
        if not words:
            return
        held = self._held.get(now.pk, [])
        meant = [[unit for unit in held if answers_to(UNIT, unit, word)] for word in words]
        if len(words) != len(held) or not all(meant):
            case.wrong(SLUG, _HOW)


def _words(case: Case) -> list[str]:
    if SLUG in case.bad:
        return []
    return [word.strip() for word in split_aliases(case.text(SLUG)) if word.strip()]
