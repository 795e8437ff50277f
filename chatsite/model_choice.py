"""Which model is served here: chosen once, before the workers start.

``CHAT_MODEL`` decides; where it is unset, the choice that the fetching step wrote
into the data folder does, and before that was ever run the default of the catalogue.
Read afresh on every call, since the web tier may be up before the choice is made.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from django.conf import settings

from chatsite.catalog import Catalog, ModelEntry

FILE_NAME = "model.json"


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """The model that the site serves, and why it is not the wanted one."""

    model: str
    wanted: str
    reason: str = ""

    @property
    def is_fallback(self) -> bool:
        return self.model != self.wanted


def current_choice() -> ModelChoice:
    """The choice in force. Raises ``CatalogError``."""
    if settings.CHAT_MODEL:
        return ModelChoice(settings.CHAT_MODEL, settings.CHAT_MODEL)
    try:
        raw = json.loads((settings.DATA_DIR / FILE_NAME).read_text())
        return ModelChoice(str(raw["model"]), str(raw["wanted"]), str(raw["reason"]))
    except (OSError, ValueError, KeyError, TypeError):
        default = current_catalog().default
        return ModelChoice(default, default)


def model_entry(picked: str = "") -> ModelEntry:
    """The catalogue's entry of a picked model, or of the one served here.

    Raises ``CatalogError``.
    """
    return current_catalog().get(picked or current_choice().model)


def current_catalog() -> Catalog:
    """The catalogue as it stands on disk now. Raises ``CatalogError``."""
    path = settings.CHAT_CATALOG
    try:
        return _catalog(path, path.stat().st_mtime_ns)
    except OSError:
        return Catalog.load(path)


@lru_cache(maxsize=2)
def _catalog(path: Path, _changed: int) -> Catalog:
    return Catalog.load(path)
