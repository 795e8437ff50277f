"""Turns the signals that ask this program to end into one exception."""

from __future__ import annotations

import signal
from collections.abc import Callable
from types import FrameType
from typing import NoReturn

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(BaseException):
    """A signal asked this program to end. ``status`` is its exit status."""

    def __init__(self, signal_number: int) -> None:
        super().__init__(signal_number)
        self.number = signal_number
        self.status = 128 + signal_number


def raise_on_signals() -> None:
    """Have the first such signal raise ``Stopped`` and ignore later ones."""
    for number in SIGNALS:
        signal.signal(number, _stop)


def run_until_stopped(run: Callable[[], NoReturn]) -> int:
    """Return the exit status of what runs until SIGTERM, which is no failure then."""
    try:
        run()
    except Stopped as stopped:
        if stopped.number != signal.SIGTERM:
            raise
        return 0


def _stop(signal_number: int, _frame: FrameType | None) -> NoReturn:
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    raise Stopped(signal_number)
