"""The application for WSGI servers: gunicorn serves it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.core import signals
from django.core.wsgi import get_wsgi_application
from django.db import reset_queries
from django.urls import get_resolver

from chatsite import startup

startup.begin()

_django = get_wsgi_application()
# Load all views now: the first requests would wait for them.
get_resolver().url_patterns  # noqa: B018
if not settings.DEBUG:  # otherwise no queries are noted that would have to be forgotten
    signals.request_started.disconnect(reset_queries)
_CHARSET = re.compile(r";\s*charset\s*\*?\s*=[^;]*", re.IGNORECASE)


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Call Django without the charset of a request, since everything is UTF-8.

    Django would decode fields with any codec that a request names (``charset=base64``)
    before a middleware could refuse it, and answer 500.
    """
    environ["CONTENT_TYPE"] = without_charset(environ.get("CONTENT_TYPE", ""))
    return _django(environ, start_response)


def without_charset(content_type: str) -> str:
    """Remove the charset from a content type."""
    return _CHARSET.sub("", content_type)
