"""What every program of the site does first: read the settings, or refuse to start."""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import TextIOWrapper

REFUSED_STATUS = 2
#: Of a worker that an operator has ended: its supervisor must not start it again.
ENDED_STATUS = 79
#: Of a worker whose environment lacks something: a new try would have the same one.
LACKING_STATUS = 78
#: Of a worker whose model cannot be loaded: an immediate try would fail as well.
UNLOADABLE_STATUS = 77


def begin() -> None:
    """Read the settings, or exit with status 2 and one line that names the bad one.

    Files made from now on are closed to other accounts. A character that the terminal
    cannot show is written as its number.
    """
    os.umask(0o077)
    tolerate_letters()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatsite.settings")
    from django.core.exceptions import ImproperlyConfigured

    try:
        from chatsite import settings  # noqa: F401 - read, and thereby checked
    except ImproperlyConfigured as error:
        with suppress(OSError, ValueError):
            print(" ".join(str(error).split()), file=sys.stderr, flush=True)
        raise SystemExit(REFUSED_STATUS) from None


@contextmanager
def ends_with_reader() -> Iterator[None]:
    """End with status 1 and no traceback once the output has no reader, as `| head`."""
    try:
        yield
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        output = select.poll()
        output.register(sys.stdout.fileno(), 0)
        if not output.poll(0):  # nothing is wrong with it: it was another pipe
            raise
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())  # for what is still in the buffer
        raise SystemExit(1) from None


def tolerate_letters() -> None:
    """Let no character that the terminal cannot show end this program."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
