"""Checks after every test that no log holds a message or a secret.

Messages are remembered when the process of the test makes, reads or saves them. The
logs are those of this process and of the programs that it started.
"""

from __future__ import annotations

import os
import re

#: Shorter ones stand in logs by chance.
SHORTEST = 8
#: A whole key; its prefix alone may stand anywhere.
API_KEY = re.compile(r"csk_[\w-]{20,}")
#: An id may begin like a text: "reply 69" is no leak in "reply 69f0…".
ID = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
_written: set[str] = set()


def forget_texts() -> None:
    """Another test: nothing is written yet."""
    _written.clear()


def remember_text(text: str) -> None:
    if len(text) >= SHORTEST:
        _written.add(text)


def assert_no_leak(log: str) -> None:
    """Raises ``AssertionError`` where the log holds what it must not."""
    secret, log = os.environ["SECRET_KEY"], ID.sub("<id>", log)
    leaked = [text for text in (*_written, secret) if text in log]
    leaked += API_KEY.findall(log)
    assert not leaked, f"a log holds what somebody wrote, or a secret: {leaked}"
