"""The door of what changes approved facts: an operation is done, or submitted for another person to approve.

An operation that would change what is approved refuses with ``NeedsApproval``, with all rules asked and
nothing written. Pages, ticked rows and imports submit it then (``submit``); who keeps it is handed up by the
capability ``registry.approvals``. Whoever approves it runs the same operation again, as an actor that names
who submitted it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from registry import nouns
from registry.audit import Actor
from registry.operations.packing import unpacked
from registry.refusals import NeedsApproval, refuse

SAID = "已提交审批,批准前仍按原内容统计。"
WAITS = "该组织已批准:写入后这项变更提交审批,由另一人批准,批准前仍按原内容统计。"
"""What the preview of an import says of it."""


@dataclass(frozen=True)
class Submitted:
    """What is returned instead of the result of an operation that waits for approval."""

    row: Any
    """What waits; it has a page."""
    said: str = SAID
    filled: Mapping[str, Any] = field(default_factory=dict)
    """What a form held that came back, by field."""


def acts() -> dict[str, Callable[..., Any]]:
    """Return the operations that can be submitted, by name, as the apps hand them up."""
    return {act.__name__: act for act in nouns.handed_up("approved_acts")}


def submit(needed: NeedsApproval) -> Submitted:
    """Keep for approval what an operation refused to do at once. Raises ``OperationRefused``."""
    if needed.act not in acts():
        raise refuse(None, "其中有的变更涉及已批准的组织,请先在该组织的页面上单独提交审批。")
    facts = {name: value for name, value in needed.facts.items() if name not in ("actor", "version")}
    if needed.act == needed.verb:
        facts |= needed.instead
    actor: Actor = needed.facts["actor"]
    (keep,) = nouns.handed_up("keeps_submissions")
    return Submitted(keep(actor=actor, needed=needed, facts=facts))


def returned(user: Any, verb: str, row: Any) -> Submitted | None:
    """Return what came back of this act about the row to the user who submitted it, to be mended."""
    if verb not in acts():
        return None
    (find,) = nouns.handed_up("returned_submissions")
    found = find(user, verb, row)
    if found is None:
        return None
    facts = unpacked(found.facts)
    filled = {**facts.pop("changes", {}), **facts}
    return Submitted(found, f"您提交的这项变更已退回:{found.return_reason}", filled)


def or_submit(act: Callable[..., Any], **facts: Any) -> Any:
    """Do the operation, or submit it where another person has to approve it."""
    try:
        return act(**facts)
    except NeedsApproval as needed:
        return submit(needed)
