"""Storage of Django's messages (the admin shows them) until the next page.

They are in a cookie, since an action may end the session of the person who did it. The
cookie has a name of this site's own: another application on the host may use Django's.
"""

from __future__ import annotations

from django.conf import settings
from django.contrib.messages.storage.cookie import CookieStorage
from django.contrib.messages.storage.fallback import FallbackStorage
from django.contrib.messages.storage.session import SessionStorage


class OwnCookieStorage(CookieStorage):
    """Django's cookie storage under this site's own cookie name."""

    cookie_name = settings.COOKIE_NAMES.own("messages")


class MessageStorage(FallbackStorage):
    """The cookie storage, and the session for messages that do not fit in it."""

    storage_classes = (OwnCookieStorage, SessionStorage)
