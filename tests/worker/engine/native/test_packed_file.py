"""Packed weights on disk: found again, and never used when they are damaged."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.environment import IS_SOAK
from tests.worker.engine.native.reference import random_decoder
from worker.engine.native.packed_file import KEPT, load_or_pack
from worker.engine.native.packed_weights import PackedProjection, pack_decoder

ROOT = Path(__file__).resolve().parents[4]
DECODER = random_decoder(layers=1)


def are_equal(a: dict[str, PackedProjection], b: dict[str, PackedProjection]) -> bool:
    return a.keys() == b.keys() and all(
        torch.equal(a[name].weight, b[name].weight)
        and torch.equal(a[name].bias, b[name].bias)
        for name in a
    )


def assert_is_whole(folder: Path) -> None:
    """The one file is taken as it is."""
    (file,) = folder.iterdir()
    inode = file.stat().st_ino
    load_or_pack(DECODER, "int8", folder)
    assert [path.stat().st_ino for path in folder.iterdir()] == [inode]


@pytest.mark.parametrize("is_gated", [False, True])
@pytest.mark.parametrize("precision", KEPT)
def test_they_are_packed_once(tmp_path: Path, precision: str, is_gated: bool) -> None:
    decoder = random_decoder(is_gated=is_gated)
    first = load_or_pack(decoder, precision, tmp_path / "new")
    (file,) = (tmp_path / "new").iterdir()
    inode = file.stat().st_ino
    again = load_or_pack(decoder, precision, tmp_path / "new")
    assert are_equal(first, pack_decoder(decoder, precision))
    assert are_equal(first, again)
    assert [path.stat().st_ino for path in (tmp_path / "new").iterdir()] == [inode]


def test_fp32_is_not_kept(tmp_path: Path) -> None:
    packed = load_or_pack(DECODER, "fp32", tmp_path)
    assert are_equal(packed, pack_decoder(DECODER, "fp32"))
    assert not [*tmp_path.iterdir()]


def test_other_weights_and_precisions_have_other_files(tmp_path: Path) -> None:
    other = random_decoder(layers=1)
    other.blocks[0].down.weight[0, 0] += 1
    for decoder in (DECODER, other):
        for precision in KEPT:
            packed = load_or_pack(decoder, precision, tmp_path)
            assert are_equal(packed, pack_decoder(decoder, precision))
    assert len([*tmp_path.iterdir()]) == 4


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.floats(0, 1, exclude_max=True), flip=st.integers(1, 255))
def test_a_damaged_file_is_made_anew(tmp_path: Path, place: float, flip: int) -> None:
    expected = load_or_pack(DECODER, "int8", tmp_path)
    (file,) = tmp_path.iterdir()
    whole = file.read_bytes()
    damaged = bytearray(whole)
    damaged[int(place * len(whole))] ^= flip
    file.write_bytes(damaged)
    assert are_equal(load_or_pack(DECODER, "int8", tmp_path), expected)
    assert_is_whole(tmp_path)


@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.999])
def test_a_file_that_was_cut_is_made_anew(tmp_path: Path, share: float) -> None:
    expected = load_or_pack(DECODER, "int8", tmp_path)
    (file,) = tmp_path.iterdir()
    whole = file.read_bytes()
    file.write_bytes(whole[: int(share * len(whole))])
    assert are_equal(load_or_pack(DECODER, "int8", tmp_path), expected)
    assert_is_whole(tmp_path)


def test_a_folder_that_cannot_be_written_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    packed = load_or_pack(DECODER, "int8", tmp_path / "file" / "folder")
    assert are_equal(packed, pack_decoder(DECODER, "int8"))


@pytest.mark.skipif(not IS_SOAK, reason="many processes; see SOAK")
def test_processes_that_pack_at_once_do_no_harm(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib\n"
        "from tests.worker.engine.native.test_packed_file import DECODER\n"
        "from worker.engine.native.packed_file import load_or_pack\n"
        "load_or_pack(DECODER, 'int8', pathlib.Path(sys.argv[1]))\n"
    )
    command = (sys.executable, "-c", code, str(tmp_path))
    with ThreadPoolExecutor() as pool:
        ends = [pool.submit(subprocess.run, command, cwd=ROOT) for _ in range(2)]
        assert [end.result().returncode for end in ends] == [0, 0]
    assert len([*tmp_path.iterdir()]) == 1
    packed = load_or_pack(DECODER, "int8", tmp_path)
    assert are_equal(packed, pack_decoder(DECODER, "int8"))
