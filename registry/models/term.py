"""The search index: the terms by which units, organizations and names of people are found.

A user types the beginning of a term: a name, the rest of a name from any of its characters on, a code, full
pinyin, initials. ``rank`` says how good a hit it is. A person is found through the name (``NameTerm``), so
the two thousand people called 王伟 have their terms once, and adding a person whose name is known writes
none. ``registry.search.terms`` makes the terms, ``registry.search.index`` writes them.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from django.db import connection, models
from django.db.models import Q

from registry.models.text import DASHES, DOTS, INVISIBLE

LONGEST_TERM = 32
"""The number of characters of a term that are kept and compared."""

_UNSEEN = re.compile(rf"[-.()\[\]{{}}〔〕【】〈〉《》「」“”{DOTS}]|\s|{INVISIBLE}")
_AFTER_ALL = "\U0010ffff"


class Rank(models.IntegerChoices):
    """How good a hit is, the best first."""

    START = 0, "名称、别名或代码的开头"
    INSIDE = 1, "名称或代码的一部分"
    SOUND = 2, "拼音或首字母"
    SOUND_INSIDE = 3, "其中一部分的拼音或首字母"
    SOUND_RARE = 4, "不常用读音的拼音或首字母"


RANKS_OF_TEXT = (Rank.START, Rank.INSIDE)


def folded(text: str) -> str:
    """Return ``text`` in the form of terms: half-width, lower case, no spaces, hyphens, brackets, dots."""
    plain = unicodedata.normalize("NFKC", text).translate(DASHES).lower().replace("ü", "v")
    return _UNSEEN.sub("", plain)


class TermField(models.CharField):  # type: ignore[type-arg]
    """Text compared byte by byte on both databases, whatever their collation."""

    def db_parameters(self, connection: Any) -> Any:
        """Add PostgreSQL's collation "C"; SQLite compares that way anyway."""
        parameters = super().db_parameters(connection)
        if connection.vendor == "postgresql":
            parameters["collation"] = "C"
        return parameters


class Term(models.Model):
    """A search term of a noun: its table adds the key of the row, and is called ``terms`` from there."""

    rank = models.SmallIntegerField("等级", choices=Rank.choices)
    term = TermField("词", max_length=LONGEST_TERM)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.term}"


def spread(pk: int) -> int:
    """Return a number that scatters neighbouring keys, to order equal terms.

    Units are numbered province by province. Fifty thousand of them end with 派出所; in the order of their
    keys, a search by somebody who sees one province would read through those of all others before the first
    hit.
    """
    return pk * 40503 % 32768


class UnitTerm(Term):
    """A search term of a unit."""

    pk = models.CompositePrimaryKey("rank", "term", "spread", "unit")
    spread = models.SmallIntegerField()
    unit = models.ForeignKey(
        "registry.Unit", on_delete=models.CASCADE, related_name="terms", db_constraint=False
    )

    class Meta:
        verbose_name = "单位检索词"


class OrganizationTerm(Term):
    """A search term of an organization."""

    pk = models.CompositePrimaryKey("rank", "term", "spread", "organization")
    spread = models.SmallIntegerField()
    organization = models.ForeignKey(
        "registry.Organization", on_delete=models.CASCADE, related_name="terms", db_constraint=False
    )

    class Meta:
        verbose_name = "组织检索词"


class NameTerm(Term):
    """A search term of a name, for everybody who has it."""

    pk = models.CompositePrimaryKey("rank", "term", "name")
    name = models.CharField("姓名", max_length=40)

    class Meta:
        verbose_name = "姓名检索词"
        indexes = [models.Index(fields=["name"], name="nameterm_name")]


def bounds(wanted: str) -> tuple[str, str]:
    """Return the range of terms that begin with ``wanted`` (folded): first included, last excluded.

    A range and not LIKE, since both databases answer it from the index, in its order.
    """
    wanted = wanted[:LONGEST_TERM]
    return wanted, wanted + _AFTER_ALL


def begins(wanted: str, path: str = "") -> Q:
    """Return the condition that the term at ``path`` begins with ``wanted`` (folded)."""
    first, after = bounds(wanted)
    return Q(**{f"{path}term__gte": first, f"{path}term__lt": after})


def starts_with(path: str, text: str) -> Q:
    """Return the condition that a column begins with ``text``, so that both databases use an index.

    PostgreSQL has an index for LIKE beside that of a unique column; SQLite has only the latter, which
    answers a range.
    """
    if connection.vendor == "postgresql":
        return Q(**{f"{path}__startswith": text})
    return Q(**{f"{path}__gte": text, f"{path}__lt": text + _AFTER_ALL})


def found_by(model: type[Term], text: str, key: str, path: str) -> Q:
    """Return the condition that a row is found by ``text``: ``path`` is the ``key`` of a term that begins so.

    For lists, which show every hit; ``registry.search.query`` finds the best few. A text without a letter,
    digit or character finds nothing.
    """
    wanted = folded(text)
    if not wanted:
        return Q(pk__in=[])
    ranks = list(Rank) if wanted.isascii() else list(RANKS_OF_TEXT)
    terms = model._default_manager.filter(begins(wanted), rank__in=ranks)
    return Q(**{f"{path}__in": terms.values(key)})
