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

from chatsite.catalog import Catalog, Entry

FILE_NAME = "model.json"


@dataclass(frozen=True, slots=True)
class Choice:
    """The model served here, and why it is not the one that was wanted."""

    model: str
    wanted: str
    reason: str = ""

    @property
    def is_fallback(self) -> bool:
        return self.model != self.wanted


def choice_here() -> Choice:
    """The choice in force. Raises ``CatalogError``."""
    if settings.CHAT_MODEL:
        return Choice(settings.CHAT_MODEL, settings.CHAT_MODEL)
    try:
        raw = json.loads((settings.DATA_DIR / FILE_NAME).read_text())
        return Choice(str(raw["model"]), str(raw["wanted"]), str(raw["reason"]))
    except (OSError, ValueError, KeyError, TypeError):
        default = catalog_here().default
        return Choice(default, default)


def offered(picked: str = "") -> Entry:
    """The catalogue's entry of a picked model, or of the one served here.

    Raises ``CatalogError``.
    """
    return catalog_here().get(picked or choice_here().model)


def catalog_here() -> Catalog:
    """The catalogue as it stands on disk now. Raises ``CatalogError``."""
    path = settings.CHAT_CATALOG
    try:
        return _catalog(path, path.stat().st_mtime_ns)
    except OSError:
        return Catalog.load(path)


@lru_cache(maxsize=2)
def _catalog(path: Path, _changed: int) -> Catalog:
    return Catalog.load(path)
