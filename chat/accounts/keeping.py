"""What the keeper does for people: erases whoever is gone, a batch at a time."""

from __future__ import annotations

from collections.abc import Callable

from django.utils import timezone

from chat.accounts import erasing, inviting
from chat.accounts.index import Scrubber
from chat.models import Session

EVERY_SECONDS = 60
#: The index of SQLite is merged at most so often: all of it is written anew.
SCRUB_SECONDS = 3600
SESSIONS = 500


class House:
    """Looks once a minute; while there is more to erase, at every sweep."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._due = 0.0
        self._scrubber = Scrubber()
        self._scrub_due = 0.0
        self._has_erased = False

    def note_erased(self) -> None:
        """Something was erased elsewhere: the index is to forget its words."""
        self._has_erased = True

    def keep(self) -> None:
        """Raises ``MailboxAway``."""
        now = self._clock()
        if now >= self._due and _tidy():
            self._has_erased = True
            return
        if now >= self._due:
            self._due = now + EVERY_SECONDS
        if self._has_erased and now >= self._scrub_due and not self._scrubber.step():
            self._has_erased = False
            self._scrub_due = now + SCRUB_SECONDS


def _tidy() -> bool:
    """One batch of everything; whether some was erased."""
    purge_sessions()
    inviting.purge()
    steps = (
        erasing.close_idle_guests,
        erasing.erase_closed,
        erasing.erase_untouched,
    )
    return any([step() for step in steps])  # noqa: C419 - each takes its step


def purge_sessions() -> None:
    """Remove some that ran out; nobody is behind them any more."""
    late = Session.objects.filter(expire_date__lt=timezone.now())
    Session.objects.filter(
        pk__in=list(late.values_list("pk", flat=True)[:SESSIONS])
    ).delete()
