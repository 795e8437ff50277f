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
from worker.weights.fallback import choose, write
from worker.weights.fetch import FetchError, fetch
from worker.weights.hub import Hub


def main() -> int:
    startup.begin()
    from django.conf import settings

    from worker.weights.progress import Progress

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
    print(f"{entry.label} is here: {folder}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
