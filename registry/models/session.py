"""Sessions that know their user, so that users can see and end their own (the setting SESSION_ENGINE)."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models
from django.utils import timezone

from registry.models.faults import fault_of
from registry.models.prepared import Values, read_objects
from registry.models.user import User

logger = logging.getLogger("registry.faults")


class Session(AbstractBaseSession):
    """A session, with its user once somebody has logged in."""

    user = models.ForeignKey(
        User, on_delete=models.CASCADE, null=True, related_name="sessions", verbose_name="用户"
    )
    started_at = models.DateTimeField("登录时间", default=timezone.now)
    seen_at = models.DateTimeField("最近使用", default=timezone.now)

    class Meta(AbstractBaseSession.Meta):
        verbose_name = "会话"
        verbose_name_plural = "会话"

    @classmethod
    def get_session_store_class(cls) -> type[SessionStore]:
        """Return the store that reads and writes these sessions."""
        return SessionStore


def _called(values: Values) -> models.QuerySet[Session]:
    return Session.objects.filter(session_key=values[0])


class SessionStore(DatabaseStore):
    """Django's sessions in the database, with the times they began and were last used.

    ``started_at`` and ``seen_at`` are set once the session was read.
    """

    def __init__(self, session_key: str | None = None) -> None:
        super().__init__(session_key)
        self.started_at: datetime | None = None
        self.seen_at: datetime | None = None
        self._as_read: dict[str, Any] = {}

    @classmethod
    def get_model_class(cls) -> type[Session]:
        """Return the model of the sessions."""
        return Session

    def _get_session_from_db(self) -> Session | None:
        """Return the row of a session that has not ended: every request asks, by a statement made once."""
        found: list[Session] = read_objects(_called, [self.session_key or ""], planned_once=True)
        if not found or found[0].expire_date <= timezone.now():
            self._session_key = None
            return None
        self.started_at, self.seen_at = found[0].started_at, found[0].seen_at
        return found[0]

    def load(self) -> dict[str, Any]:
        """Read the session, and remember what it held."""
        found: dict[str, Any] = super().load()
        self._as_read = dict(found)
        return found

    def save(self, must_create: bool = False) -> None:
        """Write the session; a mere renewal that cannot be written is left out, as nothing is lost by it.

        So reading needs no writing, and what was committed is not answered by a fault. Otherwise raises what
        went wrong: Django takes every fault of the database for a session that has ended.
        """
        try:
            super().save(must_create)
        except UpdateError as error:
            if self._get_session(no_load=True) == self._as_read:  # type: ignore[attr-defined]
                logger.warning("a session was not renewed: %s", error.__context__ or "it has ended")
                return
            if fault_of(error) is not None and error.__context__ is not None:
                raise error.__context__ from None
            raise

    def create(self) -> None:
        """Begin a session, or one with a new key: its time starts again."""
        self.started_at = None
        super().create()

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        """Return the row to write."""
        row: Session = super().create_model_instance(data)  # type: ignore[assignment]
        self.seen_at = timezone.now()
        self.started_at = self.started_at or self.seen_at
        row.started_at, row.seen_at = self.started_at, self.seen_at
        user = data.get(SESSION_KEY)
        row.user_id = int(user) if user is not None else None
        return row
