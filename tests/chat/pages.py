"""What the tests of views read from pages: ids, forms and the poller's state."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse

from tests.dom import Element, dom


def text_of(response: Any) -> str:
    return str(response.content.decode())


def known(response: Any) -> list[tuple[str, str]]:
    """What the poller of this page (or of this answer) carries."""
    fields = dom(response).one("#poller").all("input")
    return [(field["name"], field["value"]) for field in fields]


def poll_url(response: Any) -> str:
    return "/poll/?" + urlencode(known(response))


def text_parts(response: Any, reply: Any) -> tuple[Element, Element]:
    """What settled of a growing reply, and its tail, in a page or in an answer."""
    slot = f"#growth-{reply.pk}"
    swapped = f'[hx-swap-oob="innerHTML:{slot}"]'
    settled, tail = dom(response).all(f"{slot} > div, {swapped} > div")
    return settled, tail


def form_data(response: Any, text: str) -> dict[str, Any]:
    """What the script of this page would post."""
    data: dict[str, Any] = {"text": text, "key": dom(response).one("#key")["value"]}
    for name, value in known(response):
        data.setdefault(name, []).append(value)
    return data


def delay_ms(response: HttpResponse | Any) -> int:
    trigger = dom(response).one("#poller")["hx-trigger"]
    return int(trigger.partition("load delay:")[2].partition("ms")[0])
