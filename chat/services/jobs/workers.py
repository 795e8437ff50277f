"""Workers and queues of the models that users can pick."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chat.services.wait_estimate import WaitEstimate, estimate_wait, ready_workers
from chatsite import wire
from chatsite.catalog import ModelEntry
from chatsite.mailbox import MailboxAway, open_mailbox
from chatsite.model_choice import model_entry, offered_entries, site_entries


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """One model that users can pick, with its workers and its queue."""

    entry: ModelEntry
    #: Whether it is the site's current choice.
    is_default: bool
    waiting: int = 0
    workers: Sequence[wire.Announcement] = ()
    #: False while Redis is away.
    is_known: bool = True
    #: Whether an operator has paused it.
    is_paused: bool = False

    @property
    def ready(self) -> int:
        """The number of ready workers."""
        return len(ready_workers(self.workers))

    @property
    def is_loading(self) -> bool:
        """Whether a worker fetches or loads the model."""
        stages = (wire.Stage.FETCHING, wire.Stage.LOADING)
        return any(worker.stage in stages for worker in self.workers)

    @property
    def is_broken(self) -> bool:
        """Whether a worker has ended because it could not load the model."""
        return any(worker.stage is wire.Stage.BROKEN for worker in self.workers)

    @property
    def wait(self) -> WaitEstimate | None:
        """When the reply to a message that is sent now would probably start."""
        return None if self.is_paused else estimate_wait(self.waiting, self.workers)


def model_statuses() -> list[ModelStatus]:
    """The models that users can pick, including the current one if it is hidden."""
    default, box, entries = model_entry(), open_mailbox(), offered_entries()
    try:
        return [
            ModelStatus(
                entry,
                entry.name == default.name,
                box.waiting(entry.name),
                box.workers(entry.name),
                is_paused=box.is_paused(entry.name),
            )
            for entry in entries
        ]
    except MailboxAway:
        return [
            ModelStatus(entry, entry.name == default.name, is_known=False)
            for entry in entries
        ]


def site_model_statuses() -> list[ModelStatus]:
    """The models of the site: its own, and others while they are served or asked for.

    The catalogue may offer more, which wait for a worker on some machine.
    """
    own = site_entries()
    return [
        status
        for status in model_statuses()
        if status.entry.name in own or status.workers or status.waiting
    ]


def precisions_of(model: str) -> set[str]:
    """The precisions in which a model's ready workers compute; empty if unknown."""
    try:
        ready = ready_workers(open_mailbox().workers(model))
    except MailboxAway:
        return set()
    return {worker.precision for worker in ready if worker.precision}
