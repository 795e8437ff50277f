"""Tells people in the terminal and on the page how far a fetch is."""

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


class Progress:
    """A bar in the terminal, or a line every tenth; an announcement every second.

    The page is told from a thread of its own, so that no part of a fetch waits for
    Redis, and a long part without news does not look dead.
    """

    def __init__(self, entry: ModelEntry) -> None:
        self._entry = entry
        self._share: float | None = None
        self._printed_tenths = -1
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._announce_often, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._done.set()
        self._thread.join()
        with suppress(MailboxAway):
            open_mailbox().withdraw(self._announcement())
        if self._share is not None and sys.stdout.isatty():
            print(flush=True)

    def report(self, share: float | None, note: str) -> None:
        """Take news from any thread: a share from 0 to 1 where known, and a note."""
        with self._lock:
            self._share = share
            if share is None:
                print(f"{self._entry.label}: {note}", flush=True)
            elif sys.stdout.isatty():
                self._draw(share, note)
            else:
                self._print_tenths(share, note)

    def _draw(self, share: float, note: str) -> None:
        bar = "#" * round(share * BAR_CHARACTERS)
        line = f"[{bar:<{BAR_CHARACTERS}}] {share:4.0%}"
        print(f"\r{self._entry.label}: {note} {line}", end="", flush=True)

    def _print_tenths(self, share: float, note: str) -> None:
        if (tenths := int(share * 10)) > self._printed_tenths:
            self._printed_tenths = tenths
            print(f"{self._entry.label}: {note}, {tenths * 10} %", flush=True)

    def _announce_often(self) -> None:
        mailbox = open_mailbox()
        while True:
            # Redis may well start later than we do; the page can wait for news.
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
        )
