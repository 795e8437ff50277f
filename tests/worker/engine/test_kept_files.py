"""What no worker has used for long is removed, and nothing else."""

from __future__ import annotations

import os
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from worker.engine.kept_files import remove_unused
from worker.engine.model import load_model
from worker.engine.native import instruction_sets

DAY = 24 * 3600


def write_old(path: Path, days: float) -> Path:
    """A file that was changed so many days ago."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("kept")
    make_old(path, days)
    return path


def make_old(path: Path, days: float) -> None:
    then = time.time() - days * DAY
    os.utime(path, (then, then))


@pytest.mark.parametrize(
    "name",
    [
        "native/engine-avx2-0123456789abcdef.so",
        "native/0123456789abcdef-int8.safetensors",
        "quality/int8-0123456789abcdef01234567.json",
        "quality/int8-0123456789abcdef01234567.lock",
    ],
)
def test_what_was_not_used_for_a_month_is_removed(tmp_path: Path, name: str) -> None:
    young = write_old(tmp_path / name, days=29)
    old = write_old(young.with_name(f"engine-old-{young.name}"), days=31)
    remove_unused(tmp_path)
    assert young.exists()
    assert not old.exists()


@pytest.mark.parametrize(
    "name", ["native/tmpab12cd.partial", "quality/.int8-01.json.89abcdef"]
)
def test_what_a_killed_process_left_is_removed_after_a_day(
    tmp_path: Path, name: str
) -> None:
    left = write_old(tmp_path / name, days=1.1)
    being_written = write_old(left.with_name(f".b{left.name}"), days=0.5)
    remove_unused(tmp_path)
    assert not left.exists()
    assert being_written.exists()


def test_what_is_not_ours_stays(tmp_path: Path) -> None:
    names = (
        "native/notes.txt",
        "models/verified.json",
        "model.json",
        "native/sub/a.so",
    )
    others = [write_old(tmp_path / name, days=400) for name in names]
    (tmp_path / "quality" / "folder.json").mkdir(parents=True)
    make_old(tmp_path / "quality" / "folder.json", days=400)
    remove_unused(tmp_path)
    assert all(path.exists() for path in others)
    assert (tmp_path / "quality" / "folder.json").is_dir()


def test_a_folder_that_is_none_does_no_harm(tmp_path: Path) -> None:
    remove_unused(tmp_path / "missing")
    write_old(tmp_path / "native", days=400)
    remove_unused(tmp_path)
    assert (tmp_path / "native").is_file()


def test_workers_that_start_at_once_remove_the_same_files(tmp_path: Path) -> None:
    for n in range(200):
        write_old(tmp_path / "native" / f"{n}-int8.safetensors", days=31)
    with ThreadPoolExecutor() as pool:
        starts = [pool.submit(remove_unused, tmp_path) for _ in range(4)]
        assert [start.result() for start in starts] == [None] * 4
    assert not any((tmp_path / "native").iterdir())


def test_a_start_keeps_what_it_uses_and_removes_the_rest(
    builds: Path, llama_folder: Path, gpt2_folder: Path, tmp_path: Path
) -> None:
    def load(folder: Path) -> dict[Path, int]:
        """Load a model; the files that are there, with their inodes."""
        load_model(folder, device="cpu", threads=1, data_dir=tmp_path)
        files = [path for path in tmp_path.rglob("*") if path.is_file()]
        return {path: path.stat().st_ino for path in files}

    (tmp_path / "native").mkdir()
    for library in builds.glob(f"engine-{instruction_sets.candidates()[0]}-*"):
        shutil.copy2(library, tmp_path / "native")
    used = load(llama_folder)
    assert {path.suffix for path in used} >= {".so", ".safetensors", ".json"}
    others = load(gpt2_folder).keys() - used.keys()
    for path in (*used, *others):
        make_old(path, days=31)
    left = load(llama_folder)
    kept = {path: inode for path, inode in left.items() if path.suffix != ".lock"}
    # Nothing is written again; the weights of a refused precision are not used again.
    assert kept.items() <= used.items()
    assert {path.suffix for path in kept} == {".so", ".safetensors", ".json"}
    assert {path.suffix for path in others} >= {".safetensors", ".json"}
