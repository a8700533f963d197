"""A long and wide list on paper, as the browser prints it."""

from __future__ import annotations

import io
import re
import unicodedata
from datetime import date

import pytest
from django.test.testcases import LiveServerThread
from playwright.sync_api import Page, expect
from pypdf import PdfReader

from registry.pages.people.tables import PeopleTable
from registry.spreadsheets.sheets import Head, Kind, Sheet
from tests.e2e.pages import log_in
from tests.factories import make_person, make_unit, make_user

pytestmark = [pytest.mark.look, pytest.mark.django_db(transaction=True)]

COLUMNS, ROWS = 14, 120


def wide_and_long(table: PeopleTable, *, on_paper: bool = False) -> Sheet:
    """Return 120 rows of 14 columns: a name, a day, twelve numbers."""
    numbers = [Head(f"C{at}", Kind.NUMBER) for at in range(3, COLUMNS + 1)]
    rows = [[f"R{at}X", date(2020, 2, 3), *range(9000, 9000 + len(numbers))] for at in range(1, ROWS + 1)]
    return Sheet("", "Long", [Head("C1"), Head("C2", Kind.DATE), *numbers], rows, ["2020-02-20"])


def test_every_row_and_column_stands_on_a_numbered_page_with_who_printed_it(
    page: Page, live_server: LiveServerThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PeopleTable, "sheet", wide_and_long)
    unit = make_unit("dezhou", name="德州市公安局")
    make_person("单雄信", unit)
    log_in(page, live_server.url, make_user("dezhou", unit=unit, display_name="王小明"))
    page.goto(f"{live_server.url}/people/")
    page.get_by_role("button", name="打印", exact=True).click()
    expect(page.get_by_role("heading", name="打印预览")).to_be_visible()
    sheets = PdfReader(io.BytesIO(page.pdf(prefer_css_page_size=True))).pages
    # A PDF may hold the radical that looks like a character: figures and Latin letters are what is compared.
    texts = [unicodedata.normalize("NFKC", sheet.extract_text()) for sheet in sheets]
    assert len(texts) > 2
    for at, (sheet, text) in enumerate(zip(sheets, texts, strict=True), start=1):
        assert sheet.mediabox.width > sheet.mediabox.height
        assert re.search(rf"第 {at} .,共 {len(texts)} .", text), text
        assert "王" in text
        assert {f"C{column}" for column in range(1, COLUMNS + 1)} <= set(text.split())
    found = re.findall(r"R(\d+)X", " ".join(texts))
    assert found == [str(row) for row in range(1, ROWS + 1)]
    assert len(re.findall(r"\b9,011\b", " ".join(texts))) == ROWS
    page.get_by_role("link", name="返回").click()
    page.wait_for_url(f"{live_server.url}/people/")
