"""The same reason said once for all that it holds for: how many, which, and with what values."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from itertools import pairwise
from typing import Generic, TypeVar

Place = TypeVar("Place", bound=Hashable)

VALUES_SHOWN = 5
_VALUE = re.compile(r"(“[^”]*”|[0-9][0-9.-]*)")
"""The parts that may differ between messages of one kind: a quoted value, a number, a day."""


@dataclass
class Reason(Generic[Place]):
    """A reason and where it holds, in the order in which it was said."""

    _messages: list[list[str]] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)

    @property
    def number(self) -> int:
        """How many places there are."""
        return len(self.places)

    @property
    def text(self) -> str:
        """The message, with … for a value that is not the same everywhere."""
        left_open = self._open
        return "".join(
            said if at not in left_open else "“…”" if said.startswith("“") else "…"
            for at, said in enumerate(self._messages[0])
        )

    @property
    def values(self) -> list[str]:
        """The different values behind the first …, as far as they are shown."""
        return list(self._values)[:VALUES_SHOWN]

    @property
    def values_left(self) -> int:
        """The number of all these values, where not all are shown; else 0."""
        number = len(self._values)
        return number if number > VALUES_SHOWN else 0

    @property
    def mark(self) -> str:
        """The name of the reason in an address."""
        return _mark(self._messages[0])

    @cached_property
    def _open(self) -> list[int]:
        """The places that are not the same in all messages; read once all of them are added."""
        parts = zip(*self._messages, strict=True)
        return [at for at, said in enumerate(parts) if len(set(said)) > 1]

    @cached_property
    def _values(self) -> dict[str, None]:
        left_open = self._open
        return dict.fromkeys(said[left_open[0]] for said in self._messages) if left_open else {}

    def add(self, parts: list[str], place: Place) -> None:
        """Add a message of this kind, about one more place."""
        self._messages.append(parts)
        self.places.append(place)


def grouped(said: Iterable[tuple[str, Place]]) -> list[Reason[Place]]:
    """Return the reasons of these messages and places, what holds most often first."""
    reasons: dict[str, Reason[Place]] = {}
    for message, place in said:
        parts = _VALUE.split(message)
        reasons.setdefault(_kind(parts), Reason()).add(parts, place)
    return sorted(reasons.values(), key=lambda reason: -reason.number)


def _kind(parts: Sequence[str]) -> str:
    """Return a message without its values: they stand at the odd places."""
    return "\0".join(parts[::2])


def _mark(parts: Sequence[str]) -> str:
    return sha256(_kind(parts).encode()).hexdigest()[:10]


def ranges(numbers: Iterable[int]) -> str:
    """Return numbers of rows in words: 3–52、60."""
    there = sorted(set(numbers))
    breaks = [at for at, (one, other) in enumerate(pairwise(there), 1) if other > one + 1]
    runs = [there[first:last] for first, last in pairwise([0, *breaks, len(there)])] if there else []
    return "、".join(str(run[0]) if len(run) == 1 else f"{run[0]}–{run[-1]}" for run in runs)
