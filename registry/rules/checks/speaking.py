"""The checks speak while something is only planned: in forms, in the preview of an import."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import NamedTuple

from registry.rules.checks.asking import Asked, Settings
from registry.rules.checks.check import Check, Level
from registry.rules.checks.declared import BY_SLUG
from registry.rules.checks.officers import OFFICERS
from registry.rules.checks.planned import Planned
from registry.rules.findings import Finding, Severity


class Proposed(NamedTuple):
    """An organization as it would be from a day on; ``before``: as it is now, where it is there already."""

    planned: Planned
    day: date
    before: Planned | None = None


def planned_findings(proposals: Mapping[object, Proposed]) -> Iterator[Finding]:
    """Yield what each check says of planned organizations, by the subject of the form or import.

    Of an organization that is there already only what is not so yet is said.
    """
    settings = Settings.read()
    for subject, (planned, day, before) in proposals.items():
        for asked in settings.asked_on(day):
            if asked.is_breached_by(planned) and not (before is not None and asked.is_breached_by(before)):
                yield _finding(asked, planned, day, subject)


def cited(slug: str, days: Iterable[date]) -> dict[date, str | None]:
    """Return the citation of a check by the day; None where it is switched off or asks nothing then.

    For what another rule finds and the check speaks of.
    """
    check, settings = BY_SLUG[slug], Settings.read()
    found: dict[date, str | None] = {}
    for day in days:
        edition = check.edition_on(day)
        found[day] = edition.citation if edition is not None and settings.is_on(check, day) else None
    return found


def _finding(asked: Asked, planned: Planned, day: date, subject: object) -> Finding:
    check: Check = asked.check
    edition = check.edition_on(day)
    assert edition is not None, "it was asked"
    facts = {
        "full": planned.full,
        "of_full": planned.full,
        "members": planned.members,
        "officers": planned.holding(OFFICERS),
        "advice": planned.advice,
        **dict(asked.thresholds),
    }
    severity = Severity.HINT if check.level == Level.HINT else Severity.WARN
    return Finding(check.slug, severity, "members", check.say(edition, facts), subject)
