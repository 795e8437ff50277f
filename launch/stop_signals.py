"""Turns signals that ask for an end into one exception."""

from __future__ import annotations

import signal
from types import FrameType
from typing import NoReturn

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(BaseException):
    """Somebody asked this program to end."""

    def __init__(self, signal_number: int) -> None:
        super().__init__(signal_number)
        self.status = 128 + signal_number


def raise_on_signals() -> None:
    """From here on the first such signal raises ``Stopped``; later ones do nothing."""
    for number in SIGNALS:
        signal.signal(number, _stop)


def _stop(signal_number: int, _frame: FrameType | None) -> NoReturn:
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    raise Stopped(signal_number)
