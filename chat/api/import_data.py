"""What the API tells of imports."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.http import HttpRequest
from pydantic import BaseModel, Field

from chat.api.schemas import NextPage
from chat.api.serializers import absolute_url
from chat.models import ConversationImport, EntryState, ImportEntry, ImportStatus
from chat.services.imports.summary import summary_of
from chat.wording.imports import refusal_text


class ImportProblem(BaseModel):
    """Why a file is not imported."""

    code: str
    message: str


class ImportData(BaseModel):
    """An import: how far it is, and what it brings."""

    id: UUID
    url: str
    conversations_url: str
    name: str
    status: ImportStatus = Field(
        description="reading, ready (until it is confirmed), importing, done (also "
        "after reading, if nothing in the file is new), refused."
    )
    size: int
    read: int = Field(description="How many bytes of the file are read.")
    conversations: dict[str, int] = Field(
        description="Their numbers by state: waiting, duplicate, done, failed."
    )
    messages: int = Field(description="Messages on the paths that are shown.")
    other_versions: int = Field(description="Messages in other versions, kept as well.")
    left_out: dict[str, int] = Field(
        description="What cannot come, by its kind: image, sound, file, tool, thought …"
    )
    broken: int = Field(description="Entries of the file that are no conversations.")
    error: ImportProblem | None
    created: datetime


class ImportList(BaseModel):
    """The imports of an account, newest first."""

    imports: list[ImportData]


class ImportedConversationData(BaseModel):
    """A conversation of a file."""

    title: str
    source: str
    source_id: str
    state: EntryState
    messages: int
    other_versions: int
    left_out: dict[str, int]
    conversation: UUID | None = Field(description="Its id here, once it is stored.")


class ImportedConversationPage(BaseModel):
    """Conversations of a file, in its order."""

    conversations: list[ImportedConversationData]
    next: NextPage


class DeletedImportData(BaseModel):
    """An import that was deleted."""

    id: UUID
    deleted: bool


def serialize_import(request: HttpRequest, of_import: ConversationImport) -> ImportData:
    """Return an import with its numbers."""
    url = absolute_url(request, "show_import", of_import.pk)
    summary = summary_of(of_import)
    code = of_import.error
    return ImportData(
        id=of_import.pk,
        url=url,
        conversations_url=f"{url}/conversations",
        name=of_import.name,
        status=ImportStatus(of_import.status),
        size=of_import.size_bytes,
        read=of_import.read_bytes,
        conversations={
            state.value: summary.states[state.value] for state in EntryState
        },
        messages=summary.messages,
        other_versions=summary.others,
        left_out=dict(summary.left_out),
        broken=of_import.broken,
        error=ImportProblem(code=code, message=refusal_text(code)) if code else None,
        created=of_import.created_at,
    )


def serialize_entry(entry: ImportEntry) -> ImportedConversationData:
    """Return a conversation of a file."""
    return ImportedConversationData(
        title=entry.title,
        source=entry.source,
        source_id=entry.source_id,
        state=EntryState(entry.state),
        messages=entry.shown,
        other_versions=entry.others,
        left_out=entry.left_out,
        conversation=entry.conversation_id,
    )
