"""The reconcile loop: brings rows, mailbox entries and bells back in step.

Every step may be repeated, and two keepers at once do no harm: rows move by
conditional updates, mailbox entries by Lua scripts.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from secrets import token_hex
from uuid import UUID

from django.conf import settings
from django.db.models import Q

from chat.models import Reply
from chat.models.reply_queryset import ReplyQuerySet
from chat.services.effective_settings import effective_settings
from chat.services.jobs.collect import collect, collect_together, give_up
from chat.services.jobs.guarded import ends_the_sweep, guarded
from chat.services.jobs.lost_callers import stop_abandoned
from chat.services.jobs.publish import hand_over, publish, release_next
from chat.services.jobs.stop import finish_stop
from chat.services.wait_estimate import free_rows, ready_workers
from chat.tasks import ring
from chatsite.mailbox import MailboxAway, Publication, open_mailbox
from chatsite.mailbox.results import LostReply
from chatsite.model_choice import model_entry

log = logging.getLogger(__name__)

QueuedRow = tuple[UUID, int, UUID, datetime | None]

#: Seconds that a new row is left to its own request, which publishes it.
PUBLISHING_SECONDS = 2.0
BATCH = 500
#: Ended replies that are read and confirmed in one trip.
COLLECTED_TOGETHER = 32


class Reconciler:
    """Completes what any process left unfinished; remembers the last round.

    ``clock`` returns seconds that never run backwards.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        #: Infinite while Redis is away.
        self._reached_since = math.inf
        self._bells = ExtraBells()
        self._queued = QueuedInTurn()

    def is_idle(self) -> bool:
        """Whether the mailbox has nothing for a round; one trip to Redis.

        If so, the keeper is announced. Raises ``MailboxAway``.
        """
        with self._reaching():
            is_idle = open_mailbox().announce_if_idle(
                model_entry().name, settings.SWEEP_SECONDS
            )
        if is_idle:
            self._bells.forget()
        return is_idle

    def reconcile(self) -> None:
        """One round. Raises ``MailboxAway`` if Redis cannot be reached."""
        with self._reaching():
            open_mailbox().ping()
        collect_finished()
        complete_stops()
        publish_missing(self._queued.next())
        follow_model_choice()
        release_held()
        reached_for = self._clock() - self._reached_since
        if reached_for >= settings.LEASE_SECONDS:
            take_back_lost()
        if reached_for >= settings.CALLER_LOST_SECONDS:
            stop_abandoned()
        for model in open_mailbox().models():
            guarded(self._serve, model)
        fail_expired()

    @contextmanager
    def _reaching(self) -> Iterator[None]:
        """Note since when Redis has answered without a failure."""
        try:
            yield
        except MailboxAway:
            self._reached_since = math.inf
            raise
        self._reached_since = min(self._reached_since, self._clock())

    def _serve(self, model: str) -> None:
        """Ring again for idle free rows, and advance the model's clock."""
        box = open_mailbox()
        if box.is_paused(model):
            return  # nothing expires either
        ready = ready_workers(box.workers(model))
        if ready:
            box.tick(model)
        people, helpers = box.waiting_by_kind(model)
        free = free_rows(ready)
        unused = free - sum(worker.helpers for worker in ready)
        startable = min(people, free) + min(helpers, max(0, unused - people))
        due = self._bells.due(model, startable, free)
        for reply in box.first_in_line(model, due) if due else ():
            ring(model, _extra_bell(reply))


def collect_finished() -> None:
    """Collect every reply that ended in the mailbox."""
    finished = open_mailbox().finished()
    for start in range(0, len(finished), COLLECTED_TOGETHER):
        some = finished[start : start + COLLECTED_TOGETHER]
        try:
            collect_together(some)
        except Exception as error:
            if ends_the_sweep(error):
                raise
            for pk in some:  # one of them is bad; its own turn says which
                guarded(collect, pk, at_last=give_up)


def complete_stops() -> None:
    """Complete the stops that were requested while Redis was away."""
    for reply in _batch(Reply.objects.asked_to_stop().queued()):
        guarded(finish_stop, reply)


def publish_missing(rows: Sequence[QueuedRow]) -> None:
    """Publish those rows that never reached the mailbox, or that Redis lost."""
    known = open_mailbox().publications([str(pk) for pk, *_ in rows])
    behind: dict[UUID, tuple[int, Publication | None]] = {}
    for (pk, attempt, owner, _), found in zip(rows, known, strict=True):
        # The process that moved the row to another owner may have died before it moved
        # the entry.
        if found is not None and found.owner != str(owner):
            hand_over(owner, [pk])
        if found is None or found.attempt < attempt:
            behind[pk] = attempt, found
    for reply in _batch(Reply.objects.queued().filter(pk__in=list(behind))):
        attempt, found = behind[reply.pk]
        # Another keeper may have published it already.
        if reply.attempt == attempt:
            guarded(_republish if found is None else publish, reply)


def _republish(reply: Reply) -> None:
    if reply.publish_again():
        log.info("publishing reply %s as attempt %s", reply.pk, reply.attempt)
        publish(reply)


def follow_model_choice() -> None:
    """Move queued rows to the site's current model if theirs was given up at start.

    Rows whose model a user picked stay, and so do rows of a model with workers.
    """
    entry, box = model_entry(), open_mailbox()
    box.set_served_model(entry.name)
    strays = Reply.objects.queued().filter(is_model_picked=False)
    for reply in _batch(strays.exclude(model=entry.name)):
        conversation = reply.message.conversation
        chosen = effective_settings(conversation.owner, conversation).settings
        fresh = {"model": entry.name, "settings": asdict(chosen)}
        if not box.workers(reply.model) and reply.publish_again(**fresh):
            log.info("reply %s moves to %s", reply.pk, entry.name)
            publish(reply)


def release_held() -> None:
    """Release held rows that the end of the reply before them did not release."""
    held = _batch(Reply.objects.releasable())
    for conversation in {row.message.conversation for row in held}:
        guarded(release_next, conversation)


def fail_expired() -> None:
    """Fail replies that waited too long, counting only time with a worker present."""
    limit = settings.REPLY_EXPIRY_SECONDS
    for reply in _batch(Reply.objects.queued_before(limit)):
        if open_mailbox().expire(str(reply.pk), limit):
            guarded(collect, str(reply.pk), at_last=give_up)


def take_back_lost() -> None:
    """Take back the replies of lost workers, and ring for another worker."""
    for lost in open_mailbox().take_back(settings.MAX_LOSSES):
        log.warning(
            "worker %s lost reply %s (losses %d): %s",
            *(lost.worker, lost.reply, lost.losses, lost.fate),
        )
        guarded(_note_loss, lost)


def _note_loss(lost: LostReply) -> None:
    # The row keeps the count if Redis is emptied, and operators see it there.
    Reply.objects.unfinished().filter(pk=UUID(lost.reply), attempt=lost.attempt).update(
        losses=lost.losses
    )
    if lost.fate == "queued":
        ring(lost.model, _extra_bell(lost.reply))


def _extra_bell(reply: str) -> str:
    return f"{reply}.again.{token_hex(4)}"


def _batch(rows: ReplyQuerySet[Reply]) -> list[Reply]:
    """Return the oldest of these rows, with their messages and conversations."""
    # Nearly always there are none, and a query for keys alone costs a third of the CPU.
    keys = list(rows.order_by("queued_at").values_list("pk", flat=True)[:BATCH])
    if not keys:
        return []
    return list(rows.with_path().filter(pk__in=keys).order_by("queued_at"))


class QueuedInTurn:
    """Reads some of the queued rows in each sweep, so that a long queue costs no more.

    Up to ``BATCH`` rows are read in every sweep, more of them in turn.
    """

    def __init__(self) -> None:
        self._after: QueuedRow | None = None

    def next(self) -> list[QueuedRow]:
        """Return the rows after those of the last sweep, by time of publication."""
        rows = Reply.objects.unpublished_since(PUBLISHING_SECONDS)
        if self._after is not None:
            pk, *_, time = self._after
            later = Q(published_at__gt=time) | Q(pk__gt=pk)
            rows = rows.filter(later, published_at__gte=time)
        found: list[QueuedRow] = list(
            rows.order_by("published_at", "pk").values_list(
                "pk", "attempt", "message__owner_id", "published_at"
            )[:BATCH]
        )
        self._after = found[-1] if len(found) == BATCH else None
        return found


class ExtraBells:
    """Decides how many bells to ring again: pure arithmetic over two successive sweeps.

    It rings only if replies waited beside free rows in both. Counting the broker's
    messages instead would deadlock: lost bells stay there until their visibility
    timeout.
    """

    def __init__(self) -> None:
        self._idle_before: dict[str, int] = {}

    def due(self, model: str, waiting: int, free: int) -> int:
        """The number of bells that ``model`` needs now."""
        idle = min(waiting, free)
        before = self._idle_before.get(model, 0)
        self._idle_before[model] = idle
        return min(idle, before)

    def forget(self) -> None:
        """Note that no reply waits for any model."""
        self._idle_before.clear()
