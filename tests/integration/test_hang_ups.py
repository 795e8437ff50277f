"""A client that hangs up frees its place, whether it asked for a stream or not."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable
from contextlib import ExitStack, closing

import pytest

from tests.integration.whole_site import WORKER_ROWS, WholeSite

#: Minutes: only a stop ends it in time.
ENDLESS = "[words=20000] [delay=0.05]"


def call(site: WholeSite, text: str, **fields: object) -> http.client.HTTPConnection:
    """Send a chat completion, and read nothing of the answer."""
    link = http.client.HTTPConnection(site.url.removeprefix("http://"), timeout=60)
    body = {
        "model": "scripted",
        "messages": [{"role": "user", "content": text}],
        **fields,
    }
    headers = {
        "Authorization": f"Bearer {site.key}",
        "Content-Type": "application/json",
    }
    link.request("POST", "/v1/chat/completions", json.dumps(body), headers)
    return link


@pytest.mark.parametrize("is_streamed", [True, False], ids=["stream", "whole"])
def test_rows_of_those_who_hung_up_are_free(
    called_site: WholeSite, until: Callable[..., None], is_streamed: bool
) -> None:
    """Twice as many calls as rows: those that run are stopped, and those that wait."""
    with ExitStack() as stack:
        for number in range(2 * WORKER_ROWS):
            link = call(called_site, f"{number} {ENDLESS}", stream=is_streamed)
            stack.callback(link.close)
        until(lambda: called_site.unfinished == 2 * WORKER_ROWS)
        until(lambda: called_site.free_rows == 0)
    # This is answered once a row is free and nothing waits before it.
    with closing(call(called_site, "and I?")) as link:
        after = link.getresponse()
        assert (after.status, b"You said" in after.read()) == (200, True)
    until(lambda: called_site.unfinished == 0)
    until(lambda: called_site.free_rows == WORKER_ROWS)
