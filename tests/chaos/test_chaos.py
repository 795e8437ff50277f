"""A short run of each kind inside ``make test``; ``make chaos`` is the long one.

Each is a process of its own, started as a person starts it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.tables import EMPTY_DATABASE
from tests.environment import IS_SOAK
from tests.processes import ROOT

pytestmark = pytest.mark.timeout(600)


#: One of each kind: a worker lost and one that comes back, the web server, a keeper,
#: the queue, connections, a clock, the disk. `make soak` takes all there are.
FAULTS = (
    *("kill_worker", "freeze_worker", "kill_web", "kill_keeper", "empty_redis"),
    *("strand_connections", "move_clock", "fill_disk"),
)
SHORT = {
    "CHAOS_CUTS": "0",
    "CHAOS_GUESTS": "4",
    "CHAOS_CALLERS": "2",
    "CHAOS_LINES": "12",
    "CHAOS_WORKERS": "2",
    "CHAOS_LEASE": "1.5",
    "CHAOS_PAUSE": "0.4",
    "CHAOS_ROUNDS": "1",
    "CHAOS_WORDS": "3 8 8 15 15 30 60",
    "CHAOS_ONLY": " ".join(FAULTS),
}
LONG = {
    "CHAOS_CUTS": "0",
    "CHAOS_GUESTS": "12",
    "CHAOS_PAUSE": "2",
    "CHAOS_SECONDS": "240",
}


@pytest.fixture(autouse=True)
def _tables_are_copied(
    tmp_path: Path, migrated: Callable[[Path], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = tmp_path / "empty.sqlite3"
    migrated(empty)
    monkeypatch.setenv(EMPTY_DATABASE, str(empty))


def audit_of(folder: Path, **settings: str) -> dict[str, Any]:
    target = folder / "audit.json"
    ran = subprocess.run(
        [sys.executable, "-m", "tests.chaos.run"],
        cwd=ROOT,
        env={**os.environ, "CHAOS_JSON": str(target), **settings},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert target.exists(), ran.stderr[-5000:]
    print(ran.stdout)
    return dict(json.loads(target.read_text())["faults"])


def test_whatever_breaks_every_prompt_has_one_reply_with_the_right_text(
    tmp_path: Path,
) -> None:
    audit = audit_of(tmp_path, **(LONG if IS_SOAK else SHORT))
    bad = ("lost", "doubled", "pending", "wrong", "failed", "keys_left")
    assert {name: audit[name] for name in bad} == dict.fromkeys(bad, 0)
    calls = audit["calls"]
    assert (calls["bad"], calls["pending"]) == ([], 0)
    assert calls["ends"]["done"]
    batches = audit["batches"]
    assert (batches["bad"], batches["pending"]) == ([], 0)
    assert batches["lines"]
    # Only a long run says how memory grows.
    assert not (IS_SOAK and audit["grown"])
    assert not audit["leaks"]
    # One is sent with each fault; the guests sent some, too.
    assert audit["prompts"] > audit["faults"]
    assert len(audit["made"]) >= len(FAULTS) - len(audit["lacking"]), audit["made"]
    assert audit["recovery"]


@pytest.mark.skipif(not IS_SOAK, reason="takes a minute: make soak")
def test_a_server_of_the_model_that_breaks_loses_and_doubles_nothing(
    tmp_path: Path,
) -> None:
    faults = "kill_upstream freeze_upstream kill_worker"
    size = {"CHAOS_MODEL": "remote", "CHAOS_ROUNDS": "2", "CHAOS_ONLY": faults}
    audit = audit_of(tmp_path, **{**SHORT, **size})
    bad = ("lost", "doubled", "pending", "wrong", "failed", "keys_left")
    assert {name: audit[name] for name in bad} == dict.fromkeys(bad, 0)
    assert set(audit["made"]) == set(faults.split())
    assert not audit["leaks"]


RUNS = 3
CONTROLS = {
    # A frozen worker comes back and writes into what another one has taken.
    "fence": ("freeze_worker cut_worker_off", ("wrong", "doubled")),
    # Nobody takes back what a lost worker held, nor publishes what Redis forgot.
    "sweep": ("flush_redis kill_worker", ("pending",)),
    # Sent again after trouble, or with a double Enter, it becomes another prompt.
    "key": ("kill_web break_connections", ("doubled", "wrong")),
}


@pytest.mark.parametrize("without", CONTROLS if IS_SOAK else ["fence"])
def test_with_a_protection_switched_off_the_audit_finds_it(
    without: str, tmp_path: Path
) -> None:
    """Otherwise it would see nothing. On a busy machine a run may meet too few faults.

    Replies take up to five seconds: they must outlast the three that one is frozen.
    """
    only, expected = CONTROLS[without]
    size = {
        "CHAOS_ONLY": only,
        "CHAOS_SETTLING": "8",
        "CHAOS_WORDS": "100",
        "CHAOS_WITHOUT": without,
        **({"CHAOS_GUESTS": "12", "CHAOS_ROUNDS": "4"} if IS_SOAK else {}),
    }
    runs = (audit_of(tmp_path, **{**SHORT, **size}) for _ in range(RUNS))
    assert any(audit[name] for audit in runs for name in expected)
