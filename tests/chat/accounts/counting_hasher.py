"""The site's hasher, which records each call."""

from __future__ import annotations

from chat.accounts.hashers import LowMemoryArgon2Hasher

#: The calls so far.
hashed: list[str] = []


class CountingHasher(LowMemoryArgon2Hasher):
    def encode(self, password: str, salt: str) -> str:
        hashed.append("encode")
        return super().encode(password, salt)

    def verify(self, password: str, encoded: str) -> bool:
        hashed.append("verify")
        return super().verify(password, encoded)
