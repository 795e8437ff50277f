"""The name of the header in which a proxy says ``https``."""

from __future__ import annotations

import re

NAME = re.compile(r"[A-Z0-9_]*[A-Z0-9]")
#: Headers with another meaning, as WSGI spells them. Their value is never ``https``,
#: and clients send them through proxies.
TAKEN_PREFIXES = ("ACCEPT", "CONTENT_", "HX_", "IF_", "SEC_")
TAKEN = frozenset(
    (
        *("AUTHORIZATION", "CACHE_CONTROL", "CONNECTION", "COOKIE", "DATE", "DNT"),
        *("EXPECT", "FORWARDED", "FROM", "HOST", "IDEMPOTENCY_KEY", "KEEP_ALIVE"),
        *("MAX_FORWARDS", "ORIGIN", "PRAGMA", "PRIORITY", "PROXY_AUTHORIZATION"),
        *("PROXY_CONNECTION", "RANGE", "REFERER", "TE", "TRAILER", "TRANSFER_ENCODING"),
        *("UPGRADE", "UPGRADE_INSECURE_REQUESTS", "USER_AGENT", "VIA", "X_CSRFTOKEN"),
        *("X_FORWARDED_FOR", "X_FORWARDED_HOST", "X_FORWARDED_PORT", "X_REAL_IP"),
        *("X_FORWARDED_PREFIX", "X_FORWARDED_SERVER", "X_REQUESTED_WITH"),
    )
)


def parse(raw: str) -> str:
    """Return ``HTTP_X_SCHEME`` for ``X-Scheme``. Raises ``ValueError``."""
    name = raw.upper().replace("-", "_").removeprefix("HTTP_")
    if not raw.isascii() or not NAME.fullmatch(name):
        raise ValueError("the name of a header")
    if name in TAKEN or name.startswith(TAKEN_PREFIXES):
        raise ValueError("the name of a header that says https, like X-Forwarded-Proto")
    return f"HTTP_{name}"
