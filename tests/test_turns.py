"""Fifty who read do not keep the one waiting who registers, nor does one hanging page stop the others."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from partybuild import turns
from partybuild.turns import Turns


class Server:
    """Turns of two, in front of pages that last until they are told to end."""

    def __init__(self) -> None:
        self.turns = Turns(self.answer, at_once=2, session="sid", no_entry=("/login/",))
        self.inside = 0
        self.changed, self.end = threading.Condition(), threading.Event()
        self.threads: list[threading.Thread] = []

    def answer(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        with self.changed:
            self.inside += 1
            self.changed.notify_all()
        if environ["PATH_INFO"] == "/slow/":
            self.end.wait(timeout=20)
        if environ["PATH_INFO"] == "/broken/":
            raise RuntimeError("broken")
        return [b"done"]

    def ask(self, session: str = "a", method: str = "GET", path: str = "/") -> list[bytes]:
        cookie = {"HTTP_COOKIE": f"other=1; sid={session}"} if session else {}
        asked = {"REQUEST_METHOD": method, "PATH_INFO": path, **cookie}
        return list(self.turns(asked, lambda *_: None))

    def begin(self, session: str = "a", path: str = "/slow/") -> None:
        thread = threading.Thread(target=self.ask, args=(session, "GET", path), daemon=True)
        self.threads.append(thread)
        thread.start()

    def reaches(self, number: int, seconds: float = 20) -> bool:
        with self.changed:
            return self.changed.wait_for(lambda: self.inside >= number, timeout=seconds)


@contextmanager
def busy() -> Iterator[Server]:
    """Two pages are being worked on, and a third waits."""
    server = Server()
    for _ in range(3):
        server.begin()
    assert server.reaches(2)
    try:
        yield server
    finally:
        server.end.set()
        for thread in server.threads:
            thread.join(timeout=20)


def test_who_reads_waits_for_a_turn() -> None:
    with busy() as server:
        assert not server.reaches(3, seconds=0.1)
        server.end.set()
        assert server.reaches(3)


def test_who_writes_waits_for_nobody_nor_does_what_he_reads_then() -> None:
    with busy() as server:
        assert server.ask("clerk", "POST", "/units/ju/register/") == [b"done"]
        assert server.ask("clerk", "GET", "/units/ju/register/") == [b"done"]
        assert not server.reaches(5, seconds=0.05)  # the third reader still waits


def test_to_log_in_enters_no_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "LONGEST", 0.1)
    with busy() as server:
        server.ask("reader", "POST", "/login/")
        assert server.turns._waits({"REQUEST_METHOD": "GET", "HTTP_COOKIE": "sid=reader"})
        assert not server.turns._waits({"REQUEST_METHOD": "GET"})  # without a login


def test_a_hanging_page_stops_nobody_for_ever_and_a_broken_one_gives_its_turn_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = Server()
    for _ in range(3):
        with pytest.raises(RuntimeError, match="broken"):
            server.ask(path="/broken/")
    monkeypatch.setattr(turns, "LONGEST", 0.1)
    with busy() as held:
        assert held.ask("b") == [b"done"]
