"""Which model the site serves: chosen once, before the workers start.

``CHAT_MODEL`` decides, or else the first of ``CHAT_MODELS``. If both are unset, the
choice does that ``worker.fetch`` wrote into the data folder, and before that the
default of the catalogue. The choice is read again on every call, since the web server
may be up before it is made.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from django.conf import settings

from chatsite.catalog import Catalog, CatalogError, ModelEntry

FILE_NAME = "model.json"


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """The model that the site serves, and why it is not the wanted one."""

    model: str
    wanted: str
    reason: str = ""

    @property
    def is_fallback(self) -> bool:
        """Whether another model than the wanted one is served."""
        return self.model != self.wanted


def current_choice() -> ModelChoice:
    """Return the choice in force. Raises ``CatalogError``."""
    if chosen := configured_model():
        return ModelChoice(chosen, chosen)
    try:
        raw = json.loads((settings.DATA_DIR / FILE_NAME).read_text())
        return ModelChoice(str(raw["model"]), str(raw["wanted"]), str(raw["reason"]))
    except (OSError, ValueError, KeyError, TypeError):
        default = current_catalog().default
        return ModelChoice(default, default)


def configured_model() -> str:
    """Return the model that the settings choose; empty if they leave it open."""
    named: str = settings.CHAT_MODEL
    return named or next(iter(settings.CHAT_MODELS), "")


def served_entries() -> list[ModelEntry]:
    """Return the models that the workers of this machine serve, at least one.

    Raises ``CatalogError``.
    """
    names, catalog = settings.CHAT_MODELS, current_catalog()
    for name in names:
        if name not in catalog.models:
            catalog.get(name)  # raises, unless it is a path
            raise CatalogError("CHAT_MODELS takes names of the catalogue, no paths.")
    return [catalog.get(name) for name in names] or [model_entry()]


def site_entries() -> dict[str, ModelEntry]:
    """Return the site's own model and those of CHAT_MODELS, by their names.

    Raises ``CatalogError``.
    """
    return {entry.name: entry for entry in (model_entry(), *served_entries())}


def offered_entries() -> list[ModelEntry]:
    """Return the models that users can pick, the site's own among them.

    That are those of the catalogue that are not hidden, and those of CHAT_MODELS.
    Raises ``CatalogError``.
    """
    shown = current_catalog().entries
    names = {entry.name for entry in shown}
    added = [entry for name, entry in site_entries().items() if name not in names]
    return [*added, *shown]


def model_entry(picked: str = "") -> ModelEntry:
    """Return the catalogue's entry of a picked model, or of the served one.

    Raises ``CatalogError``.
    """
    return current_catalog().get(picked or current_choice().model)


def current_catalog() -> Catalog:
    """Return the catalogue as it is on the disk now. Raises ``CatalogError``."""
    path = settings.CHAT_CATALOG
    try:
        return _catalog(path, path.stat().st_mtime_ns)
    except OSError:
        return Catalog.load(path)


@lru_cache(maxsize=2)
def _catalog(path: Path, _changed: int) -> Catalog:
    return Catalog.load(path)
