"""Tells when a program died, and keeps the supervisor from giving up on it."""

from __future__ import annotations

import time
from collections import Counter
from http.client import HTTPException
from typing import Any
from xmlrpc.client import ProtocolError

from launch.errors import LaunchError
from launch.exit_reason import exit_reason
from launch.supervisord import VALKEY, Supervisor
from launch.valkey_recovery import REMOVED, has_removed

BACKOFF, FATAL, RUNNING = "BACKOFF", "FATAL", "RUNNING"
#: A program that ended this soon after its start did not start at all.
STARTED_SECONDS = 10
#: After one such end it may come back; after two it cannot start.
FAILURES = 2


class ProcessMonitor:
    """Compares what runs with what ran at the last look."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor
        self._pids: dict[str, int] = {}
        self._seen_since: dict[str, float] = {}
        #: The start, in the supervisor's seconds, whose end was told last.
        self._failed: dict[str, int] = {}
        self._down: set[str] = set()
        self._named: set[str] = set()
        #: The Valkey that was looked at last for what it removed.
        self._valkey = 0
        #: How often each program has died.
        self.deaths: Counter[str] = Counter()
        #: How often in a row each program ended soon after its start.
        self.failures: Counter[str] = Counter()

    @property
    def pids(self) -> dict[str, int]:
        """Process ids of what runs, by program."""
        return {name: pid for name, pid in self._pids.items() if pid}

    def check(self) -> None:
        """Print what changed. Raises ``LaunchError`` if the supervisor has ended."""
        try:
            states = self._supervisor.states()
        except (OSError, HTTPException, ProtocolError):
            raise LaunchError("The supervisor died; everything was stopped.") from None
        for name in self._supervisor.names - states.keys():
            raise LaunchError(f"{name} cannot start: the supervisor does not know it.")
        for name, state in states.items():
            self._compare(name, state)

    def reason(self, name: str, said: str = "") -> str:
        """Why a program cannot start: one line for a person."""
        log = self._supervisor.log(name)
        return f"{name} cannot start: {said or exit_reason(log)}; see {log}"

    def _compare(self, name: str, info: dict[str, Any]) -> None:
        pid, state = int(info["pid"]), str(info["statename"])
        before, began = self._pids.get(name, 0), int(info["start"])
        has_failed = state in (BACKOFF, FATAL) and began != self._failed.get(name)
        if before and pid != before:
            lived = time.monotonic() - self._seen_since[name]
            self._note_death(name, lived < STARTED_SECONDS)
        elif has_failed:  # Between two looks, or it could not be spawned.
            self._note_death(name, True, _spawn_error(info))
        if not pid:
            self._failed[name] = began
        if pid != before:
            self._seen_since[name] = time.monotonic()
        if state == RUNNING:
            self._note_running(name)
            if name == VALKEY and pid != self._valkey:
                self._valkey = pid
                self._tell_removal()
        if state == FATAL:
            self._supervisor.revive(name)
        self._pids[name] = pid

    def _note_death(self, name: str, is_start: bool, said: str = "") -> None:
        self.deaths[name] += 1
        self.failures[name] = self.failures[name] + 1 if is_start else 0
        log = self._supervisor.log(name)
        if name not in self._down:
            self._down.add(name)
            why = said or exit_reason(log)
            say(f"{name} died and is being restarted ({why}); see {log}")
        if self.failures[name] >= FAILURES and name not in self._named:
            self._named.add(name)
            say(self.reason(name, said))

    def _tell_removal(self) -> None:
        """Also where it failed and came back between two looks."""
        if has_removed(self._supervisor.log(VALKEY)):
            say(REMOVED)

    def _note_running(self, name: str) -> None:
        """A program that cannot start is up for a moment, too: that is not told."""
        is_up = time.monotonic() - self._seen_since[name] >= STARTED_SECONDS
        if name in self._named and not is_up:
            return
        if is_up:
            self.failures[name] = 0
            self._named.discard(name)
        if name in self._down:
            self._down.remove(name)
            say(f"{name} runs again.")


def _spawn_error(info: dict[str, Any]) -> str:
    """Why a program could not be run; nothing where it ran, since its log says more."""
    said = str(info["spawnerr"])
    return "" if said.startswith("Exited too quickly") else said


def say(line: str) -> None:
    print(line, flush=True)
