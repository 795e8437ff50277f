"""What a page is told of its replies: the state of each, and of the queue."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from chat.models import Reply
from chat.services.wait_estimate import WaitEstimate
from chatsite import wire
from chatsite.mailbox.notice import Notice


@dataclass(frozen=True, slots=True)
class ReplyStatus:
    """The state of one reply, for its owner.

    ``row`` is set if the database was read: for terminal and held replies, and for
    queued ones that the mailbox does not know (``is_unpublished``).
    """

    pk: UUID
    state: wire.State
    run: int = 0
    #: Its place in the queue: how many replies come before it.
    place: int = 0
    #: Its owner has an earlier one in the queue: owners with a single one go first.
    is_further: bool = False
    #: The model for which it waits; empty if it is not in the queue.
    model: str = ""
    #: Whether it lets all others go first, and waits until workers are idle.
    is_helper: bool = False
    #: When it will probably start, for calls of the API.
    expected_wait: WaitEstimate | None = None
    #: Seconds in this state so far.
    seconds: float = 0.0
    tokens: int = 0
    losses: int = 0
    is_stopping: bool = False
    is_unpublished: bool = False
    #: Held, and the reply before it failed or was stopped: the user decides.
    is_paused: bool = False
    #: Paused, and the reply before it failed; otherwise it was stopped.
    is_after_failure: bool = False
    #: The page has seen it begin, and the mailbox is away.
    is_cut_off: bool = False
    #: Where ``text`` begins and the whole length so far, in UTF-8 bytes.
    offset: int = 0
    length: int = 0
    text: str = ""
    row: Reply | None = None
    #: Seconds since the epoch; None if unknown.
    queued_at: float | None = None
    started_at: float | None = None
    first_text_at: float | None = None
    finished_at: float | None = None

    @property
    def tokens_per_second(self) -> float | None:
        """The speed of writing; None during the first second."""
        if self.first_text_at is None or self.started_at is None:
            return None
        seconds = self.started_at + self.seconds - self.first_text_at
        return self.tokens / seconds if seconds >= 1 else None


@dataclass(frozen=True, slots=True)
class PollSnapshot:
    """Everything that one poll reads."""

    owner: str
    statuses: tuple[ReplyStatus, ...]
    #: The owner's change counter; empty if unknown.
    change_counter: str
    waiting: int
    workers: tuple[wire.Announcement, ...]
    is_away: bool = False
    #: Whether an operator has paused the model: what waits stays in line.
    is_paused: bool = False
    #: The sentence that operators show on every page.
    notice: Notice | None = None

    @property
    def stage(self) -> wire.Stage | None:
        """The best stage of the model's workers; None if there is no worker."""
        stages = {worker.stage for worker in self.workers}
        order = (
            *(wire.Stage.READY, wire.Stage.LOADING, wire.Stage.FETCHING),
            wire.Stage.BROKEN,
        )
        return next((stage for stage in order if stage in stages), None)

    @property
    def progress(self) -> float | None:
        """The fetched share of the model, 0 to 1; None if unknown."""
        known = [w.progress for w in self.workers if w.progress is not None]
        return max(known, default=None)
