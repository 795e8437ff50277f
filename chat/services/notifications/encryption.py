"""Encrypts a message so that only one browser can read it (RFC 8291, RFC 8188).

The push service in between sees how long it is, and nothing else.
"""

from __future__ import annotations

import os
from base64 import urlsafe_b64decode

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

CURVE = ec.SECP256R1()
RECORD_BYTES = 4096
SALT_BYTES = 16
#: What ends the last record of a message.
LAST = b"\x02"


def encrypted(
    message: bytes,
    p256dh: str,
    auth: str,
    sender: ec.EllipticCurvePrivateKey | None = None,
    salt: bytes = b"",
) -> bytes:
    """The body of a request to a push service, with its header.

    ``p256dh`` and ``auth`` are the keys of the browser in base64url. ``sender`` and
    ``salt`` are made at random for each message. Raises ``ValueError`` for keys that
    are none.
    """
    browser_key, secret = decoded(p256dh), decoded(auth)
    browser = ec.EllipticCurvePublicKey.from_encoded_point(CURVE, browser_key)
    sender, salt = (
        sender or ec.generate_private_key(CURVE),
        salt or os.urandom(SALT_BYTES),
    )
    sender_key = sender.public_key().public_bytes(
        Encoding.X962, PublicFormat.UncompressedPoint
    )
    shared = sender.exchange(ec.ECDH(), browser)
    purpose = b"WebPush: info\0" + browser_key + sender_key
    key = _derived(shared, secret, purpose, 32)
    cipher = AESGCM(_derived(key, salt, b"Content-Encoding: aes128gcm\0", 16))
    nonce = _derived(key, salt, b"Content-Encoding: nonce\0", 12)
    size, length = RECORD_BYTES.to_bytes(4, "big"), bytes([len(sender_key)])
    header = salt + size + length + sender_key
    return header + cipher.encrypt(nonce, message + LAST, None)


def decoded(text: str) -> bytes:
    """The bytes of a text in base64url. Raises ``ValueError``."""
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _derived(secret: bytes, salt: bytes, purpose: bytes, length: int) -> bytes:
    return HKDF(SHA256(), length, salt, purpose).derive(secret)
