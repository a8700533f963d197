"""The database engine: a server that hangs is noticed within seconds, and a page takes no statement for long.

libpq waits for ever for the answer of a server that is stopped or cut off, and nothing on the server's side
helps then. So a thread watches the statements under way: when one takes longer than ``PATIENCE``, the server
is asked for a new connection, and where not even that is answered the socket is shut down. The statement then
fails as it does when the server goes away.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, ClassVar

import psycopg2
from django.db.backends.postgresql import base

CONNECT_SECONDS = 2
"""For a connection to be made; libpq takes no less."""
PING_SECONDS = 2.0
"""For a connection that was kept to say that it still works."""
PATIENCE = 2.0
"""For a statement, before the server is asked whether it is there."""


class _Watch:
    """The statements under way, each with its socket and the moment from which its server is asked."""

    def __init__(self) -> None:
        self._lock = threading.Condition()
        self._under_way: dict[object, tuple[int, float, Callable[[], bool]]] = {}
        self._process = 0

    @contextmanager
    def over(self, fileno: int, seconds: float, is_alive: Callable[[], bool]) -> Iterator[None]:
        """Shut the socket down when the block takes ``seconds`` and the server is not alive then."""
        token = object()
        with self._lock:
            self._under_way[token] = fileno, time.monotonic() + seconds, is_alive
            self._start()
            self._lock.notify()
        try:
            yield
        finally:
            with self._lock:
                del self._under_way[token]

    def _start(self) -> None:
        if self._process != os.getpid():  # a process that was forked has no threads
            self._process = os.getpid()
            threading.Thread(target=self._run, name="database-watch", daemon=True).start()

    def _run(self) -> None:
        while True:
            with self._lock:
                while not self._under_way:
                    self._lock.wait()
                late = [
                    (token, is_alive)
                    for token, (_, moment, is_alive) in self._under_way.items()
                    if moment <= time.monotonic()
                ]
            answers: dict[Callable[[], bool], bool] = {}
            for token, is_alive in late:
                if is_alive not in answers:
                    answers[is_alive] = is_alive()
                self._judge(token, is_alive=answers[is_alive])
            time.sleep(0.2)

    def _judge(self, token: object, *, is_alive: bool) -> None:
        """Shut a socket down, or ask again later. Under the lock the statement still owns its socket."""
        with self._lock:
            if token not in self._under_way:
                return
            fileno, _, ask = self._under_way[token]
            if is_alive:
                self._under_way[token] = fileno, time.monotonic() + PATIENCE, ask
                return
            with suppress(OSError), socket.socket(fileno=os.dup(fileno)) as ours:
                ours.shutdown(socket.SHUT_RDWR)


_watch = _Watch()


def _no() -> bool:
    return False


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection whose every wait for the server has an end."""

    statement_seconds: ClassVar[int] = 0
    """Time limit of a statement; 0: none (commands, the worker)."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.execute_wrappers.append(self._watched)
        self._ask = self._answers

    def get_connection_params(self) -> dict[str, Any]:
        """Return the parameters, with limits for whoever serves pages."""
        params: dict[str, Any] = {"connect_timeout": CONNECT_SECONDS, **super().get_connection_params()}
        if self.statement_seconds:
            limit = f"-c statement_timeout={self.statement_seconds}s"
            params["options"] = f"{params.get('options', '')} {limit}".strip()
        return params

    def is_usable(self) -> bool:
        """Whether the connection works: answers in time."""
        if self.connection is None or self.connection.closed:
            return False
        with _watch.over(self.connection.fileno(), PING_SECONDS, _no):
            return bool(super().is_usable())

    def _watched(self, execute: Callable[..., Any], *args: Any) -> Any:
        if self.connection is None or self.connection.closed:
            return execute(*args)
        with _watch.over(self.connection.fileno(), PATIENCE, self._ask):
            return execute(*args)

    def _commit(self) -> Any:
        if self.connection is None or self.connection.closed:
            return super()._commit()  # type: ignore[misc]
        with _watch.over(self.connection.fileno(), PATIENCE, self._ask):
            return super()._commit()  # type: ignore[misc]

    def _answers(self) -> bool:
        """Whether the server answers somebody new; that it is full is an answer, too."""
        params = self.get_connection_params()
        for name in ("cursor_factory", "client_encoding"):
            params.pop(name, None)
        try:
            psycopg2.connect(**params).close()
        except psycopg2.OperationalError as error:
            return "timeout expired" not in str(error)
        return True
