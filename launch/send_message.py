"""Sends one message to a site, as a guest, and waits for the reply.

    python3 -m launch.send_message http://127.0.0.1:8000

Exits with 0 if the site has replied within five minutes, in which it may still start.
Needs only Python.
"""

from __future__ import annotations

import json
import sys
import time
import urllib.request
from http.cookiejar import CookieJar
from typing import Any
from uuid import uuid4

TEXT = "What do bees make?"
PATIENCE_SECONDS = 300
PAUSE_SECONDS = 0.5
OVER = ("done", "failed", "stopped")


class Guest:
    """A program without an account, which keeps its cookies."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        cookies = urllib.request.HTTPCookieProcessor(CookieJar())
        self._opener = urllib.request.build_opener(cookies)

    def ask(self, path: str, said: dict[str, str] | None = None) -> dict[str, Any]:
        """Call the API. Raises ``OSError``."""
        address = path if path.startswith("http") else self._url + path
        headers = {"Content-Type": "application/json", "Idempotency-Key": uuid4().hex}
        body = None if said is None else json.dumps(said).encode()
        request = urllib.request.Request(address, body, headers)  # noqa: S310
        with self._opener.open(request, timeout=30) as answer:
            return dict(json.load(answer))


def main(url: str) -> int:
    """Return the exit status."""
    guest, deadline = Guest(url), time.monotonic() + PATIENCE_SECONDS
    reply = _sent(guest, deadline)
    while reply["state"] not in OVER and time.monotonic() < deadline:
        time.sleep(PAUSE_SECONDS)
        reply = guest.ask(reply["url"])
    print(f"{reply['state']}: {reply['text']}")
    return 0 if reply["state"] == "done" else 1


def _sent(guest: Guest, deadline: float) -> dict[str, Any]:
    """Send the message as soon as the site takes it. Raises ``OSError``."""
    while True:
        try:
            return guest.ask("/api/v1/messages", {"text": TEXT})
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(PAUSE_SECONDS)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
