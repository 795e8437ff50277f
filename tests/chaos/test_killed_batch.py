"""Everything is killed in the middle of a batch, and each line is answered once."""

from __future__ import annotations

import random
import signal
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.chaos.batches import Batcher, examine_batches
from tests.chaos.run import prompt
from tests.chaos.site import Site
from tests.chaos.streams import make_key
from tests.chaos.tables import EMPTY_DATABASE
from tests.environment import IS_SOAK
from worker.engine.script import expected_reply

pytestmark = pytest.mark.timeout(600)

LINES = 1000 if IS_SOAK else 30
#: At which shares of the lines with results everything is killed.
MOMENTS = (0.1, 0.3, 0.5, 0.7, 0.9) if IS_SOAK else (0.3,)
#: Words of the replies.
COUNTS = (3, 8, 15, 30)
PATIENCE_SECONDS = 240 if IS_SOAK else 60


def lines_of(site: Site, states: str) -> int:
    """How many lines are in one of these states."""
    asked = f"SELECT count(*) FROM chat_batchline WHERE state IN ({states})"
    with closing(sqlite3.connect(f"file:{site.database}?mode=ro", uri=True)) as link:
        return int(link.execute(asked).fetchone()[0])


def test_whatever_is_killed_each_line_of_a_batch_is_answered_once(
    tmp_path: Path, migrated: Callable[[Path], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    migrated(tmp_path / "empty.sqlite3")
    monkeypatch.setenv(EMPTY_DATABASE, str(tmp_path / "empty.sqlite3"))
    site = Site(tmp_path, workers=2, lease_seconds=1)
    dice = random.Random(1)
    batcher = Batcher(site.url, LINES, dice, lambda dice: prompt(dice, COUNTS))
    is_over = threading.Event()
    try:
        site.start()
        batcher.key = make_key(site.web)
        batcher.start(is_over.is_set)
        for share in MOMENTS:
            due = int(share * LINES)
            site.wait(
                lambda due=due: lines_of(site, "'done'") >= due,
                PATIENCE_SECONDS,
                f"{due} lines with results",
            )
            for part in site.parts:
                part.signal(signal.SIGKILL)
            assert lines_of(site, "'sent'") > 0, "none was being written"
        site.wait(
            lambda: not examine_batches(site.database, batcher, expected_reply).pending,
            PATIENCE_SECONDS,
            "an end of the batch",
        )
        audit = examine_batches(site.database, batcher, expected_reply)
    finally:
        is_over.set()
        site.close()
    assert (audit.bad, audit.lines) == ([], LINES)
