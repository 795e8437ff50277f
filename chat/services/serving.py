"""Who serves which model, and how long its line is: what somebody who picks wants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chat.services.expecting import Expectation, expect, ready_workers
from chatsite import wire
from chatsite.catalog import Entry
from chatsite.choice import catalog_here, offered
from chatsite.mailbox import MailboxAway, open_mailbox


@dataclass(frozen=True, slots=True)
class Serving:
    """One model on offer, as it is now."""

    entry: Entry
    #: Whether it answers where nobody picked a model.
    is_default: bool
    waiting: int = 0
    workers: Sequence[wire.Announcement] = ()
    #: False while the queue cannot be asked.
    is_known: bool = True

    @property
    def ready(self) -> int:
        return len(ready_workers(self.workers))

    @property
    def wait(self) -> Expectation | None:
        """When a prompt sent now would probably begin to be answered."""
        return expect(self.waiting, self.workers)


def servings() -> list[Serving]:
    """The models on offer, the one served here among them even if it is hidden."""
    default, box = offered(), open_mailbox()
    entries = list(catalog_here().entries)
    if default.name not in {entry.name for entry in entries}:
        entries.insert(0, default)
    try:
        return [
            Serving(
                entry,
                entry.name == default.name,
                box.waiting(entry.name),
                box.workers(entry.name),
            )
            for entry in entries
        ]
    except MailboxAway:
        return [
            Serving(entry, entry.name == default.name, is_known=False)
            for entry in entries
        ]
