"""What an account has made by pages and calls goes to another one, and is the same."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from typing import Any
from zipfile import ZipFile

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from chat.models import Reply, SharedLink, User
from chat.services.imports.runner import ImportRunner
from chat.services.jobs.collect import collect
from chatsite import wire
from chatsite.mailbox import Mailbox
from tests.chat.conftest import Worker

pytestmark = pytest.mark.django_db(transaction=True)
ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
FILE = "notes.py\n```\nprint('“bees”')\n```\n\nWhat is this?"


class Account:
    """A person with a browser, and a worker who answers."""

    def __init__(self, tab: Client, worker: Worker) -> None:
        self.tab = tab
        self._worker = worker

    def call(self, path: str, method: str = "post", **body: object) -> Any:
        act = getattr(self.tab, method)
        answer = act(f"/api/v1/{path}", body, content_type="application/json")
        assert answer.status_code < 300, answer.content
        return answer.json()

    def answered(self, text: str, **said: Any) -> None:
        claim = self._worker.answer(text, **said)
        collect(claim.reply)

    def ask(self, text: str, reply: str, talk: str = "", **said: Any) -> Any:
        """Send a message, and have it answered; the reply as the API tells it."""
        body = {"text": text} | ({"conversation": talk} if talk else {})
        pk = self.call("messages", **body)["id"]
        self.answered(reply, **said)
        return self.call(f"replies/{pk}", "get")

    def export(self) -> list[Any]:
        """All conversations, each with its ids replaced by where they come first."""
        answer = self.tab.get("/api/v1/export")
        content = b"".join(answer.streaming_content)  # type: ignore[attr-defined]
        with ZipFile(io.BytesIO(content)) as archive:
            lines = archive.read("conversations.jsonl").decode().split("\n")[:-1]
        self.content = content
        return [self._without_ids(line) for line in lines]

    def take(self, content: bytes) -> None:
        """Import an export."""
        file = {"file": SimpleUploadedFile("export.zip", content)}
        made = self.tab.post("/api/v1/imports", file).json()
        runner = ImportRunner()
        for _ in range(20):
            runner.run()
        self.call(f"imports/{made['id']}/confirm")
        for _ in range(20):
            runner.run()
        assert self.call(f"imports/{made['id']}", "get")["status"] == "done"

    @staticmethod
    def _without_ids(line: str) -> Any:
        places: dict[str, str] = {}
        return json.loads(
            ID.sub(lambda one: places.setdefault(one[0], f"id {len(places)}"), line)
        )


@pytest.fixture
def accounts(
    box: Mailbox, worker: Worker, client_of: Callable[[User], Client]
) -> list[Account]:
    people = [User.objects.create_user(name, None) for name in ("bee", "wasp")]
    return [Account(client_of(one), worker) for one in people]


def fill(bee: Account) -> None:
    """Everything that the program can make of a conversation."""
    first = bee.ask("What do bees make?", "Honey.\n\n**And** wax 𝛑\u2028.")
    talk = str(Reply.objects.get(pk=first["id"]).message.conversation_id)
    bee.call(f"replies/{first['id']}/versions", count=2)
    for text in ("Another", "A third"):
        bee.answered(text)
    edited = bee.call(f"replies/{first['id']}/rewrite", text="My own words.")
    bee.call(f"replies/{first['id']}/feedback", "put", rating="down", reason="No.")
    bee.call(f"replies/{edited['id']}/feedback", "put", rating="up")
    second = bee.ask(FILE, "A program", talk, new_tokens=2)
    bee.ask("Stop", "Half a", talk, outcome=wire.Outcome.STOPPED)
    bee.call(f"messages/{second['id']}/choose")
    bee.call(f"conversations/{talk}/rename", title="Bees “and” wax 𝛑")
    bee.call(f"conversations/{talk}/pin")
    asked = Reply.objects.get(pk=second["id"]).message.parent_id
    bee.call(f"messages/{asked}/versions", text="And what is that?")
    bee.answered("It is that.")
    fork = bee.call(f"messages/{second['id']}/fork")
    bee.ask("On my own", "way", fork["id"])
    bee.call(f"conversations/{fork['id']}/archive")
    bee.call(f"conversations/{talk}/share")
    deleted = bee.ask("A turn to delete", "gone", talk)
    bee.call(f"messages/{deleted['id']}/delete")


def test_an_account_of_the_real_program_comes_into_another_one_as_it_was(
    accounts: list[Account],
) -> None:
    bee, wasp = accounts
    fill(bee)
    before = bee.export()
    assert len(before) == 2
    wasp.take(bee.content)
    assert wasp.export() == before
    states = {one["reply"]["state"] for one in before[0]["messages"] if "reply" in one}
    assert states == {"done", "stopped"}
    own = User.objects.get(username="wasp")
    assert not SharedLink.objects.filter(owner=own).exists()
    assert not Reply.objects.generated().filter(message__owner=own).exists()
    wasp.take(bee.content)
    assert wasp.export() == before
