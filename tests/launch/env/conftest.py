"""Checkouts of the tests of ``launch.env``."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from tests.environment import IS_SOAK
from tests.launch.env.checkout import Checkout


@pytest.fixture(scope="session")
def bare_environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with nothing but pip in it.

    pip is copied from where the tests run: installing it takes seconds.
    """
    folder = tmp_path_factory.mktemp("bare") / ".venv"
    make = [sys.executable, "-m", "venv", "--without-pip", folder]
    subprocess.run(make, check=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    for file in metadata.files("pip") or ():
        target = packages / file
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(file.locate(), target)
    subprocess.run([sys.executable, "-m", "compileall", "-q", packages], check=True)
    return folder


def with_environment(root: Path, environment: Path) -> Path:
    """Return ``root`` with a copy of this environment as its ``.venv``."""
    # Links are enough: pip replaces files and does not write into them.
    shutil.copytree(environment, root / ".venv", symlinks=True, copy_function=os.link)
    return root


@pytest.fixture
def fresh(tmp_path: Path) -> Checkout:
    """A checkout without ``.venv``."""
    return Checkout(tmp_path)


@pytest.fixture
def checkout(tmp_path: Path, bare_environment: Path) -> Checkout:
    """A checkout whose ``.venv`` was made, and nothing installed in it yet."""
    return Checkout(with_environment(tmp_path, bare_environment))


@pytest.fixture
def without_uv(tmp_path: Path, bare_environment: Path) -> Checkout:
    """The same on a machine that cannot get uv."""
    return Checkout(with_environment(tmp_path, bare_environment), with_uv=False)


@pytest.fixture(params=["checkout", "without_uv"] if IS_SOAK else ["checkout"])
def either(request: pytest.FixtureRequest) -> Checkout:
    """A checkout with uv, whose work pip takes over when uv refuses it.

    ``make soak`` takes one without uv, too.
    """
    return request.getfixturevalue(request.param)
