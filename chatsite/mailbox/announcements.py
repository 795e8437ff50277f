"""The announcements of workers, as the mailbox keeps them: an expiry, a space, JSON."""

from __future__ import annotations

from functools import lru_cache

from chatsite import wire

#: Announcements in the memory of a process, one for each worker or a few.
ANNOUNCEMENTS_KEPT = 256


def announcements_from(raw: list[str], now: float) -> tuple[wire.Announcement, ...]:
    """Return the announcements that have not expired, sorted by worker.

    ``now`` is the time of the server. Unreadable ones are left out.
    """
    living = []
    for line in raw:
        expires, _, text = line.partition(" ")
        try:
            if float(expires) > now:
                living.append(_announcement(text))
        except (ValueError, KeyError, TypeError):
            continue
    return tuple(sorted(living, key=lambda said: said.worker))


@lru_cache(ANNOUNCEMENTS_KEPT)
def _announcement(text: str) -> wire.Announcement:
    """Read an announcement once: polls read it until the worker's next one."""
    return wire.Announcement.from_json(text)
