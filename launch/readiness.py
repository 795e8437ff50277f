"""Waits until the page is up, and until a worker can generate replies."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from http.client import HTTPConnection, HTTPException

from chatsite.wire import Announcement, Stage
from launch.config import LaunchConfig
from launch.errors import LaunchError
from launch.process_monitor import FAILURES, ProcessMonitor, say

PAGE_SECONDS = 60
CHECK_SECONDS = 0.2
#: How long the announcement lasts: until the worker process announces itself.
LOADING_SECONDS = 8
#: A worker that dies so often before it is ready will not become ready.
DEATHS = 3


def wait_for_page(config: LaunchConfig, monitor: ProcessMonitor) -> None:
    """Return when the site answers. Raises ``LaunchError`` with a line of a log."""
    deadline = time.monotonic() + PAGE_SECONDS
    while not _page_answers(config):
        monitor.check()
        _refuse_dead(monitor)
        if time.monotonic() > deadline:
            raise LaunchError(
                f"{monitor.reason('web')} (no answer in {PAGE_SECONDS} s)"
            )
        time.sleep(CHECK_SECONDS)


def announce_loading(model: str, label: str) -> None:
    """Announce to the page that the model is loading, until the worker does so."""
    from chatsite.mailbox import MailboxAway, open_mailbox

    name = f"launcher-{os.getpid()}"
    announcement = Announcement(name, model, label, Stage.LOADING, is_worker=False)
    with suppress(MailboxAway):
        open_mailbox().announce(announcement, LOADING_SECONDS)


def wait_for_worker(model: str, monitor: ProcessMonitor) -> Announcement:
    """Return the announcement of the first worker of this start that is ready.

    Prints what the workers do meanwhile, each step once. Raises ``LaunchError`` if a
    program cannot start.
    """
    said = {""}
    while True:
        for announced in _workers_of_this_start(model, monitor):
            if announced.stage is Stage.READY:
                return announced
            if announced.step not in said:
                said.add(announced.step)
                say(announced.step)
        monitor.check()
        _refuse_dead(monitor)
        for name, deaths in monitor.deaths.items():
            if name.startswith("worker") and deaths >= DEATHS:
                raise LaunchError(monitor.reason(name))
        time.sleep(CHECK_SECONDS)


def _refuse_dead(monitor: ProcessMonitor) -> None:
    """Raise ``LaunchError`` if Valkey or the web server cannot start."""
    for name in ("valkey", "web"):
        if monitor.failures[name] >= FAILURES:
            raise LaunchError(monitor.reason(name))


def _page_answers(config: LaunchConfig) -> bool:
    connection = HTTPConnection(config.host.strip("[]"), config.port, timeout=5)
    try:
        connection.request("GET", "/healthz")
        connection.getresponse()
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
    return True


def _workers_of_this_start(
    model: str, monitor: ProcessMonitor
) -> Iterator[Announcement]:
    """Yield what the workers of this start announce; nothing while Redis is away.

    Announcements outlive their worker for a while, so the process id is compared.
    """
    from chatsite.mailbox import MailboxAway, open_mailbox

    ours = {str(pid) for name, pid in monitor.pids.items() if name.startswith("worker")}
    with suppress(MailboxAway):
        for announced in open_mailbox().workers(model):
            if ours & set(announced.worker.split("-")):
                yield announced
