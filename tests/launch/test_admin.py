"""``make admin``: a superuser, also before the first start."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.launch.process_tree import ROOT, clean_environment, launch


def test_it_makes_one_in_a_folder_that_was_never_started(tmp_path: Path) -> None:
    def ran(**variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            launch("admin"),
            cwd=ROOT,
            env=clean_environment(
                DATA_DIR=str(tmp_path), CHAT_MODEL="scripted", **variables
            ),
            input="",
            capture_output=True,
            text=True,
            check=False,
        )

    first = ran(ADMIN_NAME="hive", ADMIN_PASSWORD="a long enough one")
    assert first.returncode == 0, first.stderr
    assert "hive is a superuser." in first.stdout
    refused = ran(ADMIN_NAME="other", ADMIN_PASSWORD="short")
    assert refused.returncode == 1
    assert "too short" in refused.stderr
