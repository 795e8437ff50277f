"""Files that are wrong, or made to do harm: refused with a reason, or read in part."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import pytest
from pytest_django import Settings

from chat.models import Conversation, ConversationImport, User
from chat.services.imports.json_bytes import CHUNK_BYTES
from tests.chat.services.imports.sample_files import SAMPLES

pytestmark = pytest.mark.django_db
Import = Callable[..., ConversationImport]
PLAIN = json.loads((SAMPLES / "chatgpt/01-plain.json").read_text())[0]


def plain(**changes: Any) -> dict[str, Any]:
    return {**json.loads(json.dumps(PLAIN)), **changes}


def archive(**files: bytes) -> bytes:
    made = BytesIO()
    with ZipFile(made, "w", ZIP_DEFLATED) as writer:
        for name, content in files.items():
            writer.writestr(name, content)
    return made.getvalue()


def spoiled(change: Callable[[bytearray], None]) -> bytes:
    """An archive with a good file, changed."""
    made = bytearray(archive(**{"conversations.json": json.dumps([PLAIN]).encode()}))
    change(made)
    return bytes(made)


def encrypt(content: bytearray) -> None:
    """Say that the file is encrypted: in its own head, and in the table."""
    content[6] |= 1
    content[content.index(b"PK\1\2") + 8] |= 1


def change_sum(content: bytearray) -> None:
    content[content.index(b"PK\1\2") + 16] ^= 1


def cut_off(content: bytearray) -> None:
    del content[len(content) // 2 :]


def linked() -> bytes:
    """An archive whose file with conversations is a symbolic link."""
    made = BytesIO()
    with ZipFile(made, "w") as writer:
        link = ZipInfo("conversations.json")
        link.create_system, link.external_attr = 3, 0o120777 << 16
        writer.writestr(link, "/etc/passwd")
    return made.getvalue()


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (spoiled(encrypt), "encrypted_archive"),
        (spoiled(change_sum), "broken_archive"),
        (spoiled(cut_off), "broken_archive"),
        (linked(), "broken_json"),
        (b"[" + b"{}," * 30_000 + b"{}]", "too_many_conversations"),
        (b"[" * 100_000, "too_deep"),
        (b'{"a":' * 100_000, "too_deep"),
        (b"", "broken_json"),
        (b"hello", "not_json"),
        (b"# Bees\n\n## You\n\n[Hives](https://example.org)\n", "not_json"),
        ("\ufeff <!doctype html><p>Bees</p>".encode("utf-16"), "not_json"),
        ("\ufeff [1, 2".encode("utf-16"), "broken_json"),
        (b"[1, 2", "broken_json"),
        (b"PK\x03\x04 not an archive", "broken_archive"),
        (b'[{"mapping": {', "broken_json"),
        (b"[" + b"9" * 5000 + b"]", "unknown_format"),
        (b"[-" + b"9" * 5000 + b"]", "broken_json"),
        (b" " * (CHUNK_BYTES - 100) + b"[" + b"9" * 5000 + b"]", "broken_json"),
        (b'{"format": "chatsite-export", "version": 2}', "newer_version"),
        (b"[[[1]]]", "unknown_format"),
        (archive(**{"a.txt": b"[]"}), "no_conversations"),
        (archive(**{"conversations.json": b" " * 5_000_000}), "too_large_unpacked"),
    ],
)
def test_a_wrong_file_is_refused_with_its_reason(
    content: bytes, code: str, imported: Import
) -> None:
    done = imported(content or b" ")
    assert (done.status, done.error) == ("refused", code)
    assert not done.entries.exists()
    assert not done.pieces.exists()


def test_times_that_are_none_are_left_out(owner: User, imported: Import) -> None:
    text = json.dumps([plain(create_time=float("nan"), update_time=1e308, n=-1e999)])
    assert "NaN" in text
    assert "Infinity" in text
    assert imported(text.encode()).status == "done"
    made = Conversation.objects.get(owner=owner)
    assert made.created_at == datetime.fromtimestamp(1750000002, UTC)


def test_a_text_that_says_nan_stays(owner: User, imported: Import) -> None:
    text = 'NaN "Infinity" \\ -Infinity' + "x" * CHUNK_BYTES + "3" * 900 + "NaN\\"
    done = plain()
    done["mapping"]["u1"]["message"]["content"]["parts"] = [text]
    imported(json.dumps([done]).encode())
    first, _ = Conversation.objects.get(owner=owner).path()
    assert first.text == text


def test_circles_and_missing_parents_lose_no_text(
    owner: User, imported: Import
) -> None:
    made = plain()
    nodes = made["mapping"]
    nodes["root"]["parent"] = "a1"
    nodes["sys"]["parent"] = "sys"
    nodes["u1"]["parent"] = "nowhere"
    imported(json.dumps([made]).encode())
    path = Conversation.objects.get(owner=owner).path()
    assert [one.text for one in path] == ["What do bees make?", "Honey."]


def test_latin_letters_and_numbered_lines_are_read(
    owner: User, imported: Import
) -> None:
    lines = [json.dumps(plain(title="Süß", id=n), ensure_ascii=False) for n in (1, 2)]
    assert imported("\n".join(lines).encode("cp1252")).status == "done"
    titles = Conversation.objects.filter(owner=owner).values_list("title", flat=True)
    assert [*titles] == ["Süß"]  # both have the same conversation_id and messages


def test_names_in_an_archive_are_no_paths(owner: User, imported: Import) -> None:
    content = json.dumps([plain()]).encode()
    names = ("../../conversations.json", "/conversations-1.json", "a\\..\\x.json")
    assert imported(archive(**dict.fromkeys(names, content))).status == "done"
    assert Conversation.objects.filter(owner=owner).count() == 1


def test_limits_refuse_a_file_or_leave_one_conversation_out(
    imported: Import, settings: Settings
) -> None:
    two = json.dumps([plain(), plain(conversation_id="other")]).encode()
    settings.IMPORT_CONVERSATIONS_MAX = 1
    assert imported(two).error == "too_many_conversations"
    settings.IMPORT_CONVERSATIONS_MAX = 10
    settings.IMPORT_TEXT_MAX_BYTES = 1000
    assert (
        imported(json.dumps(["x" * 3 * CHUNK_BYTES]).encode()).error == "text_too_long"
    )
    settings.IMPORT_TEXT_MAX_BYTES = 10_000_000
    settings.IMPORT_CONVERSATION_MAX_BYTES = 65_536
    large = plain(extra=["x" * 100] * 1000)
    done = imported(json.dumps([large, plain()]).encode())
    assert (done.status, done.broken, done.entries.count()) == ("done", 1, 1)
    settings.IMPORT_READ_SECONDS_MAX = 0
    assert imported(two).error == "too_slow"


def test_a_file_at_which_keepers_die_is_given_up(
    owner: User, read: Import, settings: Settings
) -> None:
    from chat.services.imports.imports import begin_import
    from chat.services.imports.runner import ImportRunner

    made = begin_import(owner, "a", 2, [b"[]"])
    ConversationImport.objects.filter(pk=made.pk).update(tries=3)
    ImportRunner().run()
    made.refresh_from_db()
    assert made.error == "unreadable"


def test_a_conversation_at_which_keepers_die_is_given_up_and_the_others_come(
    owner: User, read: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A keeper that dies says nothing, and its claim runs out."""
    from django.utils import timezone

    from chat.services.imports import storing
    from chat.services.imports.imports import confirm_import
    from chat.services.imports.runner import ImportRunner

    class Killed(BaseException):
        pass

    stored, tried = storing._store, []

    def store(of_import: ConversationImport, entry: Any) -> Any:
        tried.append(entry.title)
        if entry.title in ("1", "3"):
            raise Killed
        return stored(of_import, entry)

    talks = [plain(conversation_id=str(n), title=str(n)) for n in range(5)]
    made = read(json.dumps(talks).encode())
    assert confirm_import(made)
    monkeypatch.setattr(storing, "_store", store)
    for _ in range(20):
        with suppress(Killed):
            ImportRunner().run()
        late = timezone.now() - timedelta(seconds=1)
        ConversationImport.objects.update(claimed_until=late)
    made.refresh_from_db()
    states = made.entries.values_list("state", flat=True)
    assert (made.status, *states) == ("done", *("done", "failed") * 2, "done")
    assert [tried.count(str(n)) for n in range(5)] == [1, 3, 1, 3, 1]


def test_a_keeper_that_ends_while_it_stores_stores_each_once(
    owner: User, read: Import
) -> None:
    from chat.services.imports.imports import confirm_import
    from chat.services.imports.storing import store_import

    talks = [plain(conversation_id=str(n), title=str(n)) for n in range(5)]
    made = read(json.dumps(talks).encode())
    assert confirm_import(made)
    assert not confirm_import(made)
    first = store_import(made)
    next(first)
    next(first)  # this keeper is killed, and another begins again
    for _ in store_import(made):
        pass
    made.refresh_from_db()
    assert made.status == "done"
    titles = Conversation.objects.filter(owner=owner).values_list("title", flat=True)
    assert sorted(titles) == ["0", "1", "2", "3", "4"]


def test_messages_of_one_id_both_come(owner: User, imported: Import) -> None:
    talk = {
        "uuid": "talk",
        "name": "Twice",
        "chat_messages": [
            {"uuid": "1", "sender": "human", "text": "What do bees make?"},
            {"uuid": "1", "sender": "human", "text": "What do bees make?"},
            {"uuid": "1", "sender": "assistant", "text": "Honey."},
        ],
    }
    imported(json.dumps([talk]).encode())
    made = Conversation.objects.get(owner=owner)
    texts = {one.text for one in made.messages.all()}
    assert {"What do bees make?", "Honey."} <= texts


def test_the_names_of_members_count_as_memory(
    imported: Import, settings: Settings
) -> None:
    settings.IMPORT_CONVERSATION_MAX_BYTES = 65_536
    large = plain(extra={f"{n}{'x' * 1000}": n for n in range(100)})
    done = imported(json.dumps([large, plain()]).encode())
    assert (done.status, done.broken, done.entries.count()) == ("done", 1, 1)


def test_a_long_text_is_read_in_steps(read: Import, monkeypatch: Any) -> None:
    """So that a sweep of the keeper ends in between."""
    from chat.services.imports import json_values
    from chat.services.imports.json_bytes import JsonBytes

    texts = json.dumps([plain(extra=["x" * 1_000_000] * 6)]).encode()
    chunks = [texts[at : at + CHUNK_BYTES] for at in range(0, len(texts), CHUNK_BYTES)]
    found = list(json_values.values_in(JsonBytes(iter(chunks), "utf-8"), dict))
    assert found.count(json_values.PAUSE) >= 3
