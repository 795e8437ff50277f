"""The hasher of the site, which counts how often it worked."""

from __future__ import annotations

from chat.accounts.hashers import Argon2

worked: list[str] = []


class Counting(Argon2):
    def encode(self, password: str, salt: str) -> str:
        worked.append("encode")
        return super().encode(password, salt)

    def verify(self, password: str, encoded: str) -> bool:
        worked.append("verify")
        return super().verify(password, encoded)
