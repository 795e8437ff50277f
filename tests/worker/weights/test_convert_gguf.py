"""Conversion of GGUF files; that of a real one is part of the fixtures."""

from __future__ import annotations

from pathlib import Path

import pytest

from worker.weights.convert_gguf import ConversionFailed, convert


def test_a_conversion_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    gguf = tmp_path / "broken.gguf"
    gguf.write_bytes(b"GGUF, but not really")
    (tmp_path / "models" / "broken.partial").mkdir(parents=True)
    with pytest.raises(ConversionFailed, match="cannot be converted"):
        convert(gguf, tmp_path / "models" / "broken")
    assert not list((tmp_path / "models").iterdir())
