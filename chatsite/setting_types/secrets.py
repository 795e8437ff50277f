"""Secrets. No message repeats them."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode
from dataclasses import dataclass
from itertools import combinations

from chatsite.setting_types.base import BadValue, Setting

SECRET_CHARACTERS_MIN = 32
SECRETS_MAX = 20
#: 32 bytes in base64url.
VAPID_CHARACTERS = 43
#: The order of the curve P-256: private keys are smaller.
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
TOO_SHORT = (
    f"must be at least {SECRET_CHARACTERS_MIN} random characters long; "
    "`openssl rand -hex 32` makes one."
)


@dataclass(frozen=True)
class SecretKey(Setting[str]):
    """One secret, too long to be guessed."""

    def parse(self, raw: str) -> str:
        """Return the secret. Raises ``BadValue`` for a short one."""
        if len(raw) < SECRET_CHARACTERS_MIN:
            raise BadValue(TOO_SHORT)
        return raw

    @property
    def values(self) -> str:
        """The valid values in words."""
        return f"at least {SECRET_CHARACTERS_MIN} random characters"


@dataclass(frozen=True)
class SecretKeys(Setting[list[str]]):
    """Several secrets, separated by commas."""

    def parse(self, raw: str) -> list[str]:
        """Return every run of parts between commas that is long enough to be a secret.

        A secret may itself contain commas, and nothing distinguishes these from the
        separators. So all runs count, the shortest first.
        """
        if len(raw) < SECRET_CHARACTERS_MIN:
            raise BadValue(TOO_SHORT)
        parts = raw.split(",")
        if len(parts) > SECRETS_MAX:
            raise BadValue(f"must hold {SECRETS_MAX} keys at most.")
        spans = combinations(range(len(parts) + 1), 2)
        shortest_first = sorted(spans, key=lambda span: span[1] - span[0])
        joined = [",".join(parts[start:end]).strip() for start, end in shortest_first]
        return [key for key in joined if len(key) >= SECRET_CHARACTERS_MIN]

    def spell(self, value: list[str]) -> str:
        """Return the secrets with commas between them."""
        return ",".join(value)

    @property
    def values(self) -> str:
        """The valid values in words."""
        return f"up to {SECRETS_MAX} secrets, separated by commas"


@dataclass(frozen=True)
class VapidKey(Setting[str]):
    """A private key of the curve P-256, in base64url."""

    values = "43 characters, as `manage.py push_key` prints them"

    def parse(self, raw: str) -> str:
        """Return the key without padding. Raises ``BadValue``, without the secret."""
        key = raw.rstrip("=")
        if not re.fullmatch(f"[A-Za-z0-9_-]{{{VAPID_CHARACTERS}}}", key):
            raise BadValue(f"must be {self.values}.")
        if not 0 < int.from_bytes(urlsafe_b64decode(key + "=")) < P256_ORDER:
            raise BadValue(f"must be {self.values}.")
        return key
