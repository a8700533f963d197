"""What a browser sends must come in: slow senders are cut off, and fill only some of the threads.

A web server in front that buffers requests does the same; this holds without one, too.
"""

from __future__ import annotations

import socket
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

SMALL = 64 * 1024
GRACE, SLOWEST = 15.0, 64 * 1024
"""Seconds that every sender has, and bytes a second that are expected of what is longer."""
CHUNK = 64 * 1024
_IN_MEMORY = 1 << 20
_BUSY = "正在上传的人太多,这一次没有收下,系统没有作任何改动。请过一分钟返回再上传。"
_SLOW = "上传的内容没有传完,系统没有作任何改动。请检查网络后重新上传。"

Environment = dict[str, Any]
Application = Callable[[Environment, Callable[..., Any]], Iterable[bytes]]


class Received:
    """A WSGI application that is called when what was sent has come in whole.

    ``at_once``: so many long bodies are received at a time; one more is refused with 503, in words.
    """

    def __init__(self, application: Application, *, at_once: int, longest: int) -> None:
        self._application, self._longest = application, longest
        self._free = threading.BoundedSemaphore(at_once)

    def __call__(self, environ: Environment, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Receive the body, then let the application answer."""
        sent = str(environ.get("CONTENT_LENGTH") or "0")
        length = int(sent) if sent.isdigit() else 0
        if not 0 < length <= self._longest:  # too long: the application refuses it unread
            return self._application(environ, start_response)
        is_long = length > SMALL
        if is_long and not self._free.acquire(blocking=False):
            return _refused(start_response, "503 Service Unavailable", _BUSY)
        try:
            with _cut_off(environ.get("gunicorn.socket"), GRACE + length / SLOWEST):
                body = _read(environ["wsgi.input"], length)
        finally:
            if is_long:
                self._free.release()
        if body is None:
            return _refused(start_response, "408 Request Timeout", _SLOW)
        environ["wsgi.input"] = body
        return self._application(environ, start_response)


@contextmanager
def _cut_off(connection: socket.socket | None, seconds: float) -> Iterator[None]:
    """End the connection's receiving when the block takes longer."""
    if connection is None:
        yield
        return

    def cut() -> None:
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RD)

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _read(source: Any, length: int) -> Any:
    """Return the whole body, rewound; None when it ended too early."""
    body = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 ends with the request
    left = length
    with suppress(OSError):
        while left and (chunk := source.read(min(CHUNK, left))):
            body.write(chunk)
            left -= len(chunk)
    if left:
        body.close()
        return None
    body.seek(0)
    return body


def _refused(start_response: Callable[..., Any], status: str, said: str) -> list[bytes]:
    content = said.encode()
    headers = [
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Content-Length", str(len(content))),
        ("Cache-Control", "no-store, private"),
        ("Retry-After", "60"),
        ("Connection", "close"),
    ]
    start_response(status, headers)
    return [content]
