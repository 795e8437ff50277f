"""Conversion of GGUF files; that of a real one is part of the fixtures."""

from __future__ import annotations

from pathlib import Path

import gguf
import pytest
import torch
from safetensors.torch import load_file

from bench.gguf_file import write_gguf
from worker.weights.convert_gguf import (
    ConversionFailed,
    _load_gguf,
    _reading_once,
    convert,
)


def test_reading_weights_reports_how_far_it_is_and_prints_nothing(
    llama_folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "tiny.gguf"
    write_gguf(llama_folder, source, gguf.GGMLQuantizationType.F32)
    capfd.readouterr()
    shares: list[float] = []
    module = _load_gguf(source, shares.append)
    assert capfd.readouterr() == ("", "")
    assert shares == sorted(set(shares))
    assert len(shares) > 10
    assert shares[-1] == 1
    own, read = load_file(llama_folder / "model.safetensors"), module.state_dict()
    assert all(torch.equal(own[name], read[name]) for name in own)


def test_a_file_is_read_once(
    llama_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = []

    class Reader(gguf.GGUFReader):
        def __init__(self, path: str) -> None:
            reads.append(path)
            super().__init__(path)

    monkeypatch.setattr(gguf, "GGUFReader", Reader)
    source = tmp_path / "tiny.gguf"
    write_gguf(llama_folder, source, gguf.GGMLQuantizationType.F32)
    with _reading_once():
        _load_gguf(source, lambda _: None)
    assert reads == [str(source)]
    assert gguf.GGUFReader is Reader


def test_a_conversion_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    gguf = tmp_path / "broken.gguf"
    gguf.write_bytes(b"GGUF, but not really")
    (tmp_path / "models" / "broken.partial").mkdir(parents=True)
    with pytest.raises(ConversionFailed, match="cannot be converted"):
        convert(gguf, tmp_path / "models" / "broken")
    assert not list((tmp_path / "models").iterdir())
