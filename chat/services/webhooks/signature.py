"""Secrets and signatures of Standard Webhooks (standardwebhooks.com)."""

from __future__ import annotations

import hmac
import secrets
from base64 import b64decode, b64encode
from collections.abc import Iterable
from hashlib import sha256

PREFIX = "whsec_"
SECRET_BYTES = 32


def new_secret() -> str:
    """A random secret as Standard Webhooks spells it."""
    return PREFIX + b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def signed_headers(
    event_id: str, timestamp: int, body: bytes, secrets_: Iterable[str]
) -> dict[str, str]:
    """The headers of one call; ``timestamp`` is in seconds since 1970.

    There is one signature for each secret, and a receiver accepts any of them.
    """
    content = b".".join((event_id.encode(), str(timestamp).encode(), body))
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(_signature(one, content) for one in secrets_),
    }


def _signature(secret: str, content: bytes) -> str:
    key = b64decode(secret.removeprefix(PREFIX))
    return "v1," + b64encode(hmac.digest(key, content, sha256)).decode()
