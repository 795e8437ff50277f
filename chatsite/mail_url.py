"""EMAIL_URL as Django's settings of a mail server; the check of a sender."""

from __future__ import annotations

import re
from email import policy
from email.errors import InvalidHeaderDefect

from chatsite.server_url import BadUrl, ServerUrl

EXAMPLE = "smtp+tls://user:password@host:587"
BACKENDS = "django.core.mail.backends."
TLS = ("smtp+tls", "smtps")
SSL = "smtp+ssl"
SCHEMES = ("smtp", *TLS, SSL)


def parse(raw: str) -> dict[str, object]:
    """Return Django's mail settings for a URL. Raises ``BadUrl``.

    For an empty URL, they discard all mail.
    """
    if not raw:
        return {"EMAIL_BACKEND": f"{BACKENDS}dummy.EmailBackend"}
    url = ServerUrl.parse(raw, SCHEMES, ())
    if len(url.hosts) != 1 or not url.hosts[0][0]:
        raise BadUrl("it must name one host")
    if url.path.strip("/"):
        raise BadUrl("nothing may follow the host")
    host, port = url.hosts[0]
    return {
        "EMAIL_BACKEND": f"{BACKENDS}smtp.EmailBackend",
        "EMAIL_HOST": host,
        "EMAIL_PORT": port,
        "EMAIL_HOST_USER": url.username,
        "EMAIL_HOST_PASSWORD": url.password,
        "EMAIL_USE_TLS": url.scheme in TLS,
        "EMAIL_USE_SSL": url.scheme == SSL,
    }


def is_sender(raw: str) -> bool:
    """Whether this is one mail address, with or without a name."""
    # A comma there is one of a list: Python's parser ignores it, mail is not sent.
    if raw.startswith(",") or raw.endswith(","):
        return False
    try:
        header = policy.default.header_factory("From", raw)
    # For some broken texts, Python's parser raises IndexError, AttributeError, …
    except Exception:
        return False
    if any(isinstance(defect, InvalidHeaderDefect) for defect in header.defects):
        return False
    if [group.display_name for group in header.groups] != [None]:
        return False
    return bool(re.fullmatch(r"[^@\s]+@[^@\s]+", header.addresses[0].addr_spec))
