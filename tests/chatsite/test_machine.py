"""What a machine has, and how many web processes it runs by itself."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from chatsite import machine
from chatsite.machine import MEBI
from chatsite.settings_table.web_server import default_processes
from tests.processes import ROOT

GIBI = 1024 * MEBI


@pytest.mark.parametrize(
    ("cores", "memory_bytes", "processes"),
    [
        (1, 16 * GIBI, 1),
        (2, 8 * GIBI, 1),
        (4, 8 * GIBI, 2),
        (6, 8 * GIBI, 3),
        (8, GIBI // 2, 1),
        (8, 2 * GIBI, 2),
        (64, 256 * GIBI, 4),
    ],
)
def test_processes_follow_cores_and_memory(
    cores: int, memory_bytes: int, processes: int
) -> None:
    assert default_processes(cores, memory_bytes, has_sqlite=False) == processes
    assert default_processes(cores, memory_bytes, has_sqlite=True) == 1


@pytest.mark.parametrize(
    ("url", "said", "expected"),
    [("", "", 1), ("postgres://a@b/c", "", None), ("", "3", 3)],
)
def test_the_settings_take_what_the_machine_has_unless_told(
    url: str, said: str, expected: int | None, tmp_path: Path
) -> None:
    read = "from chatsite import settings; print(settings.WEB_PROCESSES)"
    given = {"DATABASE_URL": url, "WEB_PROCESSES": said, "DATA_DIR": str(tmp_path)}
    found = subprocess.run(
        [sys.executable, "-c", read],
        cwd=ROOT,
        env={**os.environ, **given},
        capture_output=True,
        text=True,
        check=True,
    )
    has = (machine.cores(), machine.memory_bytes())
    by_machine = default_processes(*has, has_sqlite=False)
    assert int(found.stdout) == (expected or by_machine)


def test_a_container_has_what_its_limit_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unlimited, limit = tmp_path / "memory.max", tmp_path / "memory.limit_in_bytes"
    unlimited.write_text("max\n")
    monkeypatch.setattr(machine, "CGROUP_LIMITS", (unlimited, limit))
    whole = machine.memory_bytes()
    assert whole > GIBI // 8
    limit.write_text("1048576\n")
    assert machine.memory_bytes() == MEBI
