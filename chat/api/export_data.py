"""The format ``chatsite-export`` as its schema describes it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from chatsite import wire


class ExportedPreferences(BaseModel):
    """Settings that were chosen for a conversation; empty ones follow the owner's."""

    model: str
    settings: dict[str, Any] = Field(description="Only what was chosen.")
    instructions: str = Field(description="The system prompt.")


class ExportedReply(BaseModel):
    """How a reply came about."""

    state: wire.State
    model: str
    revision: str
    precision: str
    settings: dict[str, Any]
    seed: int
    instructions: str
    prompt_tokens: int | None
    new_tokens: int | None
    dropped_turns: int = Field(description="Older messages that the model did not get.")
    cut_tokens: int
    is_length_limited: bool
    continued_characters: int = Field(
        description="Length of the prefix copied from the reply that this continues."
    )
    batch: UUID | None = Field(description="Shared by replies requested together.")
    queued_at: datetime | None
    started_at: datetime | None
    first_text_at: datetime | None
    finished_at: datetime | None
    worker: str
    error: str = Field(description="Why it failed; empty otherwise.")
    losses: int = Field(description="How many workers were lost while writing it.")
    rating: str = Field(description="``up``, ``down``, or empty.")
    rating_reason: str
    is_edited: bool = Field(description="Whether a person changed the text.")


class ExportedMessage(BaseModel):
    """A message of a user, or a reply."""

    id: UUID
    parent: UUID | None = Field(
        description="The message before it, which comes earlier in the list; null for "
        "a first one. Messages with the same parent are versions of each other."
    )
    role: wire.Role
    text: str
    created_at: datetime
    reply: ExportedReply | None = Field(
        default=None, description="Missing for a message of a user."
    )


class ExportedConversation(BaseModel):
    """A conversation with all versions of its messages, oldest first."""

    format: Literal["chatsite-export"]
    version: Literal[1]
    id: UUID
    title: str
    created_at: datetime
    updated_at: datetime
    pinned: bool
    archived: bool
    active: UUID | None = Field(
        description="The last message of the path that the page shows."
    )
    preferences: ExportedPreferences
    messages: list[ExportedMessage]
