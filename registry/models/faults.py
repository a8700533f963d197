"""What is wrong with the database or the disk, told from an exception; and whether it takes changes."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from enum import Enum

from django.db import DatabaseError, InterfaceError, connection

from registry.models import modes


class Fault(Enum):
    """What a user can be told of."""

    DOWN = "down"
    """The database does not answer."""
    BUSY = "busy"
    """Somebody else holds what was needed for longer than anyone waits."""
    SLOW = "slow"
    """It took longer than a page may take, and was ended."""
    FULL = "full"
    """There is no room on a disk, of the database or for uploads."""
    READ_ONLY = "read_only"
    """The database takes no changes now."""


_BY_CODE = {
    "55P03": Fault.BUSY,  # a lock was not had in time
    "40P01": Fault.BUSY,  # deadlocks, after the last attempt
    "40001": Fault.BUSY,
    "57014": Fault.SLOW,
    "53100": Fault.FULL,
    "25006": Fault.READ_ONLY,
}
_BY_CLASS = {"08": Fault.DOWN, "53": Fault.DOWN, "57": Fault.DOWN, "58": Fault.DOWN}
"""By the first two letters: connection, resources, shut down, the machine."""
_BY_WORDS = (
    ("database is locked", Fault.BUSY),
    ("database table is locked", Fault.BUSY),
    ("database or disk is full", Fault.FULL),
    ("readonly database", Fault.READ_ONLY),
    ("unable to open database file", Fault.DOWN),
    ("disk i/o error", Fault.DOWN),
)
"""What SQLite says."""
_LOST = ("connection", "server closed", "ssl ", "could not translate host", "timeout expired")
"""In what libpq says of a connection that is not there; such errors have no code."""
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


def fault_of(error: BaseException | None) -> Fault | None:
    """Return what is wrong with database or disk, None where the program itself is at fault."""
    for each in _chain(error):
        if isinstance(each, OSError) and each.errno in _NO_ROOM:
            return Fault.FULL
        if type(each).__name__ == "Busy":  # registry.locks stands above this module
            return Fault.BUSY
        if isinstance(each, InterfaceError):
            return Fault.DOWN  # the connection was closed already
        if isinstance(each, DatabaseError) and (found := _of_database(each)) is not None:
            return found
    return None


def _of_database(error: DatabaseError) -> Fault | None:
    code = getattr(error.__cause__, "pgcode", None)
    if code:
        return _BY_CODE.get(code) or _BY_CLASS.get(code[:2])
    text = str(error).lower()
    for words, fault in _BY_WORDS:
        if words in text:
            return fault
    return Fault.DOWN if any(words in text for words in _LOST) else None


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield the exception and what led to it."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def is_read_only() -> bool:
    """Whether nothing can be changed now: by the mode, by the server (a replica) or by the file's rights.

    Asks nothing of the database: PostgreSQL says it by itself on each connection.
    """
    if modes.standing().mode != modes.Mode.NORMAL:
        return True
    if connection.vendor == "sqlite":
        place = str(connection.settings_dict["NAME"])
        return os.path.isfile(place) and not os.access(place, os.W_OK)
    if getattr(connection, "is_replica", False):
        return False  # what is written goes to the primary
    known = getattr(connection.connection, "get_parameter_status", lambda name: None)
    return "on" in (known("in_hot_standby"), known("default_transaction_read_only"))
