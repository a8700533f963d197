"""What must be so of the numbers that a bureau chooses for the top of its pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from registry.counting.metrics import METRICS
from registry.rules.findings import Wrong, for_each

MOST = 6
"""So many have room in one line of a page."""


@dataclass(frozen=True, eq=False, slots=True)
class Choice:
    """The metrics that would stand on top, in their order; none: those of the product."""

    metrics: Sequence[str]


@for_each
def refusals(proposal: Choice) -> Wrong:
    """Check that there are at most six, each known and named once."""
    chosen = list(proposal.metrics)
    if len(chosen) > MOST:
        yield "not_too_many", "metrics", f"首页最多放 {MOST} 项指标,现在选了 {len(chosen)} 项。"
    for slug in chosen:
        if slug not in METRICS:
            yield "metric_known", "metrics", f"没有指标“{slug}”,可能已删去,请另选。"
        elif chosen.count(slug) > 1:
            yield "metric_once", "metrics", f"“{METRICS[slug].label}”选了两次。"
