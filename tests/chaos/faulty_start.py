"""Starts a program with a clock that may jump, or with a protection switched off.

    python -m tests.chaos.faulty_start CLOCK_FILE WITHOUT -m celery -A chatsite worker

Either may be empty. The file holds the seconds by which the clock is wrong.
"""

from __future__ import annotations

import os
import runpy
import sys
import time
from pathlib import Path
from uuid import uuid4


def switch_off(protection: str) -> None:
    if protection == "fence":
        # Whoever speaks for an entry is believed, whatever token they hold.
        from chatsite.mailbox import connection

        whole = connection._source

        def source(name: str) -> str:
            return whole(name).replace(
                "return redis.call('HGET', key('reply', id), 'claim') == token",
                "return redis.call('EXISTS', key('reply', id)) == 1",
            )

        connection._source = source  # type: ignore[assignment]
    if protection == "key":
        # The same key makes another message every time.
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chatsite.settings")
        import django

        django.setup()
        from chat.services import idempotency

        once = idempotency._once

        def every_time(owner, key, *asked):  # type: ignore[no-untyped-def]
            return once(owner, key and f"{key}-{uuid4().hex}", *asked)

        idempotency._once = every_time


def follow(clock: Path) -> None:
    """Have this process read the wall clock as the file has it."""
    right = time.time

    def wrong() -> float:
        try:
            return right() + float(clock.read_text() or 0)
        except (OSError, ValueError):
            return right()

    time.time = wrong


def main(arguments: list[str]) -> None:
    clock, without, *command = arguments
    if clock:
        follow(Path(clock))
    switch_off(without)
    if command[0] == "-m":
        sys.argv = command[1:]
        runpy.run_module(command[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = command
        runpy.run_path(command[0], run_name="__main__")


if __name__ == "__main__":
    main(sys.argv[1:])
