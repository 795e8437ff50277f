"""Fetches the model before the workers start: ``python -m worker.fetch``.

1. Choose: ``CHAT_MODEL``, else the default, else its fallback (``worker.choice``).
2. Write the choice into the data folder for all other processes.
3. Fetch: from the hub into its cache, or from a package, converted once.
"""

from __future__ import annotations

import hashlib
import os
import signal
import sys
from pathlib import Path

from filelock import FileLock

from chatsite import entry as entry_point
from chatsite.catalog import (
    Catalog,
    CatalogError,
    Entry,
    FolderSource,
    GgufSource,
    HubSource,
)
from worker import package, weights
from worker.choice import choose, write
from worker.convert import CONVERSION, ConversionFailed, convert
from worker.digests import DigestDiffers, Expected, Ledger
from worker.hub import Hub, HubFailed, OnProgress
from worker.package import PackageFailed


class FetchError(RuntimeError):
    """The model cannot be had. The message is one line for the operator."""


def local_folder(entry: Entry, data_dir: Path, hub: Hub | None = None) -> Path | None:
    """The folder a worker loads, if it is here and whole. Asks no network."""
    match entry.source:
        case HubSource() as source:
            return (hub or Hub.from_environment()).cached(source)
        case FolderSource(path=path):
            return None if weights.problem(path) else path
        case GgufSource() as source:
            folder = _converted_folder(entry.name, source, data_dir)
            return None if weights.problem(folder) else folder
    return data_dir


def fetch(
    entry: Entry, data_dir: Path, on_progress: OnProgress, hub: Hub | None = None
) -> Path:
    """The folder a worker loads, fetched and converted where it is not here yet.

    Several processes may do this at once: one works, the others wait for it. An entry
    without weights gets the data folder. Raises ``FetchError``, also where a file is
    here that is not the one that was meant.
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
    except (HubFailed, PackageFailed, ConversionFailed, DigestDiffers) as error:
        raise FetchError(f"{entry.label}: {error}") from error


def _verified(entry: Entry, data_dir: Path, hub: Hub) -> Path | None:
    """The folder, if it is here, whole, and what it should be."""
    folder = local_folder(entry, data_dir, hub)
    if folder is None:
        return None
    if isinstance(entry.source, GgufSource) and not Ledger(data_dir).knows(folder.name):
        return None  # Of what it was made, nobody noted.
    _verify(entry, folder, data_dir, hub)
    return folder


def _verify(
    entry: Entry, folder: Path, data_dir: Path, hub: Hub, *, is_new: bool = False
) -> None:
    """Raise ``DigestDiffers`` if a file is not the one that was meant."""
    ledger, files = Ledger(data_dir), weights.loaded_files(folder)
    named = Expected("the catalogue", entry.sha256)
    match entry.source:
        case HubSource() as source:
            name = f"{source.repository}@{source.revision}"
            seen = ledger.seen(name).or_else(hub.listed(source))
            ledger.verify(name, files, named, seen)
        case GgufSource():
            # Made here, of a file that was verified: it shall stay as it was made.
            made = [] if is_new else [ledger.seen(folder.name)]
            ledger.verify(folder.name, files, *made)
        case FolderSource() if named:
            ledger.verify(str(folder), files, named)


def _fetch(entry: Entry, data_dir: Path, on_progress: OnProgress, hub: Hub) -> Path:
    match entry.source:
        case HubSource() as source:
            return hub.download(source, on_progress)
        case GgufSource() as source:
            return _convert(entry, source, data_dir, on_progress)
        case FolderSource(path=path):
            raise FetchError(f"{path}: {weights.problem(path)}")
    return data_dir


def _convert(
    entry: Entry, source: GgufSource, data_dir: Path, on_progress: OnProgress
) -> Path:
    folder = _converted_folder(entry.name, source, data_dir)
    gguf = _gguf_file(source, folder.parent, on_progress)
    if entry.sha256:
        Ledger(data_dir).verify(
            f"{entry.name} {gguf.name}",
            [gguf],
            Expected("the catalogue", entry.sha256),
        )
    on_progress(None, "converting, which takes half a minute and is done only once")
    convert(gguf, folder)
    if source.package:
        package.remove(source, folder.parent)
    return folder


def _gguf_file(source: GgufSource, folder: Path, on_progress: OnProgress) -> Path:
    if not source.package:
        if not source.path.is_file():
            raise FetchError(f"{source.path}: there is no such file.")
        return source.path
    if path := package.installed_file(source):
        return path
    on_progress(None, f"installing {source.package}")
    return package.install(source, folder)


def _converted_folder(name: str, source: GgufSource, data_dir: Path) -> Path:
    """Where the converted model lies: another source is another folder."""
    marks = [str(CONVERSION), source.package, str(source.path)]
    if not source.package and source.path.is_file():
        status = source.path.stat()
        marks += [str(status.st_size), str(status.st_mtime_ns)]
    digest = hashlib.sha256("\n".join(marks).encode()).hexdigest()[:12]
    return data_dir / "models" / f"{name}-{digest}"


def main() -> int:
    entry_point.begin()
    from django.conf import settings

    from worker.progress import Progress

    # An exception ends a running installer too; a bare signal would leave it behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        data_dir, catalog = settings.DATA_DIR, Catalog.load(settings.CHAT_CATALOG)
        chosen = os.environ.get("CHAT_MODEL", "").strip()
        choice = choose(catalog, chosen, Hub.from_environment())
        entry = catalog.get(choice.model)
        if not chosen:
            write(choice, data_dir)
        if choice.is_fallback:
            wanted = catalog.get(choice.wanted).label
            print(f"{wanted}: {choice.reason}; {entry.label} stands in.", flush=True)
        with Progress(entry) as progress:
            folder = fetch(entry, data_dir, progress.report)
    except CatalogError as error:
        print(f"CHAT_MODEL, CHAT_CATALOG: {error}", file=sys.stderr)
        return entry_point.REFUSED_STATUS
    except FetchError as error:
        print(f"The model cannot be fetched. {error}", file=sys.stderr)
        return 1
    except OSError as error:
        place = error.filename2 or error.filename or "The data folder"
        print(
            f"The model cannot be fetched. {place}: {error.strerror or error}.",
            file=sys.stderr,
        )
        return 1
    print(f"{entry.label} is here: {folder}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
