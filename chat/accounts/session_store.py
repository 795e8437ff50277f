"""A session store that also clears what the mailbox caches for a session's polls.

Log-out, a new password and “log out elsewhere” all delete the session, so this is the
one place that has to clear it.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import VALID_KEY_CHARS
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.utils import timezone
from django.utils.crypto import get_random_string

from chat.services.session_digest import session_digest
from chatsite.mailbox import MailboxAway, open_mailbox

if TYPE_CHECKING:
    from chat.models import Session

log = logging.getLogger(__name__)


class SessionStore(DatabaseStore):
    """Django's database store, with this site's model and the mailbox's cache."""

    @classmethod
    def get_model_class(cls) -> type[Session]:
        """Return this site's model, which adds a user and a device to Django's."""
        from chat.models import Session

        return Session

    #: The row that was read or made; None for a new session.
    row: Session | None = None
    #: The device of a session that begins, if it is to be in the new row.
    device: str | None = None
    #: The data of the row that this request has made.
    _created_data: dict[str, Any] | None = None

    def _get_session_from_db(self) -> Session | None:
        self.row = cast("Session | None", super()._get_session_from_db())  # type: ignore[misc]
        return self.row

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        """Return a row that has the id of the session's user as a column."""
        session = cast("Session", super().create_model_instance(data))
        user = data.get(SESSION_KEY)
        session.user_id = UUID(user) if user else None
        if self.device is not None:
            session.device, session.seen_at = self.device, timezone.now()
            self.row = session
        return session

    def save(self, must_create: bool = False) -> None:
        """Save, unless this request has made the row with the same data."""
        if must_create:
            super().save(must_create=True)
            self._created_data = dict(self.items())
        elif self._created_data is None or self._created_data != dict(self.items()):
            super().save()

    def _get_new_session_key(self) -> str:
        """A random key, without a query: ``create`` tries again if it is in use."""
        return get_random_string(32, VALID_KEY_CHARS)

    def _validate_session_key(self, key: str | None) -> bool:
        """Whether it may be a key: some databases fail to look up other strings."""
        return bool(key and key.isascii() and key.isalnum() and len(key) >= 8)

    def delete(self, session_key: str | None = None) -> None:
        """Delete the row and what the mailbox caches of it."""
        key = session_key or self.session_key
        super().delete(session_key)
        if key is None:
            return
        try:
            open_mailbox().forget(session_digest(key))
        except MailboxAway:
            log.warning("the mailbox is away; polls may use a session for a minute")
