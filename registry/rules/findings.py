"""What a rule finds: whether something must be refused or only looked at, where, and why, in Chinese.

A rule is a function on a sequence of proposals (small dataclasses that say what would be so). It returns
findings and asks the database a number of questions that does not grow with the sequence: give it a batch
of at most a few thousand, not one proposal at a time. The first thing wrong with a proposal is said, as a
form would say it; ``Finding.subject`` is the proposal.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import TypeVar

from django.core.exceptions import NON_FIELD_ERRORS
from django.utils import timezone

from registry.refusals import OperationRefused

P = TypeVar("P")
Wrong = Iterator[tuple[str, str, str]]
"""Why a proposal must be refused: (rule, field, message) of each thing wrong with it."""
MOST_SAID = 20
"""So many messages are enough to see what is wrong."""


class Severity(StrEnum):
    """How much a finding weighs."""

    REFUSE = "refuse"
    WARN = "warn"
    HINT = "hint"


class Offer(str):
    """Something to do along with what a warning is about, in words; a form accepts it by sending ``key``."""

    key: str

    def __new__(cls, words: str, key: str) -> Offer:
        offer = super().__new__(cls, words)
        offer.key = key
        return offer


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule found about one proposal; ``field`` is empty when it concerns the whole form."""

    rule: str
    severity: Severity
    field: str
    message: str
    subject: object = dataclasses.field(repr=False)
    offer: Offer | None = None


def refusal(rule: str, subject: object, field: str, message: str) -> Finding:
    """Return what makes the proposal impossible."""
    return Finding(rule, Severity.REFUSE, field, message, subject)


def warning(rule: str, subject: object, field: str, message: str, offer: Offer | None = None) -> Finding:
    """Return what should be looked at before the proposal is saved."""
    return Finding(rule, Severity.WARN, field, message, subject, offer)


def in_future(field: str, day: date | None) -> Wrong:
    """Refuse a day later than today: the registry holds what happened."""
    if day is not None and day > timezone.localdate():
        yield "not_in_future", field, f"日期 {day:%Y-%m-%d} 晚于今天,请改为今天或更早。"


def without_reason(rule: str, reason: str, what: str) -> Wrong:
    """Refuse when no reason is given for what the record must give one for."""
    if not reason.strip():
        yield rule, "reason", f"请说明{what}。"


def first_of(check: Callable[[P], Wrong], proposals: Iterable[P]) -> list[Finding]:
    """Return the first thing that ``check`` finds wrong with each proposal."""
    findings = []
    for proposal in proposals:
        for rule, field, message in check(proposal):
            findings.append(refusal(rule, proposal, field, message))
            break
    return findings


def for_each(check: Callable[[P], Wrong]) -> Callable[[Iterable[P]], list[Finding]]:
    """Make a rule of a check of one proposal: it returns the first thing wrong with each of many."""

    @functools.wraps(check)
    def rule(proposals: Iterable[P]) -> list[Finding]:
        return first_of(check, proposals)

    return rule


def unblamed(proposals: Iterable[P], findings: Collection[Finding]) -> list[P]:
    """Return the proposals that none of ``findings`` is about."""
    blamed = {id(finding.subject) for finding in findings}
    return [proposal for proposal in proposals if id(proposal) not in blamed]


def refuse_if(findings: Iterable[Finding], **fields: str) -> None:
    """Raise ``OperationRefused`` with what must be refused, by field.

    ``fields`` says which field of the operation stands for a field of the proposal.
    """
    said: dict[str, list[str]] = {}
    for finding in findings:
        if finding.severity == Severity.REFUSE:
            name = fields.get(finding.field, finding.field) or NON_FIELD_ERRORS
            said.setdefault(name, []).append(finding.message)
    if said:
        raise OperationRefused({name: _first(messages) for name, messages in said.items()})


def warnings(findings: Iterable[Finding]) -> list[str]:
    """Return what should be looked at before saving: each message once, in order; offers come last."""
    looked_at = [finding for finding in findings if finding.severity != Severity.REFUSE]
    offers = {finding.offer: finding.offer for finding in looked_at if finding.offer is not None}
    return [*_first(list(dict.fromkeys(finding.message for finding in looked_at))), *offers.values()]


def _first(messages: list[str]) -> list[str]:
    left = len(messages) - MOST_SAID
    return [*messages[:MOST_SAID], f"另有 {left} 处类似问题。"] if left > 0 else messages
