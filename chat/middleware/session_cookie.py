"""The cookie of a session goes when the session is ended, not when it is missed."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest


class SessionCookie(SessionMiddleware):
    """Django's own would take the cookie away in the answer to whatever was asked with
    a session that is not there any more. Signing in begins another one: a poll that
    was on its way meanwhile would sign out whoever just came in.
    """

    def process_response(self, request: HttpRequest, response: Any) -> Any:
        answer = super().process_response(request, response)
        session = getattr(request, "session", None)
        if session is not None and not session.modified:
            answer.cookies.pop(settings.SESSION_COOKIE_NAME, None)
        return answer
