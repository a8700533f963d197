"""One word for one thing (docs/glossary.md): what pages, files, messages, record and docs never say.

A word that a sheet's header may say all the same stands in the ``also`` of its column.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from registry.nouns import layouts

ROOT = Path(__file__).resolve().parents[1]
WORDS = {
    r"存续(?!期间)": "现有",
    "存留": "现有",
    "待批准|待审核|未审批|未审核": "待审批",
    "转移": "转隶",
    "组织类别|党组织类别|单位类别": "组织类型, 单位类型(类别只用于人员、离职和报道数)",
    "荣誉称号": "荣誉命名",
    "管辖|录入范围|审计范围|审批范围": "管理范围",
    "党内职务|组织内职务|该职务": "职责(组织内的), 职务(单位内的)",
    "隶属线|隶属组织|隶属关系": "党组织线, 上级组织, 上级单位",
    "(?<!花)名册": "花名册",
    "恢复码": "备用码",
    "帐号|登录名|登录账号": "用户名",
    "警员|干警": "民警",
    "截止日期|截止到": "截至",
    "战役": "专项任务",
    "派入|调入组织": "编入",
}
RIGHT = {re.compile(wrong): right for wrong, right in WORDS.items()}
HEADERS_OF_OTHERS = ("also", "words", "headers")
"""The keywords and the function of registry/nouns that list the words of other offices."""
LISTS_OF_OTHERS = ("NAMES", "ALSO", "NUMBERS")
"""How the names of the constants end that hold such words."""
NOT_OURS = ("spreadsheets", "migrations")
"""Rooms that hold the words of other people's sheets, or texts made from the models."""


def strings(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """The texts of a module, without the headers of other offices."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.keyword) and node.arg in HEADERS_OF_OTHERS:
            continue
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in HEADERS_OF_OTHERS:
            continue
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "").endswith(LISTS_OF_OTHERS):
            continue
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value
        yield from strings(node)


def texts() -> Iterator[tuple[str, str]]:
    """Everything that somebody reads, with its place."""
    for path in (ROOT / "registry").rglob("*.py"):
        if not set(path.parts) & set(NOT_OURS):
            for line, text in strings(ast.parse(path.read_text())):
                yield f"{path.relative_to(ROOT)}:{line}", text
    for path in [*(ROOT / "templates").rglob("*.html"), *(ROOT / "static" / "js").glob("*.js")]:
        for line, text in enumerate(path.read_text().splitlines(), 1):
            yield f"{path.relative_to(ROOT)}:{line}", text
    for path in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "templates").rglob("*.md")]:
        if path.name != "glossary.md":  # which says what is not said
            for line, text in enumerate(path.read_text().splitlines(), 1):
                yield f"{path.relative_to(ROOT)}:{line}", text


def test_each_thing_has_one_word() -> None:
    wrong = [
        f"{place}: {found[0]} → {right}"
        for place, text in texts()
        for pattern, right in RIGHT.items()
        if (found := pattern.search(text))
    ]
    assert wrong == []


def test_sheets_may_still_say_the_old_word() -> None:
    for sheet, old, slug in (
        ("organizations", "组织类别", "kind"),
        ("organizations", "荣誉称号", "honour_title"),
        ("units", "单位类别", "kind"),
        ("users", "账号", "username"),
        ("assignments", "党内职务", "role"),
    ):
        assert layouts()[sheet].by_header[old].slug == slug


def test_the_heads_of_our_sheets_are_the_words_of_our_pages() -> None:
    assert layouts()["organizations"].by_slug["kind"].header == "组织类型"
    assert layouts()["organizations"].by_slug["honour_title"].header == "荣誉命名"
    assert layouts()["units"].by_slug["kind"].header == "单位类型"


def test_the_record_names_what_was_done_by_command_in_chinese() -> None:
    """``Actor.system`` stands in the record where else a user's name stands."""
    named = [
        (str(path.relative_to(ROOT)), name)
        for path in (ROOT / "registry").rglob("*.py")
        for name in re.findall(r'Actor\.system\("([^"]*)"\)', path.read_text())
    ]
    assert len(named) >= 4
    assert [each for each in named if re.search("[A-Za-z]", each[1])] == []
