"""Finds a Chromium for the browser tests, or installs one.

    python -m launch.env.chromium

It takes the system's own, otherwise Playwright's, otherwise Debian's. Where there is
none, it says so and the browser tests are skipped; in CI (variable ``CI``) it fails.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
DOWNLOAD_SECONDS = 180
INSTALL_SECONDS = 300


def executable() -> str | None:
    """Return the path of an installed Chromium, or None."""
    for name in NAMES:
        if found := shutil.which(name):
            return found
    return _of_playwright()


def main() -> int:
    """Find or install a Chromium and print its path. Return the exit status."""
    if not executable():
        _download()
    if not executable():
        _install()
    if found := executable():
        print(f"Browser for the tests: {found}", flush=True)
        return 0
    print("NO BROWSER: the tests in a browser are SKIPPED. Install Chromium.")
    return 1 if os.environ.get("CI") else 0


def _of_playwright() -> str | None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if path and Path(path).exists() else None


def _download() -> None:
    print("No Chromium here; downloading Playwright's (about 0.2 GB).", flush=True)
    _try((sys.executable, "-m", "playwright", "install", "chromium"), DOWNLOAD_SECONDS)


def _install() -> None:
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return
    print("Installing Debian's Chromium.", flush=True)
    _try(("apt-get", "update", "-qq"), INSTALL_SECONDS)
    packages = ("--no-install-recommends", "chromium")
    _try(("apt-get", "install", "-y", "-qq", *packages), INSTALL_SECONDS)


def _try(command: Sequence[str], seconds: float) -> None:
    try:
        subprocess.run(command, timeout=seconds, check=False, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired) as error:
        print(error, flush=True)


if __name__ == "__main__":
    sys.exit(main())
