"""Installs packages into ``.venv``: with uv, and with pip where uv cannot.

uv takes seconds where pip takes minutes. pip comes with Python, installs uv by its
hash, and knows from its own configuration where packages are. uv does not read that
configuration, so this module hands it over.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

from launch.env import process_group
from launch.errors import LaunchError

#: pip's settings and the variables by which uv takes them:
#: https://pip.pypa.io/en/stable/topics/configuration/ and
#: https://docs.astral.sh/uv/reference/environment/
UV_VARIABLES = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "trusted-host": "UV_INSECURE_HOST",
    "no-cache-dir": "UV_NO_CACHE",
    "default-timeout": "UV_HTTP_TIMEOUT",
    "timeout": "UV_HTTP_TIMEOUT",
    "proxy": "ALL_PROXY",
    "cert": "SSL_CERT_FILE",
    "client-cert": "SSL_CLIENT_CERT",
}
#: Sections of pip's configuration; a later one overrides an earlier one.
PIP_SECTIONS = ("global", "install", ":env:")


class Installer:
    """Installs into the environment of one Python."""

    def __init__(self, python: Path, uv_lock: Path) -> None:
        """Install uv as ``uv_lock`` pins it; where that fails, use pip alone."""
        self.python = python
        self._uv_options: list[str] = []
        self._uv_environment: dict[str, str] = {}
        got = process_group.run(
            [*self._pip(), "-qq", "--require-hashes", f"-r{uv_lock}"],
            stderr=subprocess.DEVNULL,
        )
        self.has_uv = got.returncode == 0 and self._uv_runs()
        if self.has_uv:
            self._configure_uv()
        else:
            print("No uv here; pip installs, which takes minutes.", flush=True)

    def install(self, *arguments: str) -> None:
        """Install, by arguments of ``pip install``. Raises ``LaunchError``."""
        if self.has_uv:
            if self.run_uv(*arguments):
                return
            print("uv could not install this; pip tries, and takes longer.", flush=True)
        command = self._pip() if sys.stdout.isatty() else [*self._pip(), "-qq"]
        status, errors = _run([*command, *arguments])
        if "DO NOT MATCH THE HASHES" in errors:
            raise LaunchError(
                "A package (named above) is not the one that is locked: its hash "
                "differs. It was not installed. Check where it comes from: the index "
                "of pip, or its cache (`pip cache purge`). Only if the change is "
                "meant, run `make lock`."
            )
        if status != 0:
            raise LaunchError(
                "pip could not install what is needed; its output is above."
            )

    def uninstall(self, name: str) -> None:
        """Remove a package, if it is installed."""
        self.pip("uninstall", "--yes", "--quiet", name)

    def pip(self, *arguments: str) -> str:
        """Return what pip prints. Raises ``subprocess.SubprocessError``."""
        command = [
            str(self.python),
            "-m",
            "pip",
            "--disable-pip-version-check",
            *arguments,
        ]
        ran = process_group.run(command, timeout=300, stdout=subprocess.PIPE)
        ran.check_returncode()
        return ran.stdout

    def run_uv(self, *arguments: str) -> bool:
        """Run ``uv pip install``; return whether it did what was asked.

        On a terminal uv shows its progress. Elsewhere it prints errors only.
        """
        quiet = [] if sys.stderr.isatty() else ["-q"]
        command = self.uv(*quiet, *arguments)
        return process_group.run(command, env=self.uv_environment()).returncode == 0

    def uv(self, *arguments: str) -> list[str]:
        """Return a command of ``uv pip install`` for this environment."""
        base = [str(self.python), "-m", "uv", "pip", "install"]
        into = ["--python", str(self.python), "--only-binary", ":all:"]
        return [*base, *into, *self._uv_options, *arguments]

    def uv_environment(self) -> dict[str, str]:
        """Return the environment for uv: a variable that a person set is kept."""
        return {**self._uv_environment, **os.environ}

    def without_cache(self) -> None:
        """Have later installations download everything again."""
        self._uv_options.append("--no-cache")

    def _pip(self) -> list[str]:
        pip = [str(self.python), "-m", "pip", "install", "--disable-pip-version-check"]
        return [*pip, "--only-binary=:all:"]

    def _uv_runs(self) -> bool:
        command = [str(self.python), "-m", "uv", "--version"]
        ran = process_group.run(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        return ran.returncode == 0

    def _configure_uv(self) -> None:
        settings = pip_settings(self.pip("config", "list"))
        if settings.get("no-index", "") in ("1", "yes", "true", "on"):
            self._uv_options.append("--no-index")
        self._uv_environment = {
            # As pip does: the best version of all indexes. The hashes pin the file.
            "UV_INDEX_STRATEGY": "unsafe-best-match",
            **{
                variable: " ".join(settings[name].split())
                for name, variable in UV_VARIABLES.items()
                if name in settings
            },
        }
        if os.environ.get("PYTHONDONTWRITEBYTECODE"):
            # No later run compiles the packages, so the installation has to.
            self._uv_environment["UV_COMPILE_BYTECODE"] = "1"


def pip_settings(listed: str) -> dict[str, str]:
    """Read what ``pip config list`` prints: a line is ``section.name='value'``."""
    found = {}
    for section in PIP_SECTIONS:
        for line in listed.splitlines():
            if line.startswith(f"{section}."):
                name, _, value = line.removeprefix(f"{section}.").partition("=")
                found[name] = str(ast.literal_eval(value))
    return found


def _run(command: list[str]) -> tuple[int, str]:
    """Return the status and the errors of a command; show the errors at once."""
    errors = []
    with process_group.started(command, stderr=subprocess.PIPE) as process:
        for line in process.stderr or ():
            sys.stderr.write(line)
            errors.append(line)
    return process.returncode, "".join(errors)
