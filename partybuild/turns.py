"""Who reads takes turns (READERS_AT_ONCE); who enters data goes straight through.

Where fifty read and four register, each registration is three answers, and each would get a fiftieth of the
processors. So only a few requests that read are worked on at a time in a process; the others wait, who came
first goes first. A request that writes never waits here, nor does what somebody reads on the way (form,
picker, the page afterwards) who wrote a little while ago: a cookie says so to every process.
docs/decisions/0046-pages-under-load.md has what this costs and brings.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

Environment = dict[str, Any]
Application = Callable[[Environment, Callable[..., Any]], Iterable[bytes]]

LONGEST = 5.0
"""Seconds after which somebody who waits goes in all the same."""
QUICK = 1.0
"""Seconds for which a turn counts: a page that waits for the database keeps nobody else waiting."""
ENTERING = 600
"""Seconds for which somebody is entering data after he wrote."""


class Turns:
    """A WSGI application in which at most ``at_once`` requests that read are worked on at the same time.

    ``session`` is the name of the session's cookie; without that cookie nobody waits (checks of the
    service, the page of the login). ``entering`` is the name of the cookie of who enters data, ``secure``
    whether it is for TLS alone. ``no_entry`` is how addresses begin where sending a form enters no data.
    """

    def __init__(
        self,
        application: Application,
        *,
        at_once: int,
        session: str,
        entering: str,
        secure: bool,
        no_entry: tuple[str, ...] = (),
    ) -> None:
        self._application, self._at_once, self._no_entry = application, at_once, no_entry
        self._has_session, self._is_entering = (
            re.compile(rf"(?:^|;)\s*{re.escape(name)}=[^;\s]").search for name in (session, entering)
        )
        self._cookie = f"{entering}=1; Max-Age={ENTERING}; Path=/; HttpOnly; SameSite=Lax"
        self._cookie += "; Secure" if secure else ""
        self._changed = threading.Condition()
        self._waiting: list[object] = []
        self._turns: list[float] = []
        """When each turn that is taken ends to count."""

    def __call__(self, environ: Environment, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer, in turn."""
        cookies = environ.get("HTTP_COOKIE", "")
        if not self._has_session(cookies):
            return self._application(environ, start_response)
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            return self._application(environ, self._entered(environ, start_response))
        if self._is_entering(cookies):
            return self._application(environ, start_response)
        turn = self._take_turn()
        try:
            return self._application(environ, start_response)
        finally:
            self._give_back(turn)

    def _entered(self, environ: Environment, start_response: Callable[..., Any]) -> Callable[..., Any]:
        """Return what starts the answer, with the cookie of who enters data."""
        if environ.get("PATH_INFO", "").startswith(self._no_entry):
            return start_response
        return lambda status, headers, *error: start_response(
            status, [*headers, ("Set-Cookie", self._cookie)], *error
        )

    def _take_turn(self) -> float:
        """Wait for a turn; return until when it counts."""
        me, now = object(), time.monotonic()
        longest = now + LONGEST
        with self._changed:
            self._waiting.append(me)
            while now < longest:
                self._turns = [until for until in self._turns if until > now]
                if self._waiting[0] is me and len(self._turns) < self._at_once:
                    break
                self._changed.wait(min([longest, *self._turns]) - now)
                now = time.monotonic()
            self._waiting.remove(me)
            turn = now + QUICK
            self._turns.append(turn)
            self._changed.notify_all()
        return turn

    def _give_back(self, turn: float) -> None:
        with self._changed:
            if turn in self._turns:
                self._turns.remove(turn)
                self._changed.notify_all()
