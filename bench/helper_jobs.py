"""Work of low priority that a site does while people send messages."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from bench.site import RunningSite, shell

PATIENCE_SECONDS = 60
WORDS = ("sea", "bee", "rain", "river", "cat", "moon", "bread", "lamp", "stone", "wind")
#: Conversations whose first reply has just ended, which are to get titles.
WANT_TITLES = """
import uuid
from django.db import transaction
from chat.models import Conversation, Message, Reply, TitleJob, User
owner = User.objects.guest(uuid.uuid4())
with transaction.atomic():
    for number in range({count}):
        text = f"please tell me what number {{number}} is good for"
        talk = Conversation.objects.create(owner=owner, title=text)
        said = Message.objects.create(
            conversation=talk, owner=owner, role="user", text=text)
        reply = Message.objects.create(
            conversation=talk, owner=owner, parent=said, role="assistant", text="Much.")
        Reply.objects.create(message=reply, state="done", model="{model}", seed=1)
        talk.active_leaf = reply
        talk.save()
        TitleJob.objects.create(conversation=talk)
"""
TITLES_LEFT = """
from chat.models import TitleJob
print(TitleJob.objects.filter(asked_in=None).count())
"""
FORGET_TITLES = """
from chat.models import TitleJob
TitleJob.objects.all().delete()
"""


class Caller(Protocol):
    """Calls the API with a key."""

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Return the JSON of an answer."""

    def send_file(self, content: bytes) -> str:
        """Send the file of a batch; return its id."""


def batch_file(lines: int, model: str) -> bytes:
    """Return a file of calls of different lengths."""
    dice = random.Random(2)
    made = []
    for number in range(lines):
        words = " ".join(dice.choices(WORDS, k=dice.choice((5, 20, 80, 200))))
        body = {
            "model": model,
            "messages": [{"role": "user", "content": f"{number} {words}"}],
            "max_tokens": dice.choice((20, 60, 150)),
        }
        call = {"custom_id": str(number), "method": "POST", "body": body}
        made.append(json.dumps({**call, "url": "/v1/chat/completions"}))
    return "\n".join(made).encode()


@contextmanager
def running_batch(person: Caller, lines: int, model: str) -> Iterator[None]:
    """Run a batch within the block, and cancel it at the end."""
    asked = {
        "input_file_id": person.send_file(batch_file(lines, model)),
        "endpoint": "/v1/chat/completions",
        "completion_window": "24h",
    }
    path = f"/v1/batches/{person.call('POST', '/v1/batches', asked)['id']}"

    def completed() -> int:
        return int(person.call("GET", path)["request_counts"]["completed"])

    _wait(lambda: completed() > 0)
    yield
    if person.call("GET", path)["status"] != "in_progress":
        raise RuntimeError("the batch ended too early: send one of more lines")
    person.call("POST", f"{path}/cancel")
    _wait(lambda: person.call("GET", path)["status"] == "cancelled")


@contextmanager
def waiting_titles(site: RunningSite, count: int, model: str) -> Iterator[None]:
    """Let the model find titles within the block; those that are left are forgotten."""
    shell(site, WANT_TITLES.format(count=count, model=model))
    _wait(lambda: int(shell(site, TITLES_LEFT)) < count)
    yield
    if not int(shell(site, TITLES_LEFT)):
        raise RuntimeError("all titles were found too early: ask for more")
    shell(site, FORGET_TITLES)


def _wait(condition: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError(f"the site took longer than {seconds} s")
        time.sleep(0.1)
