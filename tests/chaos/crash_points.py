"""Processes of the site that die at a named point, as if the power went.

They are forked from one that has imported everything, so that a thousand of them take
minutes and not hours. Each body runs in a process of its own and ends by SIGKILL.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable
from functools import wraps
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from launch.die_with_parent import die_with_parent

#: Where a process dies, by who it is.
WEB_POINTS = ("after_commit_before_publish", "after_commit_before_ring")
WORKER_POINTS = (
    "after_claim",
    "mid_generation",
    "before_final",
    "after_final_before_ack",
    "during_hand_back",
)
KEEPER_POINTS = ("in_sweep",)
IMPORT_POINTS = ("reading", "storing_a_part", "showing", "none")

Body = Callable[..., None]
_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload(["tests.chaos.preloaded"])


def start(body: Body, log: Path, *arguments: Any) -> BaseProcess:
    """Run ``body`` in a process of its own, its output at the end of ``log``."""
    process = _forks.Process(
        target=_begin, args=(body, str(log), arguments), daemon=True
    )
    process.start()
    return process


def _begin(body: Body, log: str, arguments: tuple[Any, ...]) -> None:
    if sys.platform == "linux":
        die_with_parent(signal.SIGKILL, os.getppid())
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(output, 1)
    os.dup2(output, 2)
    body(*arguments)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)


def send_and_die(point: str, owner: str, text: str, key: str) -> None:
    """Sends a prompt and dies at ``point``."""
    from chat.models import User
    from chat.services import messages
    from chat.services.jobs import publish

    if point == "after_commit_before_publish":
        messages.publish = lambda _: die()  # type: ignore[assignment,return-value]
    else:
        publish.ring = lambda *_: die()  # type: ignore[assignment,return-value]
    messages.send_message(User.objects.get(pk=owner), text, key)


def serve_and_die(point: str, spared: str, is_late: bool) -> None:
    """Serves, and dies at ``point`` of any reply but the one it is to spare.

    ``is_late``: where the point is a word with the mailbox, die after it was said.
    """
    from chatsite.celery import app
    from chatsite.mailbox import Mailbox

    def dies(name: str, of: Callable[..., str | None], *, late: bool) -> None:
        """Before or after it called the mailbox; ``of`` tells the reply by the answer
        (None before it) and the arguments."""
        whole = getattr(Mailbox, name)

        @wraps(whole)
        def dying(*arguments: Any, **more: Any) -> Any:
            answer = whole(*arguments, **more) if late else None
            if of(answer, *arguments) not in (None, spared):
                die()
            return answer if late else whole(*arguments, **more)

        setattr(Mailbox, name, dying)

    match point:
        case "after_claim":
            dies("claim", lambda claim, *_: claim and claim.reply, late=True)
        case "mid_generation":
            dies("write", _first_with_text, late=True)
        case "before_final":
            dies("finish", _of_write, late=False)
        case "after_final_before_ack":
            dies("finish", _of_write, late=True)
        case "during_hand_back":
            dies("hand_back", lambda _, __, reply, *___: str(reply), late=is_late)
    app.worker_main(
        [
            *("worker", "--loglevel", "info"),
            *("--without-gossip", "--without-mingle", "--without-heartbeat"),
        ]
    )


def _of_write(_: Any, __: Any, write: Any, *___: Any) -> str:
    return str(write[0])


def _first_with_text(_: Any, __: Any, writes: Any, *___: Any) -> str | None:
    return next((str(write[0]) for write in writes if write[3]), None)


def sweep_and_die(calls: int) -> None:
    """Sweeps, and dies after so many words with Redis."""
    from chat.keeper import Keeper
    from chatsite.mailbox.connection import Connection

    whole, left = Connection.call, calls

    def counted(self: Connection, call: Callable[[], Any]) -> Any:
        nonlocal left
        answer = whole(self, call)
        left -= 1
        if left < 0:
            die()
        return answer

    Connection.call = counted  # type: ignore[method-assign,assignment]
    keeper = Keeper()
    while True:
        keeper.sweep()
        time.sleep(0.05)


def import_and_die(point: str, calls: int) -> None:
    """The keeper as a program, which dies at ``point`` of an import, after so many."""
    from django.core.management import call_command

    from chat.services.hidden_copy import HiddenCopy
    from chat.services.imports import reading, storing

    def dies(owner: Any, name: str) -> None:
        """In the transaction, after what ``name`` writes."""
        whole, left = getattr(owner, name), calls

        def counted(*arguments: Any, **more: Any) -> Any:
            nonlocal left
            answer = whole(*arguments, **more)
            left -= 1
            if left < 0:
                die()
            return answer

        setattr(owner, name, counted)

    match point:
        case "reading":
            dies(reading.ImportEntry, "save")
        case "storing_a_part":
            dies(HiddenCopy, "_store")
        case "showing":
            dies(storing, "_end")
    call_command("keeper")
