"""What the regulations ask of entries in logbooks: recruitment step by step, and awards.

Declared here like all others, so that they are listed, cited, switched off and set with them. Entries are no
organizations: whether one is in breach is judged where logbooks are (``registry/logbooks/checking.py``).
"""

from __future__ import annotations

from typing import Any

from registry.models import Organization
from registry.rules.checks.check import Check, Edition, Found, Level
from registry.rules.checks.editions import awards, joining, no_admission


def _nothing(_organizations: Any, _day: Any, **_numbers: int) -> Found:
    return Found(Organization.objects.none())


_V, _W = Level.VIOLATION, Level.WARNING
_APPROVAL, _MEETING = joining("第二十四至二十五条"), joining("第十八至二十条")
_DECIDES = "嘉奖、三等功市级以上批准,二等功省级以上,一等功以上部级以上;授权的须有文号"
_DECLARED: tuple[tuple[str, str, Level, str, tuple[Edition, ...], str], ...] = (
    ("join_publicity", "发展对象公示", _V, "公示不少于5个工作日", joining("第十三条"), "join_candidate"),
    ("join_introducers", "两名介绍人", _V, "由两名正式党员介绍", joining("第十四条"), "join_introducers"),
    ("join_meeting", "支部大会票数", _V, "到会过半数,赞成超过应到的一半", _MEETING, "join_meeting"),
    ("join_approval_late", "审批超过6个月", _V, "上级党委审批最长不超过6个月", _APPROVAL, "join_approval"),
    ("join_term", "预备期", _V, "一年,可延长6至12个月", joining("第三十一至三十三条"), "join_probation"),
    ("join_talk", "一个月内谈话", _W, "收到申请后一个月内派人谈话", joining("第七条"), "join_talk"),
    ("join_year", "培养教育一年", _W, "积极分子经一年以上培养教育", joining("第十三条"), "join_candidate"),
    ("join_training", "集中培训", _W, "集中培训不少于3天或24学时", joining("第十七条"), "join_training"),
    ("join_meeting_late", "一个月内开会", _W, "预审合格后一个月内召开支部大会", _MEETING, "join_meeting"),
    ("join_approval", "三个月内审批", _W, "上级党委在三个月内审批", _APPROVAL, "join_approval"),
    ("join_oath", "一个月内宣誓", _W, "批准后一个月内入党宣誓", joining("第二十九条"), "join_oath"),
    ("join_temporary", "临时党组织接收", _W, "不接收预备党员,另有规定的须有文号", no_admission("第二十二条"),
     "temp_no_admission"),
    ("award_individual_scope", "奖励对象", _W, "奖励民警", awards("第七条"), "award_individual_scope"),
    ("award_once", "一年内重复奖励", _W, "一年内不再给予同等或较低的奖励", awards("第十一条"), "award_once"),
    ("award_authority", "批准机关级别", _W, _DECIDES, awards("第十三至十六条"), "award_authority"),
    ("award_publicity", "奖励公示", _W, "三等功以上一般公示不少于7个工作日", awards(""), "award_publicity"),
)  # fmt: skip
ENTRY_CHECKS: tuple[Check, ...] = tuple(
    Check(f"entry_{slug}", label, level, about, editions, find=_nothing, message="{said}", row=row)
    for slug, label, level, about, editions, row in _DECLARED
)
"""Violations first, then warnings; ``said`` is the sentence of the one who judges."""
