"""What is written: replies to standard output, everything else to standard error."""

from __future__ import annotations

import re
import sys

#: A reply may contain sequences that make a terminal act; line ends and tabs are text.
CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
CLEAR_LINE = "\r\x1b[K"


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
        """Write text of a reply, harmless where it goes to a screen."""
        self.progress("")
        sys.stdout.write(CONTROLS.sub("\ufffd", text) if self._is_screen else text)
        sys.stdout.flush()

    def line(self, text: str) -> None:
        """Write a line of results."""
        self.text(f"{text}\n")

    def say(self, sentence: str) -> None:
        """Write a sentence for the person."""
        self.progress("")
        sys.stderr.write(f"{CONTROLS.sub(chr(0xFFFD), sentence)}\n")
        sys.stderr.flush()

    def progress(self, sentence: str) -> None:
        """Show a sentence until the next output, in place of the last; on a terminal.

        An empty one removes it.
        """
        if self._has_progress and sentence != self._progress:
            sys.stderr.write(f"{CLEAR_LINE}{sentence}")
            sys.stderr.flush()
            self._progress = sentence
