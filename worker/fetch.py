"""The command that fetches models before workers start: ``python -m worker.fetch``.

1. Choose: ``CHAT_MODELS`` and ``CHAT_MODEL``, else the default, else its fallback.
2. Write the choice into the data folder, where the other processes read it.
3. Fetch the files, with a progress bar in the terminal and on the page.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from chatsite import startup
from chatsite.catalog import CatalogError, ModelEntry
from chatsite.machine import memory_bytes
from worker.model_folder import FetchError
from worker.weights.fallback import choose_model, write_choice
from worker.weights.fetch import fetch
from worker.weights.hub import Hub
from worker.weights.memory_plan import memory_warning


def main() -> int:
    """Fetch the models and return the exit status."""
    startup.begin()
    # SystemExit ends a running installer too; the signal alone would leave it running.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        _choose()
        _fetch_all()
    except CatalogError as error:
        print(f"CHAT_MODEL, CHAT_MODELS, CHAT_CATALOG: {error}", file=sys.stderr)
        return startup.REFUSED_STATUS
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
    return 0


def _choose() -> None:
    """Choose a model, if the settings name none."""
    from django.conf import settings

    from chatsite.model_choice import configured_model, current_catalog

    if configured_model():
        return
    catalog = current_catalog()
    choice = choose_model(catalog, Hub.from_environment())
    write_choice(choice, settings.DATA_DIR)
    if choice.is_fallback:
        wanted, found = catalog.get(choice.wanted), catalog.get(choice.model)
        said = f"{wanted.label}: {choice.reason}; {found.label} stands in."
        print(said, flush=True)


def _fetch_all() -> None:
    """Fetch the models that this machine serves. Raises ``FetchError``."""
    from django.conf import settings

    from chatsite.model_choice import served_entries

    entries = served_entries()
    for entry in entries:
        if not entry.tried:
            print(f"{entry.label} has not been tried with this site.", flush=True)
    folders = [_fetch(entry) for entry in entries if entry.source is not None]
    for entry in entries:
        if entry.source is None:
            print(f"Model: {entry.label}", flush=True)
    if settings.WORKER_DEVICE in ("auto", "cpu"):
        memory = memory_bytes()
        if warning := memory_warning(folders, settings.WORKERS, memory):
            print(warning, flush=True)


def _fetch(entry: ModelEntry) -> Path:
    from django.conf import settings

    from worker.weights.progress import ProgressReporter

    with ProgressReporter(entry) as progress:
        folder = fetch(entry, settings.DATA_DIR, progress.report)
    print(f"Model: {entry.label}, in {folder}", flush=True)
    return folder


if __name__ == "__main__":
    sys.exit(main())
