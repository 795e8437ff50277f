"""Export, import into a fresh account, export: the same but for ids."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from chat.models import Conversation, ConversationImport, Message, Reply, User
from chat.services.exports.archive import conversations_archive
from chat.services.exports.documents import conversation_document
from tests.chat.conversation_data import long_conversation

pytestmark = pytest.mark.django_db
ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def document(conversation: Conversation) -> Any:
    """The export, with each id replaced by the place where it comes first."""
    conversation.refresh_from_db()
    places: dict[str, str] = {}

    def place(match: re.Match[str]) -> str:
        return places.setdefault(match[0], f"id {len(places)}")

    return json.loads(ID.sub(place, "".join(conversation_document(conversation))))


@pytest.fixture
def rich(owner: User) -> Conversation:
    """A conversation with versions, a failed reply, feedback and settings."""
    made = long_conversation(owner, 6)
    made.instructions, made.settings = (
        "Be brief.\r\n",
        {"temperature": 0.5, "stop": ["x"]},
    )
    made.is_pinned, made.model, made.title = True, "gpt2", "Bees “and” wax 𝛑"
    made.save()
    first, _reply, *_, last = made.path()
    other = Message.objects.create(
        conversation=made,
        owner=owner,
        parent=first,
        role="assistant",
        text="Another\n\n\u2028 one",
    )
    Reply.objects.create(
        message=other,
        state="failed",
        model="other",
        seed=2**60,
        error="model_error",
        batch="11111111-1111-4111-8111-111111111111",
        origin="edited",
        prompt_tokens=3,
        settings={"temperature": 1.0, "max_new_tokens": 5},
        finished_at=timezone.now(),
        rating="down",
        rating_reason="No.",
    )
    Message.objects.filter(pk=last.pk).update(text="")
    Reply.objects.filter(message=last).update(state="stopped", worker="w", losses=2)
    return made


def test_a_conversation_comes_back_as_it_was(
    rich: Conversation, imported: Callable[..., ConversationImport]
) -> None:
    before = document(rich)
    fresh = User.objects.create_user("fresh", None)
    content = "".join(conversation_document(rich)).encode()
    done = imported(content, owner=fresh)
    assert (done.status, done.broken) == ("done", 0)
    made = Conversation.objects.get(owner=fresh)
    assert document(made) == before
    assert not Reply.objects.generated().filter(message__owner=fresh).exists()
    # The same file again, and the export of what came, bring nothing.
    again = "".join(conversation_document(made)).encode()
    for known in (content, again):
        imported(known, owner=fresh)
        assert Conversation.objects.get(owner=fresh) == made


def test_an_archive_comes_back_as_it_was(
    rich: Conversation, owner: User, imported: Callable[..., ConversationImport]
) -> None:
    long_conversation(owner, 3)
    fresh = User.objects.create_user("fresh", None)
    done = imported(b"".join(conversations_archive(owner.pk)), owner=fresh)
    assert (done.status, done.error) == ("done", "")
    mine, theirs = (
        [document(one) for one in Conversation.objects.filter(owner=who)]
        for who in (owner, fresh)
    )
    assert mine == theirs
    assert len(mine) == 2


def test_what_an_account_exported_is_not_imported_into_it(
    rich: Conversation, owner: User, imported: Callable[..., ConversationImport]
) -> None:
    imported("".join(conversation_document(rich)).encode())
    assert Conversation.objects.get(owner=owner) == rich


def test_a_reply_that_is_not_finished_comes_as_stopped(
    owner: User, imported: Callable[..., ConversationImport]
) -> None:
    made = long_conversation(owner, 2)
    Reply.objects.update(state="queued", finished_at=None)
    fresh = User.objects.create_user("fresh", None)
    imported("".join(conversation_document(made)).encode(), owner=fresh)
    reply = Reply.objects.get(message__owner=fresh)
    assert (reply.state, reply.origin) == ("stopped", "imported")
