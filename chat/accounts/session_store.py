"""Sessions in the database; ending one also ends what polls remember of it.

Every way out (log-out, a changed password, another device signed out) deletes the
session, so this is the one place that has to forget.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore

from chat.services.session_digest import session_digest
from chatsite.mailbox import MailboxAway, open_mailbox

if TYPE_CHECKING:
    from chat.models import Session

log = logging.getLogger(__name__)


class SessionStore(DatabaseStore):
    @classmethod
    def get_model_class(cls) -> type[Session]:
        from chat.models import Session

        return Session

    #: The row this was read from; None for one that is new.
    row: Session | None = None

    def _get_session_from_db(self) -> Session | None:
        self.row = cast("Session | None", super()._get_session_from_db())  # type: ignore[misc]
        return self.row

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        session = cast("Session", super().create_model_instance(data))
        user = data.get(SESSION_KEY)
        session.user_id = UUID(user) if user else None
        return session

    def _validate_session_key(self, key: str | None) -> bool:
        """Whether it may be one of ours: a database may refuse to look others up."""
        return bool(key and key.isascii() and key.isalnum() and len(key) >= 8)

    def delete(self, session_key: str | None = None) -> None:
        key = session_key or self.session_key
        super().delete(session_key)
        if key is None:
            return
        try:
            open_mailbox().forget(session_digest(key))
        except MailboxAway:
            log.warning("the mailbox is away; a session is remembered up to a minute")
