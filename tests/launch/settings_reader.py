"""Reads the settings once for each environment, in a process of its own.

    python -m tests.launch.settings_reader < environments > what came of them

Django is imported once; a fork for each cell then takes some milliseconds.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

import django.conf  # noqa: F401 - imported once, for all

from chatsite import secret_key, startup  # noqa: F401 - imports the table once, too


def read(environment: dict[str, str]) -> tuple[int, str]:
    """Exit status and output of a program that does no more than begin."""
    with tempfile.TemporaryFile() as output:
        if (pid := os.fork()) == 0:
            _begin(environment, output.fileno())
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        output.seek(0)
        return status, output.read().decode(errors="replace")


def _begin(environment: dict[str, str], output: int) -> None:
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.environ.update(environment)
    status = 1
    try:
        startup.begin()
        _use()
        status = 0
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else 1
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _use() -> None:
    """What the programs do first with what was read."""
    from chatsite import settings
    from chatsite.catalog import CatalogError
    from chatsite.model_choice import model_entry
    from chatsite.redis_url import parse

    parse(settings.REDIS_URL, settings.REDIS_CA_FILE).broker_url()
    try:
        model_entry()
    except CatalogError as error:
        print(f"CHAT_MODEL, CHAT_CATALOG: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    os.chdir(Path(sys.argv[1]))
    json.dump([read(cell) for cell in json.load(sys.stdin)], sys.stdout)
