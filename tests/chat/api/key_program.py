"""A program that calls the native API with a key."""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpResponse
from django.test import Client

from chat.accounts import api_keys
from chat.models import User


class Program:
    """Calls with a key and without cookies."""

    def __init__(self, owner: User, **fields: Any) -> None:
        self.key, self.secret = api_keys.make_key(owner, "A bot", **fields)
        self.client = Client(enforce_csrf_checks=True)

    def get(self, path: str) -> HttpResponse:
        return self.client.get(path, headers=self._head)

    def post(self, path: str, body: Any = None) -> HttpResponse:
        said = {"content_type": "application/json", "headers": self._head}
        return self.client.post(path, json.dumps(body or {}), **said)

    def send(self, text: str = "What do bees make?", **more: Any) -> HttpResponse:
        return self.post("/api/v1/messages", {"text": text, **more})

    @property
    def _head(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.secret}"}


def path_of(answer: HttpResponse) -> str:
    return str(answer.json()["url"]).removeprefix("http://testserver")
