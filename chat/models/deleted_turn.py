"""A turn that was deleted from a conversation, until it is removed for good."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from django.core import serializers
from django.db import models

from chat.models.message import Message
from chat.models.reply import Reply


class DeletedTurn(models.Model):
    """A message with all its versions and the replies to them.

    Its rows are gone from their tables, so that nothing finds them, and are kept here
    as text. Lists and maps of ids contain texts.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    conversation = models.ForeignKey(
        "chat.Conversation", on_delete=models.CASCADE, related_name="deleted_turns"
    )
    #: The message or reply by which it was deleted.
    message = models.UUIDField(db_index=True)
    #: The message before it, which may be part of another deleted turn; None for none.
    parent = models.UUIDField(null=True)
    #: The last message of the path, if it was one of these.
    leaf = models.UUIDField(null=True)
    #: The versions of what was asked.
    asked = models.JSONField()
    #: The replies to all of them.
    replies = models.JSONField()
    #: Which of its replies each message after it followed.
    followers = models.JSONField()
    rows = models.TextField()
    deleted_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = (models.Index(fields=("deleted_at",), name="turn_deleted"),)

    def __str__(self) -> str:
        return f"turn {self.pk}"

    def keep(self, rows: Iterable[Message | Reply]) -> None:
        """Keep the rows of messages and replies, each message before its reply."""
        plain = serializers.serialize("python", rows)
        self.rows = json.dumps(plain, default=_text)

    def kept(self) -> Iterator[Any]:
        """The rows that are kept, unsaved, as Django deserialises them."""
        plain = json.loads(self.rows)
        # A field may have gone with an upgrade.
        yield from serializers.deserialize("python", plain, ignorenonexistent=True)

    def texts(self) -> list[dict[str, str]]:
        """What its messages say, for the download of an account."""
        return [
            {
                "id": row["pk"],
                "role": row["fields"]["role"],
                "text": row["fields"]["text"],
            }
            for row in json.loads(self.rows)
            if row["model"] == "chat.message"
        ]


def _text(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
