"""Find the part of a name that matches what was typed, by text or by sound."""

from __future__ import annotations

from registry.models.pinyin import every
from registry.models.term import folded


def marked(name: str, text: str) -> tuple[int, int]:
    """Return (start, end) of the part of ``name`` that matches ``text``; (0, 0) when none does.

    Letters may be full pinyin, with the last syllable incomplete, or initials.
    """
    wanted = folded(text)
    if not wanted:
        return 0, 0
    for match in (_by_text, _by_sound):
        for start in range(len(name)):
            end = match(name, start, wanted)
            if end > start and folded(name[start]):
                return start, end
    return 0, 0


def _by_text(name: str, start: int, wanted: str) -> int:
    """Return where ``wanted`` ends if it begins at ``start``, else 0."""
    for end in range(start + 1, len(name) + 1):
        part = folded(name[start:end])
        if part == wanted:
            return end
        if not wanted.startswith(part):
            break
    return 0


def _by_sound(name: str, start: int, wanted: str) -> int:
    if not wanted.isascii():
        return 0
    return _initials(name, start, wanted) or _syllables(name, start, wanted)


def _initials(name: str, start: int, wanted: str) -> int:
    end = start
    for letter in wanted:
        while end < len(name) and not folded(name[end]):
            end += 1
        if end == len(name) or letter not in {sound[:1] for sound in every(folded(name[end])[:1])}:
            return 0
        end += 1
    return end


def _syllables(name: str, start: int, wanted: str) -> int:
    if not wanted:
        return start
    if start == len(name):
        return 0
    char = folded(name[start])
    if not char:
        return _syllables(name, start + 1, wanted)
    for sound in every(char[:1]):
        if sound and wanted.startswith(sound):
            end = _syllables(name, start + 1, wanted[len(sound) :])
            if end:
                return end
        elif sound.startswith(wanted):
            return start + 1
    return 0
