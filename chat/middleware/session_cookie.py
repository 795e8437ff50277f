"""Deletes the session cookie when a session ends, but not when a session is missing."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest


class SessionCookieMiddleware(SessionMiddleware):
    """Django's middleware, but it keeps the cookie of a session that it cannot find.

    Django deletes that cookie. A log-in replaces the session, so the late answer to a
    poll with the old session would then log out the user who has just logged in.
    """

    def process_response(self, request: HttpRequest, response: Any) -> Any:
        """Save the session; delete the cookie only if this request ended it."""
        answer = super().process_response(request, response)
        session = getattr(request, "session", None)
        if session is not None and not session.modified:
            answer.cookies.pop(settings.SESSION_COOKIE_NAME, None)
        return answer
