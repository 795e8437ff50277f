"""A session store that also clears what the mailbox caches for a session's polls.

Log-out, a new password and “log out elsewhere” all delete the session, so this is the
one place that has to clear it.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.base import VALID_KEY_CHARS
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.utils import timezone
from django.utils.crypto import constant_time_compare, get_random_string

from chat.services.session_digest import session_digest
from chatsite.mailbox import MailboxAway, open_mailbox

if TYPE_CHECKING:
    from chat.models import Session, User

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
        """Read the row with its user, which nearly every request needs.

        A session without a user, and one that is not there, are left to Django.
        """
        key = self.session_key
        self.row = self.get_model_class().with_user(key) if key else None
        if self.row is None or self.row.expire_date <= timezone.now():
            self.row = cast("Session | None", super()._get_session_from_db())  # type: ignore[misc]
        return self.row

    @property
    def user(self) -> User | None:
        """The user of the row, if it is valid as it is; else Django has to look.

        As in Django's ``get_user``, a changed password or a closed account makes the
        session invalid.
        """
        key, backend = self.get(SESSION_KEY), self.get(BACKEND_SESSION_KEY)
        user = None if self.row is None else self.row.user
        if user is None or str(user.pk) != key or not user.is_active:
            return None
        digest = self.get(HASH_SESSION_KEY, "")
        is_same = constant_time_compare(digest, user.get_session_auth_hash())
        return user if is_same and backend in settings.AUTHENTICATION_BACKENDS else None

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

    def _keep_push_subscriptions(self, before: str) -> None:
        from chat.models import PushSubscription

        mine = PushSubscription.objects.filter(session_id=before)
        mine.update(session_id=self.session_key)

    def delete(self, session_key: str | None = None) -> None:
        """Delete the row and what the mailbox caches of it."""
        key = session_key or self.session_key
        if key and self.session_key and key != self.session_key:
            self._keep_push_subscriptions(key)  # another key of the same session
        super().delete(session_key)
        if key is None:
            return
        try:
            open_mailbox().forget(session_digest(key))
        except MailboxAway:
            log.warning("the mailbox is away; polls may use a session for a minute")
