"""What every program of the site does first."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from io import TextIOWrapper

REFUSED_STATUS = 2


def begin() -> None:
    """Read the settings, or end in one line that names the bad one, with status 2.

    All files from here on are closed to other accounts. A letter that the terminal does
    not know is written as its number.
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


def tolerate_letters() -> None:
    """Have no letter end this program for the terminal's encoding."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
