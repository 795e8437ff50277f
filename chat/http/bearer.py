"""The API key of a request: ``Authorization: Bearer`` (RFC 6750, 2.1)."""

from __future__ import annotations

from django.http import HttpRequest

from chat.accounts.api_keys import key_of
from chat.accounts.key_throttle import count_wrong_key
from chat.models import ApiKey
from chatsite.parked_answers import PARKED_ANSWER

#: In ``META``: the key that a request was let in with.
FOUND_KEY = "chatsite.found_key"


class WrongKey(Exception):
    """The key is wrong, expired or revoked.

    ``retry_seconds`` is set if too many of them came from the network of the client.
    """

    def __init__(self, retry_seconds: int | None) -> None:
        super().__init__()
        self.retry_seconds = retry_seconds


def bearer_secret(request: HttpRequest) -> str | None:
    """Return the secret of a request, which may be empty; None without the scheme.

    Other schemes may be meant for a proxy.
    """
    header: str = request.META.get("HTTP_AUTHORIZATION", "")
    scheme, _, secret = header.strip().partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else None


def find_key(request: HttpRequest, secret: str) -> ApiKey:
    """Return the key with this secret. Raises ``WrongKey``.

    A call that waited for replies keeps its key, which may be revoked by then.
    """
    parked = request.META.get(PARKED_ANSWER)
    key: ApiKey | None = getattr(parked, "key", None) or key_of(secret)
    if key is None:
        raise WrongKey(count_wrong_key(request))
    request.META[FOUND_KEY] = key
    return key
