"""The line of a program's log that tells why it ended."""

from __future__ import annotations

import re
from pathlib import Path

TAIL_BYTES = 16_384
TAIL_LINES = 15
LINE_MAX = 300
#: The last line of a trace: the kind of an error and its words. Or what a command says
#: before a line on its help.
RAISED = re.compile(r"([\w.]+(Error|Exception|Configured|Exit)\b|Error)(:.*)?")


def exit_reason(log: Path) -> str:
    """The last error that was raised near the end, else the last line."""
    lines = [line for line in _tail(log)[-TAIL_LINES:] if line.strip()]
    if not lines:
        return "it said nothing"
    raised = [line for line in lines if RAISED.fullmatch(line)]
    return (raised or lines)[-1].strip()[:LINE_MAX]


def _tail(log: Path) -> list[str]:
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - TAIL_BYTES))
            return file.read().decode(errors="replace").splitlines()
    except OSError:
        return []
