"""What became of everything: read from the database and the mailbox, not from pages."""

from __future__ import annotations

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from uuid import UUID

import redis

from tests.chaos.batches import BatchAudit
from tests.chaos.guests import TERMINAL, Guest, Sent
from tests.chaos.streams import CallAudit, Caller
from worker.engine.script import without_marks


@dataclass
class Audit:
    """The figures of one run. All but the first three ought to be 0."""

    prompts: int = 0
    faults: int = 0
    stopped: int = 0
    #: Ended in a stated failure: counted apart, none is expected.
    failed: int = 0
    lost: int = 0
    doubled: int = 0
    pending: int = 0
    wrong: int = 0
    #: Replies whose end a guest has seen and that read differently now.
    rewritten: int = 0
    #: Power cuts, and those that lost a message.
    cuts: int = 0
    losing_cuts: int = 0
    keys_left: int = 0
    #: Logs that hold what somebody wrote.
    leaks: list[str] = field(default_factory=list)
    #: Processes whose memory grew, with how much.
    grown: dict[str, float] = field(default_factory=dict)
    #: How often each fault was made.
    made: dict[str, int] = field(default_factory=dict)
    #: For each fault, median and worst seconds until a prompt sent at its beginning was
    #: answered.
    recovery: dict[str, dict[str, float]] = field(default_factory=dict)
    #: In a calm run, for each fault that takes a worker away: median and worst seconds until the
    #: replies it was writing were begun anew by another.
    takeover: dict[str, dict[str, float]] = field(default_factory=dict)
    #: How calls of programs ended, and those that ended wrongly.
    calls: CallAudit = field(default_factory=CallAudit)
    #: What became of the lines of a batch.
    batches: BatchAudit = field(default_factory=BatchAudit)
    lacking: list[str] = field(default_factory=list)
    #: What was found, for whoever has to mend it.
    details: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        is_told = not (self.calls.bad or self.calls.pending)
        is_told = is_told and not (self.batches.bad or self.batches.pending)
        return is_told and not (self.lost or self.doubled or self.pending or self.wrong)

    def note(self, what: str, sent: Sent, found: object) -> None:
        if len(self.details) < 20:
            self.details.append(f"{what}: {sent.text!r} {sent.reply} {found!r}")


def examine(database: Path, guests: Sequence[Guest]) -> Audit:
    """Every acknowledged prompt has exactly one reply, ended, with the right text."""
    audit = Audit()
    rows = _rows(database)
    by_key = Counter((owner, key.partition("-")[0]) for owner, key, *_ in rows)
    by_reply = {reply: row for row in rows for reply in [row[2]]}
    replies_of = Counter(row[5] for row in rows)
    for guest in guests:
        for sent in guest.sent:
            audit.prompts += 1
            row = by_reply.get(sent.reply)
            if row is None:
                audit.lost += 1
                audit.note("lost", sent, None)
                continue
            owner, _, _, state, text, prompt, error = row
            if by_key[owner, sent.key] > 1 or replies_of[prompt] > 1:
                audit.doubled += 1
                audit.note("doubled", sent, by_key[owner, sent.key])
            _judge(audit, guest, sent, state, text, error)
    return audit


def _judge(
    audit: Audit, guest: Guest, sent: Sent, state: str, text: str, error: str
) -> None:
    expected = guest.expected(sent.text)
    if state not in TERMINAL:
        audit.pending += 1
        audit.note("pending", sent, state)
    elif state == "failed":
        audit.failed += 1
        audit.note("failed", sent, error)
    elif state == "stopped":
        audit.stopped += 1
    if sent.state == "done" and sent.seen != text:
        audit.rewritten += 1
        audit.note("rewritten", sent, (state, text[-120:], sent.seen[-120:]))
    text = without_marks(text)
    is_right = expected is None or (
        text == expected if state == "done" else expected.startswith(text)
    )
    is_unasked = state == "stopped" and not sent.is_stopped
    if sent.wrong or is_unasked or not is_right:
        audit.wrong += 1
        audit.note("wrong", sent, sent.wrong or (state, text[-120:]))


def _rows(database: Path) -> list[tuple[str, str, str, str, str, str, str]]:
    """Owner, key, reply, state, text, prompt and error of every reply."""
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=10) as link:
        found = link.execute(
            """
            SELECT prompt.owner_id, coalesce(given.key, ''), message.id, reply.state,
                   message.text, prompt.id, reply.error
            FROM chat_reply reply
            JOIN chat_message message ON message.id = reply.message_id
            JOIN chat_message prompt ON prompt.id = message.parent_id
            LEFT JOIN (
                SELECT reply, min(key) AS key FROM chat_idempotencykey GROUP BY reply
            ) given ON given.reply = reply.message_id
            """
        ).fetchall()
    return [
        (owner, key, str(UUID(reply)), state, text, prompt, error)
        for owner, key, reply, state, text, prompt, error in found
    ]


def takeovers(
    database: Path, moments: Sequence[tuple[str, float]]
) -> dict[str, list[float]]:
    """Seconds from the last of these faults until each reply lost once began anew.

    ``moments``: faults and when they began, in seconds since the epoch.
    """
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=10) as link:
        found = link.execute(
            "SELECT started_at FROM chat_reply WHERE losses = 1 AND state = 'done'"
        ).fetchall()
    seconds: defaultdict[str, list[float]] = defaultdict(list)
    for (text,) in found:
        began = datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()
        before = [(moment, name) for name, moment in moments if moment < began]
        if before:
            moment, name = max(before)
            seconds[name].append(began - moment)
    return dict(seconds)


def keys_left(client: redis.Redis) -> int:
    """Entries and texts of replies in the mailbox."""
    return sum(
        1
        for kind in ("reply", "text")
        for _ in client.scan_iter(f"mailbox:{kind}:*", count=1000)
    )


def leaks(logs: Sequence[Path], guests: Sequence[Guest | Caller]) -> list[str]:
    """Names of the logs in which the first words of a prompt stand."""
    written = {
        " ".join(sent.text.split()[:3]) for guest in guests for sent in guest.sent
    }
    found = []
    for log in logs:
        text = log.read_text(errors="replace")
        if any(words in text for words in written):
            found.append(log.name)
    return found


def summary(seconds: Sequence[float]) -> dict[str, float]:
    return {
        "times": len(seconds),
        "median": round(median(seconds), 2),
        "worst": round(max(seconds), 2),
    }
