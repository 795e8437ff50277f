"""The line: replies enter it, leave it, and change owners."""

from __future__ import annotations

from collections.abc import Sequence

from chatsite import wire
from chatsite.mailbox.connection import MailboxCalls, key_of, paused_key

#: A worker that heard of a stop ends the reply within this time, or is gone.
STOP_SECONDS = 2.0


class LineCalls(MailboxCalls):
    """Calls that change the line, or count it."""

    def enqueue(
        self,
        reply: str,
        attempt: int,
        *,
        owner: str,
        share: str,
        model: str,
        request: wire.Request,
        cost: float,
        losses: int = 0,
        kind: wire.RequestKind = wire.RequestKind.REPLY,
        is_hidden: bool = False,
    ) -> bool:
        """Put one attempt of a reply into the line; False if it is there already.

        In either case the pages of the owner are told, unless the reply is hidden.
        ``share`` names the person, or the network, that the line treats as one.
        ``cost`` estimates how many tokens of this share the reply takes.
        """
        answer = self.connection.run(
            "enqueue",
            reply,
            attempt,
            owner,
            share,
            model,
            kind,
            cost,
            request.to_json(),
            losses,
            int(is_hidden),
        )
        return bool(answer)

    def stop(self, reply: str) -> str:
        """Stop a reply: ``left`` the line, ``flagged``, ``ended`` or ``missing``."""
        return str(self.connection.run("stop", reply, STOP_SECONDS))

    def run_now(self, reply: str, share: str) -> bool:
        """Move a helper job that waits into the line of people, for ``share``.

        False if it does not wait, or is no helper job.
        """
        return bool(self.connection.run("run_now", reply, share))

    def hand_over(self, replies: Sequence[str], owner: str, share: str) -> int:
        """Give replies to another owner, with their places and text.

        Returns how many were found.
        """
        if not replies:
            return 0
        return int(self.connection.run("hand_over", owner, share, *replies))

    def erase(self, replies: Sequence[str]) -> None:
        """Remove everything that is kept of these replies, in whatever state."""
        if replies:
            self.connection.run("erase", *replies)

    def erase_owner(self, owner: str) -> None:
        """Remove what is kept of an owner who has no replies left."""
        self.connection.run("erase_owner", owner)

    def waiting(self, model: str) -> int:
        """How many replies wait for this model, helper jobs included."""
        return sum(self.waiting_by_kind(model))

    def waiting_by_kind(self, model: str) -> tuple[int, int]:
        """How many replies to people wait for this model, and how many helper jobs."""
        people, helpers = self.connection.commands(
            ("ZCARD", key_of("line", model)), ("ZCARD", key_of("helpers", model))
        )
        return people, helpers

    def is_paused(self, model: str) -> bool:
        """Whether an operator has paused this model."""
        return bool(self.connection.command("EXISTS", paused_key(model)))

    def first_in_line(self, model: str, count: int) -> list[str]:
        """Ids of the first replies in line, those to people first."""
        lines = self.connection.commands(
            *(
                ("ZRANGE", key_of(line, model), 0, count - 1)
                for line in ("line", "helpers")
            )
        )
        members = [member for line in lines for member in line]
        return [member.partition(":")[2] for member in members[:count]]
