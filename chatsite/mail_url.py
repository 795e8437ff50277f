"""EMAIL_URL as Django's settings of the server that takes mail."""

from __future__ import annotations

from chatsite.server_url import BadUrl, ServerUrl

EXAMPLE = "smtp+tls://user:password@host:587"
BACKENDS = "django.core.mail.backends."
TLS = ("smtp+tls", "smtps")
SSL = "smtp+ssl"
SCHEMES = ("smtp", *TLS, SSL)


def parse(raw: str) -> dict[str, object]:
    """An empty URL is a server that takes nothing. Raises ``BadUrl``."""
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
