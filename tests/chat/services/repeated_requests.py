"""Requests with an idempotency key, and replies that end, for several test files."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.test import Client

from chat.models import Reply, User
from chat.services import messages
from chat.services.jobs.collect import collect
from chatsite import wire
from tests.chat.conftest import Worker


def ask(tab: Client, path: str, key: str | None, **body: str) -> HttpResponse:
    headers = {} if key is None else {"Idempotency-Key": key}
    return tab.post(
        f"/api/v1/{path}", body, content_type="application/json", headers=headers
    )


def ended(owner: User, worker: Worker, outcome: wire.Outcome, **said: Any) -> Reply:
    """A reply of which another version may be asked for."""
    reply = messages.send_message(owner, "Hello", None)
    end_next(worker, outcome, **said)
    return Reply.objects.with_path().get(pk=reply.pk)


def end_next(worker: Worker, outcome: wire.Outcome, **said: Any) -> None:
    claim = worker.claim()
    worker.finish(claim, "So far", outcome, **said)
    collect(claim.reply)
