"""Whether the models that a machine is to serve fit into its memory, roughly."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from chatsite.machine import MEBI

#: What a worker takes beside the weights in their file: libraries, and copies while it
#: loads. Measured: 1.3 to 1.6 with the models of the catalogue.
OVERHEAD: Final = 1.5
#: The rest is for the KV cache, by default, and for the site.
WEIGHTS_SHARE: Final = 0.7


def memory_warning(folders: Iterable[Path], workers: int, memory: int) -> str:
    """Return a line for the operator if the models are too large; else nothing.

    ``workers``: processes for each model. ``memory``: bytes of the machine.
    """
    files = [file for folder in folders for file in folder.glob("*.safetensors")]
    needed = OVERHEAD * workers * sum(file.stat().st_size for file in files)
    if needed <= WEIGHTS_SHARE * memory:
        return ""
    return (
        f"Warning: the weights take about {needed / MEBI:.0f} MB in all workers, and "
        f"this machine has {memory / MEBI:.0f} MB. If workers are killed, serve fewer "
        "models (CHAT_MODELS), or each with fewer processes (WORKERS)."
    )
