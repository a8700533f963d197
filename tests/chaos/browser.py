"""A browser as plain as can be: cookies, redirects, forms with files."""

from __future__ import annotations

import http.client
import secrets
from dataclasses import dataclass
from urllib.parse import quote, urlencode, urljoin, urlsplit

Fields = list[tuple[str, str]]
Files = list[tuple[str, str, bytes]]
SECONDS = 40
"""So long is an answer waited for; gunicorn gives up before."""

SAFE = "/:?&=%+,;@~!$'()*#"
"""What an address holds as it is."""


class NoAnswer(Exception):
    """The connection was refused, reset or silent."""


@dataclass
class Answer:
    """What came back."""

    status: int
    number: str
    """The number of the request."""
    location: str
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")


class Browser:
    """Sends requests to one server, as one person."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.cookies: dict[str, str] = {}
        self.here = "/"

    def get(self, path: str) -> Answer:
        answer = self._send("GET", path)
        for _ in range(5):
            if answer.status not in (301, 302) or not answer.location.startswith("/"):
                break
            path = answer.location
            answer = self._send("GET", path)
        self.here = path
        return answer

    def post(self, path: str, fields: Fields, files: Files = []) -> Answer:  # noqa: B006
        """Send a form; a redirect is handed back, not followed."""
        if files:
            mark = secrets.token_hex(8)
            head = {"Content-Type": f"multipart/form-data; boundary={mark}"}
            return self._send("POST", path, _multipart(mark, fields, files), head)
        head = {"Content-Type": "application/x-www-form-urlencoded"}
        return self._send("POST", path, urlencode(fields).encode(), head)

    def _send(self, method: str, path: str, body: bytes | None = None, head: dict[str, str] = {}) -> Answer:  # noqa: B006
        origin = f"http://127.0.0.1:{self.port}"
        parts = urlsplit(quote(urljoin(f"{origin}{self.here}", path), safe=SAFE))
        headers = {
            "Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()),
            "Referer": quote(f"{origin}{self.here}", safe=SAFE),
            **({"Origin": origin} if method == "POST" else {}),
            **head,
        }
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)
        try:
            target = f"{parts.path}?{parts.query}" if parts.query else parts.path
            connection.request(method, target, body, headers)
            response = connection.getresponse()
            read = response.read()
        except (TimeoutError, OSError, http.client.HTTPException) as error:
            raise NoAnswer(f"{type(error).__name__}: {error}") from error
        finally:
            connection.close()
        for line in response.headers.get_all("Set-Cookie") or []:
            name, _, value = line.partition(";")[0].partition("=")
            self.cookies[name.strip()] = value.strip()
        location = response.headers.get("Location", "")
        return Answer(response.status, response.headers.get("X-Request-Number", ""), location, read)


def _multipart(mark: str, fields: Fields, files: Files) -> bytes:
    parts = []
    for name, value in fields:
        parts.append(f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}'.encode())
    for name, file_name, content in files:
        said = f'Content-Disposition: form-data; name="{name}"; filename="{file_name}"\r\n'
        parts.append(f"{said}Content-Type: application/octet-stream\r\n\r\n".encode() + content)
    start = f"--{mark}\r\n".encode()
    return b"".join(start + part + b"\r\n" for part in parts) + f"--{mark}--\r\n".encode()
