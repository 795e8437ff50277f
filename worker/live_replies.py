"""The replies being written in one worker process."""

from __future__ import annotations

from threading import Lock

from worker.delivery import Delivery


class LiveReplies:
    """Deliveries from their claim to their end. Any thread may call its methods."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._found: dict[str, Delivery] = {}

    def __len__(self) -> int:
        """Return how many replies are written."""
        return len(self._found)

    def all(self) -> list[Delivery]:
        """Return all of them, in the order of their claims."""
        with self._lock:
            return list(self._found.values())

    def add(self, delivery: Delivery) -> None:
        """Add a reply that was claimed."""
        with self._lock:
            self._found[delivery.claim.token] = delivery

    def remove(self, delivery: Delivery) -> None:
        """Remove a reply that has ended."""
        with self._lock:
            del self._found[delivery.claim.token]
        delivery.left.set()

    def counts(self) -> tuple[int, int]:
        """Return how many are for people, and how many are helper jobs."""
        live = self.all()
        helpers = sum(one.claim.is_helper for one in live)
        return len(live) - helpers, helpers

    def helpers(self) -> list[Delivery]:
        """Return those that are helper jobs."""
        return [one for one in self.all() if one.claim.is_helper]

    def is_exclusive(self) -> bool:
        """Return whether one of them must not have any other beside it."""
        return any(one.claim.runs_alone for one in self.all())
