"""What a bureau decides about the checks: it sets them, grants exceptions, and keeps its working days."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

from django.utils import timezone

from registry import audit, locks
from registry.audit import Actor
from registry.models import Holiday, Organization, RuleException, RuleSetting, Unit, journal
from registry.models.hierarchy import roots
from registry.models.writer import write_new
from registry.operations.base import fresh, need_right, operation, validate_all, validated, write
from registry.rules import compliance as rules
from registry.rules.checks import BY_SLUG
from registry.rules.findings import refuse_if

HOLIDAYS = Path(__file__).parent / "holidays"
"""The published holidays, one file a year: day, whether one works, name."""


@operation
def set_rule(
    *,
    actor: Actor,
    slug: str,
    is_on: bool,
    since: date,
    thresholds: Mapping[str, int] | None = None,
    reason: str = "",
) -> RuleSetting:
    """Switch a check on or off from a day on, with these thresholds (those left out: as declared).

    A setting of the same day is replaced; those of other days stay.
    """
    proposal = rules.Setting(slug, is_on, since, thresholds or {}, reason)
    _need_right_everywhere(actor, "set_rule")
    refuse_if(rules.setting_refusals([proposal]))
    check = BY_SLUG[slug]
    own = {name: value for name, value in proposal.thresholds.items() if value != check.thresholds[name]}
    there = RuleSetting.objects.filter(slug=slug, since=since)
    values = {"is_on": is_on, "thresholds": own, "set_by": actor.user, "reason": reason.strip()}
    if not there.exists():
        row = RuleSetting(slug=slug, since=since, **values)
        validated(row, exclude=("set_by",))
        write_new([row])
    else:
        journal.rewrite(there, **values, updated_at=timezone.now())
        row = there.get()
    audit.record(
        actor,
        "set_rule",
        None,
        name=check.label,
        unit=_first_root(),
        after={"is_on": is_on, "since": since, **{**check.thresholds, **own}},
        reason=reason,
        effective_on=since,
    )
    return row


@operation
def grant_exception(
    *,
    actor: Actor,
    organization: Organization,
    slug: str,
    document_number: str,
    reason: str,
    started_on: date,
    ended_on: date,
) -> RuleException:
    """Allow an organization a breach of a check, by a document, from a day until another."""
    locks.lock_organization_trees([organization])
    organization = fresh(organization)
    need_right(actor, "grant_exception", organization)
    refuse_if(
        rules.grant_refusals([rules.Grant(slug, organization, document_number, reason, started_on, ended_on)])
    )
    row = RuleException(
        organization=organization,
        slug=slug,
        document_number=document_number.strip(),
        reason=reason.strip(),
        granted_by=actor.user,
        started_on=started_on,
        ended_on=ended_on,
    )
    validated(row, exclude=("organization", "granted_by"))
    write_new([row])
    after = audit.fields_of(row, ["document_number", "started_on", "ended_on"])
    audit.record(
        actor,
        "grant_exception",
        row,
        name=f"{BY_SLUG[slug].label} · {organization.name}",
        after={"rule": BY_SLUG[slug].label, "organization": organization, **after},
        reason=row.reason,
        effective_on=started_on,
    )
    return row


@operation
def end_exception(*, actor: Actor, exception: RuleException, on: date, reason: str) -> RuleException:
    """End an exception on a day within it: from then on the breach is one again."""
    row = fresh(exception)
    need_right(actor, "end_exception", row)
    refuse_if(rules.ending_refusals([rules.Ending(row, on, reason)]))
    before, after = write(row, {"ended_on": on})
    audit.record(
        actor,
        "end_exception",
        row,
        name=f"{BY_SLUG[row.slug].label} · {row.organization.name}",
        before=before,
        after=after,
        reason=reason,
        effective_on=on,
    )
    return row


@operation
def set_holidays(*, actor: Actor, days: Sequence[tuple[date, bool, str]]) -> int:
    """Enter days (day, whether one works, name), over what is there; return how many were new or changed."""
    _need_right_everywhere(actor, "set_holidays")
    refuse_if(rules.day_refusals([rules.Day(*each) for each in days]))
    there = {row.day: row for row in Holiday.objects.filter(day__in=[day for day, _, _ in days])}
    new = [Holiday(day=day, is_workday=works, name=name) for day, works, name in days if day not in there]
    changed = [
        (there[day], works, name)
        for day, works, name in days
        if day in there and (there[day].is_workday, there[day].name) != (works, name)
    ]
    validate_all(new, exclude=(), unique="day")
    write_new(new)
    for works, name in dict.fromkeys((works, name) for _, works, name in changed):
        same = [row.pk for row, *wanted in changed if wanted == [works, name]]
        journal.rewrite(Holiday.objects.filter(pk__in=same), is_workday=works, name=name)
    names = [f"{row.day:%Y-%m-%d} {row.name}" for row in new]
    names += [f"{row.day:%Y-%m-%d} {name}" for row, _, name in changed]
    _record_days(actor, "set_holidays", names)
    return len(names)


@operation
def remove_holidays(*, actor: Actor, days: Sequence[date]) -> int:
    """Remove days, so that they are as their day of the week says; return how many there were."""
    _need_right_everywhere(actor, "remove_holidays")
    rows = Holiday.objects.filter(day__in=days).order_by("day")
    names = [f"{row.day:%Y-%m-%d} {row.name}" for row in rows]
    journal.remove(rows)
    _record_days(actor, "remove_holidays", names)
    return len(names)


def load_holidays(*, actor: Actor, years: Sequence[int] | None = None) -> int:
    """Enter the published holidays that come along, of these years or all; return how many days changed."""
    wanted = years if years is not None else published_years()
    return set_holidays(actor=actor, days=[day for year in wanted for day in read_holidays(year)])


def published_years() -> list[int]:
    """Return the years whose holidays come along."""
    return sorted(int(path.stem) for path in HOLIDAYS.glob("*.csv"))


def read_holidays(year: int) -> list[tuple[date, bool, str]]:
    """Return the published holidays of a year: (day, whether one works, name)."""
    with (HOLIDAYS / f"{year}.csv").open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(line for line in file if not line.startswith("#"))
        return [(date.fromisoformat(row["day"]), row["is_workday"] == "1", row["name"]) for row in rows]


def _need_right_everywhere(actor: Actor, verb: str) -> None:
    """Refuse unless the actor has the right at every unit without a superior: it concerns all below."""
    need_right(actor, verb, *roots())


def _first_root() -> Unit | None:
    return next(iter(roots()), None)


def _record_days(actor: Actor, verb: str, names: list[str]) -> None:
    if names:
        audit.record_event(
            actor,
            verb,
            subject=names[0] if len(names) == 1 else f"{names[0]} 等 {len(names)} 天",
            unit=_first_root(),
            after={"days": "、".join(names)},
        )
