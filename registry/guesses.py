"""A limit to a user's wrong guesses at what must be known and not be found out by trying.

They are counted where wrong passwords are (django-axes' table, which clears itself), for the same time
(``LOGIN_LOCK``). The same wrong guess counts once: who corrects a form sends it again.
"""

from __future__ import annotations

from axes.models import AccessAttempt
from django.conf import settings
from django.utils import timezone
from django.utils.crypto import salted_hmac

from registry.models import User


class Guesses:
    """The recent wrong guesses of a user of one kind (``what``), of which ``limit`` are allowed."""

    def __init__(self, user: User, what: str, limit: int) -> None:
        self._name, self._what, self.limit = f"{what}:{user.pk}", what, limit
        since = timezone.now() - settings.LOGIN_LOCK
        rows = AccessAttempt.objects.filter(username=self._name, path_info=what, attempt_time__gte=since)
        self._wrong = set(rows.order_by().values_list("user_agent", flat=True))

    @property
    def are_too_many(self) -> bool:
        """Whether the limit is reached: further guesses are not even compared."""
        return len(self._wrong) >= self.limit

    def note(self, guess: str) -> bool:
        """Count a wrong guess, of which only a keyed hash is kept; say whether it was the last allowed."""
        mark = salted_hmac(self._what, guess).hexdigest()
        if mark not in self._wrong:
            self._wrong.add(mark)
            AccessAttempt.objects.create(
                username=self._name, user_agent=mark, path_info=self._what, failures_since_start=1
            )
        return self.are_too_many
