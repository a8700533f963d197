"""What users see is Chinese, and it stands in the source: no English words, no catalogue of translations."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.apps import apps
from django.contrib.auth.forms import AuthenticationForm
from django.db import transaction
from django.db.models import CharField
from django.forms import BaseForm
from django.http import HttpResponse
from django.test import Client
from django.urls import get_resolver, reverse
from openpyxl import load_workbook

from registry.models import AuditEntry
from tests.test_access_table import TABLE
from tests.two_bureaus import TwoBureaus

pytestmark = pytest.mark.django_db

ROOT = Path(__file__).resolve().parents[1]

MAY_BE_SEEN = {
    *("Alt", "Excel", "CSV", "GB", "KB", "MB", "TOTP", "csv", "xlsx"),
    *("JPG", "PNG", "WebP", "HEIC", "PDF", "OFD", "DOCX", "XLSX", "PPTX", "TXT"),
}
"""Names of keys, formats, measures and standards (GB/T 2260), which have no Chinese ones."""

WORD = re.compile(r"[\w-]+", re.ASCII)
"""With digits or hyphens: a code, which is no English word."""

SEEN = ("title", "placeholder", "aria-label", "alt", "data-says")


class Page(HTMLParser):
    """Gathers what a reader of a page sees or hears; what stands in <code> is meant for machines."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.unseen = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen += [value for name, value in attrs if name in SEEN and value]
        self.unseen += tag in ("script", "style", "code")

    def handle_endtag(self, tag: str) -> None:
        self.unseen -= tag in ("script", "style", "code")

    def handle_data(self, data: str) -> None:
        if not self.unseen:
            self.seen.append(data)


def seen_in(response: HttpResponse) -> list[str]:
    """Return the texts of a page, a workbook, an answer to a script or a text file."""
    said = b"".join(response.streaming_content) if response.streaming else response.content  # type: ignore[attr-defined]
    if said.startswith(b"PK"):
        book = load_workbook(io.BytesIO(said))
        cells = [cell.value for sheet in book for row in sheet.iter_rows() for cell in row]
        return [*book.sheetnames, *(str(value) for value in cells if isinstance(value, str))]
    if "json" in response.get("Content-Type", ""):
        return [*json.loads(said).values()]
    if "html" not in response.get("Content-Type", ""):
        return [said.decode()]
    page = Page()
    page.feed(said.decode())
    return page.seen


def english(text: str) -> set[str]:
    """Return the English words of a text: two letters or more, nothing else."""
    return {word for word in WORD.findall(text) if word.isalpha() and len(word) > 1} - MAY_BE_SEEN


def words_of_the_data() -> set[str]:
    """Return the words that names, codes and user names of the tests hold."""
    models = [model for model in apps.get_app_config("registry").get_models() if model is not AuditEntry]
    return {
        word
        for model in models
        for field in model._meta.get_fields()
        if isinstance(field, CharField) and not field.choices
        for value in model._default_manager.values_list(field.name, flat=True)
        for word in english(value or "")
    }


def build_world() -> TwoBureaus:
    """What the `world` fixture builds for this file."""
    return TwoBureaus()


WRONG = {"name": "", "started_on": "x", "unit": "nowhere", "date": "x", "on": "x", "person": "nobody"}
"""What no form takes, so that it says so."""

TYPED = {"nowhere", "nobody", "newcomer", "nonsense"}
"""What the requests hold and pages say again."""


@pytest.mark.look
def test_no_english_on_any_page(world: TwoBureaus) -> None:
    """Every address, as the role that may do most: the page, what it says to mistakes, what it does."""
    client, known, found = Client(), words_of_the_data() | TYPED, set()
    samples = set()
    client.force_login(world.here.users["manager"])
    for name, rows in TABLE.items():
        if name.startswith("admin:") or name in (
            "logout",
            "healthz",
            "readyz",
            "metrics",
        ):  # machines ask the others
            continue
        for row in rows:
            url = f"{reverse(name, args=row.args(world.here))}?{row.query}"
            posts = [] if "405" in row.post else [WRONG, row.data(world.here)]
            for posted in [None, *posts]:
                with transaction.atomic():
                    response = client.get(url) if posted is None else client.post(url, posted)
                    texts = [] if response.status_code == 405 else seen_in(response)
                    transaction.set_rollback(True)
                for text in texts:
                    if "演示" in text:
                        samples.add((name, text))
                    if words := english(text) - known:
                        found.add((name, *sorted(words)))
    assert sorted(found) == []
    assert samples == set()  # no page of an installation speaks of the demo


@pytest.mark.parametrize("path", sorted((ROOT / "templates").rglob("*.html")), ids=lambda path: path.name)
def test_no_english_in_a_template(path: Path) -> None:
    """Also what no page of the test shows: every branch of every template."""
    source = re.sub(r"\{% comment %\}.*?\{% endcomment %\}|\{#.*?#\}", "", path.read_text(), flags=re.S)
    page = Page()
    page.feed(re.sub(r"\{[{%].*?[%}]\}", "", source, flags=re.S))
    assert {word for text in page.seen for word in english(text)} == set()


def forms() -> Iterator[type[BaseForm]]:
    """Yield every form of the registry (its views are loaded with the addresses)."""
    get_resolver().url_patterns  # noqa: B018
    waiting = [BaseForm]
    while waiting:
        form = waiting.pop()
        waiting += form.__subclasses__()
        if form.__module__.startswith("registry."):
            yield form


def test_no_english_in_choices_and_labels() -> None:
    """Choices of models, labels and helps of forms, also of those that no page of the test shows."""
    texts = [
        (model.__name__, field.name, str(label))
        for model in apps.get_app_config("registry").get_models()
        for field in model._meta.fields
        for _, label in field.flatchoices
    ]
    for form in forms():
        for name, field in form.base_fields.items():
            named_later = field.widget.is_hidden or issubclass(form, AuthenticationForm)
            label = str(field.label or ("" if named_later else name))
            texts += [(form.__name__, name, label), (form.__name__, name, str(field.help_text))]
    assert [each for each in texts if english(each[2])] == []


def test_no_catalogue_of_translations() -> None:
    """The words stand where they are used: nothing is looked up in a catalogue of our own."""
    looked_up = re.compile(r"gettext|ngettext|pgettext|\{% *(load i18n|translate|blocktranslate|trans)\b")
    files = [*(ROOT / "registry").rglob("*.py"), *(ROOT / "partybuild").rglob("*.py")]
    files += (ROOT / "templates").rglob("*.html")
    assert [str(path) for path in files if looked_up.search(path.read_text())] == []
