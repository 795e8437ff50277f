"""What a page lacks: the pieces that are put into it."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from chat.models import Conversation
from chat.page.announcements import announcement
from chat.page.messages import MessageList, ShownMessage, seen_state
from chat.page.state import PageState
from chat.services.context_usage import ContextUsage
from chat.services.jobs.status import ReplyStatus
from chatsite import wire
from chatsite.mailbox.results import ReplyCursor


@dataclass(frozen=True, slots=True)
class TextAppend:
    """One reply that waits or grows; ``is_anew`` replaces the text on the page."""

    sight: ReplyStatus
    is_anew: bool


@dataclass(slots=True)
class PageDelta:
    """What a page lacks."""

    growing: list[TextAppend] = field(default_factory=list)
    #: Articles that take the place of the ones on the page.
    replaced: list[ShownMessage] = field(default_factory=list)
    appended: list[ShownMessage] = field(default_factory=list)
    #: All that the page is to show, where it shows another path or part.
    thread: MessageList | None = None
    said: list[str] = field(default_factory=list)
    #: How full the model's context is, where messages came or ended.
    filling: ContextUsage | None = None
    #: What the page has once it has all this.
    seen: list[ReplyCursor] = field(default_factory=list)
    held: list[UUID] = field(default_factory=list)
    paused: list[UUID] = field(default_factory=list)
    ahead: str = ""
    leaf: UUID | None = None
    path: str = ""
    #: The model whose workers the page tells about from now on.
    model: str = ""
    #: The conversation itself, where the database was asked.
    conversation: Conversation | None = None
    #: Sights beyond those of the view, which also set the pace.
    sights: list[ReplyStatus] = field(default_factory=list)

    @property
    def words(self) -> list[str]:
        """What is announced; of several alike, one."""
        return list(dict.fromkeys(self.said))

    def add_seen(
        self, before: ReplyCursor, sight: ReplyStatus, *, is_away: bool
    ) -> None:
        """News of a reply that the page already watches."""
        if sight.state.is_terminal and sight.row is not None:
            self.replaced.append(ShownMessage(sight.row.message))
            self.said.append(announcement(sight))
            return
        is_running = sight.state is wire.State.RUNNING
        is_anew = is_running and (sight.run, sight.offset) != before[1:]
        self.growing.append(TextAppend(sight, is_anew))
        if is_running and sight.run != before[1]:
            self.said.append(announcement(sight))
        if is_running:
            self.seen.append(seen_state(sight))
        elif sight.row is not None and not is_away:
            # The mailbox lost it: whatever comes is another text.
            self.seen.append((before[0], 0, 0))
        else:
            self.seen.append(before)

    def add_shown(self, shown: ShownMessage, *, is_new: bool) -> None:
        """News of a message that the page lacks, or shows as held."""
        (self.appended if is_new else self.replaced).append(shown)
        if shown.message.is_from_user:
            return
        sight = shown.sight
        self.said.append(announcement(sight or shown.message.reply))
        if sight is None:
            return
        self.sights.append(sight)
        if sight.state is wire.State.HELD:
            (self.paused if sight.is_paused else self.held).append(sight.pk)
        else:
            self.seen.append(seen_state(sight))

    def show_anew(self, known: PageState, thread: MessageList) -> None:
        """Everything is to be shown; nothing else of the page counts any more."""
        after = thread.known(known, known.changes)
        self.thread, self.growing, self.replaced = thread, [], []
        self.leaf, self.path = after.leaf, after.path
        self.seen, self.held = list(after.seen), list(after.held)
        self.paused = list(after.paused)
        for item in (*thread.shown, *thread.batch):
            if item.sight is not None:
                self.sights.append(item.sight)
                if item.sight.pk not in known.watched:
                    self.said.append(announcement(item.sight))
