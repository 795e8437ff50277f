"""Whether models fit into a machine."""

from __future__ import annotations

from pathlib import Path

from chatsite.machine import MEBI
from worker.weights.memory_plan import memory_warning


def test_models_that_are_too_large_in_all_are_warned_of(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("one", "two")]
    for folder in folders:
        folder.mkdir()
        with (folder / "model.safetensors").open("wb") as file:
            file.truncate(100 * MEBI)  # sparse
    assert memory_warning(folders, 1, 500 * MEBI) == ""
    said = memory_warning(folders, 2, 500 * MEBI)
    assert "600 MB" in said
    assert "CHAT_MODELS" in said
    assert memory_warning([], 9, MEBI) == ""
