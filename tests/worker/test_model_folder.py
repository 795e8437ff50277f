"""Incomplete model folders are recognised by sizes and headers alone."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from worker import model_folder
from worker.engine.interface import ModelUnavailable
from worker.engine.model import load_model


@pytest.mark.parametrize(
    ("removed", "problem"),
    [
        ("model.safetensors", r"holds no \*\.safetensors"),
        ("config.json", "holds no config.json"),
        ("tokenizer.json", "holds no tokenizer"),
    ],
)
def test_a_missing_file_is_named(
    gpt2_folder: Path, tmp_path: Path, removed: str, problem: str
) -> None:
    folder = shutil.copytree(gpt2_folder, tmp_path / "model")
    (folder / removed).unlink()
    with pytest.raises(ModelUnavailable, match=problem):
        load_model(folder)


def test_weights_cut_short_are_found_without_reading_them(
    gpt2_folder: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(gpt2_folder, tmp_path / "model")
    whole = (folder / "model.safetensors").read_bytes()
    for size in (0, 5, 100, len(whole) - 1):
        (folder / "model.safetensors").write_bytes(whole[:size])
        assert "model.safetensors" in model_folder.find_problem(folder)
    (folder / "model.safetensors").write_bytes(whole)
    assert not model_folder.find_problem(folder)
