"""The channel of a call whose own thread waits: other servers park no answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from queue import Empty, SimpleQueue


class BlockingChannel:
    """Yields what is sent, and runs the tasks, in the thread that iterates over it."""

    def __init__(self) -> None:
        self._parts: SimpleQueue[bytes | Callable[[], None] | None] = SimpleQueue()

    def send(self, data: bytes) -> None:
        """Send a part."""
        self._parts.put(data)

    def end(self) -> None:
        """Note that the answer is complete."""
        self._parts.put(None)

    def answer(self) -> None:
        """Note that the answer is known."""
        self._parts.put(None)

    def submit(self, task: Callable[[], None]) -> None:
        """Run a task in the waiting thread."""
        self._parts.put(task)

    def __iter__(self) -> Iterator[bytes]:
        """Yield the parts until the end."""
        while (part := self._parts.get()) is not None:
            if isinstance(part, bytes):
                yield part
            else:
                part()

    def run_tasks(self) -> None:
        """Run the tasks that are left; drop the parts."""
        while True:
            try:
                part = self._parts.get_nowait()
            except Empty:
                return
            if callable(part):
                part()
