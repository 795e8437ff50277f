"""Chooses the model to serve, or its fallback, before any worker starts."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from filelock import FileLock

from chatsite.catalog import Catalog, HubSource, ModelEntry
from chatsite.durable_file import write_durably
from chatsite.model_choice import FILE_NAME, ModelChoice
from worker.weights.hub import Hub

UNREACHABLE = "the model hub could not be reached"


def choose_model(catalog: Catalog, hub: Hub) -> ModelChoice:
    """Return the model to serve where the settings name none.

    The fallback is chosen only if the default is not here and the hub is out of reach.
    """
    wanted = catalog.get(catalog.default)
    if not catalog.fallback or _is_obtainable(wanted, hub):
        return ModelChoice(wanted.name, wanted.name)
    return ModelChoice(catalog.fallback, wanted.name, UNREACHABLE)


def _is_obtainable(entry: ModelEntry, hub: Hub) -> bool:
    if not isinstance(entry.source, HubSource):
        return True
    return hub.cached_folder(entry.source) is not None or hub.can_connect()


def ensure_chosen(data_dir: Path, catalog: Catalog, hub: Hub) -> None:
    """Choose a model if none is chosen yet: a worker started by hand on a new machine.

    An existing choice is never changed here, only by ``worker.fetch`` at the next
    start.
    """
    data_dir.mkdir(parents=True, exist_ok=True)
    with FileLock(data_dir / "choice.lock"):
        if not (data_dir / FILE_NAME).exists():
            write_choice(choose_model(catalog, hub), data_dir)


def write_choice(choice: ModelChoice, data_dir: Path) -> None:
    """Write the choice, atomically, to where the other processes read it."""
    data_dir.mkdir(parents=True, exist_ok=True)
    write_durably(data_dir / FILE_NAME, json.dumps(asdict(choice)) + "\n")
