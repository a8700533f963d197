"""The documents that the checks cite, with the days on which each edition holds.

What may be quoted: the article where number and content were read in a published text, the document alone
where only the content was, nothing where no published text was found.
"""

from __future__ import annotations

from datetime import date

from registry.rules.checks.check import Cites, Edition

_BRANCHES = "中国共产党支部工作条例(试行)"
_ORGANS = "中国共产党党和国家机关基层组织工作条例"
_JOINING = "中国共产党发展党员工作细则"
_BRANCHES_SINCE = date(2018, 10, 28)
_ORGANS_SINCE = date(2019, 12, 27)
_AWARDS, _AWARDS_SINCE = "公安机关人民警察奖励条令", date(2016, 1, 1)
_JOINING_2014, _JOINING_2026 = date(2014, 5, 28), date(2026, 5, 11)


def branches(article: str = "") -> tuple[Edition, ...]:
    """Return the regulations on branches (2018); without an article the document alone is cited."""
    return (_edition(_BRANCHES_SINCE, None, _BRANCHES, article),)


def organs(article: str) -> tuple[Edition, ...]:
    """Return the regulations on Party organizations of organs (2019)."""
    return (_edition(_ORGANS_SINCE, None, _ORGANS, article),)


def joining(article: str) -> tuple[Edition, ...]:
    """Return the rules on joining the Party: of 2014 by its title, of 2026 by the article."""
    return (
        _edition(_JOINING_2014, _JOINING_2026, f"{_JOINING}(2014年)", ""),
        _edition(_JOINING_2026, None, f"{_JOINING}(2026年)", article),
    )


def no_admission(article: str) -> tuple[Edition, ...]:
    """Return who says that temporary organizations admit nobody: first the branches' document, since 2026
    the rules on joining."""
    return (
        _edition(_BRANCHES_SINCE, _JOINING_2026, _BRANCHES, ""),
        _edition(_JOINING_2026, None, f"{_JOINING}(2026年)", article),
    )


def awards(article: str) -> tuple[Edition, ...]:
    """Return the regulations on awards for the people's police (2016); without an article the title alone."""
    return (_edition(_AWARDS_SINCE, None, _AWARDS, article),)


UNWRITTEN = (Edition(_BRANCHES_SINCE, None, "", "", Cites.NONE),)
"""Custom that no published text states: a hint, which the bureau can switch off."""


def _edition(since: date, until: date | None, document: str, article: str) -> Edition:
    cites = Cites.ARTICLE if article else Cites.TITLE
    return Edition(since, until, document, article, cites)
