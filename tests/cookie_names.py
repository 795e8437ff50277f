"""Names of the site's cookies, as the settings of the tests make them."""

from __future__ import annotations

from django.conf import settings

SESSION: str = settings.COOKIE_NAMES.own("sessionid")
TOKEN: str = settings.COOKIE_NAMES.own("csrftoken")
GUEST: str = settings.COOKIE_NAMES.own("guest")
THEME: str = settings.COOKIE_NAMES.own("theme")
LANGUAGE: str = settings.LANGUAGE_COOKIE_NAME
LIST: str = settings.COOKIE_NAMES.own("list")
ZONE: str = settings.COOKIE_NAMES.own("tz")
