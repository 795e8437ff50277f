"""The difference between a page and its conversation, collected piece by piece."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from chat.models import Conversation
from chat.page.announcements import announcement
from chat.page.growing_text import ShownText, TextGrowth, growth_of
from chat.page.messages import MessageList, ShownMessage
from chat.page.state import PageState
from chat.services.context_usage import ContextUsage
from chat.services.jobs.reply_status import ReplyStatus
from chatsite import wire
from chatsite.mailbox.results import ReplyCursor


@dataclass(frozen=True, slots=True)
class TextAppend:
    """The status of a pending reply, and how its text grew, if it did."""

    status: ReplyStatus
    growth: TextGrowth | None = None
    #: Whether it is another text than the page shows.
    replaces_text: bool = False


@dataclass(slots=True)
class PageDelta:
    """What a page has to add or replace, and its state afterwards."""

    text_appends: list[TextAppend] = field(default_factory=list)
    #: Messages that replace the ones of the same id on the page.
    replaced: list[ShownMessage] = field(default_factory=list)
    #: Messages to add at the end.
    appended: list[ShownMessage] = field(default_factory=list)
    #: The whole list, where the page shows another path; replaces all messages.
    message_list: MessageList | None = None
    #: What a screen reader says.
    announcements: list[str] = field(default_factory=list)
    #: Set where messages came or replies ended.
    context_usage: ContextUsage | None = None
    # The state of the page afterwards; see ``PageState`` for the fields.
    cursors: list[ReplyCursor] = field(default_factory=list)
    texts: list[ShownText] = field(default_factory=list)
    held: list[UUID] = field(default_factory=list)
    paused: list[UUID] = field(default_factory=list)
    held_fingerprint: str = ""
    leaf: UUID | None = None
    path_fingerprint: str = ""
    #: The model whose workers the page shows from now on; empty leaves it as it is.
    model: str = ""
    #: Set where the database was queried.
    conversation: Conversation | None = None
    #: Sights beyond those of the snapshot, which also set the pace.
    statuses: list[ReplyStatus] = field(default_factory=list)

    @property
    def distinct_announcements(self) -> list[str]:
        """The announcements without repetitions, in order."""
        return list(dict.fromkeys(self.announcements))

    def add_status(
        self,
        before: ReplyCursor,
        shown: ShownText,
        status: ReplyStatus,
        *,
        is_away: bool,
        beginning: str = "",
    ) -> None:
        """Add what is new of a reply that the page shows as pending.

        ``beginning`` is the text that it continues, if it begins again.
        """
        if status.state.is_terminal and status.row is not None:
            self.replaced.append(ShownMessage(status.row.message))
            self.announcements.append(announcement(status))
            return
        is_running = status.state is wire.State.RUNNING
        replaces_text = is_running and (status.run, status.offset) != before[1:]
        growth = None
        if replaces_text:
            growth = growth_of(status, beginning=beginning)
        elif is_running and status.text:
            growth = growth_of(status, shown.state)
        self.text_appends.append(TextAppend(status, growth, replaces_text))
        if is_running and status.run != before[1]:
            self.announcements.append(announcement(status))
        if not is_running and status.row is not None and not is_away:
            # The mailbox lost it: the next text is another one.
            before = (before[0], 0, 0)
        self.cursors.append(growth.cursor if growth else before)
        self.texts.append(growth.shown if growth else shown)

    def add_message(self, shown_message: ShownMessage, *, is_new: bool) -> None:
        """Add a message that the page lacks (``is_new``) or shows as held."""
        (self.appended if is_new else self.replaced).append(shown_message)
        if shown_message.message.is_from_user:
            return
        status = shown_message.status
        self.announcements.append(announcement(status or shown_message.message.reply))
        if status is None:
            return
        self.statuses.append(status)
        if status.state is wire.State.HELD:
            (self.paused if status.is_paused else self.held).append(status.pk)
        elif shown_message.growth is not None:
            self.cursors.append(shown_message.growth.cursor)
            self.texts.append(shown_message.growth.shown)

    def replace_messages(
        self, page_state: PageState, message_list: MessageList
    ) -> None:
        """Replace all messages of the page; drop the pieces collected so far."""
        after = message_list.applied_to(page_state, page_state.change_counter)
        self.message_list, self.text_appends, self.replaced = message_list, [], []
        self.leaf, self.path_fingerprint = after.leaf, after.path_fingerprint
        self.cursors, self.held = list(after.cursors), list(after.held)
        self.texts = list(after.texts)
        self.paused = list(after.paused)
        for item in (*message_list.messages, *message_list.batch):
            if item.status is not None:
                self.statuses.append(item.status)
                if item.status.pk not in page_state.watched:
                    self.announcements.append(announcement(item.status))
