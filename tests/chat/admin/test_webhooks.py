"""Webhooks in the admin: their host, how they went, and a way to switch them off."""

from __future__ import annotations

import pytest
from django.test import Client

from chat.models import User
from chat.services.webhooks.endpoints import make_endpoint, send_test
from tests.chat.admin.conftest import WEBHOOKS, run_action
from tests.chat.pages import text_of

pytestmark = pytest.mark.django_db


def test_a_webhook_shows_its_host_alone_and_can_be_switched_off(
    superuser_client: Client, ada: User
) -> None:
    url = "https://hooks.example/secret-path"
    endpoint = make_endpoint(
        ada, url=url, description="Of the choir", events=["reply.done"]
    )
    send_test(endpoint)
    made = {"at": "", "status": 503, "milliseconds": 7, "error": "status"}
    endpoint.deliveries.update(tries=[made])
    change = f"{WEBHOOKS}{endpoint.pk}/change/"
    for path in (WEBHOOKS, change):
        page = text_of(superuser_client.get(path))
        assert "hooks.example" in page
        for secret in ("secret-path", "choir", endpoint.secret):
            assert secret not in page
    assert "It refused the call. (503 · 7 ms)" in text_of(superuser_client.get(change))
    said = text_of(run_action(superuser_client, WEBHOOKS, "disable", endpoint.pk))
    assert "1 webhook was switched off." in said
    endpoint.refresh_from_db()
    assert endpoint.disabled_reason == "admin"
