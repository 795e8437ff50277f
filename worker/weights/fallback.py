"""Chooses the model served here, before any worker starts: the only place that does."""

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


def choose(catalog: Catalog, chosen: str, hub: Hub) -> ModelChoice:
    """The model to serve.

    ``chosen``: what ``CHAT_MODEL`` says, empty when unset. Only then, and only when
    the default is neither here nor its hub connected to, is it the fallback.
    """
    if chosen:
        return ModelChoice(chosen, chosen)
    wanted = catalog.get(catalog.default)
    if not catalog.fallback or _can_be_had(wanted, hub):
        return ModelChoice(wanted.name, wanted.name)
    return ModelChoice(catalog.fallback, wanted.name, UNREACHABLE)


def _can_be_had(entry: ModelEntry, hub: Hub) -> bool:
    if not isinstance(entry.source, HubSource):
        return True
    return hub.cached(entry.source) is not None or hub.can_connect()


def settle(data_dir: Path, chat_model: str, catalog: Catalog, hub: Hub) -> None:
    """Make the choice if nobody has: a worker started by hand on a fresh machine.

    One that stands is never changed here, only by ``worker.fetch`` at the next start.
    """
    data_dir.mkdir(parents=True, exist_ok=True)
    with FileLock(data_dir / "choice.lock"):
        if not chat_model and not (data_dir / FILE_NAME).exists():
            write(choose(catalog, "", hub), data_dir)


def write(choice: ModelChoice, data_dir: Path) -> None:
    """Leave the choice where the other processes read it; whole or not at all."""
    data_dir.mkdir(parents=True, exist_ok=True)
    write_durably(data_dir / FILE_NAME, json.dumps(asdict(choice)) + "\n")
