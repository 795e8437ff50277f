"""Installs from a bundle, which ``make bundle`` has made, instead of from the network.

A bundle is one archive: the sources, the packages as wheels, and the files of the model
(``launch.bundle``). Like everything here this needs nothing that is installed.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tarfile
from pathlib import Path
from typing import Any

from launch.errors import LaunchError

ROOT = Path(__file__).resolve().parent.parent.parent
#: The folder of an archive that holds what is not source.
FOLDER = "bundle"
MANIFEST = "manifest.json"
WHEELS = "wheels"
MODELS = "huggingface"


def platform_tag() -> str:
    """Return for what the wheels of a bundle are: Python, system and processor."""
    machine = os.uname()
    python = f"{sys.version_info[0]}.{sys.version_info[1]}"
    return f"Python {python} on {machine.sysname} {machine.machine}"


def use(path: str) -> None:
    """Have packages and model come from a bundle, and nothing from the network.

    ``path`` names the archive, or its folder ``bundle``; empty for none. Raises
    ``LaunchError``.
    """
    if not path:
        return
    folder = _unpacked(Path(path).resolve())
    manifest = _manifest(folder)
    if manifest["platform"] != platform_tag():
        raise LaunchError(
            f"This bundle is for {manifest['platform']}, and this is {platform_tag()}. "
            "Make one with the same Python on a machine of the same kind.",
            status=2,
        )
    os.environ.update(
        PIP_NO_INDEX="1",
        PIP_FIND_LINKS=(folder / WHEELS).as_uri(),
        HF_HUB_OFFLINE="1",
    )
    if (folder / MODELS).is_dir():
        os.environ["HF_HOME"] = str(folder / MODELS)
    if not os.environ.get("CHAT_MODEL") and not os.environ.get("CHAT_MODELS"):
        names = manifest["models"]
        several = len(names) > 1
        os.environ["CHAT_MODELS" if several else "CHAT_MODEL"] = ",".join(names)


def _unpacked(path: Path) -> Path:
    """Return the folder of a bundle, unpacked from an archive if it is none."""
    if path.is_dir():
        return path
    target = ROOT / ".cache" / FOLDER
    try:
        status = path.stat()
        stamp, current = f"{status.st_size} {status.st_mtime_ns}", target / "unpacked"
        if current.is_file() and current.read_text() == stamp:
            return target
        print(f"Unpacking {path.name} into .cache/{FOLDER}.", flush=True)
        shutil.rmtree(target, ignore_errors=True)
        _extract(path, target)
        current.write_text(stamp)
    except (OSError, tarfile.TarError) as error:
        raise LaunchError(f"BUNDLE={path} cannot be read: {error}.", status=2) from None
    return target


def _extract(archive: Path, target: Path) -> None:
    """Unpack the folder ``bundle`` of an archive, but not its sources."""
    with tarfile.open(archive) as bundle:
        for member in bundle:
            _, _, name = member.name.partition("/")
            if name.startswith(f"{FOLDER}/"):
                member.name = name.removeprefix(f"{FOLDER}/")
                bundle.extract(member, target, filter="data")


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        return dict(json.loads((folder / MANIFEST).read_text()))
    except (OSError, ValueError):
        raise LaunchError(
            f"BUNDLE: {folder} is no bundle that `make bundle` has made.", status=2
        ) from None
