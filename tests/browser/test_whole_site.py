"""Everything at once, as `make run` starts it: a browser, the site, a real worker."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.launch.process_tree import Start, launch
from tests.processes import free_port
from worker.engine.script import expected_reply

pytestmark = pytest.mark.timeout(180)
PATIENCE_MS = 60_000


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Start]:
    started = Start(
        launch(),
        tmp_path / "output",
        PORT=str(free_port()),
        DATA_DIR=str(tmp_path / "data"),
        CHAT_MODEL="scripted",
        LEASE_SECONDS="2",
    )
    started.wait_for(r"^ready: ")
    yield started
    started.end()


def address_of(site: Start) -> str:
    return next(
        line.removeprefix("ready: ")
        for line in site.text.splitlines()
        if line.startswith("ready: ")
    )


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with browser.new_context() as context:
        yield context.new_page()


def test_a_reply_outlives_its_worker_its_web_process_and_its_page(
    page: Page, site: Start
) -> None:
    prompt = "a long story [words=80] [delay=0.05]"
    page.goto(address_of(site))
    page.get_by_label("Your message").fill(prompt)
    page.keyboard.press("Enter")
    text = page.locator(".reply .text")
    expect(text).to_contain_text(expected_reply(prompt)[:20], timeout=PATIENCE_MS)

    os.kill(site.pid_of("worker-1@"), signal.SIGKILL)
    for pid in site.pids():
        with suppress(FileNotFoundError, ProcessLookupError):  # it may have just ended
            if "gunicorn" in Path(f"/proc/{pid}/cmdline").read_text():
                os.kill(pid, signal.SIGKILL)
    expect(page.locator(".reply.done")).to_be_visible(timeout=PATIENCE_MS)
    assert text.inner_text() == expected_reply(prompt)

    second = "and the next [words=20] [delay=0.05]"
    page.get_by_label("Your message").fill(second)
    page.keyboard.press("Enter")
    expect(page.locator(".reply")).to_have_count(2)
    address = page.url
    page.goto("about:blank")
    page.goto(address)
    expect(page.locator(".reply.done")).to_have_count(2, timeout=PATIENCE_MS)
    assert text.all_inner_texts() == [expected_reply(prompt), expected_reply(second)]
