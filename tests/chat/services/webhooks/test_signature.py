"""Signatures, as the library of Standard Webhooks verifies them."""

from __future__ import annotations

import json
import time

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from chat.services.webhooks.signature import new_secret, signed_headers

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
