"""Reports how far a fetch is, in the terminal and on the page."""

from __future__ import annotations

import os
import socket
import sys
import threading
from contextlib import suppress
from types import TracebackType
from typing import Self

from chatsite.catalog import ModelEntry
from chatsite.mailbox import MailboxAway, open_mailbox
from chatsite.wire import Announcement, Stage

ANNOUNCE_SECONDS = 1.0
BAR_CHARACTERS = 40


class ProgressReporter:
    """A bar in the terminal, or a line every tenth; an announcement every second.

    A thread of its own announces to the page, so that the fetch never waits for Redis
    and a long part without news still looks alive.
    """

    def __init__(self, entry: ModelEntry) -> None:
        self._entry = entry
        self._share: float | None = None
        self._printed_tenths = -1
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._announce_loop, daemon=True)

    def __enter__(self) -> Self:
        """Start to announce."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Withdraw the announcement and end the line of the bar."""
        self._done.set()
        self._thread.join()
        with suppress(MailboxAway):
            open_mailbox().withdraw(self._announcement())
        if self._share is not None and sys.stdout.isatty():
            print(flush=True)

    def report(self, share: float | None, note: str) -> None:
        """Report a share from 0 to 1, if known, and a note. Thread-safe."""
        with self._lock:
            self._share = share
            if share is None:
                print(f"{self._entry.label}: {note}", flush=True)
            elif sys.stdout.isatty():
                self._draw_bar(share, note)
            else:
                self._print_tenths(share, note)

    def _draw_bar(self, share: float, note: str) -> None:
        bar = "#" * round(share * BAR_CHARACTERS)
        line = f"[{bar:<{BAR_CHARACTERS}}] {share:4.0%}"
        print(f"\r{self._entry.label}: {note} {line}", end="", flush=True)

    def _print_tenths(self, share: float, note: str) -> None:
        if (tenths := int(share * 10)) > self._printed_tenths:
            self._printed_tenths = tenths
            print(f"{self._entry.label}: {note}, {tenths * 10} %", flush=True)

    def _announce_loop(self) -> None:
        mailbox = open_mailbox()
        while True:
            # Redis may start later than this process; the next second tries again.
            with suppress(MailboxAway):
                mailbox.announce(self._announcement())
            if self._done.wait(ANNOUNCE_SECONDS):
                return

    def _announcement(self) -> Announcement:
        return Announcement(
            worker=f"fetch-{socket.gethostname()}-{os.getpid()}",
            model=self._entry.name,
            label=self._entry.label,
            stage=Stage.FETCHING,
            progress=self._share,
            revision=self._entry.revision,
            is_worker=False,
        )
