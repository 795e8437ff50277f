"""Which model the site serves: chosen once, before the workers start.

``CHAT_MODEL`` decides. If it is unset, the choice does that ``worker.fetch`` wrote into
the data folder, and before that the default of the catalogue. The choice is read again
on every call, since the web server may be up before it is made.
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
        """Whether another model than the wanted one is served."""
        return self.model != self.wanted


def current_choice() -> ModelChoice:
    """Return the choice in force. Raises ``CatalogError``."""
    if settings.CHAT_MODEL:
        return ModelChoice(settings.CHAT_MODEL, settings.CHAT_MODEL)
    try:
        raw = json.loads((settings.DATA_DIR / FILE_NAME).read_text())
        return ModelChoice(str(raw["model"]), str(raw["wanted"]), str(raw["reason"]))
    except (OSError, ValueError, KeyError, TypeError):
        default = current_catalog().default
        return ModelChoice(default, default)


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
