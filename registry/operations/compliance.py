"""What a bureau decides about the checks: exceptions of an organization, settings of a rule, days of work."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date

from registry import audit, locks
from registry.audit import Actor
from registry.models import Holiday, Organization, RuleException, RuleSetting
from registry.models.hierarchy import roots
from registry.models.journal import remove
from registry.models.writer import write_new
from registry.operations.base import fresh, need_right, operation, refuse_together, validated, write
from registry.refusals import need_reason, refuse
from registry.rules import compliance as rules
from registry.rules.checks import Check, by_slug, thresholds_of
from registry.rules.findings import refuse_if

FREE, WORK, DEFAULT = "free", "work", "default"
"""What days are set to: free, days of work, or as their day of the week."""
ARRANGEMENTS = {FREE: "放假", WORK: "上班(调休)", DEFAULT: "恢复默认(按周末)"}


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
    """Allow an organization to breach one rule, by a document, until a day. Raises ``OperationRefused``."""
    need_reason(reason, "例外的理由")
    check = _known(slug)
    locks.use_units([organization.unit])
    locks.lock_organization_trees([organization])
    organization = fresh(organization)
    need_right(actor, "grant_exception", organization)
    made = RuleException(
        slug=slug,
        organization=organization,
        document_number=document_number.strip(),
        reason=reason.strip(),
        granted_by=actor.user,
        started_on=started_on,
        ended_on=ended_on,
        is_sample=organization.is_sample,
    )
    refuse_together(
        lambda: refuse_if(rules.exception_refusals([made])),
        lambda: validated(made, ("organization", "granted_by")),
    )
    write_new([made])
    facts = audit.fields_of(made, ["document_number", "started_on", "ended_on"])
    audit.record(
        actor,
        "grant_exception",
        made,
        name=f"{organization.name}:{check.label}",
        after={"organization": organization, "rule": check.label, **facts},
        reason=reason,
        effective_on=started_on,
    )
    return made


def _known(slug: str) -> Check:
    try:
        return by_slug(slug)
    except LookupError:
        raise refuse("slug", f"没有这项规则:{slug}。") from None


@operation
def end_exception(*, actor: Actor, exception: RuleException, on: date, reason: str) -> RuleException:
    """End an exception before its day: from ``on`` it no longer holds. Raises ``OperationRefused``."""
    need_reason(reason, "结束原因")
    locks.lock_organization_trees([exception.organization])
    exception = fresh(exception)
    need_right(actor, "end_exception", exception)
    refuse_if(rules.ending_refusals([rules.Ending(exception, on)]))
    before, after = write(exception, {"ended_on": on})
    label = by_slug(exception.slug).label
    audit.record(
        actor,
        "end_exception",
        exception,
        name=f"{exception.organization.name}:{label}",
        before=before,
        after={"organization": exception.organization, "rule": label, **after},
        reason=reason,
        effective_on=on,
    )
    return exception


@operation
def set_rule(
    *, actor: Actor, slug: str, is_on: bool, thresholds: Mapping[str, int], since: date, reason: str = ""
) -> RuleSetting:
    """Switch a rule on or off, with these numbers, from a day on; for all units.

    Who may is a manager at every root of the unit tree. A setting of the same day is replaced.
    """
    need_right(actor, "set_rule", *roots())
    check = _known(slug)
    refuse_if(rules.setting_refusals([rules.Setting(check, is_on, thresholds, reason)]))
    held = RuleSetting.objects.filter(slug=slug, since__lte=since).order_by("-since").first()
    own = {name: value for name, value in thresholds.items() if value != check.thresholds[name]}
    before = {
        "is_on": held is None or held.is_on,
        "numbers": rules.numbers_said(check, thresholds_of(check, held)),
    }
    if held is not None and held.since == since:
        setting = held
        write(setting, {"is_on": is_on, "thresholds": own})
    else:
        setting = RuleSetting(slug=slug, is_on=is_on, thresholds=own, since=since)
        write_new([setting])
    after = {"is_on": is_on, "numbers": rules.numbers_said(check, thresholds_of(check, setting))}
    if before == after and held is not None:
        after["since"] = since.isoformat()
    audit.record(
        actor,
        "set_rule",
        setting,
        unit=next(iter(roots()), None),
        name=check.label,
        before={name: value for name, value in before.items() if value != after[name]},
        after=after,
        reason=reason,
        effective_on=since,
    )
    return setting


@operation
def set_workdays(
    *, actor: Actor, days: Collection[date], kind: str, name: str = "", reason: str = ""
) -> Collection[date]:
    """Say that days are free, days of work, or as their day of the week again; for all units."""
    need_right(actor, "set_workdays", *roots())
    is_named = kind != DEFAULT
    refuse_if(rules.days_refusals([rules.Days(days, name, is_named)]))
    remove(Holiday.objects.filter(day__in=days))
    if is_named:
        write_new([Holiday(day=day, is_workday=kind == WORK, name=name.strip()) for day in sorted(days)])
    audit.record(
        actor,
        "set_workdays",
        None,
        unit=next(iter(roots()), None),
        name="工作日历",
        after={"days": rules.days_said(days), "workdays": ARRANGEMENTS[kind], "name": name},
        reason=reason,
    )
    return days
