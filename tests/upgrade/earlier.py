"""Programs of either release: the earlier one from its archive, this one from here."""

from __future__ import annotations

import tarfile
import tempfile
from functools import cache
from pathlib import Path
from urllib.request import urlopen

from tests.environment import FOLDER
from tests.processes import ROOT, Program
from tests.upgrade.visitor import wait_until

ARCHIVE = Path(__file__).with_name("earlier.tar.xz")
START_SECONDS = 60
#: Several commands of Django in one process, which takes a second to start.
MANAGE = """
import os, sys
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatsite.settings")
import django
from django.core.management import call_command
django.setup()
for command in sys.argv[1:]:
    call_command(command, verbosity=0)
"""


@cache
def earlier_release() -> Path:
    """The folder of the earlier release, unpacked once for each test process."""
    folder = Path(tempfile.mkdtemp(prefix="earlier-", dir=FOLDER))
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(folder, filter="data")
    return folder


class Release:
    """Starts programs of one release, all with the same environment."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        self.environment = {
            # Of the other tests; empty counts as unset.
            "SECRET_KEY": "",
            "DATABASE_URL": "",
            "POLL_SECONDS": "",
            "CHAT_MODEL": "scripted",
            "SWEEP_SECONDS": "0.2",
            "LEASE_SECONDS": "2",
            **environment,
        }

    @classmethod
    def earlier(cls, **environment: str) -> Release:
        return cls(earlier_release(), **environment)

    @classmethod
    def current(cls, **environment: str) -> Release:
        return cls(ROOT, **environment)

    def run(self, *arguments: str, **environment: str) -> None:
        """Run a program to its end, which must be a good one."""
        with self._program(*arguments, **environment) as program:
            assert program.process.wait(START_SECONDS) == 0, program.log

    def output(self, *arguments: str) -> str:
        """What a program prints, which must end well."""
        with self._program(*arguments) as program:
            assert program.process.wait(START_SECONDS) == 0, program.log
            return program.log

    def migrate(self, *commands: str, **environment: str) -> None:
        """Make the tables, then run further commands in the same process."""
        self.run("-c", MANAGE, "migrate", *commands, **environment)

    def web(self, **environment: str) -> Program:
        return self._program(
            *("-m", "gunicorn", "--config", "python:launch.gunicorn_config"),
            "chatsite.wsgi:application",
            **environment,
        )

    def worker(self, **environment: str) -> Program:
        return self._program(
            *("-m", "celery", "-A", "chatsite", "worker", "--loglevel", "info"),
            *("--without-gossip", "--without-mingle", "--pool", "threads"),
            **environment,
        )

    def keeper(self, **environment: str) -> Program:
        return self._program("manage.py", "keeper", **environment)

    def _program(self, *arguments: str, **environment: str) -> Program:
        return Program(
            *arguments, folder=self.folder, **self.environment, **environment
        )


def wait_for_page(url: str, web: Program) -> None:
    """Wait until a web server answers."""

    def is_up() -> bool:
        assert web.is_alive, web.log
        try:
            urlopen(f"{url}/healthz", timeout=5).close()
        except OSError:
            return False
        return True

    wait_until(is_up, "the web server", START_SECONDS)


def wait_for_worker(worker: Program) -> None:
    """Wait until a worker takes requests."""

    def is_ready() -> bool:
        assert worker.is_alive, worker.log
        return " ready." in worker.log

    wait_until(is_ready, "the worker", START_SECONDS)
