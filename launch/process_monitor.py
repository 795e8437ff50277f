"""Reports programs that died, and keeps supervisord from giving up on them."""

from __future__ import annotations

import time
from collections import Counter
from http.client import HTTPException
from typing import Any
from xmlrpc.client import ProtocolError

from chatsite.startup import (
    ENDED_STATUS,
    LACKING_STATUS,
    REFUSED_STATUS,
    UNLOADABLE_STATUS,
)
from launch.errors import LaunchError
from launch.exit_reason import exit_reason, exit_status
from launch.load_retries import LOADED_SECONDS, LoadRetries
from launch.programs import is_worker
from launch.supervisord import VALKEY, Supervisor
from launch.valkey_recovery import REMOVED, has_removed, is_ready

#: States of supervisord: https://supervisord.org/subprocess.html#process-states
BACKOFF, FATAL, RUNNING = "BACKOFF", "FATAL", "RUNNING"
#: A program that ended within this time after its start has failed to start.
STARTED_SECONDS = 10
#: After one failure a program may come back; after two it cannot start.
FAILURES = 2


class ProcessMonitor:
    """Compares the running programs with those of the check before."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor
        self._pids: dict[str, int] = {}
        self._seen_since: dict[str, float] = {}
        #: When the process that was last reported dead had started, by supervisord.
        self._reported: dict[str, int] = {}
        self._down: set[str] = set()
        #: Programs that were reported as unable to start.
        self._failing: set[str] = set()
        #: Workers whose models cannot be loaded.
        self._retries = LoadRetries()
        #: The last Valkey process whose log was read.
        self._valkey_pid = 0
        #: Until the site is ready: a program that refuses to start then ends the start.
        self.is_starting = True
        #: How many times each program has died.
        self.deaths: Counter[str] = Counter()
        #: How many times in a row each program has failed to start.
        self.failures: Counter[str] = Counter()

    @property
    def pids(self) -> dict[str, int]:
        """Process ids of the running programs, by program."""
        return {name: pid for name, pid in self._pids.items() if pid}

    def check(self) -> None:
        """Print what changed.

        Raises ``LaunchError`` if the supervisor has ended, and during a start if a
        program refuses to run as it is set up, which its exit status says.
        """
        try:
            states = self._supervisor.states()
        except (OSError, HTTPException, ProtocolError):
            raise LaunchError("The supervisor died; everything was stopped.") from None
        for name in self._supervisor.names - states.keys():
            raise LaunchError(f"{name} cannot start: the supervisor does not know it.")
        for name, state in states.items():
            self._compare(name, state)
        for name in self._retries.take_due(time.monotonic()):
            self._supervisor.revive(name)

    def reason(self, name: str, spawn_error: str = "") -> str:
        """Return one line on why a program cannot start."""
        why = (spawn_error or self._exit_reason(name)).rstrip(".")
        return f"{name} cannot start: {why}; see {self._supervisor.log(name)}"

    def _exit_reason(self, name: str) -> str:
        log = self._supervisor.log(name)
        return exit_reason(log, self._supervisor.own_log, name)

    def _compare(self, name: str, info: dict[str, Any]) -> None:
        pid, state = int(info["pid"]), str(info["statename"])
        before, began = self._pids.get(name, 0), int(info["start"])
        has_failed = state in (BACKOFF, FATAL) and began != self._reported.get(name)
        if before and not pid and _is_ended_by_operator(info):
            say(f"{name} was ended by an operator; a new start of the site starts it.")
        elif _is_left_alone(name, info) and began != self._reported.get(name):
            self._note_left_alone(name, int(info["exitstatus"]))
        elif before and pid != before:
            lived = time.monotonic() - self._seen_since[name]
            self._note_death(name, lived < STARTED_SECONDS)
        elif has_failed:  # It died between two checks, or could not be spawned.
            self._note_death(name, True, _spawn_error(info))
        if not pid:
            self._reported[name] = began
        if pid != before:
            self._seen_since[name] = time.monotonic()
        if state == RUNNING:
            self._note_running(name)
            if name == VALKEY and pid != self._valkey_pid:
                self._report_removed_files(pid)
        if state == FATAL:
            self._supervisor.revive(name)
        self._pids[name] = pid

    def _has_refused(self, name: str) -> bool:
        status = exit_status(self._supervisor.own_log, name)
        return status in {
            f"exit status {refused}"
            for refused in (REFUSED_STATUS, LACKING_STATUS, UNLOADABLE_STATUS)
        }

    def _note_death(self, name: str, is_start: bool, spawn_error: str = "") -> None:
        if self.is_starting and not spawn_error and self._has_refused(name):
            raise LaunchError(self.reason(name))
        self.deaths[name] += 1
        self.failures[name] = self.failures[name] + 1 if is_start else 0
        if name not in self._down:
            self._down.add(name)
            why = spawn_error or self._exit_reason(name)
            log = self._supervisor.log(name)
            say(f"{name} died and is being restarted ({why}); see {log}")
        if self.failures[name] >= FAILURES and name not in self._failing:
            self._failing.add(name)
            say(self.reason(name, spawn_error))

    def _note_left_alone(self, name: str, status: int) -> None:
        """Report a program that supervisord does not start again at once.

        One whose environment is wrong stays ended. A worker whose model cannot be
        loaded is started again after a while.
        """
        if self.is_starting:
            raise LaunchError(self.reason(name))
        if status == LACKING_STATUS:
            say(self.reason(name))
            return
        pause = self._retries.note_failure(name, time.monotonic())
        say(f"{self.reason(name)}; the next try is in {pause:.0f} s.")

    def _report_removed_files(self, pid: int) -> None:
        """Report, when Valkey is ready, if files were removed before it started."""
        log = self._supervisor.log(VALKEY)
        if is_ready(log, pid):
            self._valkey_pid = pid
            if has_removed(log):
                say(REMOVED)

    def _note_running(self, name: str) -> None:
        """Report that a program runs again.

        A program that cannot start also runs for a moment; that is not reported.
        """
        seconds = time.monotonic() - self._seen_since[name]
        if name in self._retries and seconds >= LOADED_SECONDS:
            self._retries.note_loaded(name)
            say(f"{name} runs again.")
        is_up = seconds >= STARTED_SECONDS
        if name in self._failing and not is_up:
            return
        if is_up:
            self.failures[name] = 0
            self._failing.discard(name)
        if name in self._down:
            self._down.remove(name)
            say(f"{name} runs again.")


def _is_ended_by_operator(info: dict[str, Any]) -> bool:
    return bool(info["statename"] == "EXITED" and info["exitstatus"] == ENDED_STATUS)


def _is_left_alone(name: str, info: dict[str, Any]) -> bool:
    """Return whether a program has ended with a status that says why it cannot run."""
    unloadable = (REFUSED_STATUS, UNLOADABLE_STATUS) if is_worker(name) else ()
    statuses = (LACKING_STATUS, *unloadable)
    return info["statename"] == "EXITED" and info["exitstatus"] in statuses


def _spawn_error(info: dict[str, Any]) -> str:
    """Return why a program could not be run; empty if it ran, as its log tells more."""
    error = str(info["spawnerr"])
    return "" if error.startswith("Exited too quickly") else error


def say(line: str) -> None:
    """Print a line at once, also into a pipe."""
    print(line, flush=True)
