"""Pages that only read can be read from a second database server (DATABASE_REPLICA_URL).

For the time of a view the connection itself is another one, so the statements of Django's models and our own
go to the same server, and a number on a page is that of the rows behind it. Sessions, users and forms stay
with the primary. Whatever goes wrong on the replica, and whatever would be written there, is done again on
the primary, which nobody notices; a browser that wrote reads from the primary until the replica has it, too
(decision 0055).
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import ConnectionHandler
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from registry.models.hierarchy import remembering

logger = logging.getLogger(__name__)

COOKIE = "written"
LOOK_EVERY = 1.0
"""Seconds for which a process believes what it knows of the replica."""
LEFT_ALONE = 10.0
"""Seconds for which a replica that failed is not asked again."""
_SAFE = ("GET", "HEAD")
_AWAY = ("08", "57", "58")
"""How PostgreSQL's codes begin when a server goes away."""
_MARKS = 600

View = TypeVar("View", bound=Callable[..., HttpResponse])


class OnThePrimary(BaseException):
    """What was asked of the replica must be asked of the primary; no ``except Exception`` may hold it up."""


@dataclass(frozen=True)
class Standing:
    """How far the replica is: the position that it has written, and up to when it has everything."""

    is_up: bool = False
    position: int = 0
    as_of: datetime | None = None

    @property
    def lag(self) -> timedelta | None:
        """How old it is; None where that is not known."""
        return timezone.now() - self.as_of if self.as_of is not None else None

    @property
    def is_near(self) -> bool:
        """Whether pages may be read from it."""
        lag = self.lag
        return self.is_up and lag is not None and lag <= timedelta(seconds=settings.REPLICA_SECONDS)


class Replica:
    """The replica, as one process knows it; each thread has a connection of its own."""

    def __init__(self) -> None:
        self._of_thread = threading.local()
        self._lock = threading.Lock()
        self._marks: deque[tuple[int, datetime]] = deque(maxlen=_MARKS)
        """Positions of the primary, and the moments before which everything committed lies before them."""
        self._known, self._looked_at, self._left_alone_until = Standing(), -LOOK_EVERY, 0.0
        self.serves = False
        """Whether pages are served here: commands and the worker ask the primary alone."""

    @property
    def is_asked(self) -> bool:
        """Whether there is a replica, and pages may be read from it."""
        return self.serves and bool(settings.DATABASE_REPLICA)

    def standing(self, *, at_least: int = 0) -> Standing:
        """Return how far it is, looked up once a second, or anew when it is not ``at_least`` there."""
        now = time.monotonic()
        if now < self._left_alone_until:
            return Standing()
        if getattr(connection, "is_replica", False):  # it must not be asked how far the primary is
            return self._known
        if now - self._looked_at >= LOOK_EVERY or self._known.position < at_least:
            with self._lock:
                self._known, self._looked_at = self._look(), time.monotonic()
        return self._known

    def _look(self) -> Standing:
        before, written = timezone.now(), written_up_to()
        try:
            replica = self.connection()
            with replica.cursor() as cursor:
                cursor.execute("SELECT pg_is_in_recovery(), pg_last_wal_replay_lsn()::text")
                is_standby, replayed = cursor.fetchone()
        except DatabaseError as error:
            self.leave_alone(error)
            return Standing()
        if not is_standby or replayed is None:  # it took over: then it is the primary, or must not be asked
            self.leave_alone("it is no standby")
            return Standing()
        self._marks.append((written, before))
        position, as_of = number_of(replayed), self._known.as_of
        while self._marks and self._marks[0][0] <= position:
            as_of = self._marks.popleft()[1]
        return Standing(True, position, as_of)

    def leave_alone(self, why: object) -> None:
        """Ask the primary only, for a while."""
        self._left_alone_until, self._known = time.monotonic() + LEFT_ALONE, Standing()
        self._marks.clear()
        if (held := getattr(self._of_thread, "connection", None)) is not None:
            held.close()
        logger.warning("the replica is left alone for %d s: %s", LEFT_ALONE, str(why).partition("\n")[0])

    def connection(self) -> BaseDatabaseWrapper:
        """Return this thread's connection."""
        found: BaseDatabaseWrapper | None = getattr(self._of_thread, "connection", None)
        if found is None:
            handler = ConnectionHandler({DEFAULT_DB_ALIAS: dict(settings.DATABASE_REPLICA or {})})
            found = handler.create_connection(DEFAULT_DB_ALIAS)
            found.is_replica = True  # type: ignore[attr-defined]
            self._of_thread.connection = found
            self._of_thread.wrappers = list(found.execute_wrappers)
        found.close_if_unusable_or_obsolete()
        return found

    @contextmanager
    def read(self) -> Iterator[None]:
        """Read everything from the replica within the block. Raises ``OnThePrimary`` where that fails."""
        primary, replica = connections[DEFAULT_DB_ALIAS], self.connection()
        measuring = [each for each in primary.execute_wrappers if getattr(each, "is_measuring", False)]
        replica.execute_wrappers[:] = [*self._of_thread.wrappers, *measuring, self._noticing]
        try:
            replica.close_if_health_check_failed()
            replica.ensure_connection()
        except DatabaseError as error:
            self.leave_alone(error)
            raise OnThePrimary from None
        connections[DEFAULT_DB_ALIAS] = replica
        try:
            with remembering(anew=True):
                yield
        finally:
            connections[DEFAULT_DB_ALIAS] = primary

    def _noticing(self, execute: Callable[..., Any], *args: Any) -> Any:
        try:
            return execute(*args)
        except DatabaseError as error:
            code = getattr(error.__cause__, "pgcode", None)
            if code is None or code[:2] in _AWAY:  # else the statement was not for it
                self.leave_alone(error)
            raise OnThePrimary(code) from None


REPLICA = Replica()


def on_the_primary(view: View) -> View:
    """Have a view read from the primary in any case: what it says is about the primary."""
    view.is_on_the_primary = True  # type: ignore[attr-defined]
    return view


def number_of(position: str) -> int:
    """Return a position in the write-ahead log (``16/B374D848``) as a number."""
    high, _, low = position.partition("/")
    return (int(high, 16) << 32) + int(low, 16)


def written_up_to() -> int:
    """Return the position of the primary, behind everything that was committed."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT CASE WHEN pg_is_in_recovery() THEN '0/0' ELSE pg_current_wal_insert_lsn()::text END"
        )
        return number_of(cursor.fetchone()[0])


class ReplicaMiddleware:
    """Lets views that only read do so from the replica, unless this browser wrote what is not there yet."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self._writing: set[str] = set()
        """The pages that wrote although they were only asked for: they begin on the primary."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Note after a write how far the primary was."""
        if not REPLICA.is_asked:
            return self.get_response(request)
        response = self.get_response(request)
        if request.method not in _SAFE or getattr(request, "wrote", False):
            try:
                self._note(response)
            except DatabaseError as error:  # what was answered stands
                logger.warning("the position after a write is not known: %s", error)
        return response

    def _note(self, response: HttpResponse) -> None:
        response.set_cookie(
            COOKIE,
            Signer(salt=COOKIE).sign(f"{written_up_to():x}"),
            max_age=settings.REPLICA_SECONDS + 1,  # what is older, every replica has that is read from
            secure=settings.TLS,
            httponly=True,
            samesite="Lax",
        )

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponse], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        """Return what the view says on the replica; None where the primary is to be asked."""
        if not REPLICA.is_asked or request.method not in _SAFE or connection.in_atomic_block:
            return None
        route = request.resolver_match.route if request.resolver_match is not None else ""
        is_of_the_primary = getattr(view, "is_on_the_primary", False) or route in self._writing
        if is_of_the_primary or not request.user.is_authenticated:
            return None
        wrote = _position_of(request)
        standing = REPLICA.standing(at_least=wrote)
        if not standing.is_near or standing.position < wrote:
            return None
        request.replica_as_of = standing.as_of  # type: ignore[attr-defined]
        try:
            with REPLICA.read():
                response = view(request, *args, **kwargs)
                if callable(getattr(response, "render", None)):
                    response = response.render()  # type: ignore[attr-defined]
        except OnThePrimary as why:
            if why.args == ("25006",):  # it wanted to write
                self._writing.add(route)
                request.wrote = True  # type: ignore[attr-defined]
        except Exception:  # 404, 403, a fault: the primary says it, or has what is not here yet
            logger.debug("asked again on the primary", exc_info=True)
        else:
            if response.status_code < 500:
                return response
        request.replica_as_of = None  # type: ignore[attr-defined]
        return None


def _position_of(request: HttpRequest) -> int:
    try:
        return int(Signer(salt=COOKIE).unsign(request.COOKIES[COOKIE]), 16)
    except (KeyError, BadSignature, ValueError):
        return 0
