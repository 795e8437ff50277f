from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bench.cache import made_once


def test_what_several_want_at_once_is_made_once(tmp_path: Path) -> None:
    made: list[Path] = []

    def write(path: Path) -> None:
        path.mkdir()
        made.append(path)

    with ThreadPoolExecutor(4) as threads:
        wanted = [
            threads.submit(made_once, tmp_path / "model", write) for _ in range(8)
        ]
    assert {one.result() for one in wanted} == {tmp_path / "model"}
    assert len(made) == 1


def test_a_half_written_one_is_made_anew(tmp_path: Path) -> None:
    def fail(path: Path) -> None:
        path.mkdir()
        (path / "half").touch()
        raise OSError("no space")

    with pytest.raises(OSError, match="no space"):
        made_once(tmp_path / "model", fail)
    assert not (tmp_path / "model").exists()
    assert list(made_once(tmp_path / "model", Path.mkdir).iterdir()) == []
