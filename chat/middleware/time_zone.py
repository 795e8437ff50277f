"""The time zone of whoever asks, as their browser told it in a cookie."""

from __future__ import annotations

import re
from collections.abc import Callable
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

COOKIE = settings.COOKIE_NAMES.own("tz")
#: Zones are files: nothing else may be looked up.
NAME = re.compile(r"[A-Za-z0-9_+-]{1,20}(/[A-Za-z0-9_+-]{1,20}){0,2}")


class TimeZone:
    """Middleware: dates are those of the person's zone; UTC where it is unknown."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with timezone.override(zone_of(request.COOKIES.get(COOKIE, ""))):
            return self._get_response(request)


def zone_of(name: str) -> ZoneInfo | None:
    """None, which stands for the site's own zone, where there is no such zone."""
    if not NAME.fullmatch(name):
        return None
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        return None
