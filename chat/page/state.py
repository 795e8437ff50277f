"""What a page says it has, as its poller carries it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from uuid import UUID

from django.conf import settings
from django.http import QueryDict

from chat.services.conversation_list import Cursor
from chatsite.mailbox.results import ReplyCursor

#: More unfinished replies than this no page shows.
MAX_REPLIES = 100
MAX_NUMBER = 2**53


class InvalidPageState(ValueError):
    """The parameters of a poll make no sense (answer: 400)."""


@dataclass(frozen=True, slots=True)
class PageState:
    """The state of one page, told with every request, so that no server keeps it."""

    conversation: UUID | None = None
    #: The last message shown.
    leaf: UUID | None = None
    #: The owner's change counter; empty counts as changed.
    changes: str = ""
    #: Id, run and bytes of text of each reply that waits or grows.
    seen: tuple[ReplyCursor, ...] = ()
    held: tuple[UUID, ...] = ()
    #: Those held that ask a person to decide.
    paused: tuple[UUID, ...] = ()
    #: Fingerprint of the prompts of both.
    ahead: str = ""
    #: Fingerprint of the last messages shown, up to the leaf.
    path: str = ""
    #: The model whose workers the page tells about; empty for the one served here.
    model: str = ""
    #: Fingerprint of what is said about the workers.
    workers: str = ""
    delay_seconds: float = 0.0
    #: The oldest conversation listed; None lists as many as are loaded at once.
    since: Cursor | None = None
    #: True while nobody looks at the page.
    is_hidden: bool = False
    #: Fingerprint of whom the page was made for.
    whose: str = ""
    #: True for a page that was made for an account.
    is_accounts: bool = False
    #: True for a page that was made for somebody not signed in.
    is_nobody: bool = False
    #: When what the page says is left of a limit wants to be looked at again; 0 where
    #: it says nothing, None for a page that has no place for it.
    little_due_at: int | None = None

    @classmethod
    def from_query(cls, query: QueryDict) -> PageState:
        """Raises ``InvalidPageState``."""
        seen, held = query.getlist("r"), query.getlist("h")
        paused = query.getlist("hp")
        if len(seen) + len(held) + len(paused) > MAX_REPLIES:
            raise InvalidPageState("too many replies")
        try:
            return cls(
                conversation=_uuid(query.get("c", "")),
                leaf=_uuid(query.get("leaf", "")),
                changes=query.get("n", "")[:40],
                seen=tuple(_seen(raw) for raw in seen),
                held=tuple(UUID(raw) for raw in held),
                paused=tuple(UUID(raw) for raw in paused),
                ahead=query.get("a", "")[:40],
                path=query.get("p", "")[:40],
                model=query.get("m", "")[:100],
                workers=query.get("w", "")[:40],
                delay_seconds=_number(query.get("d") or "0") / 1000,
                since=_cursor(query.get("since", "")),
                is_hidden=query.get("hidden") == "1",
                whose=query.get("o", "")[:40],
                is_accounts="u" in query,
                is_nobody="nobody" in query,
                little_due_at=_due_at(query.get("l")),
            )
        except ValueError as error:
            raise InvalidPageState(str(error)) from error

    def after_action(self, conversation: UUID) -> PageState:
        """The same page once it did something: what changed is asked in any case."""
        due_at = self.little_due_at or 0
        return replace(
            self, conversation=conversation, changes="", little_due_at=due_at
        )

    def is_little_due(self, now: float) -> bool:
        """Whether more may be left of a limit by now than the page says."""
        return bool(self.little_due_at) and now >= (self.little_due_at or 0)

    @property
    def watched(self) -> set[UUID]:
        """The replies to come that the page shows."""
        return {UUID(pk) for pk, _, _ in self.seen} | {*self.held, *self.paused}

    @property
    def first_pending(self) -> str:
        """Id of the reply that the Stop button of this page ends; none while nothing
        goes on before a person decides."""
        if self.paused and not self.seen:
            return ""
        ids = [pk for pk, _, _ in self.seen] + [str(pk) for pk in self.held]
        return ids[0] if ids else ""


def messages_per_page() -> int:
    """Messages of a page before earlier ones are asked for: whole turns."""
    return int(settings.MESSAGES_SHOWN + settings.MESSAGES_SHOWN % 2)


def path_fingerprint(path: Sequence[UUID], batch: Sequence[UUID] = ()) -> str:
    """Another one whenever the end of a page leads through other messages."""
    end = (*path[-messages_per_page() :], *batch)
    return sha256(b"".join(pk.bytes for pk in end)).hexdigest()[:12]


def owner_fingerprint(owner: object) -> str:
    """The same for every page of one person; empty for nobody's."""
    return sha256(str(owner).encode()).hexdigest()[:12] if owner else ""


def _uuid(raw: str) -> UUID | None:
    return UUID(raw) if raw else None


def _cursor(raw: str) -> Cursor | None:
    return Cursor.parse(raw) if raw else None


def _seen(raw: str) -> ReplyCursor:
    reply, run, length = raw.split(":")
    return str(UUID(reply)), _number(run), _number(length)


def _due_at(raw: str | None) -> int | None:
    return None if raw is None else _number(raw)


def _number(raw: str) -> int:
    if not (raw.isascii() and raw.isdigit()) or len(raw) > 16:
        raise ValueError("not a count")
    number = int(raw)
    if number > MAX_NUMBER:
        raise ValueError("too large")
    return number
