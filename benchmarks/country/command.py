"""The command ``python -m benchmarks.country``: load an invented country into an empty registry."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from benchmarks.country.load import SCALES, SEED, NotEmpty, settle, synthesize
from benchmarks.country.progress import NOUNS, ProgressBar


class Command(BaseCommand):
    """Load an invented country into an empty database: ``python -m benchmarks.country``."""

    help = "向空库载入合成数据(全部标注“演示”):单位、两年间的组织、人员、编入。种子相同则数据相同。"

    def add_arguments(self, parser: CommandParser) -> None:
        """The scale and the seed."""
        parser.add_argument("--scale", required=True, choices=SCALES, help="规模:地区、省、全国")
        parser.add_argument("--seed", type=int, default=SEED, help=f"随机种子,默认 {SEED}")

    def handle(self, *args: Any, **options: Any) -> None:
        """Load, or say why not."""
        scale = SCALES[options["scale"]]
        begin = time.monotonic()
        bar = ProgressBar(self.stderr, {**asdict(scale), "counts": 100})
        try:
            numbers = synthesize(scale, options["seed"], bar)
        except NotEmpty:
            raise CommandError("库中已有数据,没有载入合成数据,也没有改动任何内容。请换一个空库。") from None
        finally:
            bar.close()
        settle()
        said = "、".join(f"{label} {numbers[noun]}" for noun, label in NOUNS.items())
        self.stdout.write(f"已载入合成数据:{said}(用时 {time.monotonic() - begin:.1f} 秒)。")
