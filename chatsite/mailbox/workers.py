"""The calls of workers: claim a reply, write it, finish it, and announce oneself."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from django.conf import settings

from chatsite import wire
from chatsite.mailbox.announcements import announcements_from
from chatsite.mailbox.connection import MailboxCalls, key_of
from chatsite.mailbox.results import (
    Claim,
    TextWrite,
    Write,
    WriteResult,
)

ANNOUNCEMENT_SECONDS = 10.0
#: Orders outlive a restart of everything else, and are removed some time after.
ORDER_SECONDS = 30 * 86_400


@dataclass(frozen=True, slots=True)
class AnnouncementAnswer:
    """What a worker learns when it announces itself."""

    #: The newest order to this worker, if there is any.
    order: wire.WorkerOrder | None = None
    #: Whether its model is paused: what waits stays in line.
    is_paused: bool = False


class HelpersInTheWay(Exception):
    """A person waits for a worker that has to give up its helper jobs first."""


class WorkerCalls(MailboxCalls):
    """What workers say, and what others learn of them."""

    def claim(
        self,
        model: str,
        worker: str,
        lease_seconds: float,
        *,
        live: int = 0,
        helpers: int = 0,
        takes_helpers: bool = True,
    ) -> Claim | None:
        """Take the first reply in line; None if the line is empty.

        ``live`` is the number of replies that this worker is writing, ``helpers`` how
        many of them are helper jobs. A reply that has to run alone is not given to a
        worker that writes others. After it was refused one, the worker gets None until
        it has finished the others. Without ``takes_helpers`` it gets no helper job.
        Raises ``HelpersInTheWay`` if the refused one is for a person.
        """
        token = secrets.token_hex(16)
        # The last attempt before a reply is given up runs alone.
        alone_from = max(1, settings.MAX_LOSSES - 1)
        answer = self.connection.run(
            "claim",
            *(model, worker, token, lease_seconds, live, alone_from),
            int(takes_helpers),
        )
        if answer == "wait" and helpers:
            raise HelpersInTheWay
        if not answer or answer == "wait":
            return None
        reply, attempt, request, losses, kind, faults = answer
        runs_alone = int(losses) >= alone_from
        is_helper = kind == wire.RequestKind.HELPER
        return Claim(
            *(reply, token, int(attempt), int(losses), request, runs_alone),
            is_helper=is_helper,
            faults=int(faults),
        )

    def write(
        self, writes: Sequence[Write | TextWrite], lease_seconds: float
    ) -> list[WriteResult]:
        """Add text to many replies and renew their leases, in one round trip."""
        answers = self.connection.run_all(
            "write",
            [(*write[:5], lease_seconds, *_logprobs_of(write)) for write in writes],
        )
        return [WriteResult(*answer) for answer in answers]

    def finish(self, write: Write | TextWrite, ending: wire.Ending) -> WriteResult:
        """Add the last text of a reply and end it, in one step."""
        answer = self.connection.run(
            "finish",
            *write[:5],
            ending.outcome,
            json.dumps(asdict(ending)),
            ending.prompt_tokens + ending.new_tokens,
            *_logprobs_of(write),
        )
        return WriteResult(*answer)

    def hand_back(self, reply: str, token: str, *, is_fault: bool = False) -> str:
        """Return a reply to its place in line: ``kept``, ``stopped`` or ``refused``.

        ``is_fault``: whether to count a fault that the reply may have caused.
        """
        return str(self.connection.run("hand_back", reply, token, int(is_fault)))

    def announce(
        self, announcement: wire.Announcement, seconds: float = ANNOUNCEMENT_SECONDS
    ) -> AnnouncementAnswer:
        """Say what a worker serves, and learn what it is to do.

        The announcement expires after ``seconds``.
        """
        order, is_paused = self.connection.run(
            "announce",
            announcement.model,
            announcement.worker,
            announcement.to_json(),
            seconds,
        )
        return AnnouncementAnswer(wire.WorkerOrder.read(order), bool(is_paused))

    def withdraw(self, announcement: wire.Announcement) -> None:
        """Remove the announcement of a worker that leaves."""
        key = key_of("workers", announcement.model)
        self.connection.command("HDEL", key, announcement.worker)

    def workers(self, model: str) -> tuple[wire.Announcement, ...]:
        """Return the announcements of workers for this model, loading ones included."""
        lines, (seconds, microseconds) = self.connection.commands(
            ("HVALS", key_of("workers", model)), ("TIME",)
        )
        return announcements_from(lines, seconds + microseconds / 1e6)


def _logprobs_of(write: Write | TextWrite) -> tuple[str | int, ...]:
    """Return what the script gets of a write that has log probabilities."""
    return write[5:] if any(write[5:]) else ()
