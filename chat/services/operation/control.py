"""Orders to workers, and models that are paused."""

from __future__ import annotations

import logging

from chat.models import PausedModel
from chat.services.wait_estimate import free_rows, ready_workers
from chat.tasks import ring
from chatsite import wire
from chatsite.mailbox import MailboxAway, open_mailbox

log = logging.getLogger(__name__)


def order_worker(model: str, worker: str, order: wire.WorkerOrder) -> bool:
    """Order a worker; False if no worker of that name serves the model.

    Raises ``MailboxAway``.
    """
    box = open_mailbox()
    if worker not in {one.worker for one in box.workers(model) if one.is_worker}:
        return False
    box.order(model, worker, order)
    log.info("an operator orders %s to %s", worker, order)
    return True


def pause(model: str) -> None:
    """Pause a model: workers finish what they write, and take nothing from its line.

    While Redis is away the row is kept, and the keeper carries it out.
    """
    PausedModel.objects.get_or_create(name=model)
    log.info("an operator pauses %s", model)
    _carry_out(model, is_paused=True)


def resume(model: str) -> None:
    """Let workers take again from the line of a model."""
    PausedModel.objects.filter(name=model).delete()
    log.info("an operator resumes %s", model)
    _carry_out(model, is_paused=False)


def repeat_pauses() -> None:
    """Make the mailbox pause what the rows say, and only that, as after it was emptied.

    Raises ``MailboxAway``.
    """
    box = open_mailbox()
    wanted = set(PausedModel.objects.values_list("name", flat=True))
    for line in box.overview().models:
        if line.is_paused and line.name not in wanted:
            box.unpause(line.name)
    for name in wanted:
        box.pause(name)


def _carry_out(model: str, *, is_paused: bool) -> None:
    box = open_mailbox()
    try:
        if is_paused:
            box.pause(model)
        else:
            box.unpause(model)
            _ring_for_waiting(model)
    except MailboxAway:
        log.warning("the queue is away: the keeper carries it out")


def _ring_for_waiting(model: str) -> None:
    """Wake the workers at once, instead of after two sweeps of the keeper."""
    box = open_mailbox()
    free = free_rows(ready_workers(box.workers(model)))
    for reply in box.first_in_line(model, free) if free else ():
        ring(model, f"{reply}.resumed")
