"""How much of a growing reply a page shows, and what has come since."""

from __future__ import annotations

from dataclasses import dataclass, field

from chat.rendering.markdown.fragments import Fragment
from chat.rendering.markdown.growing import grow, grow_behind
from chat.rendering.markdown.text_state import TextState
from chat.services.jobs.reply_status import ReplyStatus
from chatsite.mailbox.results import ReplyCursor


@dataclass(frozen=True, slots=True)
class ShownText:
    """The text of a reply that a page shows. Its cursor ends where the tail begins."""

    reply: str
    #: Bytes of all text shown, settled part and tail.
    length: int = 0
    #: Of the settled part.
    state: TextState = field(default_factory=TextState)

    def dump(self) -> str:
        """The value of a field of the poller."""
        return f"{self.reply}:{self.length}:{self.state.dump()}"


@dataclass(frozen=True, slots=True)
class TextGrowth:
    """What a page adds to a growing reply, and what it shows then."""

    settled: Fragment
    tail: Fragment
    cursor: ReplyCursor
    shown: ShownText


def growth_of(
    status: ReplyStatus, state: TextState | None = None, *, beginning: str = ""
) -> TextGrowth:
    """The growth by the text of ``status``.

    It comes behind the settled part that ``state`` describes, or behind ``beginning``,
    the text that the reply continues.
    """
    if beginning:
        grown = grow_behind(beginning, status.text)
    else:
        grown = grow(state or TextState(), status.text)
    reply = str(status.pk)
    settled_bytes = len(status.text[: grown.settled_characters].encode())
    return TextGrowth(
        grown.settled,
        grown.tail,
        (reply, status.run, status.offset + settled_bytes),
        ShownText(reply, status.length, grown.state),
    )
