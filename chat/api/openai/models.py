"""The models on offer, as clients of OpenAI list them."""

from __future__ import annotations

from typing import Any

from chat.api.openai.errors import OpenAIError, bad
from chat.services.jobs.status import worker_snapshot
from chat.services.wait_estimate import ready_workers
from chatsite.catalog import ModelEntry
from chatsite.model_choice import model_entry, offered_entries, site_entries


def offered_models() -> list[ModelEntry]:
    """Return the models that can be asked: the site's own first, then those served."""
    own = model_entry()
    others = [entry for entry in offered_entries() if entry.name != own.name]
    return [own, *filter(_is_served, others)]


def offered_model(name: Any) -> ModelEntry:
    """Return the model that a call names. Raises ``OpenAIError``."""
    if not isinstance(name, str) or not name:
        raise bad("model", "model must be the id of a model; /v1/models lists them.")
    own = model_entry()
    if name == own.name:
        return own
    entry = next((one for one in offered_entries() if one.name == name), None)
    if entry is None:
        raise OpenAIError(
            404,
            f"There is no model {name[:100]} here; /v1/models lists those there are.",
            code="model_not_found",
            param="model",
        )
    return entry


def is_of_site(entry: ModelEntry) -> bool:
    """Whether the site serves this model, if its workers run."""
    return entry.name in site_entries()


def model_data(entry: ModelEntry, created: int) -> dict[str, Any]:
    """Return the object of one model. ``created`` is in seconds since the epoch."""
    return {
        "id": entry.name,
        "object": "model",
        "created": created,
        "owned_by": "chatsite",
        "name": entry.label,
        "context_length": entry.context_tokens,
    }


def _is_served(entry: ModelEntry) -> bool:
    return bool(ready_workers(worker_snapshot(entry.name).workers))
