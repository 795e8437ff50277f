"""The state of a page in the browser, which its poller sends with every request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from hashlib import sha256
from uuid import UUID

from django.conf import settings
from django.utils.datastructures import MultiValueDict

from chat.http.page_version import PAGE_VERSION
from chat.page.growing_text import ShownText
from chat.rendering.markdown.text_state import TextState
from chat.services.conversation_list import Cursor
from chatsite.mailbox.results import ReplyCursor

#: No page shows more pending replies than this.
MAX_REPLIES = 100
#: Owners whose fingerprint a process keeps; each poll needs it several times.
OWNERS_KEPT = 1000
#: Numbers beyond this are no counters of a page (and no integers of a script).
MAX_NUMBER = 2**53


class InvalidPageState(ValueError):
    """The parameters of a poll are malformed (answer: 400)."""


@dataclass(frozen=True, slots=True)
class PageState:
    """What one page shows. It travels with every request, so no server stores it.

    The comments name the query parameter of each field. A site that was just upgraded
    gets them from pages that the release before has made.
    """

    #: ``v``: with which the page was made; empty for releases that had none.
    version: str = PAGE_VERSION
    #: ``c``
    conversation: UUID | None = None
    #: ``leaf``: the last message of the path shown; None where the page does not reach
    #: the end of the path.
    leaf: UUID | None = None
    #: ``n``: the owner's change counter; empty counts as changed.
    change_counter: str = ""
    #: ``r``: id, run and bytes of settled text of each reply that is queued or running.
    cursors: tuple[ReplyCursor, ...] = ()
    #: ``t``: id, bytes of text shown, and the state of the settled part, of the same.
    texts: tuple[ShownText, ...] = ()
    #: ``h``: held replies that wait for the reply before them.
    held: tuple[UUID, ...] = ()
    #: ``hp``: held replies that wait for their owner to decide.
    paused: tuple[UUID, ...] = ()
    #: ``a``: of the held messages of both.
    held_fingerprint: str = ""
    #: ``p``: of the ids of the last messages shown, up to the leaf.
    path_fingerprint: str = ""
    #: ``m``: the model whose workers the page shows; empty for the site's default.
    model: str = ""
    #: ``w``: of what the page shows about the workers.
    workers_fingerprint: str = ""
    #: ``d``: the last poll interval (in the parameter in milliseconds).
    delay_seconds: float = 0.0
    #: ``since``: the oldest conversation listed; None lists as many as one page loads.
    since: Cursor | None = None
    #: ``hidden``: True while the page is in the background.
    is_hidden: bool = False
    #: ``o``: of the owner for whom the page was made.
    owner_fingerprint: str = ""
    #: ``u``: True for a page that was made for an account.
    is_account: bool = False
    #: ``nobody``: True for a page that was made for an anonymous visitor.
    is_anonymous: bool = False
    #: ``l``: when the scarce limit shown is to be refreshed, in seconds since the
    #: epoch; 0 while none is shown, None for a page that has no place for one.
    scarce_limit_due_at: int | None = None
    #: ``k``: when the page of a temporary chat says again that it is open, in seconds
    #: since the epoch; 0 for any other page.
    look_due_at: int = 0

    @classmethod
    def from_query(cls, query: MultiValueDict[str, str]) -> PageState:
        """Parse the parameters of a request. Raises ``InvalidPageState``."""
        cursors, held = query.getlist("r"), query.getlist("h")
        paused = query.getlist("hp")
        if len(cursors) + len(held) + len(paused) > MAX_REPLIES:
            raise InvalidPageState("too many replies")
        try:
            return cls(
                version=query.get("v", "")[:10],
                conversation=_uuid(query.get("c", "")),
                leaf=_uuid(query.get("leaf", "")),
                change_counter=query.get("n", "")[:40],
                cursors=_reply_cursors(cursors),
                texts=tuple(_shown_text(raw) for raw in query.getlist("t")),
                held=tuple(UUID(raw) for raw in held),
                paused=tuple(UUID(raw) for raw in paused),
                held_fingerprint=query.get("a", "")[:40],
                path_fingerprint=query.get("p", "")[:40],
                model=query.get("m", "")[:100],
                workers_fingerprint=query.get("w", "")[:40],
                delay_seconds=_number(query.get("d") or "0") / 1000,
                since=_list_cursor(query.get("since", "")),
                is_hidden=query.get("hidden") == "1",
                owner_fingerprint=query.get("o", "")[:40],
                is_account="u" in query,
                is_anonymous="nobody" in query,
                scarce_limit_due_at=_due_at(query.get("l")),
                look_due_at=_number(query.get("k") or "0"),
            )
        except ValueError as error:
            raise InvalidPageState(str(error)) from error

    @property
    def is_current(self) -> bool:
        """Whether parts of answers fit into the page; if not, it has to load again."""
        return self.version == PAGE_VERSION

    def after_action(self, conversation: UUID) -> PageState:
        """Return the state after an action: the database is queried in any case."""
        due_at = self.scarce_limit_due_at or 0
        return replace(
            self,
            conversation=conversation,
            change_counter="",
            scarce_limit_due_at=due_at,
        )

    def after_look(self, due_at: int) -> PageState:
        """Return the state of a page that was noted as open until ``due_at``."""
        return replace(self, look_due_at=due_at)

    def is_look_due(self, now: float) -> bool:
        """Whether the page of a temporary chat has to be noted as open."""
        return bool(self.look_due_at) and now >= self.look_due_at

    def is_scarce_limit_due(self, now: float) -> bool:
        """Whether the scarce limit shown may have refilled by ``now`` (seconds)."""
        return bool(self.scarce_limit_due_at) and now >= (self.scarce_limit_due_at or 0)

    @property
    def shown_texts(self) -> tuple[ShownText, ...]:
        """The text of each of ``cursors``, which may be none."""
        given = {text.reply: text for text in self.texts}
        return tuple(given.get(pk, ShownText(pk)) for pk, _, _ in self.cursors)

    @property
    def watched(self) -> set[UUID]:
        """Ids of all pending replies of the page."""
        return {UUID(pk) for pk, _, _ in self.cursors} | {*self.held, *self.paused}

    @property
    def first_pending(self) -> str:
        """Id of the reply that the Stop button stops; empty for none.

        There is none while everything waits for the owner to decide.
        """
        if self.paused and not self.cursors:
            return ""
        ids = [pk for pk, _, _ in self.cursors] + [str(pk) for pk in self.held]
        return ids[0] if ids else ""


def messages_per_page() -> int:
    """Number of messages that a page loads: an even one, for whole turns."""
    return int(settings.MESSAGES_SHOWN + settings.MESSAGES_SHOWN % 2)


def path_fingerprint(path: Sequence[UUID], batch: Sequence[UUID] = ()) -> str:
    """Fingerprint of the last messages of a path and of the batch at its end."""
    end = (*path[-messages_per_page() :], *batch)
    return sha256(b"".join(pk.bytes for pk in end)).hexdigest()[:12]


@lru_cache(OWNERS_KEPT)
def owner_fingerprint(owner: UUID | str | None) -> str:
    """The same for every page of one user; empty for an anonymous visitor."""
    return sha256(str(owner).encode()).hexdigest()[:12] if owner else ""


def _uuid(raw: str) -> UUID | None:
    return UUID(raw) if raw else None


def _list_cursor(raw: str) -> Cursor | None:
    return Cursor.parse(raw) if raw else None


def _reply_cursor(raw: str) -> ReplyCursor:
    reply, run, length = raw.split(":")
    return str(UUID(reply)), _number(run), _number(length)


def _reply_cursors(raw: Sequence[str]) -> tuple[ReplyCursor, ...]:
    """The cursor of each reply. One that is named again would bring its text again."""
    cursors = [_reply_cursor(one) for one in raw]
    return tuple({cursor[0]: cursor for cursor in cursors}.values())


def _shown_text(raw: str) -> ShownText:
    reply, length, state = raw.split(":", 2)
    return ShownText(str(UUID(reply)), _number(length), TextState.load(state))


def _due_at(raw: str | None) -> int | None:
    return None if raw is None else _number(raw)


def _number(raw: str) -> int:
    if not (raw.isascii() and raw.isdigit()) or len(raw) > 16:
        raise ValueError("not a count")
    number = int(raw)
    if number > MAX_NUMBER:
        raise ValueError("too large")
    return number
