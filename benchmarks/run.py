"""Runs the benches on the database that DATABASE_URL names; `benchmarks.__main__` calls it for each scale.

`python -m benchmarks.run PART ...` prints JSON on standard output and says on standard error how far it is.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import signal
import sys
import time
from types import FrameType
from typing import Any

PARTS: dict[str, tuple[str, str]] = {
    "reading": ("reading", "measure"),
    "trend": ("trend", "measure"),
    "rules": ("rules", "measure"),
    "pages": ("pages", "measure"),
    "founding": ("writing", "founding"),
    "units": ("writing", "unit_tree"),
    "writers": ("writers", "measure"),
    "load": ("load", "measure"),
}
"""Each part with its module and function, in the order in which they run: what writes comes last."""
WRITING = ("founding", "units", "writers", "load")


def say(text: str) -> None:
    """Print progress."""
    print(text, file=sys.stderr, flush=True)


def end_softly() -> None:
    """On SIGTERM, stop the servers and processes that this one started."""

    def leave(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    signal.signal(signal.SIGTERM, leave)


def run(parts: list[str]) -> dict[str, Any]:
    """Run the parts and return their results."""
    from benchmarks import machine, table

    results: dict[str, Any] = {"database": machine.of_database(), "data": machine.of_data(), "tables": []}
    wanted = {part: PARTS[part] for part in PARTS if part in parts}
    if any(part in WRITING for part in wanted):
        wanted["checks"] = ("checks", "measure")
    for part, (module, function) in wanted.items():
        say(f"  {part} ...")
        begin = time.monotonic()
        tables = getattr(importlib.import_module(f"benchmarks.{module}"), function)()
        for each in tables:
            say(f"\n{each.plain()}")
        say(f"  {part}: {time.monotonic() - begin:.0f} s")
        results["tables"] += table.to_json(tables)
    return results


def main() -> int:
    """Run the named parts, or a helper process of the bench."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "partybuild.settings")
    django.setup()
    end_softly()
    asked = sys.argv[1:]
    with contextlib.redirect_stdout(sys.stderr):  # nothing but the answer goes to standard output
        if asked == ["trees"]:
            from benchmarks import trees

            results = trees.here(json.load(sys.stdin))
        elif asked[:1] == ["writer"]:
            from benchmarks import writers

            results = writers.writer(asked[1], asked[2], int(asked[3]))
        else:
            results = run(asked)
    json.dump(results, sys.__stdout__ or sys.stdout, ensure_ascii=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
