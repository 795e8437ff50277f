"""Waits until the page is up, and until a worker can generate replies."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from http.client import HTTPConnection, HTTPException

from launch.config import LaunchConfig
from launch.errors import LaunchError
from launch.process_monitor import FAILURES, ProcessMonitor

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
    from chatsite.wire import Announcement, Stage

    announcement = Announcement(f"launcher-{os.getpid()}", model, label, Stage.LOADING)
    with suppress(MailboxAway):
        open_mailbox().announce(announcement, LOADING_SECONDS)


def wait_for_worker(model: str, monitor: ProcessMonitor) -> None:
    """Return when a worker of this start announces that it is ready.

    Raises ``LaunchError`` if a program cannot start.
    """
    while not _is_served(model, monitor):
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


def _is_served(model: str, monitor: ProcessMonitor) -> bool:
    """Return whether a worker of this start is ready.

    Announcements outlive their worker for a while, so the process id is compared.
    """
    from chatsite.mailbox import MailboxAway, open_mailbox
    from chatsite.wire import Stage

    ours = {str(pid) for name, pid in monitor.pids.items() if name.startswith("worker")}
    try:
        announcements = open_mailbox().workers(model)
    except MailboxAway:
        return False
    return any(
        one.stage is Stage.READY and ours & set(one.worker.split("-"))
        for one in announcements
    )
