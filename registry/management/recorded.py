"""Commands of libraries that change accounts or write rows: what was run is recorded like any other act."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.db import transaction

from registry import audit
from registry.management.arguments import command_actor

_SAID = ("username", "ip", "age", "args")
"""The arguments that are recorded: never a token."""


def recorded(command: type[BaseCommand]) -> type[BaseCommand]:
    """Return the command, which then is recorded in its own transaction."""
    name = command.__module__.rpartition(".")[2]

    class Recorded(command):  # type: ignore[misc, valid-type]
        def handle(self, *args: Any, **options: Any) -> Any:
            """Run it and record it, or neither."""
            given = {word: options[word] for word in _SAID if options.get(word)}
            if args:
                given["args"] = list(args)
            with transaction.atomic():
                answer = super().handle(*args, **options)
                audit.record_event(command_actor("命令行"), "run_command", subject=name, after=given)
            return answer

    return Recorded
