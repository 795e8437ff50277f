"""Shows times in the user's time zone, which the browser sends in a cookie."""

from __future__ import annotations

import re
from collections.abc import Callable
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

COOKIE = settings.COOKIE_NAMES.own("tz")
#: ``zoneinfo`` reads zones from files, so this allows names of zones only.
NAME = re.compile(r"[A-Za-z0-9_+-]{1,20}(/[A-Za-z0-9_+-]{1,20}){0,2}")


class TimeZoneMiddleware:
    """Middleware: activates the user's time zone, or UTC if it is unknown."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request in the time zone of its cookie."""
        with timezone.override(zone_of(request.COOKIES.get(COOKIE, ""))):
            return self._get_response(request)


def zone_of(name: str) -> ZoneInfo | None:
    """Return the zone, or None, which stands for the site's zone, if there is none."""
    if not NAME.fullmatch(name):
        return None
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        return None
