"""Installing from a bundle, and packing what no lock holds."""

from __future__ import annotations

import importlib.metadata
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path
from zipfile import ZipFile

import pytest

from launch.env.bundle import FOLDER, MANIFEST, WHEELS, platform_tag
from launch.env.repacked_wheel import repack
from tests.environment import IS_SOAK
from tests.launch.env.checkout import Checkout
from tests.launch.process_tree import ROOT, run
from tests.processes import free_port

#: A place where no index answers.
NOWHERE = "http://127.0.0.1:9/"
MODEL = "import os; print(os.environ['CHAT_MODEL'])"


def bundle_of(checkout: Checkout, platform: str = platform_tag()) -> Path:
    """The archive that `make bundle` would make of the packages of this checkout."""
    manifest = checkout.root / MANIFEST
    manifest.write_text(json.dumps({"platform": platform, "models": ["scripted"]}))
    path = checkout.root / "site.tar"
    with tarfile.open(path, "w") as archive:
        archive.add(manifest, f"chatsite/{FOLDER}/{MANIFEST}")
        archive.add(checkout.wheels, f"chatsite/{FOLDER}/{WHEELS}")
        archive.add(checkout.root / "requirements.txt", "chatsite/requirements.txt")
    return path


def start(checkout: Checkout, bundle: Path) -> subprocess.CompletedProcess[str]:
    return run(
        [sys.executable, "-m", "launch.env", "run", "-c", MODEL],
        cwd=checkout.root,
        BUNDLE=str(bundle),
        PIP_INDEX_URL=NOWHERE,
        UV_CACHE_DIR=str(checkout.root / "cache"),
    )


def test_everything_comes_from_the_bundle(checkout: Checkout) -> None:
    done = start(checkout, bundle_of(checkout))
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == "scripted"
    for name in ("torch", "first"):
        assert checkout.site_packages(name + "*")
    assert not (checkout.root / ".cache" / FOLDER / "requirements.txt").exists()


def test_a_bundle_of_another_machine_is_refused(checkout: Checkout) -> None:
    done = start(checkout, bundle_of(checkout, "Python 3.9 on Plan9 vax"))
    assert done.returncode == 2
    assert "is for Python 3.9 on Plan9 vax" in done.stderr


@pytest.mark.parametrize("name", ["nothing.tar", "requirements.txt", "locks"])
def test_what_is_no_bundle_is_refused(checkout: Checkout, name: str) -> None:
    done = start(checkout, checkout.root / name)
    assert done.returncode == 2
    assert "BUNDLE" in done.stderr and "Traceback" not in done.stderr


def test_an_installed_package_becomes_the_wheel_that_it_came_from(
    tmp_path: Path,
) -> None:
    found = importlib.metadata.distribution("hiredis")
    path = repack(found, tmp_path)
    target = tmp_path / "target"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
    command += ["--no-index", "--target", str(target), str(path)]
    subprocess.run(command, check=True)
    with ZipFile(path) as wheel:
        assert wheel.testzip() is None
        assert not [name for name in wheel.namelist() if name.endswith(".pyc")]
    code = "import hiredis; print(hiredis.__file__)"
    said = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(target)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.startswith(str(target))


@pytest.mark.skipif(not IS_SOAK, reason="installs everything again: make soak")
def test_a_machine_without_network_answers_a_message(tmp_path: Path) -> None:
    archive = tmp_path / "site.tar"
    make = [sys.executable, "-m", "launch.bundle", str(archive)]
    subprocess.run(
        make, cwd=ROOT, env={**os.environ, "CHAT_MODEL": "scripted"}, check=True
    )
    with tarfile.open(archive) as bundle:
        bundle.extractall(tmp_path, filter="data")
    port = free_port()
    script = f"""
    set -e
    ip link set lo up
    make run BUNDLE={FOLDER} PORT={port} > log 2>&1 & site=$!
    until grep -q ready: log; do kill -0 $site; sleep 1; done
    .venv/bin/python -m launch.send_message http://127.0.0.1:{port}
    kill -TERM $site; wait $site || true
    """
    done = run(["unshare", "-rn", "bash", "-c", script], cwd=tmp_path / "chatsite")
    assert "done: " in done.stdout, done.stdout + done.stderr
