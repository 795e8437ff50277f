"""Opens the engine that a catalogue entry names."""

from __future__ import annotations

from pathlib import Path

from chatsite.catalog import Entry
from worker.protocol import Engine


def open_engine(
    entry: Entry, folder: Path | None, *, rows: int, device: str, threads: int
) -> Engine:
    """The engine for ``entry`` with the weights in ``folder``, ready to submit to.

    ``folder``: what ``worker.fetch`` returned; None for an engine without weights.
    ``threads``: torch's threads in this process; 0 leaves its own choice. Raises
    ``ModelUnavailable``.
    """
    if entry.engine == "scripted":
        from worker.scripted import ScriptedEngine

        return ScriptedEngine(rows, entry)
    if folder is None:
        raise ValueError(f"{entry.name}: an engine with weights needs their folder")
    # Imported late: a scripted worker must not pay for torch.
    from worker.engine import TransformersEngine
    from worker.model import load

    return TransformersEngine(
        load(folder, device=device, threads=threads), entry, rows=rows
    )
