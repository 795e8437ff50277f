"""Builds of the C source, made once a session."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from worker.engine.native.compile import find_compiler


@pytest.fixture(scope="session")
def compiler() -> str:
    """A C compiler. Without one the test is skipped, in CI it fails."""
    found = find_compiler()
    if found is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("NO C COMPILER")
    return found


@pytest.fixture(scope="session")
def folder(compiler: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where builds are kept during the session."""
    return tmp_path_factory.mktemp("native")
