"""A minimal browser for the load: one kept connection, cookies, hidden fields of forms."""

from __future__ import annotations

import http.client
import re
from http.cookies import SimpleCookie
from urllib.parse import urlencode

_HIDDEN = re.compile(r'name="(csrfmiddlewaretoken|confirmed)" value="([^"]*)"')


class Unexpected(Exception):
    """The server gave another answer than it should."""


class Browser:
    """One session with a server on this machine."""

    def __init__(self, port: int) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.cookies: dict[str, str] = {}

    def get(self, url: str) -> str:
        """Return a page. Raises ``Unexpected`` for any other answer."""
        try:
            status, text, _to = self._ask("GET", url)
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
            # The server may close an idle connection: open the next one, as a browser does.
            self.connection.close()
            status, text, _to = self._ask("GET", url)
        if status != 200 or "</html>" not in text:
            raise Unexpected(f"GET {url.partition('?')[0]}: status {status}")
        return text

    def send(self, url: str, fields: list[tuple[str, str]]) -> str:
        """Send a form on a fresh connection; return the page, or "" for a redirect."""
        self.connection.close()
        status, text, to = self._ask("POST", url, urlencode(fields))
        if status == 302 and "/login/" not in to:
            return ""
        if status != 200:
            raise Unexpected(f"POST {url}: status {status} {to}")
        return text

    def log_in(self, username: str, password: str) -> None:
        """Fill in the login form; raises ``Unexpected`` when it does not open."""
        fields = [("username", username), ("password", password), ("next", "")]
        if self.send("/login/", [*hidden(self.get("/login/")), *fields]):
            raise Unexpected(f"{username} could not log in")

    def _ask(self, method: str, url: str, body: str | None = None) -> tuple[int, str, str]:
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        self.connection.request(method, url, body, headers)
        response = self.connection.getresponse()
        text = response.read().decode()
        for line in response.headers.get_all("Set-Cookie", []):
            self.cookies |= {name: each.value for name, each in SimpleCookie(line).items()}
        return response.status, text, response.headers.get("Location", "")


def hidden(page: str) -> list[tuple[str, str]]:
    """Return the hidden fields that a form must send back."""
    return list(dict(_HIDDEN.findall(page)).items())
