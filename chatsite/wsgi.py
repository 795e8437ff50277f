"""The web process as gunicorn serves it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from django.core.wsgi import get_wsgi_application

from chatsite import startup

startup.begin()

_django = get_wsgi_application()
_CHARSET = re.compile(r";\s*charset\s*\*?\s*=[^;]*", re.IGNORECASE)


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Django's, told of no charset: all that it takes is UTF-8.

    It would ask Python for whatever codec a request names (``charset=base64``), and
    read its fields with it, before any middleware could refuse them: a 500.
    """
    environ["CONTENT_TYPE"] = without_charset(environ.get("CONTENT_TYPE", ""))
    return _django(environ, start_response)


def without_charset(content_type: str) -> str:
    return _CHARSET.sub("", content_type)
