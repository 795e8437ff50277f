"""Opens the engine that a catalogue entry names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from chatsite.catalog import ModelEntry
from worker.engine.interface import Engine


def open_engine(
    entry: ModelEntry,
    folder: Path | None,
    *,
    rows: int,
    device: str,
    threads: int,
    memory_mb: int = 0,
    workers: int = 1,
    prefill_tokens: int = 0,
    on_broken: Callable[[], object] = lambda: None,
) -> Engine:
    """The engine for ``entry`` with the weights in ``folder``, ready to submit to.

    ``folder``: what ``worker.weights.fetch`` returned; None without weights.
    ``rows``: most live replies. ``memory_mb``: for their keys and values; 0 for a share
    of what is there, which ``workers`` processes of this machine divide.
    ``prefill_tokens``: of prompts, read in one step beside replies; 0 goes by device.
    ``threads``: torch's threads in this process; 0 leaves its own choice.
    ``on_broken`` is called when the device is beyond repair. Raises
    ``ModelUnavailable``.
    """
    if entry.engine == "scripted":
        from worker.engine.scripted import ScriptedEngine

        return ScriptedEngine(rows, entry)
    if folder is None:
        raise ValueError(f"{entry.name}: an engine with weights needs their folder")
    # Imported late: a scripted worker must not pay for torch.
    from worker.engine.engine import TransformersEngine
    from worker.engine.model import load

    return TransformersEngine(
        load(folder, device=device, threads=threads),
        entry,
        rows=rows,
        memory_mb=memory_mb,
        workers=workers,
        prefill_tokens=prefill_tokens,
        on_broken=on_broken,
    )
