"""Tables that are written out in templates: their frame, and roles and labels for the cards of a phone.

Below 641 px a table of more than four columns is shown as cards, one a row. Then each cell needs the
words of its head, and each element its role, because rows become grids there; so both are written here,
once for all tables. The rank of a column (``drop-2``, ``drop``, ``xl``) is written at its head and copied
to its cells.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from django.utils.html import escape, strip_tags
from django.utils.safestring import SafeString, mark_safe

RANKS = ("drop-2", "drop", "xl")
"""The classes of columns that a narrower page leaves out; see static/css/tables.css."""
CARDS_FROM = 5
"""From this number of columns on, a table is shown as cards on a phone."""

_TAG = re.compile(r"<(thead|tbody|tfoot|tr|th|td)\b([^>]*)>")
_ATTRIBUTE = re.compile(r'([\w-]+)="([^"]*)"')
_ROLES = {"thead": "rowgroup", "tbody": "rowgroup", "tfoot": "rowgroup", "tr": "row"}


class _Head(NamedTuple):
    """The head of a column: its words, and its rank if that is not the first."""

    words: str
    rank: str


def draw(markup: str, css: str = "", label: str = "") -> SafeString:
    """Return a table with its frame; ``markup`` are its head and rows, ``label`` is its name."""
    heads = _heads(markup)
    named = f' aria-label="{escape(label)}"' if label else ""
    if len(heads) >= CARDS_FROM:
        return mark_safe(_framed(_labelled(markup, heads), f' class="cards" role="table"{named}', css))
    if any(head.rank for head in heads):
        markup = _labelled(markup, heads)
    return mark_safe(_framed(markup, named, css))


def _framed(markup: str, attributes: str, frame: str) -> str:
    opening = f"<table{attributes}>"
    return f'<div class="{f"table-wrap {frame}".strip()}">{opening}{markup}</table></div>'


def _heads(markup: str) -> list[_Head]:
    head, found, _rest = markup.partition("</thead>")
    if not found:
        return []
    heads = []
    for cell in re.finditer(r"<th\b([^>]*)>(.*?)</th>", head, re.DOTALL):
        facts = dict(_ATTRIBUTE.findall(cell.group(1)))
        rank = next((name for name in facts.get("class", "").split() if name in RANKS), "")
        words = " ".join(strip_tags(cell.group(2)).split())
        heads += [_Head(words, rank)] * int(facts.get("colspan", 1))
    return heads


def _labelled(markup: str, heads: list[_Head]) -> str:
    in_head, column = False, 0
    before, *tags = _TAG.split(markup)
    drawn = [before]
    # an opening tag's name, what is written in it, and all that follows up to the next
    for name, written, after in zip(*[iter(tags)] * 3, strict=True):
        if name in _ROLES:
            in_head, column = (name == "thead" if name != "tr" else in_head), 0
            opening = f'<{name}{written} role="{_ROLES[name]}">'
        elif in_head:
            opening = f'<{name}{written} role="columnheader">'
        else:
            words, rank = heads[column] if column < len(heads) else ("", "")
            opening, spanned = _opening(name, written, words, rank)
            column += spanned
        drawn += opening, after
    return "".join(drawn)


@lru_cache(maxsize=1000)
def _opening(name: str, written: str, words: str, rank: str) -> tuple[str, int]:
    """Return the opening tag of a cell with role, label and rank, and how many columns it spans."""
    facts = dict(_ATTRIBUTE.findall(written))
    spanned = int(facts.get("colspan", 1))
    classes = facts.get("class", "")
    if rank and rank not in classes.split() and spanned == 1:
        written = re.sub(r'\s*class="[^"]*"', "", written) + f' class="{f"{classes} {rank}".strip()}"'
    role = "rowheader" if name == "th" else "cell"
    label = f' data-l="{escape(words)}"' if name == "td" and words and spanned == 1 else ""
    return f'<{name}{written} role="{role}"{label}>', spanned
