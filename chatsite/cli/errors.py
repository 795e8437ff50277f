"""Errors that end the command, each with the exit code that scripts see."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from http import HTTPStatus
from typing import Any


class Exit(IntEnum):
    """The exit codes of the command; argparse ends with ``USAGE``, too."""

    DONE = 0
    #: The reply failed, or the server did.
    FAILED = 1
    #: The command or what it was given is wrong.
    USAGE = 2
    #: There is no API key, or it is wrong, or may not do this.
    KEY = 3
    #: A limit is reached, or the server is busy: later it may work.
    LATER = 4
    #: The server cannot be reached.
    UNREACHABLE = 5
    #: Ctrl+C.
    INTERRUPTED = 130


class CliError(Exception):
    """A sentence for the person, and the exit code."""

    def __init__(self, message: str, code: Exit = Exit.FAILED) -> None:
        super().__init__(message)
        self.code = code


class ServerRefused(CliError):
    """The server answered with an error."""

    def __init__(self, status: int, body: Any, retry_after: str | None) -> None:
        said = _message(status, body)
        if retry_after and "again in" not in said:
            said += f" Try again in {retry_after} seconds."
        super().__init__(said, _exit_code(status))
        self.status = status


def _message(status: int, body: Any) -> str:
    """The server's own sentence: RFC 9457, or an object ``error`` as OpenAI has it."""
    if isinstance(body, Mapping):
        error = body.get("error")
        inner = error.get("message") if isinstance(error, Mapping) else None
        for said in (body.get("detail"), inner, body.get("title")):
            if isinstance(said, str) and said:
                return said
    return f"The server answered with status {status}."


def _exit_code(status: int) -> Exit:
    match status:
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
            return Exit.KEY
        case HTTPStatus.TOO_MANY_REQUESTS | HTTPStatus.SERVICE_UNAVAILABLE:
            return Exit.LATER
    return Exit.FAILED if status >= HTTPStatus.INTERNAL_SERVER_ERROR else Exit.USAGE
