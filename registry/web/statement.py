"""What a page says of its numbers: date, basis, campaign, place, what is left out, what is not approved.

It is worked out once and said on the page, in its file and in its print, so that a file never gives a smaller
number under the whole unit's name.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from registry.counting.basis import Question
from registry.counting.metrics import METRICS
from registry.counting.rollup import Line
from registry.models import Basis, Unit
from registry.models.hierarchy import Span, UnitHierarchy, within


@dataclass(frozen=True)
class Statement:
    """What is said of the numbers of a page, a file, a print."""

    question: Question
    place: str
    left_out: int = 0
    """How many units that stood at the place on the day are outside the scope today."""
    pending: Sequence[tuple[str, int]] = ()
    """What is not approved and not counted: (what, how many)."""

    @property
    def facts(self) -> list[str]:
        """Date, basis and campaign in words."""
        question = self.question
        words = str(Basis(question.basis).label)
        if question.is_period:
            words += f"({question.first_day.isoformat()} 至 {question.as_of.isoformat()})"
        campaign = question.campaign.label if question.campaign else "全部"
        return [f"截至:{question.as_of.isoformat()}", f"口径:{words}", f"专项任务:{campaign}"]

    @property
    def left_out_words(self) -> str:
        """What is left out, in a sentence; empty when nothing is."""
        if not self.left_out:
            return ""
        day = self.question.as_of.isoformat()
        return f"{day} 属于{self.place}的单位中,有 {self.left_out} 个单位现已不在您的管理范围,未计入。"

    @property
    def pending_words(self) -> str:
        """What is not approved, in a sentence; empty when nothing is."""
        waiting = "、".join(f"{what} {number}" for what, number in self.pending if number)
        return f"另有待审批、未计入的:{waiting}。" if waiting else ""

    @property
    def cautions(self) -> list[str]:
        """What readers of the numbers must know."""
        return [words for words in (self.left_out_words, self.pending_words) if words]


def units_left_out(question: Question, then: list[Span]) -> int:
    """Return how many units that stood in the intervals on the day are outside the scope, so not counted."""
    seen = within(then, question.scope)
    if seen == then:
        return 0
    standing = Unit.objects.as_of(question.as_of)
    return standing.in_spans(then).count() - standing.in_spans(seen).count()


def statement_at(unit: Unit, question: Question, line: Line, metrics: Iterable[str]) -> Statement:
    """Return what is said of these numbers (``line``) of a unit with all below it."""
    then = UnitHierarchy.on(question.as_of).spans(unit)
    return Statement(question, unit.name, units_left_out(question, then), waiting(line, metrics))


def waiting(line: Line, metrics: Iterable[str]) -> list[tuple[str, int]]:
    """Return how many are not approved, of each of these metrics that has any."""
    return [(str(METRICS[slug].label), line.pending[slug]) for slug in metrics if line.pending.get(slug)]
