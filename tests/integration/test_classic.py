"""The classic path: migrate, runserver and a Celery worker, each started by hand."""

from __future__ import annotations

import http.cookiejar
import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chatsite.mailbox import Mailbox
from tests.processes import ROOT, Program, celery_worker, free_port
from worker.engine.script import expected_reply

pytestmark = pytest.mark.timeout(120)


class Browser:
    """Keeps its cookies; speaks to one port."""

    def __init__(self, port: int) -> None:
        self._base = f"http://127.0.0.1:{port}"
        cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self._opener = urllib.request.build_opener(cookies)

    def is_up(self) -> bool:
        try:
            self._opener.open(self._base + "/healthz", timeout=5)
        except OSError:
            return False
        return True

    def send(self, text: str) -> dict[str, Any]:
        request = urllib.request.Request(
            self._base + "/api/v1/messages",
            json.dumps({"text": text}).encode(),
            {"Content-Type": "application/json"},
        )
        return self._read(request)

    def look(self, url: str) -> dict[str, Any]:
        return self._read(urllib.request.Request(url))

    def _read(self, request: urllib.request.Request) -> dict[str, Any]:
        with self._opener.open(request, timeout=10) as answer:
            return dict(json.load(answer))


@pytest.fixture
def database(tmp_path: Path) -> str:
    url = f"sqlite:///{tmp_path / 'classic.sqlite3'}"
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "--no-input", "--verbosity=0"],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": url},
        check=True,
    )
    return url


def web(port: int, database: str) -> Program:
    return Program(
        *("manage.py", "runserver", "--noreload", str(port)), DATABASE_URL=database
    )


def test_a_reply_survives_the_web_process_that_took_its_prompt(
    box: Mailbox, database: str, until: Callable[..., None]
) -> None:
    port = free_port()
    browser = Browser(port)
    prompt = "a long answer [words=60] [delay=0.05]"
    with celery_worker():
        with web(port, database) as first:
            until(browser.is_up)
            sent = browser.send(prompt)
            until(lambda: browser.look(sent["url"])["text"])
            before = browser.look(sent["url"])
            assert before["state"] == "running"
            first.kill()
        with pytest.raises(urllib.error.URLError):
            browser.look(sent["url"])
        with web(port, database):
            until(browser.is_up)
            after = browser.look(sent["url"])
            assert after["text"].startswith(before["text"])
            until(lambda: browser.look(sent["url"])["state"] == "done")
            assert browser.look(sent["url"])["text"] == expected_reply(prompt)
