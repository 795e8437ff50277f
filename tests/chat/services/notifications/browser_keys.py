"""The keys of a browser: reads what was encrypted for it, as RFC 8291 says."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

CURVE = ec.SECP256R1()


def spelled(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def read(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


class BrowserKeys:
    """A key pair and a secret, random unless they are given."""

    def __init__(self, private: str = "", auth: str = "") -> None:
        number = int.from_bytes(read(private)) if private else 0
        self._private = (
            ec.derive_private_key(number, CURVE)
            if private
            else ec.generate_private_key(CURVE)
        )
        self._public = self._private.public_key().public_bytes(
            Encoding.X962, PublicFormat.UncompressedPoint
        )
        self._auth = read(auth) or b"sixteen bytes at"

    @property
    def p256dh(self) -> str:
        return spelled(self._public)

    @property
    def auth(self) -> str:
        return spelled(self._auth)

    def decrypt(self, body: bytes) -> bytes:
        salt, size, length = body[:16], int.from_bytes(body[16:20]), body[20]
        sender_key, sealed = body[21 : 21 + length], body[21 + length :]
        assert len(sealed) <= size <= 4096
        sender = ec.EllipticCurvePublicKey.from_encoded_point(CURVE, sender_key)
        shared = self._private.exchange(ec.ECDH(), sender)
        info = b"WebPush: info\x00" + self._public + sender_key
        secret = HKDF(SHA256(), 32, self._auth, info).derive(shared)
        key = HKDF(SHA256(), 16, salt, b"Content-Encoding: aes128gcm\x00")
        nonce = HKDF(SHA256(), 12, salt, b"Content-Encoding: nonce\x00")
        padded = AESGCM(key.derive(secret)).decrypt(nonce.derive(secret), sealed, None)
        text, end, padding = padded.partition(b"\x02")
        assert end
        assert not padding.strip(b"\x00")
        return text

    def notice(self, body: bytes) -> dict[str, Any]:
        """What a message of the site says."""
        return json.loads(self.decrypt(body))


def checked_claims(authorization: str, public_key: str) -> dict[str, Any]:
    """The claims of a VAPID token; fails unless this key signed it (RFC 8292)."""
    scheme, _, rest = authorization.partition(" ")
    fields = dict(field.strip().split("=", 1) for field in rest.split(","))
    assert (scheme, fields["k"]) == ("vapid", public_key)
    signed, _, signature = fields["t"].rpartition(".")
    r, s = (int.from_bytes(read(signature)[i : i + 32]) for i in (0, 32))
    key = ec.EllipticCurvePublicKey.from_encoded_point(CURVE, read(public_key))
    key.verify(utils.encode_dss_signature(r, s), signed.encode(), ec.ECDSA(SHA256()))
    header, claims = (json.loads(read(part)) for part in signed.split("."))
    assert (header["alg"], header["typ"]) == ("ES256", "JWT")
    return claims
