from __future__ import annotations

import json
import tracemalloc
from typing import Any

import pytest
from django.test import Client
from jsonschema import Draft202012Validator, FormatChecker

from chat.api.export_data import ExportedConversation
from chat.models import Conversation, Message, User
from chat.services.exports.documents import conversation_document
from tests.chat.conftest import Worker
from tests.chat.conversation_data import long_conversation
from tests.processes import ROOT

pytestmark = pytest.mark.django_db
SCHEMA = ROOT / "docs" / "chatsite-export.schema.json"


def exported(conversation: Conversation) -> Any:
    conversation.refresh_from_db()
    return json.loads("".join(conversation_document(conversation)))


def test_a_document_has_all_versions_and_follows_its_schema(
    owner: User, sent: Any, worker: Worker
) -> None:
    from chat.services import reply_versions
    from chat.services.jobs.collect import collect

    reply = sent(owner, "What do bees make?")
    collect(worker.answer("Wax.").reply)
    reply.refresh_from_db()
    other = reply_versions.vary(reply)
    got = exported(reply.message.conversation)
    Draft202012Validator(
        json.loads(SCHEMA.read_text()), format_checker=FormatChecker()
    ).validate(got)
    prompt, first, second = got["messages"]
    assert (prompt["text"], first["text"]) == ("What do bees make?", "Wax.")
    assert first["parent"] == second["parent"] == prompt["id"]
    assert got["active"] == second["id"] == str(other.pk)
    assert first["reply"]["state"] == "done"
    assert first["reply"]["prompt_tokens"] == 5
    assert "reply" not in prompt


def test_the_committed_schema_is_the_one_that_is_served(client: Client) -> None:
    served = client.get("/api/v1/export.schema.json").json()
    assert served == json.loads(SCHEMA.read_text()), (
        "write docs/chatsite-export.schema.json again, from this address"
    )


def test_the_schema_describes_exactly_the_fields_of_a_document(owner: User) -> None:
    got = exported(long_conversation(owner, 2))
    assert {*ExportedConversation.model_fields} == {*got}
    of_reply = json.loads(SCHEMA.read_text())["$defs"]["ExportedReply"]["properties"]
    assert {*of_reply} == {*got["messages"][1]["reply"]}


def test_only_a_part_of_a_document_is_in_memory(owner: User) -> None:
    conversation = long_conversation(owner, 1000)
    Message.objects.update(text="x" * 10_000)
    tracemalloc.start()
    try:
        size = sum(map(len, conversation_document(conversation)))
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert size > 10_000_000
    assert most < size / 2


def test_messages_of_one_moment_come_once_each(owner: User) -> None:
    conversation = long_conversation(owner, 250)
    moment = conversation.created_at
    Message.objects.update(created_at=moment)
    ids = [one["id"] for one in exported(conversation)["messages"]]
    assert len(ids) == len({*ids}) == 250
