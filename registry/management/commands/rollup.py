"""``manage.py rollup``: the metrics of a unit, and of each of its children, on a day and basis."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from registry.counting.basis import Question
from registry.counting.metric import Metric
from registry.counting.metrics import METRICS, made_metrics, measured
from registry.counting.rollup import Rollup, rollup
from registry.management.arguments import aligned, find_campaign, find_unit, read_day
from registry.models import Basis


class Command(BaseCommand):
    help = "统计一个单位(含全部下级)的各项指标。"

    def add_arguments(self, parser: CommandParser) -> None:
        """Unit, day, basis, campaign, format."""
        parser.add_argument("--unit", required=True, help="单位代码或名称")
        parser.add_argument("--as-of", help="截至日期 YYYY-MM-DD,默认今天")
        parser.add_argument(
            "--basis",
            default=Basis.CURRENT.value,
            help="口径:current 现有、cumulative 累计、new 新增、ended 撤销/结束",
        )
        parser.add_argument("--since", help="起始日期 YYYY-MM-DD,只用于 new 和 ended,默认与截至日期相同")
        parser.add_argument("--campaign", help="专项任务的代码或名称,默认不限")
        parser.add_argument(
            "--metric",
            action="append",
            default=[],
            help="指标代码,可重复;默认全部指标(同时列出下级时,不含台账的指标)",
        )
        parser.add_argument("--children", action="store_true", help="同时列出各直接下级单位")
        parser.add_argument("--format", default="table", help="输出格式:table 或 json")

    def handle(self, *args: Any, **options: Any) -> None:
        """Count and print. Raises ``CommandError`` that names the wrong argument."""
        unit = find_unit("--unit", options["unit"])
        question = _question(options)
        if options["format"] not in ("table", "json"):
            raise CommandError(f"--format:“{options['format']}”不是 table 或 json。")
        metrics = _metrics(options)
        result = rollup(unit, question, children=options["children"], metrics=metrics)
        if options["format"] == "json":
            self.stdout.write(json.dumps(_as_json(result), ensure_ascii=False, indent=2))
        else:
            self.stdout.write(_as_table(result, metrics, with_children=options["children"]))


def _metrics(options: dict[str, Any]) -> tuple[Metric, ...]:
    """Return the metrics asked for; without any every one, but of a table of children those of the code."""
    if unknown := [slug for slug in options["metric"] if slug not in METRICS]:
        raise CommandError(f"--metric:没有代码为“{unknown[0]}”的指标。")
    if options["metric"]:
        return tuple(METRICS[slug] for slug in dict.fromkeys(options["metric"]))
    is_wide = options["children"] and options["format"] == "table"
    return (*METRICS.values(), *(() if is_wide else made_metrics().values()))


def _question(options: dict[str, Any]) -> Question:
    basis = options["basis"]
    if basis not in Basis.values:
        raise CommandError(f"--basis:“{basis}”不是口径,请用 {'、'.join(Basis.values)} 之一。")
    as_of = read_day("--as-of", options["as_of"]) or timezone.localdate()
    since = read_day("--since", options["since"])
    if basis in (Basis.NEW, Basis.ENDED):
        since = since or as_of
        if since > as_of:
            raise CommandError(f"--since:{since} 晚于截至日期 {as_of}。")
    elif since is not None:
        raise CommandError("--since:只用于口径 new 和 ended。")
    campaign = None
    if options["campaign"]:
        campaign = find_campaign("--campaign", options["campaign"])
    return Question(as_of, basis, since, campaign)


def _as_json(result: Rollup) -> dict[str, Any]:
    question = result.question
    return {
        "unit": result.unit.code,
        "as_of": question.as_of.isoformat(),
        "basis": question.basis,
        "since": question.since.isoformat() if question.since else None,
        "campaign": question.campaign.code if question.campaign else None,
        "counts": result.total.counts,
        "children": [
            {"unit": line.unit.code, "name": line.unit.name, "counts": line.counts}
            for line in result.children
        ],
    }


def _as_table(result: Rollup, metrics: tuple[Metric, ...], *, with_children: bool) -> str:
    question = result.question
    basis = Basis(question.basis).label
    period = f"{question.since} 至 {question.as_of}" if question.since else f"截至 {question.as_of}"
    campaign = f" · {question.campaign.label}" if question.campaign else ""
    title = f"{result.unit.name} · {basis} · {period}{campaign}"
    if not with_children:
        lines = [
            [metric.title, metric.slug, str(result.total.counts[metric.slug]), measured(metric)]
            for metric in metrics
        ]
        return "\n".join([title, "", *aligned([["指标", "代码", "数", "单位"], *lines], right={2})])
    head = ["单位", *(metric.title for metric in metrics)]
    lines = [[line.unit.name, *(str(number) for number in line.counts.values())] for line in result.children]
    total = [f"{result.unit.name}(含下级)", *(str(number) for number in result.total.counts.values())]
    return "\n".join([title, "", *aligned([head, *lines, total], right=set(range(1, len(head))))])
