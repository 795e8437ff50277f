"""A value of a wrong kind, anywhere in a file: what can be read is read."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from chat.models import ConversationImport, User
from chat.services.imports.json_bytes import JsonBytes
from chat.services.imports.json_values import PAUSE, TOO_LARGE, values_in
from chat.services.imports.message_tree import tree_of
from chat.services.imports.packed_messages import packed, unpacked
from chat.services.imports.sources import conversation_of, shrink
from tests.chat.services.imports.sample_files import SAMPLES

DEEP: Any = []
for _ in range(200):
    DEEP = [DEEP]
ODD: tuple[Any, ...] = (
    *(None, True, -1, 10**20, 1e308, 0.5, "", "x\x00\ud800", "9" * 300),
    *([], {}, [[]], [None], {"": None}, {"id": {}, "role": []}, DEEP),
)
KINDS = (
    "chatgpt/02-branches.json",
    "chatgpt/06-images-and-voice.json",
    "other/claude-conversations.json",
    "open-webui/02-two-models.json",
    "open-webui/03-reasoning-and-files.json",
    "librechat/01-recursive.json",
    "librechat/03-content-parts.json",
    "chat-ui/01-conversations.json",
)
#: An export of this program, with every field that is read.
OWN: Any = {
    "format": "chatsite-export",
    "version": 1,
    "id": "1",
    "title": "Bees",
    "created_at": "2026-05-01T00:00:00Z",
    "updated_at": "2026-05-01T00:00:00Z",
    "pinned": False,
    "archived": True,
    "active": "m2",
    "preferences": {
        "model": "gpt2",
        "settings": {"temperature": 0.5, "stop": ["x"]},
        "instructions": "Be brief.",
    },
    "messages": [
        {"id": "m1", "parent": None, "role": "user", "text": "What do bees make?"},
        {
            "id": "m2",
            "parent": "m1",
            "role": "assistant",
            "text": "Honey.",
            "created_at": "2026-05-01T00:00:00Z",
            "reply": {
                "state": "done",
                "model": "gpt2",
                "seed": 1,
                "settings": {"temperature": 0.5},
                "batch": "11111111-1111-4111-8111-111111111111",
                "new_tokens": 3,
                "finished_at": "2026-05-01T00:00:00Z",
                "rating": "up",
                "rating_reason": "Yes.",
            },
        },
    ],
}


def places(value: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield place
    if isinstance(value, dict):
        for key, one in value.items():
            yield from places(one, (*place, key))
    elif isinstance(value, list):
        for number, one in enumerate(value):
            yield from places(one, (*place, number))


def replaced(value: Any, place: tuple[Any, ...], by: Any) -> Any:
    """A copy of the value in which what is at a place is another."""
    if not place:
        return by
    first, *rest = place
    if isinstance(value, dict):
        return {**value, first: replaced(value[first], tuple(rest), by)}
    return [
        replaced(one, tuple(rest), by) if number == first else one
        for number, one in enumerate(value)
    ]


def read(value: Any) -> int:
    """How many messages come of a file, read as the keeper does."""
    content = json.dumps(value).encode()
    count = 0
    for found in values_in(JsonBytes(iter([content]), "utf-8"), shrink):
        if found is PAUSE or found is TOO_LARGE:
            continue
        conversation = conversation_of(found)
        if conversation is not None:
            tree = tree_of(conversation)
            count += len([*unpacked(packed(tree, "x")[0])])
    return count


@pytest.mark.parametrize("name", [*KINDS, "own"])
def test_an_odd_value_anywhere_costs_at_most_what_it_is_in(name: str) -> None:
    value = OWN if name == "own" else json.loads((SAMPLES / name).read_text())
    assert read(value)
    other = read([value, OWN] if isinstance(value, dict) else [*value, OWN])
    for place in places(value):
        if place == ("version",):
            continue  # a version that is not known is refused
        for odd in ODD:
            changed = replaced(value, place, odd)
            told = [changed, OWN] if not isinstance(changed, list) else [*changed, OWN]
            assert 2 <= read(told) <= other + 2, (place, odd)


@pytest.mark.django_db
def test_fields_of_a_later_version_are_left_out(
    imported: Callable[..., ConversationImport], owner: User
) -> None:
    first = {**OWN["messages"][0], "mood": {"of": ["a", "bee"]}}
    later = {**OWN, "flavour": [1], "messages": [first, OWN["messages"][1]]}
    done = imported(json.dumps(later).encode())
    assert (done.status, done.broken, done.entries.count()) == ("done", 0, 1)
