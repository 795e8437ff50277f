"""A program that sends batches, and the keeper and the worker that answer them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client

from chat.api.openai.batches.reader import FileReader
from chat.api.openai.batches.runner import run_batches
from chat.keeper import Keeper
from chatsite import wire
from chatsite.mailbox import Mailbox
from tests.chat.conftest import Worker

CHAT = "/v1/chat/completions"


def line(name: str, text: str = "What do bees make?", **body: Any) -> dict[str, Any]:
    said = {"model": "scripted", "messages": [{"role": "user", "content": text}]}
    return {
        "custom_id": name,
        "method": "POST",
        "url": CHAT,
        "body": {**said, **body},
    }


def in_lines(lines: Sequence[Any]) -> bytes:
    """The file; what is bytes already stays as it is."""
    raw = [one if isinstance(one, bytes) else json.dumps(one).encode() for one in lines]
    return b"\n".join(raw) + b"\n"


class BatchProgram:
    """A program with a key that may run batches."""

    def __init__(self, secret: str) -> None:
        self._headers = {"Authorization": f"Bearer {secret}"}
        self._client = Client()

    def ask(
        self, method: str, path: str, body: Any = None, once: str | None = None
    ) -> HttpResponse:
        call: Callable[..., HttpResponse] = getattr(self._client, method.lower())
        sent = () if body is None else (json.dumps(body),)
        more = {} if body is None else {"content_type": "application/json"}
        return call(f"/v1/{path}", *sent, **more, headers=self._with(once))

    def _with(self, once: str | None) -> dict[str, str]:
        return self._headers | ({} if once is None else {"Idempotency-Key": once})

    def upload(self, content: bytes, **fields: str) -> HttpResponse:
        file = SimpleUploadedFile("calls.jsonl", content)
        return self.send({"purpose": "batch", "file": file, **fields})

    def send(self, form: dict[str, Any], once: str | None = None) -> HttpResponse:
        return self._client.post("/v1/files", form, headers=self._with(once))

    def send_raw(self, body: bytes, content_type: str) -> HttpResponse:
        headers = self._headers
        post = self._client.generic
        return post("POST", "/v1/files", body, content_type, headers=headers)

    def begin(self, content: bytes, **fields: Any) -> HttpResponse:
        sent = {
            "input_file_id": self.upload(content).json()["id"],
            "endpoint": CHAT,
            "completion_window": "24h",
        }
        return self.ask("POST", "batches", {**sent, **fields})

    def batch(self, content: bytes, **fields: Any) -> str:
        """The id of a batch of these lines, which the keeper has read."""
        answer = self.begin(content, **fields)
        assert answer.status_code == 200, answer.content
        pk, reader = str(answer.json()["id"]), FileReader()
        run_batches(reader)
        while self.state(pk)["status"] == "validating":
            run_batches(reader)
        return pk

    def state(self, batch: str) -> dict[str, Any]:
        found: dict[str, Any] = self.ask("GET", f"batches/{batch}").json()
        return found

    def results(self, batch: str, name: str = "output") -> list[dict[str, Any]]:
        """The lines of an output of a batch; none without one."""
        file = self.state(batch)[f"{name}_file_id"]
        if file is None:
            return []
        answer = self.ask("GET", f"files/{file}/content")
        content = b"".join(answer.streaming_content)
        assert self.ask("GET", f"files/{file}").json()["bytes"] == len(content)
        return [json.loads(one) for one in content.splitlines()]


class Site:
    """The keeper, and a worker that answers what waits."""

    def __init__(self, box: Mailbox) -> None:
        self._box = box
        self._worker = Worker(box)
        self.keeper = Keeper(more=run_batches)

    def waiting(self) -> int:
        return self._box.waiting("scripted")

    def answer_all(
        self, text: str = "Honey.", outcome: wire.Outcome = wire.Outcome.DONE
    ) -> int:
        """Answer all that waits, and sweep; how many were answered."""
        answered = 0
        while self.waiting():
            self._worker.finish(self._worker.claim(), text, outcome)
            answered += 1
        self.keeper.sweep()
        return answered
