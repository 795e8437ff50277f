"""Text files that a message begins with, each in a fence with its name.

The browser puts them before the typed text (``static/chat/attachments.js``):

    ```py title="a.py"
    print(1)
    ```

A fence is longer than every run of backticks in its file, so no file ends its own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_OPENING = re.compile(r'(`{3,})[a-z0-9+#-]* title="([^"\n]{1,100})"\n')


@dataclass(frozen=True, slots=True)
class AttachedFile:
    """A file in a message, with the lines around it."""

    name: str
    content: str
    opening: str
    closing: str

    @property
    def kilobytes(self) -> float:
        """The size in UTF-8, in thousands of bytes, at least a tenth."""
        return max(0.1, round(len(self.content.encode()) / 1000, 1))


def split_files(text: str) -> tuple[list[AttachedFile], str]:
    """Return the files that a message begins with, and the text behind them.

    Openings, contents and closings together with that text are the message.
    """
    files = []
    place = 0
    while opened := _OPENING.match(text, place):
        closing = re.compile(rf"^{opened[1]}(?:\n{{1,2}}|\Z)", re.MULTILINE)
        closed = closing.search(text, opened.end())
        if not closed:
            break
        content = text[opened.end() : closed.start()]
        files.append(AttachedFile(opened[2], content, opened[0], closed[0]))
        place = closed.end()
    return files, text[place:]


def without_files(text: str) -> str:
    """Return what was typed, or the names of the files if nothing was."""
    files, typed = split_files(text)
    return typed if typed.strip() else ", ".join(file.name for file in files)
