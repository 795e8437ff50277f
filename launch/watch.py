"""Tells when a program died, and keeps the supervisor from giving up on it."""

from __future__ import annotations

from collections import Counter
from http.client import HTTPException
from xmlrpc.client import ProtocolError

from launch.refusal import Refusal
from launch.supervision import Supervisor

FATAL = "FATAL"
RUNNING = "RUNNING"


class Watch:
    """Compares what runs with what ran at the last look."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor
        self._pids: dict[str, int] = {}
        self._down: set[str] = set()
        #: How often each program has died.
        self.deaths: Counter[str] = Counter()

    @property
    def pids(self) -> dict[str, int]:
        """Process ids of what runs, by program."""
        return {name: pid for name, pid in self._pids.items() if pid}

    def look(self) -> None:
        """Print what changed. Raises ``Refusal`` if the supervisor itself is gone."""
        try:
            states = self._supervisor.states()
        except (OSError, HTTPException, ProtocolError):
            raise Refusal("The supervisor died; everything was stopped.") from None
        for name, state in states.items():
            self._compare(name, int(state["pid"]), str(state["statename"]))

    def _compare(self, name: str, pid: int, state: str) -> None:
        before = self._pids.get(name, 0)
        if before and pid != before:
            self.deaths[name] += 1
            if name not in self._down:
                self._down.add(name)
                where = self._supervisor.log(name)
                print(f"{name} died and is being restarted; see {where}", flush=True)
        if name in self._down and state == RUNNING:
            self._down.remove(name)
            print(f"{name} runs again.", flush=True)
        if state == FATAL:
            self._supervisor.revive(name)
        self._pids[name] = pid
