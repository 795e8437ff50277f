"""What the tests of search do: say something and find it."""

from __future__ import annotations

from django.db import connection

from chat.models import Conversation, Message, User
from chat.services.search.results import search
from chatsite import wire

IS_SQLITE = connection.vendor == "sqlite"


def say(talk: Conversation, text: str, role: str = wire.Role.USER) -> Message:
    return Message.objects.create(
        conversation=talk, owner=talk.owner, role=role, text=text
    )


def found(owner: User, text: str, before: int | None = None) -> list[str]:
    """The texts found, without what stands for something left out."""
    hits = search(owner.pk, text, before).hits
    return ["".join(piece.text for piece in hit.snippet) for hit in hits]
