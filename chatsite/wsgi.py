from __future__ import annotations

import os
import re
from collections.abc import Iterable
from typing import Any

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatsite.settings")

_django = get_wsgi_application()
_OTHER_CHARSET = re.compile(
    r';\s*charset\s*=\s*(?!"?utf-?8"?\s*(;|$))[^;]*', re.IGNORECASE
)


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Django's, told of no charset but the one it takes.

    It asks Python for whatever codec a request names, before any view or middleware
    could refuse it: ``charset=base64`` would be an answer of 500.
    """
    said = environ.get("CONTENT_TYPE", "")
    environ["CONTENT_TYPE"] = _OTHER_CHARSET.sub("", said)
    return _django(environ, start_response)
