"""The threads of torch sleep while they wait, as OpenMP itself reports."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

LOAD = "from worker.engine.openmp import wait_passively; wait_passively(); import torch"


def spins(code: str, **variables: str) -> int:
    """How often a thread looks for work before it sleeps, in a new process."""
    environ = {k: v for k, v in os.environ.items() if k != "OMP_WAIT_POLICY"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**environ, "OMP_DISPLAY_ENV": "verbose", **variables},
        capture_output=True,
        text=True,
        check=True,
    )
    found = re.search(r"GOMP_SPINCOUNT = '(\d+)'", done.stderr)
    if not found:
        pytest.skip("the torch of this machine comes without GNU's OpenMP")
    return int(found[1])


def test_threads_sleep_while_they_wait() -> None:
    # The test would prove nothing if this were the default.
    assert spins("import torch") > 0
    assert spins(LOAD) == 0


def test_the_operator_may_decide_otherwise() -> None:
    assert spins(LOAD, OMP_WAIT_POLICY="active") > 0
