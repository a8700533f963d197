"""What the page of the record says of its proof: since when, up to where, by what, what is wanting."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils import timezone

from registry.audit import keys
from registry.audit.proving import wanting
from registry.audit.seals import newest
from registry.models import AuditProof


def proof() -> dict[str, Any]:
    """Return the facts and what is wanting, for the template."""
    sealed, last = newest(), AuditProof.objects.order_by("-pk").first()
    facts = [("封存", _seal(sealed.number, sealed.made_at) if sealed is not None else "还没有封存")]
    if last is not None:
        since = last.since_number is not None and last.since is not None
        facts += [
            ("可证明自", _seal(last.since_number, last.since) if since else "不能证明"),
            ("证明到", f"第 {last.number:,} 号" if last.number is not None else "–"),
            ("最近校验", f"{_time(last.at)},{f'发现 {last.faults:,} 处问题' if last.faults else '没有问题'}"),
            (
                "所用密钥",
                f"{last.key}{'' if last.key in keys.names() else '(已不是现用的)'}" if last.key else "–",
            ),
            ("库外另存", f"核对到第 {last.copied:,} 号" if last.copied is not None else "没有核对"),
        ]
    return {"proof": facts, "wanting": list(wanting())}


def _seal(number: int | None, at: datetime | None) -> str:
    return f"第 {number or 0:,} 号({_time(at) if at else ''})"


def _time(at: datetime) -> str:
    return f"{timezone.localtime(at):%Y-%m-%d %H:%M}"
