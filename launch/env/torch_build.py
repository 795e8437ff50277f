"""Which build of torch gets installed: the small one for CPUs, or CUDA's.

torch's wheel for Linux on PyPI brings CUDA, about 3 GB. The CPU build lies on an
index of its own, whose address uv knows (``--torch-backend``). Where uv cannot
reach it, pip takes what it finds. So torch is pinned by its version, and everything
else by its hash (``launch.env.lockfiles``).
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

from launch.env import process_group
from launch.env.lockfiles import APART, normalized
from launch.errors import LaunchError

CHOICES = ("auto", "cpu", "cuda")
PROBE_SECONDS = 30


def parse(raw: str) -> str:
    """The value of TORCH. Raises ``LaunchError``."""
    build = raw.strip().lower() or "auto"
    if build not in CHOICES:
        raise LaunchError(f"TORCH must be auto, cpu or cuda, not {raw!r}.", status=2)
    return build


def prepare(python: Path, requirement: str, wanted: str, uv_lock: Path) -> None:
    """Install the wanted build, or leave it to pip; say what will be downloaded."""
    build = _resolved(wanted)
    if is_installed(python.parent.parent, requirement, build):
        print("Installing what changed (torch stays).", flush=True)
        return
    if (
        build == "cpu"
        and sys.platform == "linux"
        and _uv_reaches(python, requirement, uv_lock)
    ):
        _say(f"{requirement}, CPU build", "0.4 GB")
        _uv_install(python, requirement)
        return
    if wanted != "auto":
        _pip(python, "uninstall", "--yes", "--quiet", "torch")
    if build == "cpu" and _pip_finds(python, requirement) == "cuda":
        _say(f"{requirement}, CUDA build, as no CPU build could be reached", "3 GB")
    elif build == "cpu" or sys.platform == "darwin":
        _say(f"{requirement}, CPU build", "0.4 GB")
    else:
        _say(f"{requirement}, CUDA build", "3 GB")


def verify(venv: Path, wanted: str) -> None:
    """Refuse if CUDA was asked for by name and something else came."""
    if wanted == "cuda" and _installed(venv)[1] != "cuda":
        raise LaunchError("TORCH=cuda, but pip found no build of torch with CUDA here.")


def libraries(python: Path, requirement: str) -> list[str]:
    """Pins of what this build of torch asks for beyond the locks: CUDA's libraries.

    torch itself names their exact versions. Raises ``LaunchError`` for anything else,
    so that nothing comes in that is neither locked nor expected.
    """
    options = ("install", "--dry-run", "--only-binary=:all:", "-qq", "--report=-")
    try:
        report = _pip(python, *options, requirement)
        missing = [one["metadata"] for one in json.loads(report)["install"]]
    except (subprocess.SubprocessError, ValueError, LookupError) as error:
        raise LaunchError(f"pip cannot tell what {requirement} needs here.") from error
    for one in missing:
        if not APART.fullmatch(normalized(one["name"])):
            raise LaunchError(
                f"This build of {requirement} asks for {one['name']} {one['version']}, "
                "which is in no lock. Choose another one: TORCH=cpu or TORCH=cuda."
            )
    return [f"{one['name']}=={one['version']}" for one in missing]


def is_installed(venv: Path, requirement: str, build: str) -> bool:
    version, installed = _installed(venv)
    return requirement == f"torch=={version}" and installed == build


def _say(what: str, size: str) -> None:
    print(f"Installing into .venv: about {size} to download ({what}).", flush=True)


def _resolved(wanted: str) -> str:
    if wanted != "auto":
        return wanted
    return "cuda" if _has_nvidia_card() else "cpu"


def _has_nvidia_card() -> bool:
    if Path("/proc/driver/nvidia/version").exists():
        return True
    if not (tool := shutil.which("nvidia-smi")):
        return False
    try:
        listed = subprocess.run(
            [tool, "-L"], capture_output=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return listed.returncode == 0 and b"GPU" in listed.stdout


def _installed(venv: Path) -> tuple[str, str]:
    """Version and build of the torch in ``venv``; empty if there is none."""
    for file in venv.glob("lib/python*/site-packages/torch/version.py"):
        text = file.read_text()
        version = re.search(r"__version__ = '([^'+]+)", text)
        cuda = re.search(r"^cuda\b[^=]*= '", text, re.MULTILINE)
        return (version[1] if version else ""), ("cuda" if cuda else "cpu")
    return "", ""


def _uv_reaches(python: Path, requirement: str, uv_lock: Path) -> bool:
    """Whether uv finds the CPU build, asked with a bound in time."""
    print("Looking for the CPU build of torch.", flush=True)
    try:
        hashed = ("--require-hashes", f"-r{uv_lock}")
        _pip(python, "install", "-qq", "--only-binary=:all:", *hashed)
        probe = process_group.run(
            [*_uv(python, requirement), "--dry-run"],
            timeout=PROBE_SECONDS,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return probe.returncode == 0 and "+cpu" in probe.stderr


def _uv_install(python: Path, requirement: str) -> None:
    if process_group.run(_uv(python, requirement)).returncode != 0:
        raise LaunchError("uv could not install torch; its words stand above.")


def _uv(python: Path, requirement: str) -> list[str]:
    """Only torch itself: what it depends on comes from where pip is told to look."""
    options = ["--no-deps", "--torch-backend=cpu", "--reinstall-package=torch"]
    into = ["--python", str(python)]
    return [str(python), "-m", "uv", "pip", "install", *options, *into, requirement]


def _pip_finds(python: Path, requirement: str) -> str:
    """The build that pip would take here, which may be set up to look elsewhere."""
    try:
        report = _pip(
            python,
            *("install", "--dry-run", "--ignore-installed", "--no-deps"),
            *("-qq", "--report=-", requirement),
        )
        found = json.loads(report)["install"][0]["download_info"]["url"]
    except (subprocess.SubprocessError, ValueError, LookupError):
        return "cuda"
    return "cpu" if "cpu" in found.rsplit("/", 1)[-1] else "cuda"


def _pip(python: Path, *arguments: str) -> str:
    command = [str(python), "-m", "pip", "--disable-pip-version-check", *arguments]
    ran = process_group.run(command, timeout=300, stdout=subprocess.PIPE)
    ran.check_returncode()
    return ran.stdout
