"""Who can push to the queue can ring a bell, and nothing more."""

from __future__ import annotations

import base64
import json
import zlib
from pathlib import Path
from typing import Any

import pytest

from chat.models import User
from chatsite.celery import app
from tests.integration.conftest import ask
from tests.integration.forked_program import ForkedProgram, forked_worker
from tests.valkey import Valkey
from worker.engine.script import expected_reply

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(120)]
QUEUE = "generate.scripted"
ID = "00000000-0000-0000-0000-0000000000{:02d}.1"
CALL = {"task": "evil", "args": [], "kwargs": {}, "options": {"queue": "evil"}}


def bomb() -> bytes:
    """Unpacked it would be a thousand times as much."""
    return zlib.compress(b"[" + b" " * 200_000_000 + b"]", 9)


def forged(
    number: int,
    body: Any = ((), {}, {}),
    content: str = "application/json",
    properties: dict[str, Any] | None = None,
    **headers: Any,
) -> bytes:
    """A message for Celery, whole but for what it asks for."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return json.dumps(
        {
            "body": base64.b64encode(raw).decode(),
            "content-encoding": "utf-8",
            "content-type": content,
            "headers": {
                "task": "chatsite.generate",
                "id": ID.format(number),
                "lang": "py",
                **headers,
            },
            "properties": {
                "correlation_id": "x",
                "reply_to": "evil",
                "delivery_info": {"exchange": "evil", "routing_key": "evil"},
                "body_encoding": "base64",
                "delivery_tag": f"forged-{number}",
                **(properties or {}),
            },
        }
    ).encode()


def messages(marker: Path) -> list[bytes]:
    pickled = f"cposix\nsystem\n(S'touch {marker}'\ntR.".encode()
    embedded = (
        {"callbacks": [CALL]},
        {"errbacks": [CALL]},
        {"chain": [CALL]},
        {"chord": CALL},
    )
    kinds = (
        "application/x-python-serialize",
        "application/x-yaml",
        "application/x-msgpack",
        "application/data",
    )
    return [
        *(forged(n, [[], {}, said]) for n, said in enumerate(embedded)),
        *(forged(10 + n, pickled, kind) for n, kind in enumerate(kinds)),
        forged(20, [[f"touch {marker}"], {}, {}], task="os.system"),
        forged(21, task="celery.chord_unlock"),
        forged(22, [[CALL], {}, {}], task="celery.map"),
        forged(23, [["an argument"], {"text": "another"}, {}]),
        forged(24, eta="2099-01-01T00:00:00+00:00"),
        forged(25, expires="1999-01-01T00:00:00+00:00"),
        forged(26, timelimit=[0.001, 0.001], retries=10**9, shadow="x" * 1000),
        forged(27, bomb(), compression="application/x-gzip"),
        forged(28, group="g", root_id=["x"], stamps={"a": 1}, stamped_headers=["a"]),
        forged(29, replaced_task_nesting="x", ignore_result=False),
        forged(30, properties={"delivery_tag": ["x"]}),
        forged(31, properties={"delivery_info": None, "body_encoding": "none"}),
        forged(32, id={"a": "dict"}),
        forged(33, id="x" * 1_000_000),
        forged(34, ["x" * 20_000_000]),
        b'{"headers": {"task": "chatsite.generate"}}',
        b'{"method": "shutdown", "arguments": {}, "destination": null}',
        b"[" * 100_000,
        b"\x80\x04\x95",
        b"",
    ]


def test_whatever_is_pushed_to_the_queue_rings_or_is_dropped(
    owner: User, valkey: Valkey, settled, ready, until, lease: str, tmp_path: Path
) -> None:
    marker = tmp_path / "it-ran"
    plainly = ("celery", "-A", "chatsite", "worker", "--loglevel", "debug")
    with ForkedProgram(*plainly, LEASE_SECONDS=lease, WORKER_SLOTS="2") as worker:
        ready()
        for raw in messages(marker):
            valkey.client.lpush(f"chat:{QUEUE}", raw)
        app.control.broadcast("shutdown")
        app.control.broadcast("pool_restart", arguments={"reload": True})
        app.control.rate_limit("chatsite.generate", "1/h")
        app.control.cancel_consumer(QUEUE)
        until(lambda: not valkey.client.llen(f"chat:{QUEUE}"))
        rows = settled(*(ask(owner, f"question {n}") for n in range(4)))
        assert [row.state for row in rows] == ["done"] * 4
        assert [row.message.text for row in rows] == [
            expected_reply(f"question {n}") for n in range(4)
        ]
        assert worker.is_alive
        assert "Connection to broker lost" not in worker.log
    assert not marker.exists()
    assert not [key for key in valkey.client.keys("*") if "evil" in key]


def test_a_worker_answers_no_command_and_listens_to_no_other_worker(
    owner: User, valkey: Valkey, settled, ready, lease: str
) -> None:
    with forked_worker(LEASE_SECONDS=lease) as worker:
        ready()
        assert app.control.ping(timeout=1) == []
        assert valkey.client.pubsub_channels("*pidbox*") == []
        assert valkey.client.pubsub_numpat() == 0
        [row] = settled(ask(owner, "still there?"))
        assert row.state == "done" and worker.is_alive


def test_a_bell_tells_nothing_of_a_prompt(owner: User, valkey: Valkey) -> None:
    ask(owner, "the words of a prompt")
    (bell,) = valkey.client.lrange(f"chat:{QUEUE}", 0, -1)
    body = base64.b64decode(json.loads(bell)["body"]).decode()
    assert "words" not in bell + body and str(owner.pk) not in bell + body


def test_no_part_of_the_site_unpickles() -> None:
    assert app.conf.accept_content == ["json"]
    assert app.conf.task_serializer == "json"
    assert app.conf.result_backend is None
    from django.conf import settings

    assert settings.CACHES["default"]["BACKEND"].endswith("DummyCache")
    assert settings.SESSION_SERIALIZER.endswith("JSONSerializer")
