"""The command that fetches the model before workers start: ``python -m worker.fetch``.

1. Choose: ``CHAT_MODEL``, else the default, else its fallback.
2. Write the choice into the data folder, where the other processes read it.
3. Fetch the files, with a progress bar in the terminal and on the page.
"""

from __future__ import annotations

import os
import signal
import sys

from chatsite import startup
from chatsite.catalog import Catalog, CatalogError
from worker.model_folder import FetchError
from worker.weights.fallback import choose_model, write_choice
from worker.weights.fetch import fetch
from worker.weights.hub import Hub


def main() -> int:
    """Fetch the model and return the exit status."""
    startup.begin()
    from django.conf import settings

    from worker.weights.progress import ProgressReporter

    # SystemExit ends a running installer too; the signal alone would leave it running.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        data_dir, catalog = settings.DATA_DIR, Catalog.load(settings.CHAT_CATALOG)
        chosen = os.environ.get("CHAT_MODEL", "").strip()
        choice = choose_model(catalog, chosen, Hub.from_environment())
        entry = catalog.get(choice.model)
        if not chosen:
            write_choice(choice, data_dir)
        if choice.is_fallback:
            wanted = catalog.get(choice.wanted).label
            print(f"{wanted}: {choice.reason}; {entry.label} stands in.", flush=True)
        with ProgressReporter(entry) as progress:
            folder = fetch(entry, data_dir, progress.report)
    except CatalogError as error:
        print(f"CHAT_MODEL, CHAT_CATALOG: {error}", file=sys.stderr)
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
    place = f", in {folder}" if entry.source else ""
    print(f"Model: {entry.label}{place}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
