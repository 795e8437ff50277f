from __future__ import annotations

import json
import tracemalloc
from collections.abc import Iterable
from io import BytesIO
from zipfile import ZipFile

import pytest
from django.utils import timezone

from chat.models import Conversation, Message, User
from chat.services.exports.archive import conversations_archive
from tests.chat.conversation_data import long_conversation, make_conversations

pytestmark = pytest.mark.django_db


def unpacked(pieces: Iterable[bytes]) -> ZipFile:
    archive = ZipFile(BytesIO(b"".join(pieces)))
    assert archive.testzip() is None
    return archive


def test_an_archive_has_every_conversation_as_a_line_and_as_markdown(
    owner: User,
) -> None:
    kept = long_conversation(owner, 4)
    same, gone = make_conversations(owner, 2)
    Conversation.objects.filter(pk=same.pk).update(title=kept.title)
    Conversation.objects.filter(pk=gone.pk).update(deleted_at=timezone.now())
    Conversation.objects.create(owner=owner, title="Of a call", is_hidden=True)
    long_conversation(User.objects.create_user("another", None), 2)
    archive = unpacked(conversations_archive(owner.pk))
    lines = archive.read("conversations.jsonl").splitlines()
    documents = [json.loads(line) for line in lines]
    assert {one["id"] for one in documents} == {str(kept.pk), str(same.pk)}
    first, *texts = archive.namelist()
    assert first == "conversations.jsonl"
    assert all(name.startswith("markdown/4-messages-") for name in texts)
    assert len({*texts}) == 2
    assert (
        "prompt 2"
        in archive.read(f"markdown/4-messages-{kept.pk.hex[:12]}.md").decode()
    )


def test_titles_name_no_folder(owner: User) -> None:
    for title in ("../../etc/passwd", "C:\\x\\..", "…", "Über Bienen", "a/b\0c" * 40):
        Conversation.objects.create(owner=owner, title=title[:200].replace("\0", ""))
    for name in unpacked(conversations_archive(owner.pk)).namelist()[1:]:
        assert name.count("/") == 1
        assert ".." not in name
        assert "\\" not in name


def test_an_archive_of_no_conversations_is_valid(owner: User) -> None:
    archive = unpacked(conversations_archive(owner.pk))
    assert archive.read("conversations.jsonl") == b""


def test_only_a_part_of_an_archive_is_in_memory(owner: User) -> None:
    long_conversation(owner, 1000)
    make_conversations(owner, 300)
    Message.objects.update(text="x" * 10_000)
    tracemalloc.start()
    try:
        for _piece in conversations_archive(owner.pk):
            pass
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 6_000_000
