"""Which test process runs which tests, and in what order: see CONTRIBUTING.md.

A file is run by one process, so what its tests share is started once. The files that
take longest are given out first, each test by itself: begun late, one of these would
hold up the end of a run.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

#: What takes longest first.
LONG = (
    "tests/chaos/test_chaos.py",
    "tests/launch/test_site.py",
    "tests/test_access.py",
    "tests/launch/test_move_database.py",
    "tests/test_redis_failures.py",
    "tests/launch/backup/test_backup.py",
    "tests/integration/test_coming_and_going.py",
    "tests/launch/env/test_virtualenv.py",
    "tests/chaos/test_crash_points.py",
    "tests/chaos/test_killed_batch.py",
    "tests/chaos/test_power_cuts.py",
    "tests/worker/engine/native/test_sanitizers.py",
    "tests/deployment/test_services_run.py",
    "tests/test_fuzzing.py",
    "tests/integration/test_locked_database.py",
    "tests/launch/test_start_errors.py",
    "tests/launch/test_odd_settings.py",
    "tests/upgrade/test_upgrade.py",
    "tests/chat/services/jobs/test_any_order.py",
)
#: The folders whose tests share programs that stay up until the last of them.
SHARING = ("tests/worker/", "tests/integration/")
#: Comes last: its site stays up, and its keeper collects into another database than
#: that of other tests.
BROWSER = "tests/browser/"


class ByFile(LoadScopeScheduling):
    """Gives out files in the order of collection, and some of them test by test."""

    def __init__(self, config: pytest.Config, log: Any) -> None:
        config.option.loadscopereorder = False
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        return nodeid if nodeid.startswith(LONG) else _file_of(nodeid)


def in_order(items: list[pytest.Item]) -> list[pytest.Item]:
    """Long ones first, browsers last, and all tests of a file one after the other."""
    sizes = Counter(_file_of(item.nodeid) for item in items)
    first = {file: number for number, file in enumerate(sizes)}

    def place(item: pytest.Item) -> tuple[int, int, int]:
        file = _file_of(item.nodeid)
        if file in LONG:
            return 0, LONG.index(file), 0
        if file.startswith(BROWSER):
            # The last files are soon done.
            return 3, -sizes[file], first[file]
        sharing = [file.startswith(folder) for folder in SHARING]
        return (
            (1, sharing.index(True), first[file])
            if any(sharing)
            else (2, 0, first[file])
        )

    return sorted(items, key=place)


def _file_of(nodeid: str) -> str:
    return nodeid.partition("::")[0]
