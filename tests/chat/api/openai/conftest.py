"""A key, and the calls of a client with it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from chat.accounts.api_keys import make_key
from chat.models import ApiKey, User
from chatsite.mailbox import Mailbox

ASK = [{"role": "user", "content": "What do bees make?"}]


class KeyClient:
    """A program with an API key and without cookies."""

    def __init__(self, secret: str) -> None:
        self.secret = secret
        self.client = Client()

    def post(self, path: str, body: Any, **headers: str) -> HttpResponse:
        raw = body if isinstance(body, bytes) else json.dumps(body)
        return self.client.post(
            f"/v1/{path}",
            raw,
            content_type="application/json",
            headers={"Authorization": f"Bearer {self.secret}", **headers},
        )

    def get(self, path: str) -> HttpResponse:
        headers = {"Authorization": f"Bearer {self.secret}"}
        return self.client.get(f"/v1/{path}", headers=headers)

    def chat(self, messages: Any = ASK, **fields: Any) -> HttpResponse:
        body = {"model": "scripted", "messages": messages, **fields}
        return self.post("chat/completions", body)

    def events(self, messages: Any = ASK, **fields: Any) -> Iterator[dict[str, Any]]:
        """The chunks of a stream, which has to end with [DONE]."""
        answer = self.chat(messages, stream=True, **fields)
        assert answer.status_code == 200, answer.content
        *events, done, rest = b"".join(answer.streaming_content).decode().split("\n\n")
        assert (done, rest) == ("data: [DONE]", "")
        return (json.loads(event.removeprefix("data: ")) for event in events)


@pytest.fixture
def account(db: None) -> User:
    return User.objects.create_user("writer", password=None)


@pytest.fixture
def key(account: User) -> tuple[ApiKey, str]:
    return make_key(account, "a program")


@pytest.fixture
def program(key: tuple[ApiKey, str], box: Mailbox) -> KeyClient:
    return KeyClient(key[1])


@pytest.fixture
def answered(
    meanwhile: Callable[[Callable[[], Any]], Any], worker: Any
) -> Callable[..., Any]:
    """A worker that answers as soon as a call waits."""

    def answer(text: str = "Honey.", **said: Any) -> Any:
        return meanwhile(lambda: worker.answer(text, **said))

    return answer
