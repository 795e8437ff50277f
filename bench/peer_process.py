"""Runs an engine in a process of its own, with its own memory and threads."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from bench.memory import peak_mb
from bench.peers import PEERS, Unavailable, open_peer

#: Sent instead of a method name: return the peak memory of the process.
PEAK = "peak of memory"


class PeerProcess:
    """A process that holds one object and calls its methods, one at a time."""

    def __init__(
        self,
        opener: Callable[..., Any],
        *arguments: Any,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Start the process; ``opener(*arguments)`` makes the object in it.

        ``environment``: variables that only this process gets.
        """
        context = multiprocessing.get_context("spawn")
        self._pipe, other = context.Pipe()
        self._process = context.Process(
            target=_serve, args=(other, opener, arguments), daemon=True
        )
        with _variables(environment or {}):
            self._process.start()
        other.close()

    def ready(self) -> None:
        """Wait until the object is made. Raises ``Unavailable``."""
        self._receive()

    def call(self, method: str, *arguments: Any) -> Any:
        """Call a method of the object. An exception of the method is raised here."""
        self._pipe.send((method, arguments))
        return self._receive()

    def peak_mb(self) -> float:
        """Return the peak resident memory of the process, in MiB."""
        return float(self.call(PEAK))

    def close(self) -> None:
        """Kill the process and wait for its end."""
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


def start_peer(name: str, folder: Path, threads: int, *options: str) -> PeerProcess:
    """Start a process that loads an engine; see ``open_peer``."""
    environment = PEERS[name].environment
    return PeerProcess(
        open_peer, name, folder, threads, *options, environment=environment
    )


@contextmanager
def _variables(values: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables for programs that start within the block."""
    before = dict(os.environ)
    os.environ.update(values)
    try:
        yield
    finally:
        for name in values.keys() - before.keys():
            del os.environ[name]
        os.environ.update(before)


def _serve(
    pipe: Connection, opener: Callable[..., Any], arguments: tuple[Any, ...]
) -> None:
    try:
        held = opener(*arguments)
    except (ImportError, Unavailable) as error:
        pipe.send(Unavailable(str(error)))
        return
    pipe.send(None)
    while True:
        method, arguments = pipe.recv()
        try:
            answer = peak_mb() if method == PEAK else getattr(held, method)(*arguments)
        except Exception as error:
            answer = RuntimeError(f"{type(error).__name__}: {error}")
        pipe.send(answer)
