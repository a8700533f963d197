"""How hard a password is to guess: by zxcvbn's count of guesses, and by what is left without known words."""

from __future__ import annotations

import re
from collections.abc import Collection
from threading import Lock

from django.core.exceptions import ValidationError

from registry.accounts.easy_words import known_words, words_of
from registry.models import User

GUESSES = 10**10
"""So many guesses a password must withstand."""
OWN_LETTERS = 4
"""So many letters there must be besides known words; years, numbers and signs are tried with these first."""
_LONGEST = 72
"""More than that zxcvbn does not read."""

_lock = Lock()
"""zxcvbn keeps the words that it is given in a dictionary of its module."""
_LEET = str.maketrans("@4013$5!7", "aaoiessit")
_WHY = {
    "dictionary": "常见的词、人名、地名或单位名称",
    "spatial": "键盘上相邻的键",
    "repeat": "重复的字",
    "sequence": "连续的字母或数字",
    "regex": "年份或日期",
    "date": "年份或日期",
}


class HardToGuess:
    """Neither known words with something around them, nor what a program tries soon."""

    def validate(self, password: str, user: User | None = None) -> None:
        """Raise ``ValidationError``, which says of what kind the easy parts are."""
        words = known_words() | (words_of(user) if user is not None else set())
        why = _easy_parts(password, words)
        if why is None and _letters_left(password, words) < OWN_LETTERS:
            why = [_WHY["dictionary"]]
        if why is not None:
            seen = f"(其中有{'、'.join(why)})" if why else ""
            raise ValidationError(f"这个密码容易被猜到{seen}。{ADVICE}", code="password_easy")

    def get_help_text(self) -> str:
        """Say the rule."""
        return f"密码不能容易被猜到。{ADVICE}"


ADVICE = "请用几个互不相干的词,或一句别人想不到的话(可用汉字,十个字以上),不用姓名、单位、警号、年份。"


def _easy_parts(password: str, words: Collection[str]) -> list[str] | None:
    """Return the kinds of parts that make the password easy; None for one that is hard enough."""
    from zxcvbn import zxcvbn  # takes a moment to load: only for who sets a password

    with _lock:
        found = zxcvbn(password[:_LONGEST], user_inputs=sorted(words))
    if found["guesses"] >= GUESSES:
        return None
    kinds = [_WHY[match["pattern"]] for match in found["sequence"] if match["pattern"] in _WHY]
    return list(dict.fromkeys(kinds))


def _letters_left(password: str, words: Collection[str]) -> int:
    """Return how many letters there are besides known words, also where signs stand for letters."""
    # Short ones, as surnames and initials are, are parts of any other word.
    long = (word for word in words if len(word) > 3 or not word.isascii())
    known = re.compile("|".join(re.escape(word) for word in sorted(long, key=len, reverse=True)))
    ways = (password.lower(), password.lower().translate(_LEET))
    return min(sum(sign.isalpha() for sign in known.sub("", way)) for way in ways)
