"""Where the weights of a model come from: the hub, a folder, or a GGUF file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from chatsite.catalog_table import CatalogTable

REVISION = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True, slots=True)
class HubSource:
    """A repository of the model hub at a pinned revision (40 hexadecimal digits)."""

    repository: str
    revision: str


@dataclass(frozen=True, slots=True)
class FolderSource:
    """A local folder in the layout of transformers, with safetensors."""

    path: Path


@dataclass(frozen=True, slots=True)
class GgufSource:
    """A GGUF file: a plain path, or the path inside a pinned PyPI ``package``."""

    path: Path
    package: str = ""


Source = HubSource | FolderSource | GgufSource


def read_source(table: CatalogTable, folder: Path) -> Source:
    """Read the source of a model. Relative paths count from the catalogue's folder."""
    kinds = [kind for kind in ("hub", "folder", "gguf") if kind in table.values]
    if len(kinds) != 1:
        raise table.error("source", "exactly one of hub, folder and gguf is needed")
    for companion, kind in (("revision", "hub"), ("package", "gguf")):
        if companion in table.values and kind not in kinds:
            raise table.error(companion, f"goes only with {kind}")
    if kinds == ["hub"]:
        return _hub_source(table)
    if kinds == ["folder"]:
        return FolderSource(folder / Path(table.text("folder")).expanduser())
    return _gguf_source(table, folder)


def _hub_source(table: CatalogTable) -> HubSource:
    repository = table.text("hub")
    if not re.fullmatch(r"[\w.-]+(/[\w.-]+)?", repository):
        raise table.error("hub", "must look like owner/name")
    revision = table.text("revision")
    if not REVISION.fullmatch(revision):
        raise table.error("revision", "must be a commit of 40 hexadecimal digits")
    return HubSource(repository, revision)


def _gguf_source(table: CatalogTable, folder: Path) -> GgufSource:
    path = Path(table.text("gguf")).expanduser()
    package = table.text("package", "")
    if not package:
        return GgufSource(folder / path)
    if not re.fullmatch(r"[\w.-]+==[\w.+!-]+", package):
        raise table.error("package", "must be pinned, as in name==1.2.3")
    if path.is_absolute() or ".." in path.parts:
        raise table.error("gguf", "must be a path inside the package")
    return GgufSource(path, package)
