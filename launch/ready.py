"""Waits until the page is up, and until a worker can really generate."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from http.client import HTTPConnection, HTTPException

from launch.plan import Plan
from launch.refusal import Refusal
from launch.watch import FAILURES, Watch

PAGE_SECONDS = 60
LOOK_SECONDS = 0.2
#: Long enough for a process to start and speak for itself, and no longer.
LOADING_SECONDS = 8
#: A worker that died this often before it was ever ready will not become so.
DEATHS = 3


def wait_for_page(plan: Plan, watch: Watch) -> None:
    """Return once the site answers. Raises ``Refusal`` with a line of a log."""
    deadline = time.monotonic() + PAGE_SECONDS
    while not _page_answers(plan):
        watch.look()
        _refuse_dead(watch)
        if time.monotonic() > deadline:
            raise Refusal(f"{watch.reason('web')} (no answer in {PAGE_SECONDS} s)")
        time.sleep(LOOK_SECONDS)


def say_loading(model: str, label: str) -> None:
    """Tell the page that the model is on its way, until its own processes do."""
    from chatsite.mailbox import MailboxAway, open_mailbox
    from chatsite.wire import Announcement, Stage

    said = Announcement(f"launcher-{os.getpid()}", model, label, Stage.LOADING)
    with suppress(MailboxAway):
        open_mailbox().announce(said, LOADING_SECONDS)


def wait_for_worker(model: str, watch: Watch) -> None:
    """Return once a worker of this start says that it is ready to generate."""
    while not _is_served(model, watch):
        watch.look()
        _refuse_dead(watch)
        for name, deaths in watch.deaths.items():
            if name.startswith("worker") and deaths >= DEATHS:
                raise Refusal(watch.reason(name))
        time.sleep(LOOK_SECONDS)


def _refuse_dead(watch: Watch) -> None:
    """Raises ``Refusal`` if a program cannot start without which there is no site."""
    for name in ("valkey", "web"):
        if watch.failures[name] >= FAILURES:
            raise Refusal(watch.reason(name))


def _page_answers(plan: Plan) -> bool:
    connection = HTTPConnection(plan.host.strip("[]"), plan.port, timeout=5)
    try:
        connection.request("GET", "/healthz")
        connection.getresponse()
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
    return True


def _is_served(model: str, watch: Watch) -> bool:
    """Announcements outlive their worker for a while, so only our own count."""
    from chatsite.mailbox import MailboxAway, open_mailbox
    from chatsite.wire import Stage

    ours = {str(pid) for name, pid in watch.pids.items() if name.startswith("worker")}
    try:
        announcements = open_mailbox().workers(model)
    except MailboxAway:
        return False
    return any(
        said.stage is Stage.READY and ours & set(said.worker.split("-"))
        for said in announcements
    )
