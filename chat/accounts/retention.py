"""Retention: removes accounts, guests, conversations and sessions that are too old.

Each step removes one batch, so that no sweep takes long.
"""

from __future__ import annotations

from collections.abc import Callable

from django.utils import timezone

from chat.accounts import account_deletion, invitations
from chat.models import AttemptCounter, Session
from chat.services.batches.retention import erase_old_batches
from chat.services.conversation_deletion import remove_for_good
from chat.services.imports.imports import erase_old_imports
from chat.services.limits.usage import purge_full_buckets
from chat.services.search.index_maintenance import IndexMerge, empty_journal
from chat.services.sharing.links import erase_expired_links
from chat.services.turn_deletion import remove_turns_for_good
from chat.services.webhooks.endpoints import purge_log
from chatsite.mailbox import open_mailbox

TIDY_SECONDS = 60
#: Seconds between merges of SQLite's search index, each of which rewrites the index.
SCRUB_SECONDS = 3600
SESSIONS_PER_BATCH = 500


class Retention:
    """Runs once a minute; while there is more to erase, at every sweep."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._due = 0.0
        self._scrub_due = 0.0
        # An earlier keeper may have erased rows and ended before it cleaned the files.
        self._has_erased = True
        #: Steps left that remove erased text from files; empty if there are none.
        self._scrubbing: list[Callable[[], bool]] = []

    def is_due(self) -> bool:
        """Whether a job is due by the clock, apart from those of each sweep."""
        now = self._clock()
        has_to_scrub = self._has_erased or bool(self._scrubbing)
        return now >= self._due or (has_to_scrub and now >= self._scrub_due)

    def run(self) -> None:
        """Run one step of each job that is due. Raises ``MailboxAway``."""
        if remove_for_good():
            self._has_erased = True
        self._erase()
        purge_full_buckets()

    def _erase(self) -> None:
        now = self._clock()
        if now >= self._due:
            if _tidy():
                self._has_erased = True
                return
            self._due = now + TIDY_SECONDS
        if now >= self._scrub_due:
            self._scrub(now)

    def _scrub(self, now: float) -> None:
        """Run one step; if another process blocks it, try again a minute later."""
        if self._has_erased and not self._scrubbing:
            self._has_erased = False
            self._scrubbing = [_rewrite_file, IndexMerge().step, empty_journal]
        if not self._scrubbing:
            return
        if self._scrubbing[0]():
            self._scrubbing.pop(0)
            self._scrub_due = now if self._scrubbing else now + SCRUB_SECONDS
        elif len(self._scrubbing) == 1:
            self._scrub_due = now + TIDY_SECONDS


def _rewrite_file() -> bool:
    """Have Redis rewrite its file, which it does in the background."""
    open_mailbox().rewrite_file()
    return True


def _tidy() -> bool:
    """Remove one batch of everything; return whether something was erased."""
    purge_sessions()
    invitations.purge_invitations()
    AttemptCounter.objects.purge()
    purge_log()
    steps = (
        account_deletion.close_idle_guests,
        account_deletion.erase_closed_accounts,
        account_deletion.erase_expired_conversations,
        account_deletion.erase_unkept_calls,
        remove_turns_for_good,
        account_deletion.erase_temporary_chats,
        erase_old_batches,
        erase_old_imports,
        erase_expired_links,
    )
    return any([step() for step in steps])  # noqa: C419 - each takes its step


def purge_sessions() -> None:
    """Remove a batch of expired sessions."""
    late = Session.objects.filter(expire_date__lt=timezone.now())
    Session.objects.filter(
        pk__in=list(late.values_list("pk", flat=True)[:SESSIONS_PER_BATCH])
    ).delete()
