"""No log holds what somebody wrote, nor a secret: looked at after every test.

Texts are noted as the test's process saves them; logs are its own and those of the
programs it started.
"""

from __future__ import annotations

import os

#: Shorter ones stand in logs by chance.
SHORTEST = 8
_written: set[str] = set()


def begin() -> None:
    """Another test: nothing is written yet."""
    _written.clear()


def note(text: str) -> None:
    if len(text) >= SHORTEST:
        _written.add(text)


def look_for_leaks(log: str) -> None:
    """Raises ``AssertionError`` where the log holds what it must not."""
    secret = os.environ["SECRET_KEY"]
    leaked = [text for text in (*_written, secret) if text in log]
    assert not leaked, f"a log holds what somebody wrote, or a secret: {leaked}"
