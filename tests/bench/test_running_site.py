"""The measurements of a whole site find no errors; their times are for ``bench``."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from bench import beside_slow_clients, idle, waiting_pages
from bench.site import RunningSite, running_site
from tests.environment import IS_SOAK

pytestmark = pytest.mark.timeout(300)
#: The user sends one round of requests at least, however short the time.
SLOW, SLOW_SECONDS, POSTS = (50, 1, 8) if IS_SOAK else (20, 0.3, 4)
PAGES, OTHERS, SECONDS, RATE = (500, 80, 60, 20) if IS_SOAK else (10, 4, 4, 5)
#: A page far back in line asks again after some ten seconds, one whose reply is being
#: written after less than one.
POLLS_MIN = PAGES if IS_SOAK else 1


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSite]:
    with running_site(tmp_path_factory.mktemp("site")) as site:
        yield site


def found_by(measurement: Coroutine[Any, Any, dict[str, Any]]) -> dict[str, Any]:
    """Run it in another thread: Playwright may have left a loop running in this one."""
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(asyncio.run, measurement).result()


def test_a_user_is_answered_beside_slow_clients(running: RunningSite) -> None:
    found = found_by(
        beside_slow_clients.measure(
            running, slow=SLOW, seconds=SLOW_SECONDS, posts=POSTS
        )
    )
    for name in ("alone", "beside slow clients of ten addresses"):
        assert found[name]["errors"] == {}
        assert found[name]["poll_count"] > 0
    assert found["large"]["answers"] == {"413": POSTS}


def test_pages_wait_while_others_send(running: RunningSite) -> None:
    found = found_by(
        waiting_pages.measure(running.url, PAGES, SECONDS, RATE, others=OTHERS)
    )
    assert found["errors"] == 0, found
    assert found["sends"] == RATE * SECONDS
    assert found["polls"] >= POLLS_MIN
    assert 20 < running.process_megabytes() < running.web_megabytes()


def test_each_program_of_an_idle_site_is_measured(running: RunningSite) -> None:
    (shares,) = idle.shares([running], settle_seconds=0, seconds=1.5)
    assert shares.keys() == {"valkey", "web", "keeper", "worker-1"}
    assert all(0 < share < 100 for share in shares.values())
