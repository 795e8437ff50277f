"""The programs of the commit before, as git has them."""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
import tempfile
from functools import cache
from pathlib import Path

from tests.environment import FOLDER
from tests.processes import ROOT

#: What no program of the site needs.
LEFT_OUT = (":(exclude)tests", ":(exclude)docs", ":(exclude)bench", ":(exclude)locks")


class NoCommitBefore(Exception):
    """Why there is no commit before this state."""


@cache
def commit_before() -> Path:
    """Unpack the commit before this state, once for each test process.

    That is the newest commit if files were changed since, and otherwise the one before.
    Raises ``NoCommitBefore``.
    """
    if shutil.which("git") is None:
        raise NoCommitBefore("git is not installed")
    is_changed = bool(_git("status", "--porcelain", "--untracked-files=no").strip())
    commit = "HEAD" if is_changed else "HEAD~1"
    archive = _git("archive", commit, "--", ".", *LEFT_OUT)
    folder = Path(tempfile.mkdtemp(prefix="before-", dir=FOLDER))
    with tarfile.open(fileobj=io.BytesIO(archive)) as packed:
        packed.extractall(folder, filter="data")
    return folder


def _git(*arguments: str) -> bytes:
    ran = subprocess.run(
        ["git", *arguments], cwd=ROOT, capture_output=True, check=False
    )
    if ran.returncode != 0:
        reason = ran.stderr.decode(errors="replace").strip().splitlines()
        raise NoCommitBefore(
            f"git {arguments[0]}: {reason[-1] if reason else 'failed'}"
        )
    return ran.stdout
