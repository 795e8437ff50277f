"""The calls of pages: what a poll reads, and who asks."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

from chatsite.mailbox.announcements import announcements_from
from chatsite.mailbox.connection import MailboxCalls, key_of, logprobs_key
from chatsite.mailbox.notice import notice_from
from chatsite.mailbox.results import (
    MailboxSnapshot,
    ReplyCursor,
    reply_from,
)

#: How long the owner behind a session is remembered without asking the database.
SESSION_SECONDS = 60


class PageCalls(MailboxCalls):
    """What web servers ask while pages wait."""

    def snapshot(
        self,
        session: str,
        model: str,
        cursors: Sequence[ReplyCursor],
        *,
        is_seen: bool = False,
    ) -> MailboxSnapshot | None:
        """Everything that one poll needs; None for an unknown session.

        ``session`` is the digest under which ``remember`` noted the owner. With
        ``is_seen`` it is noted that a page is in front of the owner.
        """
        words = [word for cursor in cursors for word in cursor]
        seen = "1" if is_seen else ""
        answer = self.connection.run("poll", session, model, seen, *words)
        if not answer:
            return None
        owner, now, changes, waiting, workers, replies, paused, notice = answer
        return MailboxSnapshot(
            owner=owner,
            now=float(now),
            changes=changes,
            waiting=int(waiting),
            workers=announcements_from(workers, float(now)),
            replies=tuple(reply_from(raw) for raw in replies),
            is_paused=bool(paused),
            notice=notice_from(notice, float(now)),
        )

    def logprobs(self, reply: str, offset: int = 0) -> str:
        """Lines of log probabilities of a live reply, from a byte offset on.

        They are for ``logprobs.read_lines``. They begin again with a new run of the
        reply, whose owner is known to the caller, and are never behind its text.
        """
        found = self.connection.command("GETRANGE", logprobs_key(reply), offset, -1)
        return str(found)

    def model_state(self, model: str) -> MailboxSnapshot:
        """The same without an owner and without replies."""
        now, waiting, workers, paused, notice = self.connection.run(
            "model_state", model
        )
        return MailboxSnapshot(
            owner="",
            now=float(now),
            changes="",
            waiting=int(waiting),
            workers=announcements_from(workers, float(now)),
            replies=(),
            is_paused=bool(paused),
            notice=notice_from(notice, float(now)),
        )

    def remember(
        self, session: str, owner: str, seconds: int = SESSION_SECONDS
    ) -> None:
        """Note the owner behind a session, so that polls need no database."""
        self.connection.command("SET", f"who:{session}", owner, "EX", seconds)

    def forget(self, session: str) -> None:
        """Forget the owner behind a session."""
        self.connection.command("DEL", f"who:{session}")

    def is_first_request(self, what: str, seconds: int) -> bool:
        """Whether this was not asked for ``what`` within so many seconds."""
        name = key_of("once", sha256(what.encode()).hexdigest())
        return bool(self.connection.command("SET", name, "", "NX", "EX", seconds))

    def seen_at(self, owner: str) -> float | None:
        """When a page in front of its owner asked for news last; None if not lately."""
        stamp = self.connection.command("GET", key_of("seen", owner))
        return None if stamp is None else float(stamp)

    def touch(self, owner: str) -> None:
        """Tell every page of this owner that something changed."""
        self.connection.run("touch", owner)

    def started(self, replies: Sequence[str]) -> set[str]:
        """Those of the replies that a worker writes, or finished a moment ago."""
        return set(self.connection.run("started", *replies)) if replies else set()
