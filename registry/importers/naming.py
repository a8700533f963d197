"""Finds the units and organizations that rows give by name instead of by code.

A name must be unique in the user's scope or in the workbook. The code that is found is put into the row, so
that nothing after this needs to know whether a name or a code was written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from registry import nouns
from registry.importers.cases import Case
from registry.importers.session import Session
from registry.locks import lock_codes
from registry.models.term import folded
from registry.operations.codes import codes_for, plain_codes
from registry.search.named import answers_to, find_by_code_or_name, not_unique

Unresolved = tuple[Case, str, list[Any]]
"""A row, the name that it gives, and the rows that may be meant: none, or several."""


def named(session: Session, noun: str, words: Iterable[str], verb: str) -> dict[str, list[Any]]:
    """Return for each word the rows that it names, those that the workbook adds or renames included."""
    found = find_by_code_or_name(session.user, noun, words, verb)
    planned = session.planned.get(noun, {})
    if not planned:
        return found
    about = nouns.by_key(noun)
    by_name: dict[str, list[Any]] = {}
    for row in planned.values():
        by_name.setdefault(folded(row.name), []).append(row)
    for word, rows in found.items():
        if word in planned or (len(rows) == 1 and rows[0].code == word):
            found[word] = [planned[word]] if word in planned else rows
            continue
        kept = [row for row in rows if row.code not in planned]
        whole = [row for row in kept if folded(row.name) == folded(word)]
        found[word] = [*whole, *by_name.get(folded(word), ())] or [
            *kept,
            *(row for row in planned.values() if answers_to(about, row, word)),
        ]
    return found


def resolve(
    session: Session,
    cases: Sequence[Case],
    slug: str,
    noun: str,
    verb: str,
    now: Callable[[Case], Any] = lambda case: None,
    is_meant: Callable[[Any], bool] = lambda row: True,
) -> Iterator[Unresolved]:
    """Fill in the codes of what rows name in the column ``slug``; yield the rows where that is not one row.

    ``now`` returns what is registered: a row may repeat its name, though it may not be unique.
    """
    wanted = [case for case in cases if slug in case.named and slug not in case.bad]
    if not wanted:
        return
    about = nouns.by_key(noun)
    found = named(session, noun, {case.named[slug] for case in wanted}, verb)
    for case in wanted:
        word, present = case.named[slug], now(case)
        if present is not None:
            called = session.planned.get(noun, {}).get(present.code, present)
            if answers_to(about, called, word):
                case.given[slug] = present.code
                continue
        rows = [row for row in found.get(word, ()) if is_meant(row)]
        if len(rows) == 1:
            case.given[slug] = rows[0].code
        else:
            yield case, word, rows


def refuse(session: Session, unresolved: Iterable[Unresolved], slug: str, noun: str) -> None:
    """Make rows wrong whose name fits nothing, or several rows."""
    for case, word, rows in unresolved:
        case.wrong(slug, said(noun, word, rows))


def said(noun: str, word: str, rows: Sequence[Any]) -> str:
    """Return the refusal: the same for what does not exist and what is out of scope; of several, which."""
    about = nouns.by_key(noun)
    if rows:
        return not_unique(about, word, rows)
    return f"没有名称为“{word}”的{about.label},或不在您的管理范围内。"


def give_codes(session: Session, cases: Sequence[Case], noun: str, fits: Callable[[Case, Any], bool]) -> None:
    """Give rows without a code that of the registered row of their name, or a new one made from the name.

    ``fits``: whether a registered row of that name has the place that the case gives. A second row for the
    same registered row is wrong.
    """
    without = [case for case in cases if "code" in case.named and "code" not in case.bad]
    if not without:
        return
    about = nouns.by_key(noun)
    found = named(session, noun, {case.named["code"] for case in without}, "see")
    new: list[Case] = []
    for case in without:
        word = case.named["code"]
        rows = [row for row in found.get(word, ()) if folded(row.name) == folded(word) and fits(case, row)]
        if len(rows) > 1:
            case.wrong("code", not_unique(about, word, rows))
        elif rows:
            case.given["code"] = rows[0].code
        else:
            new.append(case)
    taken = {case.given["code"] for case in cases if "code" in case.given}
    names = [case.named["code"] for case in new]
    if session.is_writing:
        lock_codes(plain_codes(names, about.model))  # what the preview showed is not taken on the way
    codes = codes_for(names, about.model, taken)
    for case, code in zip(new, codes, strict=True):
        case.given["code"] = code
    for case in without:
        case.key = case.text("code")
        session.claim(case)


def plan(session: Session, cases: Iterable[Case], noun: str, there: Mapping[str, Any]) -> None:
    """Resolve names to rows that the workbook adds or renames; ``there`` are the registered rows, by code.

    The preview and the writing both do so, and therefore find the same rows.
    """
    texts = nouns.by_key(noun).searched
    planned = session.planned.setdefault(noun, {})
    for case in cases:
        row = there.get(case.key)
        names = {
            field: case.text(field) or getattr(row, field, "") for field in (*texts.names, *texts.aliases)
        }
        if case.key and names["name"]:
            planned[case.key] = SimpleNamespace(code=case.key, **names)
