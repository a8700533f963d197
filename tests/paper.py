"""A printed sheet: its head, its tables cell by cell, its foot."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import unescape
from typing import Any

from django.test import Client
from django.urls import reverse


@dataclass
class Printed:
    """The sheet of a print as its page shows it."""

    html: str
    """The sheet, without the page around it."""
    page: str

    @property
    def tables(self) -> list[list[list[str]]]:
        """Each table but those behind charts: its rows, the header among them, as texts."""
        html = re.sub(r"<details.*?</details>", "", self.html, flags=re.DOTALL)
        return [
            [
                [_text(cell) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL)]
                for row in re.findall(r"<tr[^>]*>(.*?)</tr>", table, re.DOTALL)
            ]
            for table in re.findall(r"<table.*?</table>", html, re.DOTALL)
        ]

    @property
    def said(self) -> list[str]:
        """The lines under the title and below the tables."""
        return [
            _text(line) for line in re.findall(r'<p class="(?:said|note)">(.*?)</p>', self.html, re.DOTALL)
        ]

    @property
    def text(self) -> str:
        return _text(self.html)


def _text(html: str) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", html))).strip(" ")


def print_of(
    client: Client, name: str, *args: Any, data: dict[str, str] | None = None, **query: Any
) -> Printed:
    """Press the button 打印 of the address ``name``."""
    url = reverse(name, args=args)
    response = client.post(url, {"format": "print", **(data or {})}, query_params=query)
    assert response.status_code == 200, response.status_code
    page = response.content.decode()
    sheets = re.findall(r"<article.*?</article>", page, re.DOTALL)
    assert len(sheets) == 1
    return Printed(sheets[0], page)
