"""The mailbox: one method for each thing the tiers say to each other.

Every method raises ``MailboxAway`` while Redis does not answer.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import asdict
from functools import cache
from hashlib import sha256

from django.conf import settings

from chatsite import wire
from chatsite.mailbox.connection import Connection
from chatsite.mailbox.entries import (
    Claim,
    Ending,
    Kept,
    Look,
    Published,
    TakenBack,
    announcements_from,
    entry_from,
)

#: An entry that was collected stays this long, for pages that still ask.
COLLECTED_SECONDS = 30
#: A worker that heard of a stop ends the reply within this time, or is gone.
STOP_SECONDS = 2.0
#: How long the owner behind a session is remembered without asking the database.
WHO_SECONDS = 60
ANNOUNCEMENT_SECONDS = 10.0
#: Sweeps farther apart than this count as nobody having served in between.
TICK_GAP_SECONDS = 30

#: One reply a page knows: id, run, bytes of text already shown.
Seen = tuple[str, int, int]
#: One write: reply, token, byte offset, text, tokens so far.
Write = tuple[str, str, int, str, int]


class Mailbox:
    """What web and workers share, on one Redis server."""

    def __init__(self, url: str) -> None:
        self.connection = Connection(url)

    def ping(self) -> None:
        self.connection.command("PING")

    # The line

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
        kind: wire.Kind = wire.Kind.REPLY,
    ) -> bool:
        """Give a publication its entry and place; False if it had them already.

        ``share`` names whom the line counts as one person. ``cost`` is the
        estimate in tokens that this reply takes of their share.
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
        )
        return bool(answer)

    def stop(self, reply: str) -> str:
        """Stop a reply: ``left`` the line, ``flagged``, ``ended`` or ``missing``."""
        return str(self.connection.run("stop", reply, STOP_SECONDS))

    def hand_over(self, replies: Sequence[str], owner: str, share: str) -> int:
        """Give entries to another owner, places and text included; how many moved."""
        if not replies:
            return 0
        return int(self.connection.run("hand_over", owner, share, *replies))

    def erase(self, replies: Sequence[str]) -> None:
        """Drop all that is kept of these, wherever they stand."""
        if replies:
            self.connection.run("erase", *replies)

    def erase_owner(self, owner: str) -> None:
        """Forget somebody of whom no entry is left."""
        self.connection.run("erase_owner", owner)

    def waiting(self, model: str) -> int:
        """How many replies wait for this model, helper jobs included."""
        return sum(
            self.connection.commands(
                ("ZCARD", _key("line", model)), ("ZCARD", _key("helpers", model))
            )
        )

    def first_in_line(self, model: str, count: int) -> list[str]:
        """Ids of the first replies in line."""
        key = _key("line", model)
        members = self.connection.command("ZRANGE", key, 0, count - 1)
        return [member.partition(":")[2] for member in members]

    # The worker's side

    def claim(
        self, model: str, worker: str, lease_seconds: float, *, live: int = 0
    ) -> Claim | None:
        """Take the first in line, or None when nobody waits.

        ``live``: replies this worker is writing. One that has to run alone is not
        given to a worker that writes others; once asked, that worker gets None until
        it has finished them.
        """
        token = secrets.token_hex(16)
        # The last try before a reply is given up.
        alone_from = max(1, settings.MAX_LOSSES - 1)
        got = self.connection.run(
            "claim", model, worker, token, lease_seconds, live, alone_from
        )
        if not got:
            return None
        reply, attempt, request, losses = got
        runs_alone = int(losses) >= alone_from
        return Claim(reply, token, int(attempt), int(losses), request, runs_alone)

    def write(self, writes: Sequence[Write], lease_seconds: float) -> list[Kept]:
        """Add text to many replies and renew their leases, in one trip."""
        answers = self.connection.run_all(
            "write", [(*write, lease_seconds) for write in writes]
        )
        return [Kept(str(verdict), int(length)) for verdict, length in answers]

    def finish(self, write: Write, ending: wire.Ending) -> Kept:
        """The last text and the end of a reply, in one step."""
        verdict, length = self.connection.run(
            "finish",
            *write,
            ending.outcome,
            json.dumps(asdict(ending)),
            ending.prompt_tokens + ending.new_tokens,
        )
        return Kept(str(verdict), int(length))

    def hand_back(self, reply: str, token: str) -> str:
        """Give a reply its place in line again: kept, stopped or refused."""
        return str(self.connection.run("hand_back", reply, token))

    def announce(
        self,
        said: wire.Announcement,
        seconds: float = ANNOUNCEMENT_SECONDS,
    ) -> None:
        """Say what a worker serves; forgotten after ``seconds``."""
        self.connection.run(
            "announce", said.model, said.worker, said.to_json(), seconds
        )

    def withdraw(self, said: wire.Announcement) -> None:
        """Take a worker's announcement away: it is leaving."""
        self.connection.command("HDEL", _key("workers", said.model), said.worker)

    def workers(self, model: str) -> tuple[wire.Announcement, ...]:
        """The workers that say they serve this model, also those still loading."""
        lines, (seconds, microseconds) = self.connection.commands(
            ("HVALS", _key("workers", model)), ("TIME",)
        )
        return announcements_from(lines, seconds + microseconds / 1e6)

    # The page's side

    def look(self, who: str, model: str, seen: Sequence[Seen]) -> Look | None:
        """Everything one poll needs; None when ``who`` is not (or no longer) known."""
        known = [word for reply in seen for word in reply]
        got = self.connection.run("poll", who, model, *known)
        if not got:
            return None
        owner, now, changes, waiting, workers, entries = got
        return Look(
            owner=owner,
            now=float(now),
            changes=changes,
            waiting=int(waiting),
            workers=announcements_from(workers, float(now)),
            entries=tuple(entry_from(raw) for raw in entries),
        )

    def remember(self, who: str, owner: str, seconds: int = WHO_SECONDS) -> None:
        """Note who is behind a session, so that polls need no database."""
        self.connection.command("SET", f"who:{who}", owner, "EX", seconds)

    def forget(self, who: str) -> None:
        self.connection.command("DEL", f"who:{who}")

    def is_first(self, what: str, seconds: int) -> bool:
        """Whether this was not asked for ``what`` within so many seconds."""
        name = _key("once", sha256(what.encode()).hexdigest())
        return bool(self.connection.command("SET", name, "", "NX", "EX", seconds))

    def touch(self, owner: str) -> None:
        """Tell every page of this owner that something changed."""
        self.connection.run("touch", owner)

    def begun(self, replies: Sequence[str]) -> set[str]:
        """Which of these a worker writes, or has written a moment ago; in one trip."""
        if not replies:
            return set()
        states = self.connection.commands(
            *(("HGET", _key("reply", reply), "state") for reply in replies)
        )
        return {
            reply
            for reply, state in zip(replies, states, strict=True)
            if state in ("running", "ended")
        }

    # The keeper's side

    def rewrite_file(self) -> bool:
        """Have the server write its file anew, where what was erased still stands;
        False where it does so already, keeps none, or this user may not ask."""
        return self.connection.asked("BGREWRITEAOF")

    def finished(self) -> list[str]:
        """Ids of the replies that ended and were not collected yet."""
        return sorted(self.connection.command("SMEMBERS", "mailbox:finished"))

    def ending(self, reply: str) -> Ending | None:
        """What is kept of a reply that ended; None if it has not, or is gone."""
        entry, text = self.connection.commands(
            ("HGETALL", _key("reply", reply)), ("GET", _key("text", reply))
        )
        if entry.get("state") != "ended":
            return None
        return Ending.from_hash(reply, entry, text or "")

    def collected(self, reply: str, attempt: int) -> None:
        """The database has this attempt: let its entry go."""
        self.connection.run("collected", reply, attempt, COLLECTED_SECONDS)

    def published(self, replies: Sequence[str]) -> list[Published | None]:
        """What each entry was published as; None where there is no entry. One trip."""
        if not replies:
            return []
        found = self.connection.commands(
            *(("HMGET", _key("reply", pk), "attempt", "owner") for pk in replies)
        )
        return [
            None if attempt is None else Published(int(attempt), owner)
            for attempt, owner in found
        ]

    def take_back(self, max_losses: int) -> list[TakenBack]:
        """Take back every reply whose worker let its lease run out."""
        ending = wire.Ending(wire.Outcome.FAILED, wire.ErrorCode.WORKER_LOST)
        rows = self.connection.run("take_back", max_losses, json.dumps(asdict(ending)))
        return [
            TakenBack(reply, int(attempt), model, fate, int(losses), worker)
            for reply, attempt, model, fate, losses, worker in rows
        ]

    def tick(self, model: str) -> None:
        """Move on the clock of a model that is being served."""
        self.connection.run("tick", model, TICK_GAP_SECONDS)

    def expire(self, reply: str, seconds: float) -> bool:
        """Fail a reply that stood in line so long while its model was served."""
        ending = wire.Ending(wire.Outcome.FAILED, wire.ErrorCode.EXPIRED)
        return bool(
            self.connection.run("expire", reply, seconds, json.dumps(asdict(ending)))
        )

    def note_choice(self, model: str) -> None:
        """Note which model the site serves, for workers on other machines."""
        self.connection.command("SET", "mailbox:choice", model)

    def noted_choice(self) -> str | None:
        found = self.connection.command("GET", "mailbox:choice")
        return None if found is None else str(found)

    def models(self) -> list[str]:
        """Every model that somebody asked for or serves."""
        return sorted(self.connection.command("SMEMBERS", "mailbox:models"))


def _key(kind: str, name: str) -> str:
    return f"mailbox:{kind}:{name}"


@cache
def _mailbox_at(url: str) -> Mailbox:
    return Mailbox(url)


def open_mailbox() -> Mailbox:
    """The mailbox of this process, at ``REDIS_URL``."""
    return _mailbox_at(settings.REDIS_URL)
