"""A batch beside the guests: in the end every line has one result, with its text."""

from __future__ import annotations

import http.client
import json
import random
import sqlite3
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.chaos.guests import IsOver
from worker.engine.script import without_marks

ANSWER_SECONDS = 5
URL = "/v1/chat/completions"
BOUNDARY = "a-line-of-the-form"


@dataclass
class BatchAudit:
    """``bad`` ought to be empty, and ``pending`` 0."""

    lines: int = 0
    pending: int = 0
    bad: list[str] = field(default_factory=list)


class Batcher:
    """A program that sends one batch, again and again until it is accepted."""

    def __init__(
        self, site: str, lines: int, dice: random.Random, text_of: Callable[..., str]
    ) -> None:
        self.key = ""
        self._site = site
        self.texts = {f"line {n}": text_of(dice) for n in range(lines)}

    def start(self, is_over: IsOver) -> list[threading.Thread]:
        if not self.texts:
            return []
        thread = threading.Thread(target=self._send, args=[is_over], daemon=True)
        thread.start()
        return [thread]

    def _send(self, is_over: IsOver) -> None:
        """Where an answer is lost, the file or the batch is sent twice."""
        file = None
        while not is_over():
            try:
                file = file or self._post("files", *_form(self._content()))["id"]
                asked = {"input_file_id": file, "endpoint": URL}
                asked["completion_window"] = "24h"
                self._post("batches", json.dumps(asked).encode(), "application/json")
            except (OSError, http.client.HTTPException, ValueError):
                time.sleep(0.5)
            else:
                return

    def _content(self) -> bytes:
        lines = (
            {
                "custom_id": name,
                "method": "POST",
                "url": URL,
                "body": {
                    "model": "scripted",
                    "messages": [{"role": "user", "content": text}],
                },
            }
            for name, text in self.texts.items()
        )
        return b"".join(json.dumps(line).encode() + b"\n" for line in lines)

    def _post(self, path: str, body: bytes, kind: str) -> dict[str, Any]:
        headers = {"Content-Type": kind, "Authorization": f"Bearer {self.key}"}
        request = urllib.request.Request(f"{self._site}/v1/{path}", body, headers)
        with urllib.request.urlopen(request, timeout=ANSWER_SECONDS) as answer:
            return dict(json.load(answer))


def _form(content: bytes) -> tuple[bytes, str]:
    """A form with the file, and its type."""
    head = f"--{BOUNDARY}\r\nContent-Disposition: form-data; name="
    parts = (
        f'{head}"purpose"\r\n\r\nbatch\r\n'.encode(),
        f'{head}"file"; filename="calls.jsonl"\r\n\r\n'.encode(),
        content,
        f"\r\n--{BOUNDARY}--\r\n".encode(),
    )
    return b"".join(parts), f"multipart/form-data; boundary={BOUNDARY}"


def examine_batches(database: Path, batcher: Batcher, expected: Any) -> BatchAudit:
    """Every line of each batch has one result and one conversation, and its text."""
    audit = BatchAudit()
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as link:
        batches = link.execute(
            "SELECT id, status, total, completed, failed FROM chat_batch"
        ).fetchall()
        lines = link.execute(
            "SELECT batch_id, custom_id, state, result FROM chat_batchline"
        ).fetchall()
    audit.lines = len(lines)
    if batcher.texts and not batches:
        audit.pending += 1
    for pk, status, total, completed, failed in batches:
        of_batch = [line for line in lines if line[0] == pk]
        audit.pending += status != "completed"
        audit.pending += sum(line[2] in ("waiting", "sent") for line in of_batch)
        if status == "completed":
            names = Counter(line[1] for line in of_batch)
            if names != Counter(dict.fromkeys(batcher.texts, 1)):
                audit.bad.append(f"{pk}: other lines than those that were sent")
            if (total, completed, failed) != (len(batcher.texts),) * 2 + (0,):
                audit.bad.append(f"{pk}: counts {total} {completed} {failed}")
    for _, name, state, result in lines:
        if state == "done":
            said = json.loads(result)["response"]["body"]["choices"][0]["message"]
            if without_marks(said["content"]) != expected(batcher.texts[name]):
                audit.bad.append(f"{name}: {said['content'][-80:]!r}")
        elif state == "failed":
            audit.bad.append(f"{name}: {result[-200:]}")
    return audit
