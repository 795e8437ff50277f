"""Signatures, as the library of Standard Webhooks verifies them."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from chat.services.webhooks.signature import new_secret, signed_headers
from tests.documents import DOCUMENTS

BODY = json.dumps({"type": "reply.done", "text": "größer"}).encode()


def test_the_library_of_the_standard_accepts_a_call() -> None:
    secret = new_secret()
    headers = signed_headers("evt_1", int(time.time()), BODY, [secret])
    assert Webhook(secret).verify(BODY, headers) == json.loads(BODY)


def test_it_refuses_another_body_id_time_and_secret() -> None:
    secret, now = new_secret(), int(time.time())
    headers = signed_headers("evt_1", now, BODY, [secret])
    wrong = [
        (secret, BODY + b" ", headers),
        (secret, BODY, headers | {"webhook-id": "evt_2"}),
        (secret, BODY, headers | {"webhook-timestamp": str(now - 1)}),
        (secret, BODY, signed_headers("evt_1", now - 3600, BODY, [secret])),
        (new_secret(), BODY, headers),
    ]
    for key, body, said in wrong:
        with pytest.raises(WebhookVerificationError):
            Webhook(key).verify(body, said)


def test_both_secrets_sign_while_one_is_replaced() -> None:
    new, old = new_secret(), new_secret()
    headers = signed_headers("evt_1", int(time.time()), BODY, [new, old])
    for secret in (new, old):
        Webhook(secret).verify(BODY, headers)


def test_the_example_of_the_documentation_verifies_calls() -> None:
    found: dict[str, Any] = {}
    block = DOCUMENTS["docs/webhooks.md"].split("<!-- A test runs this block. -->")[1]
    exec(block.split("```")[1].removeprefix("python"), found)
    is_genuine, now = found["is_genuine"], int(time.time())
    new, old = new_secret(), new_secret()
    headers = signed_headers("evt_1", now, BODY, [new, old])
    assert is_genuine(new, headers, BODY)
    assert is_genuine(old, headers, BODY)
    assert not is_genuine(new_secret(), headers, BODY)
    assert not is_genuine(new, headers, BODY + b" ")
    assert not is_genuine(new, headers | {"webhook-id": "evt_2"}, BODY)
    late = signed_headers("evt_1", now - 301, BODY, [new])
    assert not is_genuine(new, late, BODY)
