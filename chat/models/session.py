"""A session: one browser in which a user is logged in."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models

from chat.models.sql_rows import time_of
from chat.models.user import User

#: Written out, because Django would take longer to build it than to run it.
WITH_USER = """
SELECT owner.*, session_data, expire_date, session.seen_at AS session_seen_at
FROM chat_session AS session JOIN chat_user AS owner ON owner.id = session.user_id
WHERE session_key = %s
"""


class Session(AbstractBaseSession):
    """Django's session with its user, who can list and end their sessions."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        null=True,
        related_name="sessions",
    )
    created_at = models.DateTimeField(auto_now_add=True)
    #: When this browser last requested a page, to within a few hours.
    seen_at = models.DateTimeField(null=True)
    #: A short name of the browser: “Firefox on Linux”.
    device = models.CharField(max_length=100, blank=True, default="")

    def __str__(self) -> str:
        return f"session of {self.user_id}"

    @classmethod
    def get_session_store_class(cls) -> Any:
        """The class that ``SESSION_ENGINE`` names."""
        return import_module(settings.SESSION_ENGINE).SessionStore

    @classmethod
    def with_user(cls, key: str) -> Session | None:
        """What a request needs of a session, and its user; None without a user."""
        user = next(iter(User.objects.raw(WITH_USER, [key])), None)
        if user is None:
            return None
        known: Any = user  # the other columns of the query
        return cls(
            session_key=key,
            session_data=known.session_data,
            expire_date=time_of(known.expire_date),
            seen_at=known.session_seen_at and time_of(known.session_seen_at),
            user=user,
        )

    def save(self, *args: Any, force_update: bool = False, **kwargs: Any) -> None:
        """Save; an update by the session store keeps the other columns."""
        if force_update:
            kwargs["update_fields"] = ("session_data", "expire_date", "user")
        super().save(*args, force_update=force_update, **kwargs)
