"""Power cuts of a whole site: it loses nothing that it acknowledged.

The site stands on an ext4 image while guests send. At a cut all its processes are
stopped, the image is copied at one instant, and another site is started on the copy.
There each acknowledged message is found once and is answered. The first site goes on.

    CHAOS_CUTS=50 CHAOS_MESSAGES=2000 make chaos
"""

from __future__ import annotations

import random
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos.audit import Audit, examine
from tests.chaos.crash_disk import copy_at_one_instant, make_image, mounted
from tests.chaos.guests import Guest, after, crowd
from tests.chaos.site_on_disk import PoweredSite
from tests.launch.process_tree import eventually
from worker.engine.script import expected_reply

SENDING_SECONDS = 600
SETTLING_SECONDS = 90
#: How often ext4 writes its journal: what a cut takes depends on it.
COMMIT_SECONDS = (1, 2, 5)
#: What a cut may leave at the end of the queue's file, beside what it left by itself.
TAILS = (
    b"",
    b"",
    b"",
    bytes(1),
    bytes(700),
    bytes(5000),
    b"*3\r\n$3\r\nSET\r\n$1\r\na",
)
COUNTED = ("failed", "stopped", "lost", "doubled", "pending", "wrong", "rewritten")


@dataclass
class PowerCuts:
    """A run: so many cuts, spread over so many acknowledged messages."""

    cuts: int
    messages: int
    text_of: Callable[[random.Random], str]
    guests: int = 8
    seed: int = 1
    audit: Audit = field(default_factory=Audit)

    def __post_init__(self) -> None:
        self._dice = random.Random(self.seed)
        # Its path is short, so that the sockets lie on the disk, too.
        self._folder = Path(tempfile.mkdtemp(prefix="cut-"))
        self._image = self._folder / "image"

    def run(self, say: Callable[[str], None]) -> Audit:
        """Raises ``NoDisk`` where no image can be mounted."""
        try:
            make_image(self._image)
            commit_seconds = self._dice.choice(COMMIT_SECONDS)
            with mounted(self._image, self._folder / "a", commit_seconds) as disk:
                site = PoweredSite.on(disk, self._folder / "output")
                with site.running(), self._crowd(site.url) as guests:
                    for number in range(1, self.cuts + 1):
                        self._wait_for_messages(number, guests)
                        say(self._cut(number, site, guests))
                    self.audit.prompts = _count(guests)
        finally:
            if self.audit.is_clean:
                shutil.rmtree(self._folder)
            else:
                self.audit.details.append(f"logs and images: {self._folder}")
        return self.audit

    @contextmanager
    def _crowd(self, url: str) -> Iterator[list[Guest]]:
        """Guests who send and read all the while."""
        guests = [
            Guest(url, random.Random(f"{self.seed} {n}"), expected_reply, self.text_of)
            for n in range(self.guests)
        ]
        is_over = threading.Event()
        threads = crowd(guests, is_over.is_set)
        try:
            yield guests
        finally:
            is_over.set()
            for thread in threads:
                thread.join()

    def _wait_for_messages(self, number: int, guests: list[Guest]) -> None:
        due = self.messages * number / self.cuts
        eventually(lambda: _count(guests) >= due, SENDING_SECONDS, f"{due} messages")
        time.sleep(self._dice.random())

    def _cut(self, number: int, site: PoweredSite, guests: list[Guest]) -> str:
        copy = self._folder / f"image-{number}"
        there = PoweredSite.on(
            self._folder / f"b{number}", self._folder / f"output-{number}"
        )
        with site.stopped():
            copy_at_one_instant(self._image, site.disk, copy)
            # What was answered until now is acknowledged.
            moved = [guest.at(there.url) for guest in guests]
        with mounted(copy, there.disk):
            _append(there.disk, self._dice.choice(TAILS))
            with there.running():
                found = self._settle(there, moved)
        if found.is_clean:
            copy.unlink()
            there.disk.rmdir()
        return self._add(number, _count(moved), found)

    def _settle(self, there: PoweredSite, guests: list[Guest]) -> Audit:
        """What became of all messages, once those amid sending are sent again."""
        is_late = after(SETTLING_SECONDS)
        stranger = Guest(there.url, self._dice, expected_reply, self.text_of)
        stranger.first_visit()
        stranger.send(is_late)
        for guest in guests:
            guest.go_on_sending(is_late)
        everybody = [*guests, stranger]
        while (found := examine(there.database, everybody)).pending:
            if is_late():
                break
            time.sleep(0.3)
        for guest in everybody:
            if guest.sent and guest.look(guest.sent[-1]) is None:
                found.lost += 1
                found.note("not shown to its guest", guest.sent[-1], None)
        return found

    def _add(self, number: int, messages: int, found: Audit) -> str:
        for name in COUNTED:
            setattr(self.audit, name, getattr(self.audit, name) + getattr(found, name))
        self.audit.cuts += 1
        self.audit.losing_cuts += found.lost > 0
        self.audit.details += found.details
        said = ", ".join(f"{getattr(found, name)} {name}" for name in COUNTED[2:])
        return f"power cut {number} of {self.cuts}: {messages} messages, {said}"


def _count(guests: list[Guest]) -> int:
    return sum(len(guest.sent) for guest in guests)


def _append(disk: Path, tail: bytes) -> None:
    """ext4 may leave more of a file than was written last, and that is no more than
    NUL bytes."""
    for file in (disk / "data/valkey/appendonlydir").glob("*.incr.aof"):
        with file.open("ab") as output:
            output.write(tail)
