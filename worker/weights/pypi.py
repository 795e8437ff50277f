"""Finds a model file that a PyPI package contains, and installs the package."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

from chatsite.catalog import GgufSource

#: Written by `make lock`: see docs/supply-chain.md.
LOCKS = Path(__file__).resolve().parents[2] / "locks"


class PackageFailed(RuntimeError):
    """A package cannot be installed. The message is one line for the operator."""


def installed_file(source: GgufSource) -> Path | None:
    """Return the file, if its package is installed here in the pinned version.

    The package is not imported; only its list of files is read.
    """
    name, _, version = source.package.partition("==")
    try:
        distribution = importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        return None
    path = Path(str(distribution.locate_file(source.path)))
    return path if distribution.version == version and path.is_file() else None


def install(source: GgufSource, folder: Path) -> Path:
    """Install the package below ``folder``, without dependencies; return the file.

    The installer shows its own progress bar in the terminal. Raises ``PackageFailed``.
    """
    target = folder / source.package
    partial = folder / f"{source.package}.partial"
    if not (target / source.path).is_file():
        shutil.rmtree(partial, ignore_errors=True)
        _run_installer(source.package, partial)
        if not (partial / source.path).is_file():
            raise PackageFailed(f"{source.package} holds no file {source.path}.")
        shutil.rmtree(target, ignore_errors=True)
        os.replace(partial, target)
    return target / source.path


def remove(source: GgufSource, folder: Path) -> None:
    """Delete what ``install`` put there, to free its space."""
    shutil.rmtree(folder / source.package, ignore_errors=True)


def _run_installer(package: str, target: Path) -> None:
    # Only a wheel: the build of a source distribution would run its code.
    options = ["--no-deps", "--only-binary=:all:", "--target", str(target)]
    command = [*_installer(), *options, *_requirement(package)]
    if subprocess.run(command, check=False).returncode != 0:
        raise PackageFailed(f"{package} could not be installed; see the lines above.")


def _requirement(package: str) -> list[str]:
    """Return the lock of just this package, with hashes; without one, its pin."""
    for lock in sorted(LOCKS.glob("*.txt")):
        pins = [line for line in lock.read_text("utf-8").splitlines() if "==" in line]
        if [pin.split()[0] for pin in pins] == [package]:
            return ["--require-hashes", f"-r{lock}"]
    return [package]


def _installer() -> list[str]:
    """Return the command of pip, or of uv in an environment without pip."""
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip", "install", "--no-compile"]
    if uv := shutil.which("uv"):
        return [uv, "pip", "install", "--python", sys.executable]
    raise PackageFailed("There is neither pip nor uv to install the model with.")
