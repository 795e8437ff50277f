"""The hasher of the site, which counts how often it hashed."""

from __future__ import annotations

from chat.accounts.hashers import LowMemoryArgon2Hasher

#: Each time that the hasher worked, what it did.
hashed: list[str] = []


class CountingHasher(LowMemoryArgon2Hasher):
    def encode(self, password: str, salt: str) -> str:
        hashed.append("encode")
        return super().encode(password, salt)

    def verify(self, password: str, encoded: str) -> bool:
        hashed.append("verify")
        return super().verify(password, encoded)
