"""Calls with ``?wait=`` take no thread of the web server."""

from __future__ import annotations

import json
from contextlib import ExitStack
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from tests.integration.command_line import SLOW
from tests.integration.whole_site import WholeSite

SECONDS = 25


class Program:
    """Calls of a program, each on a connection of its own."""

    def __init__(self, site: WholeSite, stack: ExitStack) -> None:
        self._host = urlsplit(site.url).netloc
        self._stack = stack
        self._headers = {
            "Authorization": f"Bearer {site.key}",
            "Content-Type": "application/json",
        }

    def send(self, method: str, path: str, body: Any = None) -> HTTPConnection:
        """Send a call; its answer is not read."""
        connection = HTTPConnection(self._host, timeout=SECONDS)
        self._stack.callback(connection.close)
        content = None if body is None else json.dumps(body)
        connection.request(method, f"/api/v1{path}", content, self._headers)
        return connection

    def call(self, method: str, path: str, body: Any = None) -> Any:
        return answer_of(self.send(method, path, body))


def answer_of(connection: HTTPConnection) -> Any:
    return json.load(connection.getresponse())


def test_more_calls_wait_than_there_are_threads(called_site: WholeSite) -> None:
    with ExitStack() as stack:
        program = Program(called_site, stack)
        reply = program.call("POST", "/messages", {"text": f"on and on {SLOW}"})
        path = f"/replies/{reply['id']}"
        # Other calls would be answered after these if each of these kept its thread.
        count = 2 * settings.WEB_THREADS
        waiting = [
            program.send("GET", f"{path}?wait={2 * SECONDS}") for _ in range(count)
        ]
        assert program.call("GET", "/allowances")["allowances"]
        assert program.call("POST", f"{path}/stop")["id"] == reply["id"]
        assert {answer_of(one)["state"] for one in waiting} == {"stopped"}
