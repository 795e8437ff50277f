"""When a worker whose model cannot be loaded is started again: pauses that grow."""

from __future__ import annotations

#: The pause after the first failure; each further one is twice as long.
PAUSE_SECONDS = 5.0
PAUSE_MAX_SECONDS = 300.0
#: A worker that lived for so long had loaded its model.
LOADED_SECONDS = 120.0


class LoadRetries:
    """Remembers the failures of each worker in a row. Times are in seconds."""

    def __init__(self) -> None:
        self._failures: dict[str, int] = {}
        self._due: dict[str, float] = {}

    def __contains__(self, name: str) -> bool:
        """Whether a worker has failed and was not seen to serve since."""
        return name in self._failures

    def note_failure(self, name: str, now: float) -> float:
        """Note that a worker could not load; return the pause until its next start."""
        failures = self._failures.get(name, 0)
        self._failures[name] = failures + 1
        pause = min(PAUSE_SECONDS * 2.0 ** min(failures, 10), PAUSE_MAX_SECONDS)
        self._due[name] = now + pause
        return pause

    def note_loaded(self, name: str) -> None:
        """Note that a worker serves again."""
        self._failures.pop(name, None)
        self._due.pop(name, None)

    def take_due(self, now: float) -> list[str]:
        """Return the workers that are to be started now, each once."""
        due = [name for name, at in self._due.items() if at <= now]
        for name in due:
            del self._due[name]
        return due
