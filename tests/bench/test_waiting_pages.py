"""The measurement under load finds no errors; its times are for ``bench`` to tell."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bench.site import running_site
from bench.waiting_pages import measure
from tests.environment import IS_SOAK

#: A page far back in line asks again after some ten seconds.
PAGES, SECONDS, RATE = (500, 60, 20) if IS_SOAK else (20, 12, 8)


@pytest.mark.timeout(300)
def test_pages_wait_while_others_send(tmp_path: Path) -> None:
    with running_site(tmp_path) as site:
        # In a thread of its own: Playwright may have left a loop running in this one.
        with ThreadPoolExecutor(1) as threads:
            run = threads.submit(
                lambda: asyncio.run(measure(site.url, PAGES, SECONDS, RATE))
            )
            found = run.result()
        assert site.web_megabytes() > 20
    assert found["errors"] == 0, found
    assert found["sends"] == RATE * SECONDS
    assert found["polls"] > PAGES / 2  # those far back in line ask every ten seconds
