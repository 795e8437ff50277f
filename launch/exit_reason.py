"""Why a program ended: an error in its log, or its exit status."""

from __future__ import annotations

import re
from pathlib import Path

#: With this a worker begins the sentence that says why its model cannot be loaded.
CANNOT_SERVE = "This worker cannot serve: "
TAIL_BYTES = 16_384
TAIL_LINES = 15
LINE_MAX = 300
#: The last line of a traceback: the class of the error and its message. Or an error
#: that a command prints before a line about its help.
RAISED = re.compile(r"([\w.]+(Error|Exception|Configured|Exit)\b|Error)(:.*)?")
#: A line that a logger marked as a warning or worse. Valkey's mark is ``#``.
WARNING = re.compile(r"\b(WARNING|ERROR|CRITICAL)\b|^\d+:\w .* # ")
#: A line that a logger marked as less than a warning, and so gives no reason. The other
#: marks of Valkey are ``.``, ``-`` and ``*``.
INFORMATION = re.compile(r"\b(DEBUG|INFO|NOTICE)\b|^\d+:\w .* [.*-] ")
#: supervisord's line on the end of a program.
ENDED = "exited: {name} \\(([^;]+);"


def exit_reason(log: Path, supervisor_log: Path | None = None, name: str = "") -> str:
    """Return why a program ended, in one line of 300 characters at most.

    This is what a worker said of its model, otherwise the error that was raised last,
    otherwise the last line of the log if it is not mere information, otherwise the last
    warning, otherwise the exit status in the log of supervisord. A program that a
    signal ended has written no reason.
    """
    status = exit_status(supervisor_log, name) if supervisor_log else ""
    if status.startswith("terminated by"):
        return status
    lines = [line.strip() for line in _tail(log)[-TAIL_LINES:] if line.strip()]
    said = [
        line.removeprefix(CANNOT_SERVE)
        for line in lines
        if line.startswith(CANNOT_SERVE)
    ]
    raised = [line for line in lines if RAISED.fullmatch(line)]
    last = [line for line in lines[-1:] if not INFORMATION.search(line)]
    warnings = [line for line in lines if WARNING.search(line)]
    reasons = (
        said or raised or last or warnings or [status or "its log gives no reason"]
    )
    return reasons[-1][:LINE_MAX]


def exit_status(supervisor_log: Path, name: str) -> str:
    """Return ``exit status N`` or ``terminated by SIGNAL``; empty if unknown."""
    ended = re.compile(ENDED.format(name=re.escape(name)))
    found = [
        match[1] for line in _tail(supervisor_log) if (match := ended.search(line))
    ]
    return found[-1] if found else ""


def _tail(log: Path) -> list[str]:
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - TAIL_BYTES))
            return file.read().decode(errors="replace").splitlines()
    except OSError:
        return []
