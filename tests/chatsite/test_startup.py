"""How programs of the site begin and end."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.processes import ROOT


def test_a_list_ends_with_its_reader() -> None:
    """As in `manage.py api_key list | head`."""
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "manage.py", "help", "--commands"],
        cwd=ROOT,
        stdout=writer,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, b"")
