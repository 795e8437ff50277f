"""What is written: replies to standard output, everything else to standard error."""

from __future__ import annotations

import os
import re
import sys
from io import TextIOWrapper
from typing import TextIO

from chatsite.cli.errors import CliError, Exit

#: A reply may contain sequences that make a terminal act; line ends and tabs are text.
CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
CLEAR_LINE = "\r\x1b[K"


def prepare_streams() -> None:
    """Use UTF-8, and the null device for streams that are closed.

    Raises ``CliError`` if standard output is closed: nothing is to be sent in vain.
    """
    has_output = sys.stdout is not None
    # In this order: each takes the lowest number that is free, which is its own.
    sys.stdin = sys.stdin or open(os.devnull, encoding="utf-8")  # noqa: SIM115
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="replace")
    if not has_output:
        said = "Standard output is closed. Use > /dev/null if you do not want the text."
        raise CliError(said, Exit.USAGE)


def discard(stream: TextIO) -> None:
    """Send what is still in the buffer of this stream, and what follows, nowhere."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, stream.fileno())
    os.close(null)


class Terminal:
    """Standard output and standard error of the command."""

    def __init__(self, *, is_quiet: bool = False) -> None:
        self._has_progress = sys.stderr.isatty() and not is_quiet
        self._is_screen = sys.stdout.isatty()
        self._progress = ""

    @property
    def has_progress(self) -> bool:
        """Whether standard error is a terminal, where a person reads the progress."""
        return self._has_progress

    def text(self, text: str) -> None:
        """Write text of a reply, harmless where it goes to a screen.

        Raises ``CliError`` or ``BrokenPipeError``.
        """
        self.progress("")
        try:
            sys.stdout.write(CONTROLS.sub("\ufffd", text) if self._is_screen else text)
            sys.stdout.flush()
        except OSError as error:
            discard(sys.stdout)
            if isinstance(error, BrokenPipeError):
                raise
            said = f"Standard output cannot be written: {error.strerror}."
            raise CliError(said) from None

    def line(self, text: str) -> None:
        """Write a line of results."""
        self.text(f"{text}\n")

    def say(self, sentence: str) -> None:
        """Write a sentence for the person."""
        self.progress("")
        self._write_error(f"{CONTROLS.sub(chr(0xFFFD), sentence)}\n")

    def progress(self, sentence: str) -> None:
        """Show a sentence until the next output, in place of the last; on a terminal.

        An empty one removes it.
        """
        if self._has_progress and sentence != self._progress:
            self._write_error(f"{CLEAR_LINE}{sentence}")
            self._progress = sentence

    def _write_error(self, text: str) -> None:
        """Write to standard error; no reply is lost where that is not possible."""
        try:
            sys.stderr.write(text)
            sys.stderr.flush()
        except OSError:
            discard(sys.stderr)
