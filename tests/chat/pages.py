"""What the tests of views read from pages: ids, forms and the poller's state."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse

from tests.dom import dom


def text_of(response: Any) -> str:
    return str(response.content.decode())


def known(response: Any) -> list[tuple[str, str]]:
    """What the poller of this page (or of this answer) carries."""
    fields = dom(response).one("#poller").all("input")
    return [(field["name"], field["value"]) for field in fields]


def poll_url(response: Any) -> str:
    return "/poll/?" + urlencode(known(response))


def form_data(response: Any, text: str) -> dict[str, Any]:
    """What the script of this page would post."""
    data: dict[str, Any] = {"text": text, "key": dom(response).one("#key")["value"]}
    for name, value in known(response):
        data.setdefault(name, []).append(value)
    return data


def delay_ms(response: HttpResponse | Any) -> int:
    trigger = dom(response).one("#poller")["hx-trigger"]
    return int(trigger.partition("load delay:")[2].partition("ms")[0])
