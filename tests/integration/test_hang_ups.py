"""A client that hangs up frees its place, whether it asked for a stream or not."""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Callable
from contextlib import ExitStack, closing
from uuid import UUID, uuid4

import pytest

from tests.integration.whole_site import WORKER_ROWS, WholeSite

#: Minutes: only a stop ends it in time.
ENDLESS = "[words=20000] [delay=0.05]"
#: Bytes of a stream, with at least one whole event.
SOME_EVENTS = 2000


def call(
    site: WholeSite, text: str, once: str = "", **fields: object
) -> http.client.HTTPConnection:
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
        "Idempotency-Key": once or uuid4().hex,
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


def test_a_reply_is_stopped_once_all_its_web_processes_have_lost_its_callers(
    called_site: WholeSite, until: Callable[..., None]
) -> None:
    """One caller hangs up, and the web process of the other one is killed."""
    text, once = f"for two {ENDLESS}", uuid4().hex
    with called_site.another_web() as other, ExitStack() as stack:
        links = [call(one, text, once, stream=True) for one in (called_site, other)]
        for link in links:
            stack.callback(link.close)
        answers = [link.getresponse() for link in links]
        reply = reply_of(answers[0].read(SOME_EVENTS))
        assert reply_of(answers[1].read(SOME_EVENTS)) == reply
        until(lambda: called_site.processes_waiting_for(reply) == 2)
        answers[0].close()
        links[0].close()
        until(lambda: called_site.processes_waiting_for(reply) == 1)
        assert reply_of(answers[1].read(SOME_EVENTS)) == reply
        other.web.kill()
        until(lambda: called_site.unfinished == 0)
    until(lambda: called_site.free_rows == WORKER_ROWS)


def reply_of(events: bytes) -> str:
    """The reply whose text these events of a stream bring."""
    assert b'"error"' not in events
    found = re.search(rb'"id":"chatcmpl-(\w+)"', events)
    assert found
    return str(UUID(found[1].decode()))
