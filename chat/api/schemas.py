"""What calls of the API return, as the document describes it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field

from chat.models.reply_choices import Origin, Rating
from chat.services.limits.rules import LimitKind, LimitScope
from chatsite import wire

NextPage = Annotated[
    str | None, Field(description="The URL of the next page; null on the last one.")
]


class ReplyTimes(BaseModel):
    """When a reply reached each state; null for a state not reached."""

    queued: datetime | None
    started: datetime | None
    first_text: datetime | None
    finished: datetime | None


class WaitData(BaseModel):
    """Seconds until a reply in the queue starts, nine times in ten."""

    low: float
    high: float | None = Field(
        description="Null if messages of others may come before it."
    )


class ReplyError(BaseModel):
    """Why a reply failed: a code for programs and a sentence for people."""

    code: str
    message: str


class FeedbackData(BaseModel):
    """What the owner of a reply thinks of it."""

    rating: Rating
    reason: str = Field(description="Empty where none was given.")


class ReplyData(BaseModel):
    """One reply: its state, its text so far, and its times."""

    id: UUID
    url: str
    stop_url: str
    state: wire.State
    place: int | None = Field(
        description="Place in the queue, 1 is next; null outside of the queue, and"
        " while it waits until workers are idle."
    )
    expected_wait: WaitData | None = Field(
        description="Null outside of the queue, and as long as nothing is known."
    )
    text: str
    tokens: int
    is_length_limited: bool
    when_idle: bool = Field(
        description="It lets all others go first, and runs when workers are idle."
    )
    is_paused: bool = Field(
        description="Held, and the reply before it failed or was stopped."
    )
    is_stopping: bool
    error: ReplyError | None
    times: ReplyTimes
    feedback: FeedbackData | None
    origin: Origin = Field(description="Generated here, or edited, copied, imported.")


class SentMessageData(ReplyData):
    """The reply to a new message, with the id of its conversation."""

    conversation: UUID


class MessageData(BaseModel):
    """A message of a user, or a reply with its state."""

    id: UUID
    url: str
    conversation: UUID
    parent: UUID | None = Field(description="The message before it; null for a first.")
    role: wire.Role
    text: str
    created: datetime
    versions: list[UUID] = Field(
        description="This and all other versions of it, oldest first."
    )
    reply: ReplyData | None = Field(description="Null for a message of a user.")


class MessagePage(BaseModel):
    """Messages of a conversation."""

    messages: list[MessageData]
    next: NextPage


class ConversationData(BaseModel):
    """A conversation without its messages."""

    id: UUID
    url: str
    messages_url: str
    title: str
    updated: datetime
    has_unread: bool = Field(
        description="A reply has ended that no page and no call has shown yet."
    )
    pinned: bool = Field(description="Listed before all that are not.")
    archived: bool = Field(
        description="In the archive instead of the list, until the next message."
    )
    temporary_until: datetime | None = Field(
        description="When a temporary chat is erased unless it is asked for before;"
        " null for a conversation that is kept."
    )


class ConversationPage(BaseModel):
    """Conversations, pinned ones first, otherwise newest first."""

    conversations: list[ConversationData]
    next: NextPage


class RemovedMessageData(BaseModel):
    """A held message that was removed, by the id of the reply that it waited for."""

    id: UUID
    removed: bool


class DeletedMessageData(BaseModel):
    """A message, and whether its turn is deleted now."""

    id: UUID
    deleted: bool


class RenamedConversationData(BaseModel):
    """A conversation with its new title."""

    id: UUID
    title: str


class KeptConversationData(BaseModel):
    """A conversation, and whether it is pinned and archived now."""

    id: UUID
    pinned: bool
    archived: bool


class DeletedConversationData(BaseModel):
    """A conversation, and whether it is deleted now."""

    id: UUID
    deleted: bool


class SnippetPartData(BaseModel):
    """A part of the text around a match."""

    text: str
    is_match: bool


class HitData(BaseModel):
    """A message, or a title, for which ``message`` and ``role`` are null."""

    conversation: UUID
    title: str
    message: UUID | None
    role: wire.Role | None
    snippet: list[SnippetPartData]
    said: datetime


class SearchPage(BaseModel):
    """Hits, newest first."""

    hits: list[HitData]
    next: NextPage


class LimitData(BaseModel):
    """One limit and what remains of it.

    Both times are null for waiting replies, since only their end makes room.
    """

    kind: LimitKind
    whose: LimitScope
    limit: int
    left: int
    wait_seconds: int | None = Field(description="Until one more is allowed.")
    full_seconds: int | None = Field(description="Until all are allowed.")


class LimitsData(BaseModel):
    """All limits of the caller."""

    allowances: list[LimitData]


class ModelStatusData(BaseModel):
    """One model: its workers and its queue."""

    name: str
    label: str
    is_default: bool
    is_paused: bool = Field(
        description="An operator has paused it: what waits keeps its place."
    )
    workers: int = Field(description="Workers that are ready.")
    waiting: int | None = Field(description="Null while the queue is away.")
    expected_wait: WaitData | None = Field(
        description="Of a new message; null as long as nothing is known."
    )


class SiteStatusData(BaseModel):
    """All models on offer."""

    models: list[ModelStatusData]


class Problem(BaseModel):
    """An error, as RFC 9457 describes it."""

    title: str
    status: int
    code: str = Field(description="For programs; the documentation lists all codes.")
    detail: str = Field(description="What to do, in the language of the request.")
    parameter: str | None = Field(
        default=None, description="The name of the member or parameter that is wrong."
    )
