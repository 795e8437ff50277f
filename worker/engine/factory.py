"""Opens the engine that a catalogue entry names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from chatsite.catalog import ModelEntry
from worker.engine.drafts import DraftPolicy
from worker.engine.interface import Engine, OnStep, ignore_step
from worker.engine.prefill_budget import STEP_FACTOR


def open_engine(
    entry: ModelEntry,
    folder: Path | None,
    *,
    rows: int,
    remote_rows_max: int = 256,
    device: str,
    threads: int,
    precision: str = "auto",
    data_dir: Path | None = None,
    memory_mb: int = 0,
    workers: int = 1,
    prefill_tokens: int = 0,
    step_factor: float = STEP_FACTOR,
    prompt_lookup: bool = True,
    on_broken: Callable[[], object] = lambda: None,
    on_change: Callable[[], object] = lambda: None,
    on_step: OnStep = ignore_step,
) -> Engine:
    """Return an engine for ``entry``, ready for requests.

    ``folder``: where the model is; None for an engine without weights.
    ``rows``: limit of replies at once. ``remote_rows_max``: the same for a model's
    server that says itself how many it writes.
    ``memory_mb``: mebibytes for the KV cache; 0 takes a share of the memory, which
    ``workers`` processes of this machine divide between them.
    ``prefill_tokens``: prompt tokens that a step reads; 0 takes as many as let a step
    take ``step_factor`` times as long as the replies in it by themselves.
    ``prompt_lookup``: whether the next tokens of replies are guessed where that pays.
    ``threads``: torch's threads in this process; 0 leaves torch's own choice.
    ``precision``: of the weights on a CPU: fp32, fp16, int8 or auto. ``data_dir``:
    keeps what is built and measured once for this machine; None keeps nothing.
    ``on_broken`` is called when the device is beyond repair, ``on_change`` when a pause
    begins or ends, ``on_step`` with what is done once on this machine, when it begins.

    Raises ``ModelUnavailable``.
    """
    if entry.engine == "scripted":
        from worker.engine.scripted import ScriptedEngine

        return ScriptedEngine(rows, entry)
    if entry.engine == "remote":
        from worker.engine.remote.engine import RemoteEngine

        return RemoteEngine(
            entry, rows=rows, rows_max=remote_rows_max, on_change=on_change
        )
    if folder is None:
        raise ValueError(f"{entry.name}: an engine with weights needs their folder")
    # Imported late: a worker with the scripted engine never loads torch.
    from worker.engine.engine import TransformersEngine
    from worker.engine.memory import return_freed_memory
    from worker.engine.model import load_model

    model = load_model(
        folder,
        device=device,
        threads=threads,
        precision=precision,
        data_dir=data_dir,
        on_step=on_step,
    )
    return_freed_memory()
    return TransformersEngine(
        model,
        entry,
        rows=rows,
        memory_mb=memory_mb,
        workers=workers,
        prefill_tokens=prefill_tokens,
        step_factor=step_factor,
        drafts=DraftPolicy(is_on=prompt_lookup),
        on_broken=on_broken,
    )
