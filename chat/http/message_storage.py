"""Where a message of the admin stands until the next page shows it.

In a cookie, since the action it tells of may have ended the session; under a name of
this site's own, since another application on the host may have a cookie ``messages``.
"""

from __future__ import annotations

from django.conf import settings
from django.contrib.messages.storage.cookie import CookieStorage
from django.contrib.messages.storage.fallback import FallbackStorage
from django.contrib.messages.storage.session import SessionStorage


class OwnCookieStorage(CookieStorage):
    cookie_name = settings.COOKIE_NAMES.own("messages")


class MessageStorage(FallbackStorage):
    """The session holds what has no room in the cookie."""

    storage_classes = (OwnCookieStorage, SessionStorage)
