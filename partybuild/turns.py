"""Who reads can be made to take turns (READERS_AT_ONCE); who enters data goes straight through.

Where fifty read and four register, each registration is three answers, and each would get a fiftieth of the
processors. So only a few requests that read are worked on at a time in a process; the others wait. A request
that writes never waits here, nor does what somebody reads on the way (form, picker, the page afterwards) who
wrote a little while ago. Off by default: docs/decisions/0046-pages-under-load.md says why.
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
"""Seconds after which somebody who waits goes in all the same: a hanging page stops nobody else."""
ENTERING = 600.0
"""Seconds for which somebody is entering data after he wrote."""
_MOST = 10_000


class Turns:
    """A WSGI application in which at most ``at_once`` requests that read are worked on at the same time.

    ``session`` is the name of the session's cookie; without that cookie nobody waits (checks of the
    service, the page of the login). ``no_entry`` is how addresses begin where sending a form enters no data.
    """

    def __init__(
        self, application: Application, *, at_once: int, session: str, no_entry: tuple[str, ...] = ()
    ) -> None:
        self._application, self._no_entry = application, no_entry
        self._session = re.compile(rf"(?:^|;)\s*{re.escape(session)}=([^;\s]+)")
        self._free = threading.Semaphore(at_once)
        self._entering: dict[str, float] = {}
        """By session, until when somebody is entering data."""

    def __call__(self, environ: Environment, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer, in turn."""
        if not self._waits(environ):
            return self._application(environ, start_response)
        has_turn = self._free.acquire(timeout=LONGEST)
        try:
            return self._application(environ, start_response)
        finally:
            if has_turn:
                self._free.release()

    def _waits(self, environ: Environment) -> bool:
        found, now = self._session.search(environ.get("HTTP_COOKIE", "")), time.monotonic()
        if not found:
            return False
        if environ["REQUEST_METHOD"] in ("GET", "HEAD"):
            return self._entering.get(found[1], 0.0) <= now
        if not environ.get("PATH_INFO", "").startswith(self._no_entry):
            self._note(found[1], now)
        return False

    def _note(self, session: str, now: float) -> None:
        """Note that somebody is entering data; forget who no longer is, and all where they are too many."""
        if len(self._entering) >= _MOST:
            known = {key: until for key, until in self._entering.items() if until > now}
            self._entering = known if len(known) < _MOST else {}
        self._entering[session] = now + ENTERING
