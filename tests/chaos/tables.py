"""The empty tables with which a site begins: made, or copied from a file with them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.processes import ROOT

#: Names such a file of SQLite, if there is one.
EMPTY_DATABASE = "CHAOS_EMPTY_DATABASE"


def make_tables(database: Path, environment: dict[str, str]) -> None:
    if empty := os.environ.get(EMPTY_DATABASE):
        shutil.copyfile(empty, database)
        return
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "--no-input", "--verbosity=0"],
        cwd=ROOT,
        env=environment,
        check=True,
    )
