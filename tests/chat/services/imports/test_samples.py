"""Every sample gives what is expected of it, on each database."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from chat.models import Conversation, ConversationImport, EntryState, ImportStatus, User
from tests.chat.services.imports.sample_files import SAMPLES

pytestmark = pytest.mark.django_db
EXPECTED = json.loads((SAMPLES / "expected.json").read_text())
#: What the samples leave to us: read as well, instead of refused.
EXPECTED["other/claude-conversations.json"] = EXPECTED["chatgpt/01-plain.json"]
#: Roles that repeat are joined, and an opening hangs under an empty prompt.
EXPECTED["chatgpt/23-uneven-turns.json"]["conversations"][0]["turns"] = [
    ["user", ""],
    ["assistant", "Hello, how can I help?"],
    ["user", "What do bees make?\n\nI mean honey bees."],
    ["assistant", "Honey.\n\nAnd wax."],
]


def outcome_of(done: ConversationImport) -> str:
    if done.status == ImportStatus.REFUSED:
        return "refused"
    return "partly" if done.broken else "imported"


def turns_of(conversation: Conversation) -> list[list[str]]:
    def shown(text: str) -> str:
        return text if len(text) < 2000 else f"{len(text)} characters"

    return [[one.role, shown(one.text)] for one in conversation.path()]


@pytest.mark.parametrize("name", EXPECTED)
def test_a_sample_gives_what_is_expected(
    name: str, owner: User, imported: Callable[..., ConversationImport]
) -> None:
    expected: dict[str, Any] = EXPECTED[name]
    done = imported((SAMPLES / name).read_bytes())
    assert outcome_of(done) == expected["outcome"], done.error
    assert (done.error == "") == (expected["outcome"] != "refused")
    entries = list(done.entries.filter(state=EntryState.DONE))
    assert len(entries) == len(expected["conversations"])
    assert Conversation.objects.filter(owner=owner).count() == len(entries)
    for entry, wanted in zip(entries, expected["conversations"], strict=True):
        assert entry.conversation is not None
        assert entry.conversation.title == wanted["title"]
        turns = turns_of(entry.conversation)
        if isinstance(wanted["turns"], int):
            assert len(turns) == wanted["turns"]
        else:
            assert turns == wanted["turns"]
    others = sum(e.others + sum(e.left_out.values()) for e in entries)
    # What a file says of pictures, sound and reasoning is counted, too.
    assert others >= expected["others"]


def test_every_sample_is_expected() -> None:
    files = {
        str(path.relative_to(SAMPLES)) for path in SAMPLES.glob("*/*") if path.is_file()
    }
    assert files == {*EXPECTED}
