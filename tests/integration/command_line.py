"""A person who uses the command ``chatsite``, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.integration.whole_site import WholeSite
from tests.processes import ROOT

COMMAND = (sys.executable, "-m", "chatsite.cli")
SECONDS = 60
#: Longer than any test.
SLOW = "[words=3000] [delay=0.05]"


class CommandLine:
    """A person with a home of their own."""

    def __init__(self, site: WholeSite, home: Path) -> None:
        self.site = site
        self.home = home
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "CHATSITE_URL": site.url,
            "CHATSITE_API_KEY": site.key,
        }

    def __call__(
        self, *arguments: str, stdin: str | None = None, code: int = 0, **more: str
    ) -> str:
        """What it writes to standard output; to standard error if it fails."""
        done = subprocess.run(
            [*COMMAND, *arguments],
            cwd=ROOT,
            env={**self.environment, **more},
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
        return done.stderr if code else done.stdout

    def start(self, *arguments: str, **streams: int) -> subprocess.Popen[bytes]:
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams}
        return subprocess.Popen(
            [*COMMAND, *arguments],
            cwd=ROOT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            **streams,
        )
