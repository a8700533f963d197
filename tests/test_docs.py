"""The documentation names files that exist, and its links lead somewhere."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted(
    page
    for page in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("benchmarks/*.md"))
    if page.name != "results.md"
)
LINK = re.compile(r"\]\((?!https?:)([^)#]+)")
FILE = re.compile(r"`([a-z_/]+\.(?:py|html|md))(?:::\w+)?`")


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page):
    links = LINK.findall(page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []


def exists(name: str, page: Path) -> bool:
    """Whether a page may call a file so: from the root, from beside the page, or within a package."""
    places = (page.parent, ROOT, ROOT / "templates", ROOT / "partybuild")
    return any((place / name).exists() for place in places) or any(ROOT.glob(f"registry/**/{name}"))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_files_that_are_named_exist(page):
    files = sorted(set(FILE.findall(page.read_text())))
    assert [name for name in files if not exists(name, page)] == []
