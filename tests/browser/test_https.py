"""The whole way over HTTPS, with cookies that belong to the host alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.browser.conftest import START_SECONDS, Site, Worker
from tests.certificate import certificate
from tests.cookie_names import GUEST, SESSION, TOKEN
from tests.processes import Program, free_port


@pytest.fixture(scope="module")
def address(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder: Path = tmp_path_factory.mktemp("https")
    public, private = certificate(folder)
    bind = f"localhost:{free_port()}"
    with Program(
        *("-m", "gunicorn", "chatsite.wsgi:application", "--bind", bind),
        *("--certfile", str(public), "--keyfile", str(private)),
        *("--worker-class", "gthread", "--threads", "8", "--no-control-socket"),
        HTTPS_ONLY="on",
        **site.environment,
    ) as web:
        deadline = time.monotonic() + START_SECONDS
        while "Listening" not in web.log:
            assert time.monotonic() < deadline and web.is_alive, web.log
            time.sleep(0.05)
        yield f"https://{bind}"


def test_a_guest_sends_also_from_a_page_opened_before_the_session(
    address: str, guest: Callable[..., BrowserContext], worker: Worker
) -> None:
    context = guest(base_url=address, ignore_https_errors=True)
    page = context.new_page()
    page.goto("/")
    stale = context.new_page()
    stale.goto("/")
    page.fill("#text", "What is a queue?")
    page.keyboard.press("Enter")
    worker.finish(worker.claim(), "A line.")
    expect(page.locator(".reply.done .text")).to_have_text("A line.")
    # A page opened before the session was begun has an old token.
    stale.fill("#text", "And a stack?")
    stale.keyboard.press("Enter")
    worker.finish(worker.claim(), "A pile.")
    expect(stale.locator(".reply.done .text")).to_have_text("A pile.")
    cookies = {cookie["name"]: cookie for cookie in context.cookies()}
    session, token, guests = (f"__Host-{name}" for name in (SESSION, TOKEN, GUEST))
    assert {session, token, guests} <= cookies.keys()
    assert all(cookie["secure"] for cookie in cookies.values())
    assert cookies[session]["httpOnly"]
    assert cookies[guests]["httpOnly"]
    assert urlsplit(page.url).scheme == "https"
