"""Messages sent by a browser, for the tests of limits."""

from __future__ import annotations

from typing import Any

from django.test import Client

HTMX = {"HX-Request": "true"}


def send(tab: Client, text: str = "hello", path: str = "/send/") -> Any:
    return tab.post(path, {"text": text, "key": text})
