"""Begins programs in forks of one process, each in an environment of its own.

    python -m tests.launch.forked_starts FOLDER < cases > results

Django is imported once, so that a case takes some milliseconds. A case is a list of
arguments and an environment; with ``null`` as arguments it only reads the settings, as
every program does first, otherwise it runs ``python -m launch`` with them. A result is
the exit status and the output.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.launch.process_tree import ROOT, clean_environment

#: What a case needs besides the settings, which it reads itself.
IMPORTED_ONCE = (
    *("encodings.idna", "asgiref.sync", "launch.__main__"),
    *("chatsite.cookie_names", "chatsite.databases", "chatsite.logs"),
    *("chatsite.model_choice", "chatsite.secret_key", "chatsite.security_headers"),
)

Case = tuple[Sequence[str] | None, dict[str, str]]


def run_cases(folder: Path, cases: Sequence[Case], **variables: str) -> list[list]:
    """Run all cases with ``folder`` as their current directory."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.launch.forked_starts", str(folder)],
        env=clean_environment(PYTHONPATH=str(ROOT), **variables),
        input=json.dumps(cases),
        capture_output=True,
        text=True,
        timeout=600,
        check=True,
    )
    return list(json.loads(done.stdout))


def fork(arguments: list[str] | None, environment: dict[str, str]) -> tuple[int, str]:
    with tempfile.TemporaryFile() as output:
        if (pid := os.fork()) == 0:
            _begin(arguments, environment, output.fileno())
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        output.seek(0)
        return status, output.read().decode(errors="replace")


def _begin(
    arguments: list[str] | None, environment: dict[str, str], output: int
) -> None:
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.environ.update(environment)
    status = 1
    try:
        if arguments is None:
            _use_settings()
            status = 0
        else:
            from launch.__main__ import main

            status = main(arguments)
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else 1
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _use_settings() -> None:
    """Do what the programs do first with the settings."""
    from chatsite import startup

    startup.begin()
    from chatsite import settings
    from chatsite.catalog import CatalogError
    from chatsite.model_choice import model_entry
    from chatsite.redis_url import parse

    parse(settings.REDIS_URL, settings.REDIS_CA_FILE).broker_url()
    try:
        model_entry()
    except CatalogError as error:
        print(f"CHAT_MODEL, CHAT_MODELS, CHAT_CATALOG: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    for module in IMPORTED_ONCE:
        importlib.import_module(module)
    assert "chatsite.settings" not in sys.modules
    os.chdir(Path(sys.argv[1]))
    json.dump([fork(*case) for case in json.load(sys.stdin)], sys.stdout)
