"""A keeper is killed in the middle of an import, and the next one goes on with it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client

from chat.models import Conversation, ConversationImport, ImportStatus, Message, User
from chat.services.imports.imports import begin_import, confirm_import
from chat.services.search.results import search
from chatsite.mailbox import Mailbox
from tests.chaos import crash_points
from tests.chaos.test_crash_points import database_url
from tests.environment import FOLDER
from tests.processes import PATIENCE

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(600)]
#: The conversations of the file, by how many messages each has.
LENGTHS = (2, 250, 4, 2)
#: Where the keeper dies for the first time, and after how many writes there.
POINTS = [("reading", 1), ("storing_a_part", 2), ("showing", 1), ("showing", 3)]


def content() -> bytes:
    """Conversations of ChatGPT: their messages count on."""

    def conversation(number: int, length: int) -> dict[str, Any]:
        nodes, parent = {}, None
        for place in range(length):
            said = {
                "author": {"role": "assistant" if place % 2 else "user"},
                "content": {"content_type": "text", "parts": [f"bees {place}"]},
            }
            name = f"{number}-{place}"
            nodes[name] = {"id": name, "parent": parent, "message": said}
            parent = name
        return {"conversation_id": str(number), "title": str(number), "mapping": nodes}

    return json.dumps([conversation(*one) for one in enumerate(LENGTHS)]).encode()


class Keepers:
    """One process at a time, which is killed or dies."""

    def __init__(self) -> None:
        self._log = FOLDER / "keeper-of-imports.log"
        self.process: crash_points.BaseProcess | None = None

    def start(self, point: str = "none", calls: int = 0) -> None:
        self.process = crash_points.start(
            crash_points.import_and_die, self._log, point, calls
        )

    def wait_for_death(self) -> None:
        assert self.process is not None
        self.process.join(60 * PATIENCE)
        assert self.process.exitcode == -9, self._log.read_text()[-3000:]

    def kill(self) -> None:
        if self.process is not None and self.process.is_alive():
            self.process.kill()
            self.process.join()

    def wait_for(self, of_import: ConversationImport, status: ImportStatus) -> None:
        end = time.monotonic() + 60 * PATIENCE
        while of_import.status != status:
            assert time.monotonic() < end, self._log.read_text()[-3000:]
            time.sleep(0.05)
            of_import.refresh_from_db()


@pytest.fixture
def keepers(
    box: Mailbox, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> Iterator[Keepers]:
    monkeypatch.setenv("DATABASE_URL", database_url())
    # As long a keeper that died keeps the next one from its import.
    monkeypatch.setenv("LEASE_SECONDS", "1")
    monkeypatch.setenv("SWEEP_SECONDS", "0.1")
    started = Keepers()
    yield started
    started.kill()


@pytest.mark.parametrize(("point", "calls"), POINTS)
def test_the_next_keeper_ends_what_a_killed_one_began(
    point: str, calls: int, keepers: Keepers, client_of: Callable[[User], Client]
) -> None:
    owner = User.objects.create_user("bee", None)
    sent = content()
    made = begin_import(owner, "conversations.json", len(sent), [sent])
    tab = client_of(owner)
    if point == "reading":
        keepers.start(point, calls)
        keepers.wait_for_death()
        assert "is being read" in tab.get(f"/imports/{made.pk}/").content.decode()
        assert not Conversation.objects.exists()
    keepers.start()
    keepers.wait_for(made, ImportStatus.READY)
    assert made.entries.count() == len(LENGTHS)
    keepers.kill()
    assert confirm_import(made)
    if point != "reading":
        keepers.start(point, calls)
        keepers.wait_for_death()
        page = tab.get(f"/imports/{made.pk}/").content.decode()
        assert "is being imported" in page
        assert f'max="{len(LENGTHS)}"' in page
        # What is to be seen is whole, and the rest not there.
        shown = Conversation.objects.listed()
        assert shown.count() == made.entries.filter(state="done").count()
        for one in shown:
            assert len(one.path()) == LENGTHS[int(one.title)]
        assert len(search(owner.pk, "249").hits) == shown.filter(title="1").count()
    keepers.start()
    keepers.wait_for(made, ImportStatus.DONE)
    found = Conversation.objects.listed()
    lengths = {int(one.title): len(one.path()) for one in found}
    assert lengths == dict(enumerate(LENGTHS))
    assert found.count() == len(LENGTHS)
    shown_messages = Message.objects.filter(conversation__in=found)
    assert shown_messages.count() == sum(LENGTHS)
