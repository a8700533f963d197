"""Fifty who read do not keep the one waiting who registers, nor does one hanging page stop the others."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.cookies import SimpleCookie
from typing import Any

import pytest

from partybuild import turns
from partybuild.turns import Turns


class Server:
    """Turns of two, in front of pages that last until they are told to end."""

    def __init__(self, *, secure: bool = False) -> None:
        self.turns = Turns(
            self.answer, at_once=2, session="sid", entering="entering", secure=secure, no_entry=("/login/",)
        )
        self.inside: list[str] = []
        self.changed, self.end = threading.Condition(), threading.Event()
        self.threads: list[threading.Thread] = []

    def answer(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        path = environ["PATH_INFO"]
        with self.changed:
            self.inside.append(path)
            self.changed.notify_all()
        if path.startswith("/slow/"):
            self.end.wait(timeout=20)
        if path == "/broken/":
            raise RuntimeError("broken")
        start_response("200 OK", [("Content-Type", "text/html")])
        return [b"done"]

    def ask(self, method: str = "GET", path: str = "/", cookies: str = "other=1; sid=a") -> SimpleCookie:
        """Ask for a page as somebody with these cookies; return the cookies that come back."""
        answered: list[list[tuple[str, str]]] = []
        asked = {"REQUEST_METHOD": method, "PATH_INFO": path, "HTTP_COOKIE": cookies}
        assert list(self.turns(asked, lambda _status, headers: answered.append(headers))) == [b"done"]
        return SimpleCookie("".join(value for name, value in answered[0] if name == "Set-Cookie"))

    def begin(self, path: str) -> None:
        thread = threading.Thread(target=self.ask, args=("GET", path), daemon=True)
        self.threads.append(thread)
        thread.start()

    def reaches(self, number: int, seconds: float = 20) -> bool:
        with self.changed:
            return self.changed.wait_for(lambda: len(self.inside) >= number, timeout=seconds)

    def waits(self, number: int) -> None:
        """Wait until so many wait for their turn."""
        while len(self.turns._waiting) < number:
            threading.Event().wait(0.005)


@contextmanager
def busy() -> Iterator[Server]:
    """Two pages are being worked on, and a third waits."""
    server = Server()
    for path in ("/slow/1", "/slow/2"):
        server.begin(path)
    assert server.reaches(2)
    server.begin("/slow/3")
    server.waits(1)
    try:
        yield server
    finally:
        server.end.set()
        for thread in server.threads:
            thread.join(timeout=20)


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a slow machine, too, a turn that is taken counts until it is given back."""
    monkeypatch.setattr(turns, "QUICK", 60.0)
    monkeypatch.setattr(turns, "LONGEST", 60.0)


def test_who_reads_waits_for_a_turn_and_who_came_first_has_it_first() -> None:
    with busy() as server:
        for number in (4, 5, 6):
            server.begin(f"/slow/{number}")
            server.waits(number - 2)
        assert not server.reaches(3, seconds=0.1)
        server.end.set()
        assert server.reaches(6)
    assert server.inside[2:] == [f"/slow/{number}" for number in (3, 4, 5, 6)]


def test_who_writes_waits_for_nobody_nor_does_what_he_reads_then() -> None:
    with busy() as server:
        cookie = server.ask("POST", "/units/ju/register/")["entering"]
        assert (cookie.value, cookie["max-age"], cookie["httponly"]) == ("1", "600", True)
        server.ask("GET", "/units/ju/register/", cookies="sid=clerk; entering=1")
        assert not server.reaches(5, seconds=0.05)  # the third reader still waits
    assert Server(secure=True).ask("POST")["entering"]["secure"]


def test_to_log_in_or_to_read_enters_no_data() -> None:
    server = Server()
    assert not server.ask("POST", "/login/")
    assert not server.ask("POST", "/units/ju/register/", cookies="")  # without a login
    assert not server.ask("GET")


def test_without_a_login_nobody_waits() -> None:
    with busy() as server:
        server.ask(cookies="")


def test_a_page_that_takes_long_keeps_nobody_else_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "QUICK", 0.05)
    with busy() as server:
        assert server.reaches(3)
        server.ask()


def test_nobody_waits_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    with busy() as server:
        monkeypatch.setattr(turns, "LONGEST", 0.05)
        server.ask()


def test_a_broken_page_gives_its_turn_back() -> None:
    server = Server()
    for _ in range(3):
        with pytest.raises(RuntimeError, match="broken"):
            server.ask(path="/broken/")
    server.ask()
