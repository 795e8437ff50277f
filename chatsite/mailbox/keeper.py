"""The calls of the keeper: collect what ended, take back what was lost, expire."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field

from chatsite import wire
from chatsite.mailbox.connection import MailboxCalls, key_of
from chatsite.mailbox.results import (
    FinishedReply,
    LiveState,
    LostReply,
    Publication,
)

log = logging.getLogger(__name__)

#: A collected reply stays this long, for pages that still ask for it.
COLLECTED_SECONDS = 30
#: What is read of a reply that ended. Its request, which may be long, is not needed.
FINISHED_FIELDS = (
    *("state", "attempt", "losses", "outcome", "worker", "queued", "started"),
    *("first", "finished", "ending"),
)
#: A longer time between two sweeps counts as time without a worker.
TICK_GAP_SECONDS = 30
#: A keeper that has not swept for so long counts as gone.
KEEPER_SECONDS = 30


@dataclass(frozen=True, slots=True)
class CollectedReply:
    """An attempt whose end is in the database, or which the database does not know."""

    reply: str
    attempt: int
    #: Whose pages are told; empty for none.
    owner: str = ""
    #: What is counted of it.
    counts: Mapping[str, float] = field(default_factory=dict)

    def words(self) -> list[str | float]:
        """Return the arguments of the script."""
        counts = [word for pair in self.counts.items() for word in pair]
        return [self.reply, self.attempt, COLLECTED_SECONDS, self.owner, *counts]


class KeeperCalls(MailboxCalls):
    """What the keeper does in each of its sweeps."""

    def rewrite_file(self) -> bool:
        """Have Redis rewrite its append-only file, which still holds erased data.

        False if it is rewriting already, has no such file, or refuses this user.
        """
        return self.connection.try_command("BGREWRITEAOF")

    def announce_keeper(self, sweep_seconds: float) -> None:
        """Note that a keeper has swept, and will again after so many seconds."""
        seconds = _announcement_seconds(sweep_seconds)
        self.connection.run("announce_keeper", seconds)

    def announce_if_idle(self, model: str, sweep_seconds: float) -> bool:
        """Return whether no reply waits, is being written or has ended.

        If so, this was a sweep: it also does what ``announce_keeper`` and
        ``set_served_model`` do.
        """
        seconds = _announcement_seconds(sweep_seconds)
        return bool(self.connection.run("announce_if_idle", model, seconds))

    def has_keeper(self) -> bool:
        """Whether a keeper has swept lately."""
        return bool(self.connection.command("EXISTS", "mailbox:keeper"))

    def finished(self) -> list[str]:
        """Ids of the replies that ended and were not collected yet."""
        return sorted(self.connection.command("SMEMBERS", "mailbox:finished"))

    def finished_reply(self, reply: str) -> FinishedReply | None:
        """Return a reply that ended, with its text; None if it has not, or is gone."""
        return next(iter(self.finished_replies([reply])), None)

    def finished_replies(self, replies: Sequence[str]) -> list[FinishedReply]:
        """Return those that ended, with their texts; one trip to Redis."""
        hashes = [("HMGET", key_of("reply", one), *FINISHED_FIELDS) for one in replies]
        texts = [("GET", key_of("text", one)) for one in replies]
        answers = self.connection.commands(*hashes, *texts)
        found = zip(replies, answers, answers[len(replies) :], strict=False)
        return [
            FinishedReply.from_hash(reply, _without_gaps(fields), text or "")
            for reply, fields, text in found
            if fields[0] == "ended"
        ]

    def mark_collected(self, replies: Sequence[CollectedReply]) -> None:
        """Say that the database has these attempts; the mailbox soon forgets them.

        The pages of their owners are told. The counts are added to what ``overview``
        returns.
        """
        calls = [one.words() for one in replies]
        self.connection.run_all("collected", calls)

    def publications(self, replies: Sequence[str]) -> list[Publication | None]:
        """How each reply was published; None for one that the mailbox does not know.

        An entry that cannot be read counts as unknown: a higher attempt replaces it.
        """
        if not replies:
            return []
        fields = ("attempt", "owner", "state")
        answers = self.connection.commands(
            *(("HMGET", key_of("reply", pk), *fields) for pk in replies)
        )
        return [_publication(*found) for found in zip(replies, answers, strict=True)]

    def take_back(self, max_losses: int) -> list[LostReply]:
        """Take back every reply whose worker let its lease run out.

        One that has lost ``max_losses`` workers fails.
        """
        ending = wire.Ending(wire.Outcome.FAILED, wire.ErrorCode.WORKER_LOST)
        rows = self.connection.run("take_back", max_losses, json.dumps(asdict(ending)))
        return [
            LostReply(reply, int(attempt), model, fate, int(losses), worker)
            for reply, attempt, model, fate, losses, worker in rows
        ]

    def tick(self, model: str) -> None:
        """Advance the clock of a model that is being served."""
        self.connection.run("tick", model, TICK_GAP_SECONDS)

    def expire(self, reply: str, seconds: float) -> bool:
        """Fail a reply that has waited so long by the clock of its model."""
        ending = wire.Ending(wire.Outcome.FAILED, wire.ErrorCode.EXPIRED)
        return bool(
            self.connection.run("expire", reply, seconds, json.dumps(asdict(ending)))
        )

    def set_served_model(self, model: str) -> None:
        """Note which model the site serves, for workers on other machines."""
        self.connection.command("SET", "mailbox:choice", model)

    def served_model(self) -> str | None:
        """Return the model that the site serves, if it was noted."""
        found = self.connection.command("GET", "mailbox:choice")
        return None if found is None else str(found)

    def models(self) -> list[str]:
        """Every model that was asked for or served."""
        return sorted(self.connection.command("SMEMBERS", "mailbox:models"))


def _publication(reply: str, fields: Sequence[str | None]) -> Publication | None:
    attempt, owner, state = fields
    if attempt is None and owner is None and state is None:
        return None
    with suppress(ValueError):
        if owner is not None and LiveState(state or "") is not LiveState.MISSING:
            return Publication(int(attempt or ""), owner)
    log.warning("the entry of reply %s cannot be read: it is published again", reply)
    return None


def _announcement_seconds(sweep_seconds: float) -> int:
    return KEEPER_SECONDS + math.ceil(sweep_seconds)


def _without_gaps(values: Sequence[str | None]) -> dict[str, str]:
    named = zip(FINISHED_FIELDS, values, strict=True)
    return {name: value for name, value in named if value is not None}
