"""Finds a Chromium for the browser tests, or installs one.

    python -m launch.env.chromium

It takes the system's own, otherwise Playwright's, otherwise Debian's. Most tests run in
a headless shell where there is one, which root gets from Debian too. Where there is no
Chromium at all, it says so and the browser tests are skipped; in CI (variable ``CI``)
it fails.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

#: Draws no window, so it starts three times as fast. It keeps no pages for Back.
HEADLESS_NAMES = ("chromium-headless-shell",)
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
DOWNLOAD_SECONDS = 180
INSTALL_SECONDS = 300


def executable() -> str | None:
    """Return the path of an installed Chromium, the quickest one, or None."""
    return _installed(HEADLESS_NAMES) or whole_browser()


def whole_browser() -> str | None:
    """Return the path of a Chromium that also does what a window needs, or None."""
    return _installed(NAMES) or _of_playwright()


def _installed(names: Sequence[str]) -> str | None:
    return next(filter(None, map(shutil.which, names)), None)


def main() -> int:
    """Find or install a Chromium and print its path. Return the exit status."""
    if not whole_browser():
        _download()
    if os.geteuid() == 0 and shutil.which("apt-get"):
        _install_missing()
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


def _install_missing() -> None:
    if not whole_browser():
        _try(("apt-get", "update", "-qq"), INSTALL_SECONDS)
        _install("chromium")
    if not _installed(HEADLESS_NAMES):
        _install(*HEADLESS_NAMES)


def _install(package: str) -> None:
    """Install a package of Debian. Does nothing where its lists do not name it."""
    lookup = ("apt-cache", "policy", package)
    if subprocess.run(lookup, capture_output=True, check=False).stdout:
        print(f"Installing Debian's {package}.", flush=True)
        command = ("apt-get", "install", "-y", "-qq", "--no-install-recommends")
        _try((*command, package), INSTALL_SECONDS)


def _try(command: Sequence[str], seconds: float) -> None:
    try:
        subprocess.run(command, timeout=seconds, check=False, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired) as error:
        print(error, flush=True)


if __name__ == "__main__":
    sys.exit(main())
