"""How the registry is served: threads and limits as shipped, and senders that do not send."""

from __future__ import annotations

import io
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from partybuild import uploads
from partybuild.uploads import Received

ROOT = Path(__file__).resolve().parent.parent


def test_gunicorn_takes_the_shipped_settings_without_an_option() -> None:
    said = subprocess.run(
        [Path(sys.executable).with_name("gunicorn"), "--print-config", "--check-config", "partybuild.wsgi"],
        cwd=ROOT,
        env=os.environ | {"DATABASE_URL": "sqlite://:memory:", "PORT": "8123"},
        capture_output=True,
        text=True,
        check=False,
    )
    shown = dict(line.split("=", 1) for line in said.stdout.splitlines() if "=" in line)
    config = {name.strip(): value.strip() for name, value in shown.items()}
    assert said.returncode == 0, said.stderr
    expected = {"worker_class": "gthread", "workers": "3", "threads": "16", "graceful_timeout": "40"}
    assert {name: config[name] for name in expected} == expected
    assert "127.0.0.1:8123" in config["bind"]


def application(environ: dict[str, Any], start: Callable[..., Any]) -> list[bytes]:
    start("200 OK", [])
    return [environ["wsgi.input"].read()]


def call(server: Received, body: Any, length: int) -> tuple[str, bytes]:
    said: list[str] = []
    environ = {"CONTENT_LENGTH": str(length), "wsgi.input": body}
    answer = server(environ, lambda status, headers: said.append(status))
    return said[0], b"".join(answer)


class Stalled:
    """A sender that waits."""

    def __init__(self) -> None:
        self.begun, self.go_on = threading.Event(), threading.Event()

    def read(self, size: int) -> bytes:
        self.begun.set()
        self.go_on.wait(20)
        return b""


def test_what_came_in_whole_is_handed_on() -> None:
    server = Received(application, at_once=1, longest=1_000_000)
    assert call(server, io.BytesIO(b"a" * 100_000), 100_000) == ("200 OK", b"a" * 100_000)


def test_what_ends_too_early_is_not() -> None:
    status, said = call(Received(application, at_once=1, longest=1_000_000), io.BytesIO(b"a"), 2)
    assert status.startswith("408")
    assert "没有传完,系统没有作任何改动" in said.decode()


def test_stalled_uploads_leave_the_other_threads_alone() -> None:
    server = Received(application, at_once=1, longest=1_000_000)
    stalled = Stalled()
    thread = threading.Thread(target=call, args=(server, stalled, 100_000))
    thread.start()
    try:
        assert stalled.begun.wait(5)
        status, said = call(server, io.BytesIO(b"a" * 100_000), 100_000)
        assert status.startswith("503")
        assert "正在上传的人太多" in said.decode()
        assert call(server, io.BytesIO(b"short"), 5) == ("200 OK", b"short")
    finally:
        stalled.go_on.set()
        thread.join()
    assert call(server, io.BytesIO(b"a" * 100_000), 100_000)[0] == "200 OK"


def test_a_sender_that_drips_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "GRACE", 0.2)
    ours, theirs = socket.socketpair()
    theirs.send(b"a")
    server = Received(application, at_once=1, longest=1_000_000)
    said: list[str] = []
    environ = {
        "CONTENT_LENGTH": "9",
        "wsgi.input": ours.makefile("rb"),
        "gunicorn.socket": ours,
    }
    begun = time.monotonic()
    server(environ, lambda status, headers: said.append(status))
    assert said[0].startswith("408")
    assert time.monotonic() - begun < 5
    for each in (ours, theirs):
        each.close()


def status_of(port: int) -> int:
    """What a request gets: that it is answered is all that counts here."""
    try:
        with urlopen(f"http://localhost:{port}/no-such-page/", timeout=30) as answer:
            return int(answer.status)
    except HTTPError as error:
        return error.code


@contextmanager
def served(port: int) -> Iterator[None]:
    process = subprocess.Popen(
        [Path(sys.executable).with_name("gunicorn"), "partybuild.wsgi"],
        cwd=ROOT,
        env=os.environ
        | {"DATABASE_URL": "sqlite://:memory:", "PORT": str(port), "WEB_WORKERS": "1", "WEB_THREADS": "4"},
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(600):
            try:
                status_of(port)
                break
            except OSError:
                time.sleep(0.1)
        yield
    finally:
        process.kill()
        process.wait()


def test_eight_stalled_uploads_do_not_stop_the_pages_of_a_process_with_four_threads() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with served(port):
        stalled = []
        for _ in range(8):
            sender = socket.create_connection(("127.0.0.1", port), 5)
            sender.sendall(
                b"POST /login/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900000\r\n"
                b"Content-Type: multipart/form-data; boundary=x\r\n\r\n--x"
            )
            stalled.append(sender)
        assert status_of(port)
        assert any(sender.recv(12) == b"HTTP/1.1 503" for sender in stalled[-1:])
        for sender in stalled:
            sender.close()
