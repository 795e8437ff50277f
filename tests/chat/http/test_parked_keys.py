"""Keys that are revoked while a call with them waits for a reply."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from chat.accounts.api_keys import make_key, revoke
from chat.models import User
from chat.services.messages import send_message
from chatsite.mailbox import Mailbox
from chatsite.parked_answers import HAS_ROOM, PARKED_ANSWER

pytestmark = pytest.mark.django_db(transaction=True)
ASKED = {"model": "scripted", "messages": [{"role": "user", "content": "Bees?"}]}


@pytest.mark.parametrize("is_native", [True, False])
def test_a_call_that_waits_is_answered_after_its_key_is_revoked(
    box: Mailbox, worker: Any, is_native: bool
) -> None:
    account = User.objects.create_user("writer", password=None)
    key, secret = make_key(account, "a program", can_read_history=True)
    headers = {"Authorization": f"Bearer {secret}"}
    client = Client(headers=headers)

    def call(**environment: Any) -> Any:
        if is_native:
            return client.get(f"/api/v1/replies/{pk}?wait=40", **environment)
        body, kind = json.dumps(ASKED), "application/json"
        return client.post("/v1/chat/completions", body, kind, **environment)

    pk = send_message(account, "Bees?", None).pk if is_native else None
    parked = call(**{HAS_ROOM: lambda: True})
    revoke(key)
    worker.answer("Honey.")
    for _ in parked.streaming_content:
        pass
    again = call(**{HAS_ROOM: lambda: True, PARKED_ANSWER: parked})
    assert (again.status_code, b"Honey." in again.content) == (200, True)
    assert call(**{HAS_ROOM: lambda: True}).status_code == 401
