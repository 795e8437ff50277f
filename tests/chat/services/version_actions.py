"""Replies that end, and the texts of all versions, for several test files."""

from __future__ import annotations

from chat.models import Reply
from chat.services.jobs.collect import collect
from tests.chat.conftest import Worker


def collected(worker: Worker, reply: Reply, text: str, **said: object) -> Reply:
    worker.answer(text, **said)
    collect(str(reply.pk))
    return Reply.objects.with_path().get(pk=reply.pk)


def texts(reply: Reply) -> list[str]:
    conversation = reply.message.conversation
    conversation.refresh_from_db()
    return [message.text for message in conversation.path()]
