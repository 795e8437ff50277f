"""The measurement beside slow clients ends by itself and finds no errors."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bench.beside_slow_clients import measure
from bench.site import running_site


def test_a_user_is_answered_beside_slow_clients(tmp_path: Path) -> None:
    with running_site(tmp_path) as site, ThreadPoolExecutor(1) as threads:
        # In a thread of its own: Playwright may have left a loop running in this one.
        run = threads.submit(
            lambda: asyncio.run(measure(site, slow=50, seconds=1, posts=8))
        )
        found = run.result()
    for name in ("alone", "beside slow clients of ten addresses"):
        assert found[name]["errors"] == {}
        assert found[name]["poll_count"] > 0
    assert found["large"]["answers"] == {"413": 8}
