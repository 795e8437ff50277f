"""Peers in processes of their own, so that each has its own memory and threads."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any

from bench.memory import peak_mb

#: In place of a method: asks for the peak of the process's memory.
PEAK = "peak of memory"


class NotInstalled(Exception):
    """The peer is not installed here."""


class Child:
    """A process that holds one object and does what it is told, one call at a time."""

    def __init__(self, opener: Callable[..., Any], *arguments: Any) -> None:
        """``opener(*arguments)`` makes the object there; ``ready`` waits for it."""
        context = multiprocessing.get_context("spawn")
        self._pipe, other = context.Pipe()
        self._process = context.Process(
            target=_serve, args=(other, opener, arguments), daemon=True
        )
        self._process.start()
        other.close()

    def ready(self) -> None:
        """Wait until it is made. Raises ``NotInstalled``."""
        self._receive()

    def call(self, method: str, *arguments: Any) -> Any:
        """Call a method of the object; what it raises is raised here."""
        self._pipe.send((method, arguments))
        return self._receive()

    def peak_mb(self) -> float:
        """The most memory it ever had."""
        return float(self.call(PEAK))

    def close(self) -> None:
        self._process.kill()
        self._process.join()

    def _receive(self) -> Any:
        try:
            answer = self._pipe.recv()
        except EOFError:
            raise RuntimeError("a process of the measurement died") from None
        if isinstance(answer, BaseException):
            raise answer
        return answer


def _serve(
    pipe: Connection, opener: Callable[..., Any], arguments: tuple[Any, ...]
) -> None:
    try:
        held = opener(*arguments)
    except ImportError as error:
        pipe.send(NotInstalled(str(error)))
        return
    pipe.send(None)
    while True:
        method, given = pipe.recv()
        try:
            answer = peak_mb() if method == PEAK else getattr(held, method)(*given)
        except Exception as error:
            answer = RuntimeError(f"{type(error).__name__}: {error}")
        pipe.send(answer)
