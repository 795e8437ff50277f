"""The site's key pair for push services (VAPID, RFC 8292).

Cryptography is imported where it is needed: most sites set no key.
"""

from __future__ import annotations

import time
from base64 import urlsafe_b64encode
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from django.conf import settings

if TYPE_CHECKING:
    from py_vapid import Vapid02

#: Push services refuse tokens that are valid for more than a day.
TOKEN_SECONDS = 12 * 3600


def new_private_key() -> str:
    """A random key as ``VAPID_PRIVATE_KEY`` spells it."""
    from cryptography.hazmat.primitives.asymmetric import ec

    number = ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value
    return _spelled(number.to_bytes(32, "big"))


def public_key() -> str:
    """The public key, which browsers need to subscribe; empty without a private one."""
    return _public_key(settings.VAPID_PRIVATE_KEY) if settings.HAS_PUSH else ""


def authorization(endpoint: str) -> str:
    """The header by which a push service knows this site."""
    parts = urlsplit(endpoint)
    claims = {
        "aud": f"{parts.scheme}://{parts.netloc}",
        "sub": settings.VAPID_CONTACT,
        "exp": int(time.time()) + TOKEN_SECONDS,
    }
    return str(_signer(settings.VAPID_PRIVATE_KEY).sign(claims)["Authorization"])


@lru_cache(maxsize=2)
def _signer(private_key: str) -> Vapid02:
    from py_vapid import Vapid02

    signer = Vapid02.from_raw(private_key.encode())
    signer.conf = {"no-strict": True}  # it takes no path after https://example.com
    return signer


@lru_cache(maxsize=2)
def _public_key(private_key: str) -> str:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    key = _signer(private_key).public_key
    return _spelled(key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))


def _spelled(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
