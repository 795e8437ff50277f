"""Installs a build of torch: the small one for CPUs, or the one with CUDA.

torch's wheel for Linux on PyPI brings CUDA, about 3 GB. The CPU build is on an index of
its own, whose address uv knows (``--torch-backend``). Where uv cannot reach that index,
torch comes from where pip is configured to look. So torch is pinned by its version, and
everything else by its hash (``launch.env.lockfiles``).
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

from launch.env import process_group
from launch.env.installer import Installer
from launch.env.lockfiles import NOT_LOCKED, normalized
from launch.errors import LaunchError

CHOICES = ("auto", "cpu", "cuda")
#: How long uv may look for the CPU build, in seconds.
PROBE_SECONDS = 30


def parse(raw: str) -> str:
    """Return the value of TORCH: auto, cpu or cuda. Raises ``LaunchError``."""
    build = raw.strip().lower() or "auto"
    if build not in CHOICES:
        raise LaunchError(f"TORCH must be auto, cpu or cuda, not {raw!r}.", status=2)
    return build


def install(installer: Installer, requirement: str, wanted: str) -> None:
    """Install torch alone, in the wanted build, and print what is downloaded.

    ``requirement`` is its pin, ``torch==…``. Raises ``LaunchError``.
    """
    build = _resolve(wanted)
    if is_installed(_venv(installer), requirement, build):
        print("Installing what changed (torch stays).", flush=True)
    elif build == "cpu" and _uv_finds_cpu_build(installer, requirement):
        _announce(f"{requirement}, CPU build", "0.4 GB")
        if not installer.run_uv(*_of_cpu(requirement)):
            raise LaunchError("uv could not install torch; its output is above.")
    else:
        if wanted != "auto":
            installer.uninstall("torch")
        if build == "cpu" and _build_pip_finds(installer, requirement) == "cuda":
            _announce(
                f"{requirement}, CUDA build, as no CPU build could be reached", "3 GB"
            )
        elif build == "cpu" or sys.platform == "darwin":
            _announce(f"{requirement}, CPU build", "0.4 GB")
        else:
            _announce(f"{requirement}, CUDA build", "3 GB")
        installer.install("--no-deps", requirement)


def verify(venv: Path, wanted: str) -> None:
    """Raise ``LaunchError`` if TORCH=cuda and the installed build is another one."""
    if wanted == "cuda" and _installed(venv)[1] != "cuda":
        raise LaunchError(
            "TORCH=cuda, but no build of torch with CUDA could be found here."
        )


def libraries(installer: Installer, requirement: str) -> list[str]:
    """Return pins of the CUDA libraries that this build of torch needs.

    torch itself names their exact versions. Raises ``LaunchError`` if it needs anything
    else that is missing, so that nothing is installed that is neither locked nor
    expected.
    """
    options = ("install", "--dry-run", "--only-binary=:all:", "-qq", "--report=-")
    try:
        report = installer.pip(*options, requirement)
        missing = [one["metadata"] for one in json.loads(report)["install"]]
    except (subprocess.SubprocessError, ValueError, LookupError) as error:
        raise LaunchError(f"pip cannot tell what {requirement} needs here.") from error
    for one in missing:
        if not NOT_LOCKED.fullmatch(normalized(one["name"])):
            raise LaunchError(
                f"This build of {requirement} asks for {one['name']} {one['version']}, "
                "which is in no lock. Choose another one: TORCH=cpu or TORCH=cuda."
            )
    return [f"{one['name']}=={one['version']}" for one in missing]


def is_installed(venv: Path, requirement: str, build: str) -> bool:
    """Return whether ``venv`` holds torch in this version and build."""
    version, installed = _installed(venv)
    return requirement == f"torch=={version}" and installed == build


def _announce(what: str, size: str) -> None:
    print(f"Installing into .venv: about {size} to download ({what}).", flush=True)


def _venv(installer: Installer) -> Path:
    return installer.python.parent.parent


def _resolve(wanted: str) -> str:
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
    """Return version and build of the torch in ``venv``; empty if there is none."""
    for file in venv.glob("lib/python*/site-packages/torch/version.py"):
        text = file.read_text()
        version = re.search(r"__version__ = '([^'+]+)", text)
        cuda = re.search(r"^cuda\b[^=]*= '", text, re.MULTILINE)
        return (version[1] if version else ""), ("cuda" if cuda else "cpu")
    return "", ""


def _of_cpu(requirement: str) -> list[str]:
    """Return uv's arguments for the CPU build alone, also in place of another build."""
    options = ["--no-deps", "--torch-backend=cpu", "--reinstall-package=torch"]
    return [*options, requirement]


def _uv_finds_cpu_build(installer: Installer, requirement: str) -> bool:
    """Return whether uv reaches the index of the CPU build."""
    if sys.platform != "linux" or not installer.has_uv:
        return False
    print("Looking for the CPU build of torch.", flush=True)
    try:
        probe = process_group.run(
            installer.uv("--dry-run", *_of_cpu(requirement)),
            timeout=PROBE_SECONDS,
            env={**installer.uv_environment(), "UV_HTTP_RETRIES": "0"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return probe.returncode == 0 and "+cpu" in probe.stderr


def _build_pip_finds(installer: Installer, requirement: str) -> str:
    """Return which build pip's configured indexes and folders offer."""
    options = ("install", "--dry-run", "--ignore-installed", "--no-deps", "-qq")
    try:
        report = installer.pip(*options, "--report=-", requirement)
        found = json.loads(report)["install"][0]["download_info"]["url"]
    except (subprocess.SubprocessError, ValueError, LookupError):
        return "cuda"
    return "cpu" if "cpu" in found.rsplit("/", 1)[-1] else "cuda"
