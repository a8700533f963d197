"""Pasted lines of people: a number, a name, or both in any order, with tab, space or comma between."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from registry import access
from registry.models import Person
from registry.rules.borrowing import Claim, find_people

UNREADABLE = "这一行有无法识别的字符,请重新填写。"
UNCLEAR = "看不出哪个是警号、哪个是姓名,请每行只留一个警号和一个姓名。"
_BETWEEN = re.compile(r"[\s,,;;、|]+")
_HEADERS = frozenset(("警号", "姓名", "序号", "编号", "民警姓名"))
BROKEN = "\ufffd"
"""Stands for a NUL in a line: left out, it could make the line name somebody else."""
_SERIAL = re.compile(r"\d{1,3}")


@dataclass(frozen=True)
class Pasted:
    """What became of pasted lines: who was found, by the key that a form sends, and what is left."""

    people: dict[str, Person] = field(default_factory=dict)
    left: dict[str, str] = field(default_factory=dict)
    """The reason why nobody was found, by the words of the line."""
    namesakes: dict[str, list[Person]] = field(default_factory=dict)
    """The people who share the name, by the words of the line."""

    @property
    def text(self) -> str:
        """What stays in the box."""
        return "\n".join([*self.left, *self.namesakes])


def read(user: access.AnyUser, text: str, chosen: Mapping[str, str]) -> Pasted:
    """Find the people of the lines; ``chosen`` says by words which of several namesakes is meant."""
    claims: dict[str, Claim] = {}
    pasted = Pasted()
    for words, claim in _claims(text.replace("\x00", BROKEN)):
        if claim is None:
            pasted.left[words] = UNREADABLE if BROKEN in words else UNCLEAR
        else:
            claims.setdefault(words, claim)
    found = find_people(user, claims.values())
    scope = access.spans(user)
    for words, claim in claims.items():
        person = found.people.get(claim)
        together = found.namesakes.get(claim, [])
        if person is None:
            person = next((each for each in together if each.key == chosen.get(words)), None)
        if person is not None:
            pasted.people[key_of(person, found.outside)] = person
        elif together:
            pasted.namesakes[words] = sorted(
                together, key=lambda each: not access.inside(each.home_unit, scope)
            )
        else:
            pasted.left[words] = found.problems[claim]
    return pasted


def key_of(person: Person, outside: set[int]) -> str:
    """Return what a form sends for a person: the key, or number and name of who is out of scope."""
    return f"{person.number} {person.name}" if person.pk in outside else person.key


def _claims(text: str) -> Iterator[tuple[str, Claim | None]]:
    """Yield what each line says of somebody, with its words; None where it cannot be read."""
    for line in text.splitlines():
        words = _words(line)
        if BROKEN in line:
            yield " ".join(words), None
            continue
        if not words or _HEADERS.issuperset(words):
            continue
        numbers = [_is_number(word) for word in words]
        if len(words) == 3 and numbers.count(True) == 2 and numbers[0] and _SERIAL.fullmatch(words[0]):
            words, numbers = words[1:], numbers[1:]
        if all(numbers) or not any(numbers):
            for word in words:
                yield word, Claim.of(word, "") if numbers[0] else Claim.of("", word)
        elif len(words) % 2 == 0 and all(numbers[at] != numbers[at + 1] for at in range(0, len(words), 2)):
            for at in range(0, len(words), 2):
                one, other = words[at : at + 2]
                yield f"{one} {other}", Claim.of(one, other) if numbers[at] else Claim.of(other, one)
        else:
            yield " ".join(words), None


def _words(line: str) -> list[str]:
    """Return the words of a line; a name that was written with a space between its characters is one."""
    words: list[str] = []
    is_single = False
    for word in filter(None, _BETWEEN.split(line)):
        is_next = len(word) == 1 and not word.isascii()
        if is_single and is_next:
            words[-1] += word
        else:
            words.append(word)
        is_single = is_next
    return words


def _is_number(word: str) -> bool:
    return any(char.isdigit() for char in word)
